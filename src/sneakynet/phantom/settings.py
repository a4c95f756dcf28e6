"""Everything that decides which phantoms are drawn."""

from dataclasses import dataclass, field

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
