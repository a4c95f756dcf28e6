"""One bone's share of the borders, as a surface that every edge passes once on each side."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sneakynet.export.meshes.borders import Borders
from sneakynet.phantom.surface import Surface

_APART = 0.02
"""Of the way to the middle of its quads, by which a corner gives way to another of the same bone: without it, a file
that names no corners (STL) would weld them together again."""

_ROUNDS = 10


@dataclass(frozen=True, eq=False)
class ClosedSurface:
    """A bone's surface before it is simplified.

    Args:
        surface: triangles counterclockwise as seen from outside, in the space of the points it was made of.
        shared: whether a triangle lies between two bones.
        pinches: corners where the bone meets itself by an edge or a corner of voxels.
    """

    surface: Surface
    shared: Bool[np.ndarray, " face"]
    pinches: int


def closed_surface(borders: Borders, points: Float[np.ndarray, "point 3"], *, label: int) -> ClosedSurface:
    """The surface of one label.

    Args:
        borders: of the label map; the label occurs in it.
        points: where the borders' points lie now.
        label: whose.

    Returns:
        A surface whose edges each lie between two triangles, whatever the voxels: where the label touches itself
        along an edge or in a corner, its parts get corners of their own.
    """
    first, second = borders.sides[:, 0] == label, borders.sides[:, 1] == label
    # Turned over, but with the same first diagonal: where both are equally long, both bones cut the same.
    quads = np.concatenate([borders.quads[first], borders.quads[second][:, [0, 3, 2, 1]]])
    shared = np.concatenate([borders.sides[first, 1] > 0, np.ones(np.count_nonzero(second), dtype=bool)])
    used, index = np.unique(quads, return_inverse=True)
    quads = index.reshape(-1, 4)
    fans = _fans(quads, _inner_voxels(borders.points[used], quads), n=len(used))
    origin = np.empty(int(fans.max()) + 1, dtype=np.int64)
    origin[fans.ravel()] = quads.ravel()
    vertices = points[used][origin]
    twins = np.bincount(origin, minlength=len(used))[origin] > 1
    vertices[twins] += _APART * (_middles(vertices, fans) - vertices)[twins]
    return ClosedSurface(Surface(vertices, _triangles(vertices, fans)), np.repeat(shared, 2), int(twins.sum()))


def _inner_voxels(points: Float[np.ndarray, "point 3"], quads: Int[np.ndarray, "quad 4"]) -> Int[np.ndarray, " quad"]:
    """A number for the voxel behind each quad."""
    normal = np.cross(points[quads[:, 1]] - points[quads[:, 0]], points[quads[:, 2]] - points[quads[:, 1]])
    voxel = np.rint(points[quads].mean(1) - normal / 2).astype(np.int64)
    voxel -= voxel.min(0)
    numbers: np.ndarray = np.ravel_multi_index(tuple(voxel.T), tuple(voxel.max(0) + 1))
    return numbers


def _fans(quads: Int[np.ndarray, "quad 4"], voxels: Int[np.ndarray, " quad"], *, n: int) -> Int[np.ndarray, "quad 4"]:
    """The corners of the quads by the closed fans that they form: one vertex for each.

    A side of a quad (4 x quad + its place) runs from its own corner to the next. Where four quads meet in an edge,
    those of one voxel belong together.
    """
    start, end = quads.ravel(), np.roll(quads, -1, axis=1).ravel()
    edge = np.minimum(start, end) * n + np.maximum(start, end)
    # Of two sides that are paired, one runs up (from the lower corner) and one down.
    order = np.lexsort((np.repeat(voxels, 4), edge))
    up, down = order[(start < end)[order]], order[(start > end)[order]]
    for _ in range(_ROUNDS):
        rows = np.concatenate([up, _next(up)])
        columns = np.concatenate([_next(down), down])
        links = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), (len(start), len(start)))
        fan = connected_components(links, directed=False)[1].astype(np.int64)
        # Two pairs of an edge that share both vertices would be one edge between four quads: pair them crosswise.
        low, high = fan[up], fan[_next(up)]
        again = np.flatnonzero((edge[up][1:] == edge[up][:-1]) & (low[1:] == low[:-1]) & (high[1:] == high[:-1]))
        if not len(again):
            break
        down[again], down[again + 1] = down[again + 1], down[again]
    return fan.reshape(-1, 4)


def _next(side: Int[np.ndarray, " side"]) -> Int[np.ndarray, " side"]:
    following: np.ndarray = side - side % 4 + (side + 1) % 4
    return following


def _middles(
    vertices: Float[np.ndarray, "vertex 3"], quads: Int[np.ndarray, "quad 4"]
) -> Float[np.ndarray, "vertex 3"]:
    """Mean of the middles of each vertex's quads."""
    middle = np.repeat(vertices[quads].mean(1), 4, axis=0)
    count = np.bincount(quads.ravel(), minlength=len(vertices))
    sums = [np.bincount(quads.ravel(), middle[:, axis], len(vertices)) for axis in range(3)]
    middles: np.ndarray = np.stack(sums, axis=1) / count[:, None]
    return middles


def _triangles(vertices: Float[np.ndarray, "vertex 3"], quads: Int[np.ndarray, "quad 4"]) -> Int[np.ndarray, "face 3"]:
    """Two triangles per quad, cut along its shorter diagonal: both bones at a shared quad cut it alike."""
    a, b, c, d = (vertices[quads[:, k]] for k in range(4))
    first = ((a - c) ** 2).sum(1) <= ((b - d) ** 2).sum(1)
    cut = np.where(first[:, None, None], quads[:, [[0, 1, 2], [0, 2, 3]]], quads[:, [[1, 2, 3], [1, 3, 0]]])
    return cut.reshape(-1, 3)
