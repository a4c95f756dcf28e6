"""How bodies made from one label map differ."""

from dataclasses import dataclass

from sneakynet.errors import SettingError

SPACINGS = (0.5, 12.0)
"""Mm per voxel that a body may have."""


# Of a wrong voxel size; beyond it the file is of something else.
_MOST_STRETCH = 5.0


@dataclass(frozen=True)
class LabelMapSettings:
    """How bodies made from one label map differ. Ranges without a source are choices."""

    size: float = 0.06
    """Standard deviation of the common size factor. Adult stature has 4 % within a sex and 5 % over both (NCD-RisC
    2016, eLife); bones of equal stature differ by about as much again."""
    proportions: float = 0.03
    """Standard deviation of a further factor along each axis."""
    rotation: float = 4.0
    """Standard deviation of the turn about each axis, degrees; positioning errors in CT are of this order (Kaasalainen
    2019, Phys Med)."""
    warp_mm: float = 3.0
    """Standard deviation of the smooth displacement, mm: shapes change, a level stays recognisable."""
    warp_scale_mm: float = 55.0
    """Distance over which the displacement changes, mm: somewhat more than the height of a vertebra with its disc, so
    that borders of neighbours stay smooth."""
    cortex: tuple[float, float] = (0.35, 1.5)
    """Range of the common factor of shell thickness; low in osteoporosis (Ritzel 1997, JBMR, finds 30 to 40 % less)."""
    cortex_spread: float = 0.3
    """Relative standard deviation of shell thickness from bone to bone."""
    fat_mm: tuple[float, float] = (6.0, 40.0)
    """Range of the fat under the skin, mm, where the map does not show it (abdominal wall: Storchle 2018, Sci Rep)."""
    margin_mm: tuple[float, float] = (0.0, 130.0)
    """Range of what is added beyond each face of a map that holds bones alone, where no bone reaches that face."""
    background_mm: float = 15.0
    """A voxel without label nearer than this to a labelled structure is background, one farther away counts nowhere:
    who labelled a vertebra saw what lies beside it."""
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors of the map's extent along right, front and up, for files that state a wrong voxel size."""


def check_settings(settings: LabelMapSettings, *, spacing: float) -> None:
    """Refuse what no body can be made with; every fault in one message.

    Raises:
        SettingError: a value outside what is allowed.
    """
    faults = []
    if not SPACINGS[0] <= spacing <= SPACINGS[1]:
        faults.append(f"spacing must be {SPACINGS[0]:g} to {SPACINGS[1]:g} mm, got {spacing:g}")
    for name in ("size", "proportions", "rotation", "warp_mm", "cortex_spread", "background_mm"):
        if not getattr(settings, name) >= 0:
            faults.append(f"{name} must be 0 or more, got {getattr(settings, name):g}")
    for name in ("cortex", "fat_mm", "margin_mm"):
        low, high = getattr(settings, name)
        if not 0 <= low <= high:
            faults.append(f"{name} must be a range from 0 up, its lower end first, got {low:g} {high:g}")
    if not settings.warp_scale_mm > 0:
        faults.append(f"warp_scale_mm must be above 0, got {settings.warp_scale_mm:g}")
    shown = " ".join(f"{factor:g}" for factor in settings.stretch)
    if not all(1 / _MOST_STRETCH <= factor <= _MOST_STRETCH for factor in settings.stretch):
        faults.append(f"stretch must be three factors from {1 / _MOST_STRETCH:g} to {_MOST_STRETCH:g}, got {shown}")
    if faults:
        msg = "; ".join(faults)
        raise SettingError(msg)
