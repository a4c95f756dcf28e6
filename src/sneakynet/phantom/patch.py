"""A box of a voxel grid with a coarse lattice over it, on which smooth fields are computed.

Organs and body outlines vary over centimetres, voxels over millimetres: a field costs tens of times less on nodes 6 mm
apart, and its trilinear interpolation is as good a border as any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float

from sneakynet.phantom.bone_voxels import Grid

LATTICE_MM = 6.0
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of its own for the body: a person lies rotated in the scanner, anatomy is thought upright.

    Args:
        centre: the frame's origin, RAS mm.
        axes: its axes (right, front, up) as columns, unit vectors in RAS.
    """

    centre: Float[np.ndarray, " 3"]
    axes: Float[np.ndarray, "3 3"]

    def inward(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """RAS mm to body mm."""
        moved: np.ndarray = (points - self.centre) @ self.axes
        return moved

    def outward(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Body mm to RAS mm."""
        moved: np.ndarray = points @ self.axes.T + self.centre
        return moved


@dataclass(frozen=True, eq=False)
class Patch:
    """Voxels of a box, and the lattice over them.

    Args:
        grid: the whole grid.
        frame: the body's frame, in which positions are given.
        box: the voxels.
        step: voxels between lattice nodes.
    """

    grid: Grid
    frame: Frame
    box: Box
    step: int

    @property
    def empty(self) -> bool:
        """Whether the box holds no voxel."""
        return 0 in self.shape

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along i, j, k."""
        i, j, k = (s.stop - s.start for s in self.box)
        return i, j, k

    @property
    def lattice_shape(self) -> tuple[int, int, int]:
        """Nodes along i, j, k: the last one at or beyond the last voxel."""
        i, j, k = (-(-(n - 1) // self.step) + 1 for n in self.shape)
        return i, j, k

    @cached_property
    def nodes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y, z of the nodes in body mm, each of the lattice's shape."""
        return self._positions(self.lattice_shape, self.step)

    @cached_property
    def voxels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y, z of the voxels in body mm, each of the box's shape."""
        return self._positions(self.shape, 1)

    def _positions(self, shape: tuple[int, int, int], step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lines = [
            (o + self.grid.spacing * (s.start + step * np.arange(n)) - c).astype(np.float32)
            for o, s, n, c in zip(self.grid.origin, self.box, shape, self.frame.centre, strict=True)
        ]
        axes = self.frame.axes.astype(np.float32)
        x, y, z = (
            axes[0, d] * lines[0][:, None, None] + axes[1, d] * lines[1][:, None] + axes[2, d] * lines[2]
            for d in range(3)
        )
        return x, y, z

    def cut(self, wanted: Bool[np.ndarray, "x y z"], *fields: np.ndarray) -> tuple["Patch", list[np.ndarray]]:
        """The patch around the wanted nodes, and fields on its lattice."""
        spans = [np.flatnonzero(wanted.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
        first = [int(span[0]) if len(span) else 0 for span in spans]
        last = [int(span[-1]) + 1 if len(span) else 0 for span in spans]
        i, j, k = (
            slice(s.start + a * self.step, max(s.start + a * self.step, min(s.stop, s.start + (b - 1) * self.step + 1)))
            for s, a, b in zip(self.box, first, last, strict=True)
        )
        part = Patch(self.grid, self.frame, (i, j, k), self.step)
        nodes = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        return part, [field[nodes] for field in fields]

    def fine(self, values: Float[np.ndarray, "x y z"]) -> Float[np.ndarray, "i j k"]:
        """Node values at the voxels, by trilinear interpolation."""
        for axis in (2, 1, 0):  # the largest pass last, over whole slabs of memory
            values = _spread(values, axis, self.step, self.shape[axis])
        return values

    def below(self, values: Float[np.ndarray, "x y z"], level: float = 0.0) -> Bool[np.ndarray, "i j k"]:
        """Voxels where the interpolated field lies below a level."""
        return self.fine(values) < level

    def noise(self, rng: np.random.Generator, scale: float) -> Float[np.ndarray, "x y z"]:
        """Gaussian noise of about unit deviation on the nodes, varying over ``scale`` mm."""
        return _noise(rng, self.lattice_shape, scale / (self.step * self.grid.spacing))

    def fine_noise(self, rng: np.random.Generator, scale: float) -> Float[np.ndarray, "i j k"]:
        """As :meth:`noise`, on the voxels: for structure finer than the lattice."""
        return _noise(rng, self.shape, scale / self.grid.spacing)

    def fibres(self, rng: np.random.Generator, across: float, along: float, *, fine: bool = False) -> np.ndarray:
        """Noise drawn out along the body, as muscles run: it varies over ``across`` and ``along`` mm.

        On the nodes, or on the voxels if ``fine``.
        """
        shape, step = (self.shape, 1) if fine else (self.lattice_shape, self.step)
        size = [
            max(2, min(n, int(np.ceil((n - 1) * step * self.grid.spacing / mm)) + 1))
            for n, mm in zip(shape, (across, across, along), strict=True)
        ]
        return _interpolated(rng.standard_normal(size, dtype=np.float32) * np.float32(1.6), shape)


def patch(
    grid: Grid, frame: Frame, low: Sequence[float], high: Sequence[float], *, lattice: float = LATTICE_MM
) -> Patch:
    """The patch over what lies between two corners in body mm (and, as boxes go, somewhat more)."""
    corners = np.array(
        [[(low, high)[b][d] for d, b in enumerate((i, j, k))] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )
    world = frame.outward(corners)
    return world_patch(grid, frame, world.min(0), world.max(0), lattice=lattice)


def world_patch(
    grid: Grid,
    frame: Frame,
    low: Float[np.ndarray, " 3"],
    high: Float[np.ndarray, " 3"],
    *,
    lattice: float = LATTICE_MM,
) -> Patch:
    """The patch between two corners in RAS mm, cut at the grid."""
    first = np.clip(np.floor((low - np.array(grid.origin)) / grid.spacing), 0, grid.shape).astype(int)
    last = np.clip(np.ceil((high - np.array(grid.origin)) / grid.spacing) + 1, first, grid.shape).astype(int)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return Patch(grid, frame, (i, j, k), max(1, round(lattice / grid.spacing)))


def _spread(values: np.ndarray, axis: int, step: int, n: int) -> np.ndarray:
    """Linear interpolation along one axis to ``n`` voxels, ``step`` of them per node: five times torch's speed."""
    values = np.ascontiguousarray(values, dtype=np.float32)
    if step == 1:
        return values
    shape = list(values.shape)
    shape[axis] = n
    result = np.empty(shape, np.float32)
    at: list[slice] = [slice(None)] * 3
    for m in range(step):
        at[axis] = slice(m, None, step)
        part = result[tuple(at)]
        count = part.shape[axis]
        at[axis] = slice(0, count)
        first = values[tuple(at)]
        if m == 0:
            part[...] = first
            continue
        at[axis] = slice(1, count + 1)
        np.multiply(first, np.float32(1 - m / step), out=part)
        part += values[tuple(at)] * np.float32(m / step)
    return result


def _interpolated(values: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
    result: np.ndarray = torch.nn.functional.interpolate(tensor, list(shape), mode="trilinear", align_corners=True)[
        0, 0
    ].numpy()
    return result


def _noise(rng: np.random.Generator, shape: tuple[int, ...], steps: float) -> np.ndarray:
    """Noise that varies over ``steps`` nodes."""
    if steps <= 1:
        return rng.standard_normal(shape, dtype=np.float32)
    size = [max(2, int(np.ceil((n - 1) / steps)) + 1) for n in shape]
    # Trilinear interpolation averages neighbouring nodes; 1.6 restores the deviation.
    return _interpolated(rng.standard_normal(size, dtype=np.float32) * np.float32(1.6), shape)
