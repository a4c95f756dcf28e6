"""A smooth random displacement of space: cubic between random vectors on lattices, left much like right."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates

from sneakynet.phantom.surface import Surface

_FINE = 14.0  # mm: nodes of the sum of all layers, linear between them
_OWN, _MIRRORED = 0.9, 0.436  # of each side's displacement; the squares add up to 1, left and right correlate by 0.78


def warped(surfaces: Mapping[str, Surface], *, layers: Sequence[tuple[float, float]], seed: int) -> dict[str, Surface]:
    """The surfaces, upright about x = 0, after one displacement of the space they lie in.

    It folds nowhere as long as each layer moves by little of its pitch: bones do not come to lie in each other.

    Args:
        surfaces: by name, mm.
        layers: pitch of the lattice and standard deviation of its vectors, mm, from coarse to fine.
        seed: of the random vectors.
    """
    sizes = [len(surface.vertices) for surface in surfaces.values()]
    vertices = np.concatenate([surface.vertices for surface in surfaces.values()])
    low = vertices.min(0) - _FINE
    # Nodes lie in pairs about x = 0, so that the field can be mirrored.
    low[0] = -_FINE * (np.ceil(np.abs(vertices[:, 0]).max() / _FINE) + 1)
    size = np.ceil((vertices.max(0) - low) / _FINE).astype(int) + 2
    size[0] = round(-2 * low[0] / _FINE) + 1
    field = np.zeros((3, *size), np.float32)
    rng = np.random.default_rng(seed)
    for pitch, deviation in layers:
        # In B-spline terms the lattice starts two nodes below the surfaces: every node that reaches them exists.
        nodes = [int(np.ceil(n * _FINE / pitch)) + 4 for n in size]
        lattice = rng.normal(0, deviation, (3, *nodes)).astype(np.float32)
        for axis in range(3):
            basis = _bspline(np.arange(size[axis]) * _FINE / pitch, nodes[axis])
            lattice = np.moveaxis(np.tensordot(basis, lattice, axes=(1, axis + 1)), 0, axis + 1)
        field += lattice
    mirrored = field[:, ::-1] * np.array([-1, 1, 1], np.float32)[:, None, None, None]
    field = _OWN * field + _MIRRORED * mirrored
    at = ((vertices - low) / _FINE).T
    moved = vertices + np.stack([map_coordinates(axis, at, order=1) for axis in field], axis=1)
    parts = np.split(moved, np.cumsum(sizes)[:-1])
    return {name: surface.moved(part) for (name, surface), part in zip(surfaces.items(), parts, strict=True)}


def _bspline(at: Float[np.ndarray, " point"], nodes: int) -> Float[np.ndarray, "point node"]:
    """Weights of cubic B-splines, so scaled that white noise keeps its deviation on average."""
    distance = np.abs(at[:, None] + 1.5 - np.arange(nodes)[None])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    scaled: np.ndarray = (weights / np.sqrt((weights**2).sum(1, keepdims=True))).astype(np.float32)
    return scaled
