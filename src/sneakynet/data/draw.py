"""Everything random about a training patch, as numbers that can be printed and repeated."""

from dataclasses import dataclass

from sneakynet.data.patches import Box
from sneakynet.data.warp import Warp


@dataclass(frozen=True)
class Draw:
    """Everything random about one training patch.

    Args:
        case: index of the case.
        origin: first voxel of the target patch, full resolution; may be negative (beyond the scan).
        inside: the part of the scan that is seen; beyond it its edge values are repeated.
        mirror: swap left and right.
        gain: contrast factor.
        offset: brightness shift, normalised intensity.
        gamma: exponent of the intensity, counted from the window's lower end to its upper.
        blur: standard deviation of a Gaussian, full-resolution voxels.
        coarse: full-resolution voxels along i, j, k that are averaged into one and interpolated back, as of a scan with
            thicker slices.
        noise: standard deviation of the noise, normalised intensity.
        noise_seed: of the noise; a batch takes its first draw's.
        warp: of the space around the patch's centre, if any.
    """

    case: int
    origin: tuple[int, int, int]
    inside: Box
    mirror: bool = False
    gain: float = 1.0
    offset: float = 0.0
    gamma: float = 1.0
    blur: float = 0.0
    coarse: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 0.0
    noise_seed: int = 0
    warp: Warp | None = None
