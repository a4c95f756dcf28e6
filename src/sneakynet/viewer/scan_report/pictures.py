"""Pictures of a whole scan's bones."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True, eq=False)
class Projection:
    """The bones over a faint radiograph.

    Args:
        side: from where.
        picture: RGB from 0 to 1, rows from the top.
        letters: which side of the patient is on the picture's left and right.
        pixel_mm: edge of a pixel.
    """

    side: str
    picture: Float[np.ndarray, "row column 3"]
    letters: tuple[str, str]
    pixel_mm: float

    @property
    def size_cm(self) -> str:
        """Width and height of what it shows, in words."""
        high, wide = (n * self.pixel_mm / 10 for n in self.picture.shape[:2])
        return f"{wide:.0f} x {high:.0f} cm"


@dataclass(frozen=True, eq=False)
class SkeletonView:
    """A picture of the whole skeleton.

    Args:
        side: from where.
        picture: RGBA on nothing, rows from the top.
        letters: which side of the patient is on the picture's left and right.
        pixel_mm: edge of a pixel.
    """

    side: str
    picture: UInt8[np.ndarray, "row column 4"]
    letters: tuple[str, str]
    pixel_mm: float

    @property
    def size_cm(self) -> str:
        """Width and height of what it shows, in words."""
        high, wide = (n * self.pixel_mm / 10 for n in self.picture.shape[:2])
        return f"{wide:.0f} x {high:.0f} cm"
