"""The tissue ids under the brush: regions are laid one over the other, the later over the earlier."""

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, UInt8

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.patch import LATTICE_MM, Box, Frame, Patch, world_patch
from sneakynet.phantom.tissue_ids import tissue_ids


class Canvas:
    """One tissue id per voxel.

    Args:
        grid: where to paint.
        frame: the body's frame, in which positions are given.
    """

    def __init__(self, grid: Grid, frame: Frame) -> None:
        self.ids: UInt8[np.ndarray, "i j k"] = np.zeros(grid.shape, np.uint8)
        self.grid = grid
        self.frame = frame
        self._ids = tissue_ids()

    def lay(
        self, tissue: str, mask: Bool[np.ndarray, "i j k"], box: Box, *, over: Collection[str] | None = None
    ) -> None:
        """Lay a tissue where the mask says so.

        Args:
            tissue: name of the tissue.
            mask: where, within the box.
            box: voxels of the grid.
            over: only over these tissues; over any when not given.
        """
        under = self.ids[box]
        where = mask if over is None else mask & self.among(over, box)
        np.copyto(under, np.uint8(self._ids[tissue]), where=where)

    def among(self, tissues: Collection[str], box: Box) -> Bool[np.ndarray, "i j k"]:
        """Where one of these tissues lies."""
        wanted = np.zeros(256, bool)
        wanted[[self._ids[name] for name in tissues]] = True
        among: np.ndarray = wanted[self.ids[box]]
        return among

    def rod(
        self,
        tissue: str,
        path: Sequence[np.ndarray],
        radii: Sequence[float] | Float[np.ndarray, " point"],
        *,
        over: Collection[str] | None = None,
    ) -> None:
        """A tube along a path.

        Args:
            tissue: its tissue.
            path: points in body mm.
            radii: one per point, mm.
            over: only over these tissues.
        """
        for (start, end), (first, last) in zip(pairwise(path), pairwise(radii), strict=True):
            found = self.rod_distance(start, end, (float(first), float(last)))
            if found is not None:
                distance, box = found
                self.lay(tissue, distance < 0, box, over=over)

    def wire(
        self, tissue: str, path: Sequence[np.ndarray], radius: float, *, over: Collection[str] | None = None
    ) -> None:
        """A tube so thin that it could pass between voxel centres: never thinner than a pixel is long across.

        Args:
            tissue: its tissue.
            path: points in body mm.
            radius: mm.
            over: only over these tissues.
        """
        self.rod(tissue, path, [max(radius, 0.71 * self.grid.spacing)] * len(path), over=over)

    def rod_distance(
        self, start: np.ndarray, end: np.ndarray, radii: tuple[float, float], *, margin: float = 2.0
    ) -> tuple[Float[np.ndarray, "i j k"], Box] | None:
        """Distance to a rod near it, on the voxels; None where it lies outside of the grid.

        Args:
            start: one end, body mm.
            end: the other.
            radii: at both ends.
            margin: how far around it is asked for, mm.
        """
        ends = self.frame.outward(np.stack([start, end]))
        spread = max(radii) + margin
        region = world_patch(self.grid, self.frame, ends.min(0) - spread, ends.max(0) + spread)
        if region.empty:
            return None
        lines = [
            np.float32(o - c) + np.float32(self.grid.spacing) * np.arange(s.start, s.stop, dtype=np.float32)
            for o, c, s in zip(self.grid.origin, ends[0], region.box, strict=True)
        ]
        dx, dy, dz = lines[0][:, None, None], lines[1][:, None], lines[2]
        axis = (ends[1] - ends[0]).astype(np.float32)
        along = (dx * axis[0] + dy * axis[1] + dz * axis[2]) / np.float32(max(float(axis @ axis), 1e-6))
        np.clip(along, 0, 1, out=along)
        squared = (dx - along * axis[0]) ** 2 + (dy - along * axis[1]) ** 2 + (dz - along * axis[2]) ** 2
        distance = np.sqrt(squared) - (np.float32(radii[0]) + along * np.float32(radii[1] - radii[0]))
        return distance, region.box

    def ball(
        self,
        tissue: str,
        centre: np.ndarray,
        radii: tuple[float, float, float],
        *,
        axes: Float[np.ndarray, "3 3"] | None = None,
        rough: np.random.Generator | None = None,
        over: Collection[str] | None = None,
    ) -> None:
        """An ellipsoid.

        Args:
            tissue: its tissue.
            centre: in body mm.
            radii: along its axes, mm.
            axes: directions of the radii as columns, body frame; the body's own when not given.
            rough: draws an uneven surface when given.
            over: only over these tissues.
        """
        region, distance = self.ball_distance(centre, radii, axes=axes, rough=rough)
        if not region.empty:
            self.lay(tissue, distance < 0, region.box, over=over)

    def ball_distance(
        self,
        centre: np.ndarray,
        radii: tuple[float, float, float],
        *,
        axes: Float[np.ndarray, "3 3"] | None = None,
        rough: np.random.Generator | None = None,
    ) -> tuple[Patch, Float[np.ndarray, "i j k"]]:
        """About the distance to an ellipsoid, on the voxels of the patch around it; arguments as :meth:`ball`."""
        turn = np.eye(3) if axes is None else axes
        reach = np.sqrt(((turn * np.array(radii)) ** 2).sum(1)) * 1.2 + 2
        corners = self.frame.outward(
            centre + reach * np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
        )
        # A small ball would slip between the nodes of the usual lattice.
        lattice = min(LATTICE_MM, 0.5 * min(radii))
        region = world_patch(self.grid, self.frame, corners.min(0), corners.max(0), lattice=lattice)
        if region.empty:
            return region, np.zeros(region.shape, np.float32)
        scaled = (turn / np.array(radii)).astype(np.float32)
        x, y, z = (c - np.float32(m) for c, m in zip(region.nodes, centre, strict=True))
        squared = sum((x * scaled[0, d] + y * scaled[1, d] + z * scaled[2, d]) ** 2 for d in range(3))
        distance = (np.sqrt(squared) - 1) * np.float32(min(radii))
        if rough is not None:
            distance += region.noise(rough, max(12.0, 0.5 * min(radii))) * np.float32(0.06 * min(radii))
        return region, region.fine(distance)
