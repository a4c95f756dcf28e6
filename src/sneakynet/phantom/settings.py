"""Everything that decides which phantoms are drawn."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

from sneakynet.errors import SettingError
from sneakynet.phantom.field_of_view import FieldShares
from sneakynet.phantom.person import PersonSettings
from sneakynet.phantom.scan import ScanSettings
from sneakynet.phantom.soft_tissue import TissueSettings


@dataclass(frozen=True)
class PhantomSettings:
    """The data engine's settings: who is scanned, what they are made of, and how the scanner sees them."""

    person: PersonSettings = field(default_factory=PersonSettings)
    """Build, pose and variants."""
    tissue: TissueSettings = field(default_factory=TissueSettings)
    """Soft tissue, metal, table and blankets."""
    scan: ScanSettings = field(default_factory=ScanSettings)
    """Hounsfield units and the scanner."""
    fields: FieldShares = field(default_factory=FieldShares)
    """Which parts of the body scans show, and how often."""
    cortex: tuple[float, float] = (0.5, 1.6)
    """Thickness of the cortical shells relative to published adult means (``cortex.py``) up to 40 years; with age they
    thin out (Poole 2010, JBMR)."""
    cortex_spread: float = 0.3
    """Standard deviation of that thickness from bone to bone of one person, relative."""
    skull_mm: tuple[float, float] = (4.5, 10.0)
    """Thickness of the brain case: 5.5 to 9 mm on average by region and sex, with wide spread (Lillie 2016, J Anat)."""


# A number this many times the largest of its setting's default fits no person and no scanner.
_FAR = 20.0


def check_phantom_settings(settings: PhantomSettings) -> None:
    """Refuse what no phantom can be drawn from.

    Every number must be finite, not negative where its default is not, and not more than 20 times the largest number of
    its default (shares: than 1). A pair whose default ascends is a range and must ascend.

    Raises:
        SettingError: every fault at once, each with the setting's name as the command line has it.
    """
    faults = [*_faults(settings, PhantomSettings(), ())]
    if not any(asdict(settings.fields).values()):
        faults.append("fields: at least one share must be above 0")
    if faults:
        msg = "; ".join(faults)
        raise SettingError(msg)


def _faults(value: Any, usual: Any, path: tuple[str, ...]) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        for name, default in ((name, getattr(usual, name)) for name in usual.__dataclass_fields__):
            yield from _faults(getattr(value, name), default, (*path, name))
        return
    given = value if isinstance(value, tuple) else (value,)
    before = usual if isinstance(usual, tuple) else (usual,)
    if not all(isinstance(number, float | int) and not isinstance(number, bool) for number in (*given, *before)):
        return
    name, shown = ".".join(path).replace("_", "-"), " ".join(f"{number:g}" for number in given)
    most = max((abs(number) for number in before), default=0.0)
    if not all(math.isfinite(number) for number in given):
        yield f"{name} must be finite, got {shown}"
    elif min(before, default=0.0) >= 0 and min(given, default=0.0) < 0:
        yield f"{name} must not be negative, got {shown}"
    elif most and max(abs(number) for number in given) > max(1.0, _FAR * most):
        yield f"{name} must not be beyond {max(1.0, _FAR * most):g}, got {shown}"
    elif len(before) == len(given) == 2 and before[0] < before[1] and given[0] > given[1]:
        yield f"{name} is a range, the lower bound first; got {shown}"
