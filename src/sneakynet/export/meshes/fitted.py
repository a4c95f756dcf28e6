"""A surface that encloses as much as the voxels it stands for."""

import numpy as np
from jaxtyping import Bool, Float

from sneakynet.phantom.surface import Surface

_STEPS = 3
_REACH = 0.5


def vertex_normals(surface: Surface) -> Float[np.ndarray, "vertex 3"]:
    """Unit normals that point outwards; 0 where the triangles around a vertex cancel out.

    Each triangle counts by its area.
    """
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    per_corner = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    n = len(surface.vertices)
    sums = np.stack([np.bincount(surface.faces.ravel(), per_corner[:, k], n) for k in range(3)], axis=1)
    normals: np.ndarray = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return normals


def fitted(
    surface: Surface,
    normals: Float[np.ndarray, "vertex 3"],
    *,
    volume: float,
    free: Bool[np.ndarray, " vertex"],
    step: float,
) -> Surface:
    """The surface, moved along its normals by one small distance until it encloses a volume.

    Smoothing takes some from what is thin; this gives it back.

    Args:
        surface: closed.
        normals: unit vectors of its vertices.
        volume: in the cube of its unit, positive.
        free: vertices that may move; the others are shared with other bones.
        step: the least edge of a voxel; no vertex moves by more than half of it.
    """
    total = 0.0
    moved = surface
    for _ in range(_STEPS):
        a, b, c = (moved.vertices[moved.faces[:, k]] for k in range(3))
        across = np.cross(b - a, c - a)
        towards = (normals * free[:, None])[moved.faces].sum(1)
        gain = float(np.einsum("ij,ij->", towards, across)) / 6  # of volume, per unit of distance
        if gain <= 0:
            break
        total = float(np.clip(total + (volume - moved.signed_volume) / gain, -_REACH * step, _REACH * step))
        moved = surface.moved(surface.vertices + total * normals * free[:, None])
    return moved
