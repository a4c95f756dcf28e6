"""From tissue to a CT image: bone, metal, noise, blur and the scanner's field."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer
from scipy.ndimage import gaussian_filter

from sneakynet.phantom.bone_voxels import BoneVoxels, Grid
from sneakynet.phantom.fields import smooth_noise

HU_RANGE = (-1024, 3071)
"""What 12-bit CT stores."""


@dataclass(frozen=True)
class Scanner:
    """One acquisition and one patient's bone.

    Cortex and trabecular bone are drawn once for all bones of a body, with the same spread for each: a bone that is
    always brighter than the others would be known by its brightness.

    Args:
        cortex: HU of cortical bone.
        trabecular: HU of trabecular bone (down to 30 in the old).
        bone_spread: relative deviation of both from bone to bone.
        noise: standard deviation in HU.
        noise_blur: correlation of the noise, voxels.
        blur: of the image in plane, and along the table, voxels.
        offset: calibration error, HU.
        circular: only the inscribed circle is reconstructed.
        streaks: HU of streaks around metal.
    """

    cortex: float
    trabecular: float
    bone_spread: float
    noise: float
    noise_blur: float
    blur: tuple[float, float]
    offset: float
    circular: bool
    streaks: float


def draw_scanner(rng: np.random.Generator) -> Scanner:
    """An acquisition as archives hold them, soft kernels more often than sharp ones."""
    thick = bool(rng.random() < 0.3)
    return Scanner(
        cortex=rng.uniform(500, 1500),
        trabecular=rng.uniform(30, 330),
        bone_spread=rng.uniform(0.05, 0.2),
        noise=float(np.exp(rng.uniform(np.log(3), np.log(45)))),
        noise_blur=rng.uniform(0, 0.8),
        blur=(rng.uniform(0, 0.55), rng.uniform(0.4, 0.9) if thick else rng.uniform(0, 0.4)),
        offset=rng.normal(0, 6),
        circular=bool(rng.random() < 0.1),
        streaks=rng.uniform(80, 400),
    )


def acquire(
    soft: Float[np.ndarray, "i j k"],
    bones: BoneVoxels,
    *,
    grid: Grid,
    scanner: Scanner,
    brain: float,
    cartilage: float,
    metal: Float[np.ndarray, "i j k"] | None,
    rng: np.random.Generator,
) -> Integer[np.ndarray, "i j k"]:
    """The scan as int16 HU.

    Args:
        soft: HU of everything but bone.
        bones: shares of bone, cortex, brain and cartilage per voxel.
        grid: their grid.
        scanner: the acquisition.
        brain: HU inside the brain case.
        cartilage: HU of costal cartilage.
        metal: share of each voxel that is metal, if there is any.
        rng: randomness of textures and noise.
    """
    n_labels = int(bones.labels.max()) + 1
    factors = np.clip(rng.normal(1, scanner.bone_spread, (2, n_labels)), 0.5, 1.6).astype(np.float32)
    texture = smooth_noise(rng, grid, scale=3 * grid.spacing)
    trabecular = scanner.trabecular * factors[0][bones.labels] + texture * (12 + 0.15 * scanner.trabecular)
    cortex = scanner.cortex * factors[1][bones.labels]
    hu = soft + bones.brain * (brain - soft)
    hu += bones.cartilage * (cartilage - hu)
    hu = hu * (1 - bones.bone) + (bones.bone - bones.cortex) * trabecular + bones.cortex * cortex
    if metal is not None:
        hu += metal * (rng.uniform(2500, 4000) - hu)
        hu += _streaks(metal, grid, scanner.streaks, rng)
    hu = gaussian_filter(hu, (scanner.blur[0], scanner.blur[0], scanner.blur[1]))
    hu += _noise(hu.shape, scanner, rng) + scanner.offset
    if scanner.circular:
        hu[_outside_circle(grid)] = HU_RANGE[0]
    return np.clip(np.round(hu), *HU_RANGE).astype(np.int16)


def _noise(shape: tuple[int, ...], scanner: Scanner, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal(shape, dtype=np.float32)
    if scanner.noise_blur > 0.2:
        noise = gaussian_filter(noise, scanner.noise_blur)
        noise /= noise.std()
    return noise * scanner.noise


def _streaks(metal: np.ndarray, grid: Grid, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Bright and dark rays around metal, slice by slice, fading with distance."""
    streaks = np.zeros_like(metal)
    x, y, _ = grid.axes()
    rays = 180
    for k in np.flatnonzero(metal.any(axis=(0, 1))):
        weight = metal[:, :, k]
        cx, cy = (float((weight * c[:, :, 0]).sum() / weight.sum()) for c in (x, y))
        dx, dy = x[:, :, 0] - cx, y[:, :, 0] - cy
        angle = ((np.arctan2(dy, dx) / (2 * np.pi) + 0.5) * rays).astype(int) % rays
        profile = gaussian_filter(rng.standard_normal(rays), 1.5, mode="wrap") * 2.3
        streaks[:, :, k] = profile[angle] * strength * np.exp(-np.hypot(dx, dy) / 60)
    return streaks


def _outside_circle(grid: Grid) -> np.ndarray:
    i, j, k = grid.shape
    u = (np.arange(i)[:, None, None] - (i - 1) / 2) / (max(i, j) / 2)
    v = (np.arange(j)[None, :, None] - (j - 1) / 2) / (max(i, j) / 2)
    return np.broadcast_to(u**2 + v**2 > 1, (i, j, k))
