"""A surface of fewer triangles that stays closed and near to what it was."""

import manifold3d
import numpy as np
from jaxtyping import Bool, Int
from scipy.spatial import cKDTree

from sneakynet.phantom.surface import Surface

_TOLERANCE = 0.6
"""Of the error that is allowed: Manifold keeps its tolerance at each step, and steps add up."""


def simplified(
    surface: Surface, *, error: float, kept: Bool[np.ndarray, " face"]
) -> tuple[Surface, Int[np.ndarray, " left"]]:
    """Fewer triangles, between some of the same vertices.

    Args:
        surface: closed, every edge between two triangles.
        error: mm that the surface may move by, about; 0 keeps every triangle.
        kept: triangles that stay as they are: where two bones meet, so that both still do.

    Returns:
        The surface, closed again, and for each of its vertices which one of the given surface it was.
    """
    if error == 0:
        return surface, np.arange(len(surface.vertices))
    # A triangle with a number of its own is a face of its own, and Manifold merges no faces.
    mesh = manifold3d.Mesh64(
        surface.vertices,
        surface.faces.astype(np.uint64),
        face_id=np.where(kept, np.arange(1, len(kept) + 1), 0).astype(np.uint64),
    )
    fewer = manifold3d.Manifold(mesh).simplify(_TOLERANCE * error).to_mesh64()
    faces = np.asarray(fewer.tri_verts).astype(np.int64)
    if not len(faces):  # a crumb within the error
        return surface, np.arange(len(surface.vertices))
    vertices = np.asarray(fewer.vert_properties)
    origin: np.ndarray = np.asarray(cKDTree(surface.vertices).query(vertices)[1], dtype=np.int64)
    return Surface(vertices, faces), origin
