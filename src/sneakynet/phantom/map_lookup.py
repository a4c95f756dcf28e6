"""A label map looked up on the grid of a body: turned, scaled, bent, and averaged down to shares of voxels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer, UInt8
from scipy import ndimage

from sneakynet.geometry.affine import spacing_of
from sneakynet.phantom.body import WHOLE
from sneakynet.phantom.bone_voxels import Box, Grid
from sneakynet.phantom.cortex import Cortex
from sneakynet.phantom.label_map_settings import LabelMapSettings
from sneakynet.phantom.prepared_map import DEPTH_STEPS, Codes, LabelMap

_FACE_MM = 12.0  # a map is continued by its border voxels this far, where a turn looks beyond it
_LATTICE_MM = 16.0
_OVERSAMPLING = 2
_SLAB_VOXELS = 1 << 22


@dataclass(frozen=True, eq=False)
class Pull:
    """Where in the map each voxel of a body looks: voxel indices at the nodes of a lattice over the fine grid."""

    grid: Grid
    lattice: Float[np.ndarray, "3 l m n"]

    @classmethod
    def drawn(
        cls, source: LabelMap, *, spacing: float, settings: LabelMapSettings, rng: np.random.Generator
    ) -> tuple["Pull", dict[str, Any]]:
        """A body's size, turn and bend, and what was drawn as plain values."""
        size = float(np.exp(settings.size * rng.standard_normal()))
        axes = np.exp(settings.proportions * rng.standard_normal(3))
        angles = np.deg2rad(settings.rotation) * np.clip(rng.standard_normal(3), -2.5, 2.5)
        margins = rng.uniform(*settings.margin_mm, size=(2, 3)) * _free_faces(source)
        factor = size * axes * np.array(settings.stretch)
        low, high = source.extent
        centre = (low + high) / 2
        first = centre + (low - centre) * factor - margins[0]
        last = centre + (high - centre) * factor + margins[1]
        shape = np.maximum(1, np.rint((last - first) / spacing).astype(int) + 1)
        grid = Grid(
            (float(first[0]), float(first[1]), float(first[2])), (int(shape[0]), int(shape[1]), int(shape[2])), spacing
        )
        nodes = [int(np.ceil(n * spacing / _LATTICE_MM)) + 2 for n in shape]
        fine = spacing / _OVERSAMPLING
        at = np.stack(
            np.meshgrid(
                *(
                    np.linspace(f - (spacing - fine) / 2, f + spacing * (n - 1) + (spacing - fine) / 2, m)
                    for f, n, m in zip(first, shape, nodes, strict=True)
                ),
                indexing="ij",
            )
        ).reshape(3, -1)
        inner = centre[:, None] + (_rotation(angles).T @ (at - centre[:, None])) / factor[:, None]
        bend = _smooth(rng, nodes, [n * spacing for n in shape], settings.warp_scale_mm) * settings.warp_mm
        inner += bend.reshape(3, -1)
        to_map = np.linalg.inv(source.affine)
        lattice = (to_map[:3, :3] @ inner + to_map[:3, 3:]).reshape(3, *nodes).astype(np.float32)
        facts = {
            "size": round(size, 4),
            "proportions": [round(float(a), 4) for a in axes],
            "rotation": [round(float(np.rad2deg(a)), 2) for a in angles],
        }
        return cls(grid, lattice), facts

    def indices(self, box: Box) -> Float[np.ndarray, "r 3 j k"]:
        """Map indices of the fine voxels of a box of the body's voxels."""
        along_i, along_j, along_k = (
            _weights(size, nodes, part)
            for size, nodes, part in zip(self.grid.shape, self.lattice.shape[1:], box, strict=True)
        )
        planes = np.tensordot(along_i, self.lattice, axes=([1], [1]))  # products of small matrices: fast
        indices: np.ndarray = along_j @ planes @ along_k.T
        return indices

    def box(self, source: LabelMap) -> Box:
        """The voxels that may find something labelled."""
        steps = [float(np.abs(np.diff(self.lattice, axis=n)).max()) for n in (1, 2, 3)]
        room = sum(steps) + _FACE_MM / min(spacing_of(source.affine))
        near = np.ones(self.lattice.shape[1:], bool)
        for axis in range(3):
            layers = np.flatnonzero(source.codes.any(tuple(n for n in range(3) if n != axis)))
            index = self.lattice[axis]
            near &= (index >= layers[0] - room) & (index <= layers[-1] + room)
        parts = []
        for axis, size in enumerate(self.grid.shape):
            nodes = np.flatnonzero(near.any(tuple(n for n in range(3) if n != axis)))
            per_node = (size - 0.5) / (near.shape[axis] - 1)
            first, last = (nodes[0] - 1) * per_node, (nodes[-1] + 1) * per_node
            parts.append(slice(max(0, int(first)), min(size, int(np.ceil(last)) + 1)))
        return parts[0], parts[1], parts[2]


def _weights(size: int, nodes: int, part: slice) -> Float[np.ndarray, "fine node"]:
    """Linear interpolation between nodes that span all fine voxels of an axis, for a part of the axis."""
    at = np.arange(part.start * _OVERSAMPLING, part.stop * _OVERSAMPLING) * (nodes - 1) / (size * _OVERSAMPLING - 1)
    weights: np.ndarray = np.clip(1 - np.abs(at[:, None] - np.arange(nodes)), 0, None).astype(np.float32)
    return weights


def _free_faces(source: LabelMap) -> Bool[np.ndarray, "2 3"]:
    """Faces (low, high) that a map of bones alone may be continued beyond: no bone reaches them."""
    free = np.zeros((2, 3), bool)
    if source.tissues or source.outlined:
        return free
    for axis, step in enumerate(spacing_of(source.affine)):
        layers = np.asarray(source.codes.any(tuple(a for a in range(3) if a != axis)))
        edge = max(1, round(3.0 / step))
        free[:, axis] = not layers[:edge].any(), not layers[-edge:].any()
    return free


def _rotation(angles: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    turn: np.ndarray = np.eye(3)
    for axis, angle in enumerate(angles):
        c, s = np.cos(angle), np.sin(angle)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one = np.eye(3)
        one[a, a], one[a, b], one[b, a], one[b, b] = c, -s, s, c
        turn = one @ turn
    return turn


def _smooth(
    rng: np.random.Generator, nodes: list[int], extent: list[float], scale: float
) -> Float[np.ndarray, "3 l m n"]:
    """Three random fields of unit deviation that vary over ``scale`` mm."""
    coarse = [max(2, int(np.ceil(e / scale)) + 1) for e in extent]
    where = np.meshgrid(*(np.linspace(0, c - 1, n) for c, n in zip(coarse, nodes, strict=True)), indexing="ij")
    return np.stack(
        [ndimage.map_coordinates(rng.standard_normal(coarse), where, order=2, mode="nearest") * 1.4 for _ in range(3)]
    )


@dataclass(frozen=True, eq=False)
class Found:
    """What the map holds in each voxel of the body: codes of the bone and of anything else that fills most of it."""

    bone_code: Integer[np.ndarray, "i j k"]
    other_code: Integer[np.ndarray, "i j k"]
    bone: UInt8[np.ndarray, "i j k"]
    cortex: UInt8[np.ndarray, "i j k"]


def look_up(source: LabelMap, pull: Pull, cortex: Cortex, codes: Codes) -> Found:
    """What a label map holds in each voxel of a body.

    Args:
        source: the map.
        pull: where each voxel looks.
        cortex: the body's shells.
        codes: of the map's table.
    """
    shape = pull.grid.shape
    found = Found(
        np.zeros(shape, codes.dtype), np.zeros(shape, codes.dtype), np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    )
    factor = np.full(codes.count, cortex.factor, np.float32)
    for name in source.bones:
        factor[source.table[name].id] *= cortex.of_bone.get(name, 1.0)
    fine = pull.grid.spacing / _OVERSAMPLING
    box = pull.box(source)
    rows = max(1, _SLAB_VOXELS // (_OVERSAMPLING**3 * (box[1].stop - box[1].start) * (box[2].stop - box[2].start)))
    for start in range(box[0].start, box[0].stop, rows):
        slab = (slice(start, min(start + rows, box[0].stop)), box[1], box[2])
        code, depth, shell = _looked_up(source, pull.indices(slab))
        bony = codes.is_bone(code)
        share = np.zeros(code.shape, np.float32)
        at = code[bony]
        share[bony] = np.clip((shell[bony] * factor[at] - depth[bony]) / (DEPTH_STEPS * fine) + 0.5, 0, 1)
        filled = _mean(bony)
        found.bone[slab] = np.rint(filled * WHOLE)
        found.cortex[slab] = np.minimum(np.rint(_mean(share) * WHOLE), found.bone[slab])
        vote, _ = _vote(np.where(bony, code, 0))
        found.bone_code[slab] = np.where(filled >= 0.5, vote, 0)
        other, count = _vote(np.where(bony, 0, code))
        empty = _OVERSAMPLING**3 * (1 - _mean(code > 0))
        found.other_code[slab] = np.where(count >= empty, other, 0)
    return found


def _looked_up(source: LabelMap, at: Float[np.ndarray, "r 3 j k"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Code, depth and shell at map indices; unlabelled far beyond the map, its border voxels just beyond."""
    shape = source.codes.shape
    flat = np.zeros((at.shape[0], *at.shape[2:]), np.int32)
    beyond = np.zeros(flat.shape, bool)
    for axis, step in enumerate(spacing_of(source.affine)):
        index = np.rint(at[:, axis]).astype(np.int32)
        inside = np.clip(index, 0, shape[axis] - 1)
        beyond |= np.abs(index - inside) > _FACE_MM / step
        flat *= shape[axis]
        flat += inside
    code = source.codes.ravel()[flat]
    code[beyond] = 0
    return code, source.depth.ravel()[flat], source.shell.ravel()[flat]


def _corners(fine: np.ndarray) -> list[np.ndarray]:
    n = _OVERSAMPLING
    return [fine[i::n, j::n, k::n] for i in range(n) for j in range(n) for k in range(n)]


def _mean(fine: np.ndarray) -> Float[np.ndarray, "i j k"]:
    corners = _corners(fine)
    total = np.zeros(corners[0].shape, np.float32)
    for corner in corners:
        total += corner
    return total / len(corners)


def _vote(fine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent code other than 0 of each voxel, and how often it occurs."""
    corners = _corners(fine)
    winner = corners[0].copy()
    count = np.where(winner > 0, len(corners), 0)
    mixed = np.zeros(winner.shape, bool)
    for corner in corners[1:]:
        mixed |= corner != winner
    members = np.stack([corner[mixed] for corner in corners])
    votes = np.stack([((members == member) & (member > 0)).sum(0) for member in members])
    best = votes.argmax(0)[None]
    winner[mixed] = np.take_along_axis(members, best, axis=0)[0]
    count[mixed] = np.take_along_axis(votes, best, axis=0)[0]
    return winner, count
