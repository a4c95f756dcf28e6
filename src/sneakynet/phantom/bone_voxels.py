"""Bones as voxels: labels, and how much of each voxel is bone and cortex."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer
from scipy.ndimage import distance_transform_edt
from vtkmodules.util.numpy_support import vtk_to_numpy

from sneakynet.phantom.surface import Surface, voxelised

OVERSAMPLING = 2
"""Fine voxels per voxel and axis: what partial volume is counted from."""

_BRAIN_CASE = "skull"  # the source's skull is solid: its inside is brain


@dataclass(frozen=True)
class Grid:
    """An axis-aligned RAS+ voxel grid: centre of voxel 0 in mm, voxels per axis, mm per voxel."""

    origin: tuple[float, float, float]
    shape: tuple[int, int, int]
    spacing: float

    @property
    def affine(self) -> Float[np.ndarray, "4 4"]:
        """Voxel index -> RAS mm."""
        affine = np.diag([self.spacing] * 3 + [1.0])
        affine[:3, 3] = self.origin
        return affine

    def axes(self) -> tuple[Float[np.ndarray, "i 1 1"], Float[np.ndarray, "1 j 1"], Float[np.ndarray, "1 1 k"]]:
        """Coordinates in mm along each axis, shaped to broadcast over the grid."""
        x, y, z = (o + self.spacing * np.arange(n) for o, n in zip(self.origin, self.shape, strict=True))
        return x[:, None, None], y[None, :, None], z[None, None, :]


@dataclass(frozen=True, eq=False)
class BoneVoxels:
    """What the skeleton leaves on a grid.

    Args:
        labels: class id of the bone that fills most of a voxel, where bone fills half of it; 0 elsewhere.
        bone: share of the voxel that is bone, with or without a label.
        cortex: share of the voxel that is cortical bone.
        brain: share inside the brain case.
        cartilage: share that is costal cartilage.
    """

    labels: Integer[np.ndarray, "i j k"]
    bone: Float[np.ndarray, "i j k"]
    cortex: Float[np.ndarray, "i j k"]
    brain: Float[np.ndarray, "i j k"]
    cartilage: Float[np.ndarray, "i j k"]


def voxelise_bones(
    surfaces: Mapping[str, Surface],
    *,
    grid: Grid,
    ids: Mapping[str, int],
    cortex_mm: Mapping[str, float],
    skull_mm: float,
) -> BoneVoxels:
    """Labels and fractions from an oversampled voxelisation.

    Where surfaces overlap the smaller bone keeps the voxel, and a bone too thin to fill half of any voxel keeps the
    voxel it fills most: nothing inside the grid vanishes.

    Args:
        surfaces: closed surfaces by name, RAS mm.
        grid: where to voxelise.
        ids: class id by name; a bone without one is painted and not labelled, costal cartilage is cartilage.
        cortex_mm: thickness of the cortical shell by name.
        skull_mm: thickness of the brain case.
    """
    fine = _Fine(grid)
    unlabelled = max(ids.values()) + 1
    labels = np.zeros(fine.shape, np.uint16)
    cortex = np.zeros(fine.shape, np.float16)
    brain = np.zeros(fine.shape, bool)
    cartilage = np.zeros(fine.shape, bool)
    for name in sorted(surfaces, key=lambda n: surfaces[n].volume):
        found = fine.mask(surfaces[name])
        if found is None:
            continue
        mask, box = found
        if name.startswith("costal_cartilage"):
            cartilage[box] |= mask
            continue
        depth = distance_transform_edt(np.pad(mask, 1), sampling=fine.spacing)[1:-1, 1:-1, 1:-1] - fine.spacing / 2
        if name == _BRAIN_CASE:
            inside = mask & (depth > skull_mm)
            brain[box] |= inside
            mask = mask & ~inside
            depth = np.minimum(depth, skull_mm - depth)
        free = mask & (labels[box] == 0)
        labels[box][free] = ids.get(name, unlabelled)
        share = np.clip((cortex_mm[name] - depth) / fine.spacing + 0.5, 0, 1)
        cortex[box][free] = share[free]
    coarse = _most_frequent(_blocks(labels))
    coarse[coarse == unlabelled] = 0
    _keep_thin_bones(coarse, labels, unlabelled)
    bone = _mean(labels > 0)
    return BoneVoxels(coarse, bone, _mean(cortex), _mean(brain & (labels == 0)), _mean(cartilage & (labels == 0)))


class _Fine:
    """The oversampled grid."""

    def __init__(self, grid: Grid) -> None:
        self.spacing = grid.spacing / OVERSAMPLING
        self.shape = tuple(n * OVERSAMPLING for n in grid.shape)
        self.origin = np.array(grid.origin) - grid.spacing / 2 + self.spacing / 2

    def mask(self, surface: Surface) -> tuple[np.ndarray, tuple[slice, slice, slice]] | None:
        """Voxels inside a surface within their bounding box, or None where it lies outside of the grid."""
        low = np.floor((surface.vertices.min(0) - self.origin) / self.spacing).astype(int)
        high = np.ceil((surface.vertices.max(0) - self.origin) / self.spacing).astype(int) + 1
        low, high = np.maximum(low, 0), np.minimum(high, self.shape)
        if (high <= low).any():
            return None
        image = voxelised(
            surface, spacing=self.spacing, origin=self.origin + low * self.spacing, shape=(high - low).tolist()
        )
        scalars = vtk_to_numpy(image.GetPointData().GetScalars())
        mask = scalars.reshape(tuple(high - low)[::-1]).transpose(2, 1, 0).astype(bool)
        i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        return mask, (i, j, k)


def _blocks(fine: np.ndarray) -> np.ndarray:
    """``[i j k n]``: the n fine voxels of each voxel."""
    i, j, k = (n // OVERSAMPLING for n in fine.shape)
    split = fine.reshape(i, OVERSAMPLING, j, OVERSAMPLING, k, OVERSAMPLING)
    return split.transpose(0, 2, 4, 1, 3, 5).reshape(i, j, k, -1)


def _mean(fine: np.ndarray) -> np.ndarray:
    # Summing strided views is several times faster than a mean over three axes of a reshaped array.
    n = OVERSAMPLING
    corners = [fine[i::n, j::n, k::n] for i in range(n) for j in range(n) for k in range(n)]
    total = np.zeros(corners[0].shape, np.float32)
    for corner in corners:
        total += corner
    return total / n**3


def _most_frequent(blocks: np.ndarray) -> np.ndarray:
    """The most frequent bone of each voxel that is at least half bone, else 0."""
    n = blocks.shape[-1]
    filled = (blocks > 0).sum(-1) * 2 >= n
    members = blocks[filled]
    votes = np.stack([((members == members[:, [m]]) & (members[:, [m]] > 0)).sum(-1) for m in range(n)], axis=-1)
    labels = np.zeros(blocks.shape[:-1], np.uint16)
    labels[filled] = np.take_along_axis(members, votes.argmax(-1)[:, None], axis=1)[:, 0]
    return labels


def _keep_thin_bones(coarse: np.ndarray, fine: np.ndarray, unlabelled: int) -> None:
    for lost in set(np.unique(fine[fine > 0])) - set(np.unique(coarse[coarse > 0])):
        if lost != unlabelled:
            voxels = np.argwhere(fine == lost) // OVERSAMPLING
            where, count = np.unique(voxels, axis=0, return_counts=True)
            coarse[tuple(where[count.argmax()])] = lost
