"""Bones as voxels: labels, and how much of each voxel is bone and cortex."""

from collections.abc import Mapping
from dataclasses import dataclass

import edt
import numpy as np
from jaxtyping import Float, Integer, UInt8

from sneakynet.phantom.body import WHOLE
from sneakynet.phantom.cortex import Cortex, shell_mm
from sneakynet.phantom.coverage import coverage, inset
from sneakynet.phantom.skeleton import CARTILAGE
from sneakynet.phantom.surface import Surface

BRAIN_CASE = "skull"
"""The source's skull is solid: its inside is brain."""

Box = tuple[slice, slice, slice]


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

    def box(self, surface: Surface) -> Box | None:
        """The voxels that a surface may touch, or None where it lies outside."""
        low = np.floor((surface.vertices.min(0) - self.origin) / self.spacing).astype(int)
        high = np.ceil((surface.vertices.max(0) - self.origin) / self.spacing).astype(int) + 1
        low, high = np.maximum(low, 0), np.minimum(high, self.shape)
        if (high <= low).any():
            return None
        i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        return i, j, k


@dataclass(frozen=True, eq=False)
class BoneVoxels:
    """What the skeleton leaves on a grid; shares in 255ths of a voxel.

    Args:
        labels: class id of the bone that fills most of a voxel, where bone fills half of it; 0 elsewhere.
        bone: share that is bone, with or without a label.
        cortex: share that is cortical bone.
        cartilage: share that is costal cartilage.
    """

    labels: Integer[np.ndarray, "i j k"]
    bone: UInt8[np.ndarray, "i j k"]
    cortex: UInt8[np.ndarray, "i j k"]
    cartilage: UInt8[np.ndarray, "i j k"]


def voxelise_bones(
    surfaces: Mapping[str, Surface],
    *,
    grid: Grid,
    ids: Mapping[str, int],
    cortex: Cortex,
    skull_mm: float,
    ignore: frozenset[str] = frozenset(),
) -> BoneVoxels:
    """Labels and shares of a skeleton.

    A bone too thin to fill half of any voxel keeps the voxel it fills most: nothing inside the grid vanishes.

    Args:
        surfaces: closed surfaces by name, RAS mm.
        grid: where to voxelise.
        ids: class id by name; a bone without one is painted and not labelled, costal cartilage is cartilage.
        cortex: the shells.
        skull_mm: thickness of the brain case.
        ignore: bones whose voxels get the highest value of the labels' type: no class, yet no background either.
    """
    dtype = np.uint8 if max(ids.values(), default=0) < 255 else np.uint16
    unknown = int(np.iinfo(dtype).max)
    labels = np.zeros(grid.shape, dtype)
    most = np.zeros(grid.shape, np.float32)
    bone, compact, cartilage = (np.zeros(grid.shape, np.float32) for _ in range(3))
    fullest: dict[str, tuple[float, tuple[int, ...]]] = {}
    for name, raw in surfaces.items():
        box = grid.box(raw)
        if box is None:
            continue
        surface = raw.outward  # coverage and inset need to know which side is in
        share = _coverage(surface, grid, box)
        if name.startswith(CARTILAGE):
            cartilage[box] += share
            continue
        shell = shell_mm(name, surface, cortex)
        if name == BRAIN_CASE:
            share, core = _hollow(share, spacing=grid.spacing, thickness=skull_mm, table=float(shell.mean()))
        else:
            core = np.minimum(_coverage(inset(surface, shell), grid, box), share)
        bone[box] += share
        compact[box] += share - core
        label = unknown if name in ignore else ids.get(name, 0)
        more = share > most[box]
        labels[box][more] = label
        most[box][more] = share[more]
        at = np.unravel_index(int(share.argmax()), share.shape)
        fullest[name] = float(share[at]), tuple(int(a) + s.start for a, s in zip(at, box, strict=True))
    labels[bone < 0.5] = 0
    present = set(np.unique(labels).tolist())
    for name, (share_there, place) in fullest.items():
        if share_there > 0 and name in ids and ids[name] not in present:
            labels[place] = ids[name]
    np.minimum(compact, bone, out=compact)
    return BoneVoxels(labels, _stored(bone), _stored(compact), _stored(np.minimum(cartilage, 1 - bone)))


def _coverage(surface: Surface, grid: Grid, box: Box) -> Float[np.ndarray, "i j k"]:
    start = np.array(grid.origin) + np.array([s.start for s in box]) * grid.spacing
    i, j, k = (s.stop - s.start for s in box)
    return coverage(surface, origin=start, spacing=grid.spacing, shape=(i, j, k)).astype(np.float32)


def _hollow(
    share: Float[np.ndarray, "i j k"], *, spacing: float, thickness: float, table: float
) -> tuple[Float[np.ndarray, "i j k"], Float[np.ndarray, "i j k"]]:
    """Of a solid: the share of its wall, and of the wall's spongy middle between an outer and an inner table."""
    solid = np.pad(share >= 0.5, 1)
    depth = edt.edt(solid, anisotropy=(spacing,) * 3)[1:-1, 1:-1, 1:-1]
    # Distances run between voxel centres; the surface lies between them, nearer to the fuller one.
    depth -= np.where(depth <= spacing, 1.5 - share, 0.5) * spacing
    wall = share * np.clip((thickness - depth) / spacing + 0.5, 0, 1)
    middle = np.clip((np.minimum(depth, thickness - depth) - table) / spacing + 0.5, 0, 1)
    return wall, np.minimum(wall, wall * middle)


def _stored(share: Float[np.ndarray, "i j k"]) -> UInt8[np.ndarray, "i j k"]:
    stored: np.ndarray = np.round(np.clip(share, 0, 1) * WHOLE).astype(np.uint8)
    return stored
