"""Bodies of other sizes and shapes: scaling and a smooth warp of all surfaces together."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from sneakynet.phantom.surface import Surface

# Lattice pitch in mm and standard deviation in mm of each layer of the warp: posture, build, bone detail.
_WARP_LAYERS = ((320.0, 9.0), (130.0, 4.0), (55.0, 1.3))
_LATTICE_MARGIN = 4  # control points beyond the body: cubic interpolation reaches two


@dataclass(frozen=True, eq=False)
class Shape:
    """How a body differs from the source's one subject.

    Args:
        scale: factors along x, y, z about the body's centre.
        rotation: of the whole body in the scanner, rotation vector in radians.
        bone_scale: bone name -> factors along x, y, z about its own centre.
        warp_seed: seed of the smooth warp.
    """

    scale: tuple[float, float, float]
    rotation: tuple[float, float, float]
    bone_scale: Mapping[str, tuple[float, float, float]]
    warp_seed: int


def draw_shape(rng: np.random.Generator, names: list[str]) -> Shape:
    """Stature, build, position on the table and the proportions of each bone.

    Stature 0.88 to 1.1 of the source, build 0.9 to 1.12 across; the rotation's standard deviation is 3 degrees.
    """
    stature = rng.uniform(0.88, 1.1)
    width, depth = stature * rng.uniform(0.93, 1.12), stature * rng.uniform(0.9, 1.12)
    rotation = np.deg2rad(rng.normal(0, 3.0, 3))
    bone_scale = {name: _triple(rng.normal(1.0, 0.03, 3).clip(0.92, 1.08)) for name in names}
    return Shape((width, depth, stature), _triple(rotation), bone_scale, int(rng.integers(2**31)))


def shaped(surfaces: Mapping[str, Surface], shape: Shape) -> dict[str, Surface]:
    """The surfaces of another body (RAS mm in and out; triangles stay)."""
    everything = np.concatenate([surface.vertices for surface in surfaces.values()])
    centre = (everything.min(0) + everything.max(0)) / 2
    rotation = Rotation.from_rotvec(shape.rotation)
    scaled = {}
    for name, surface in surfaces.items():
        own = surface.vertices.mean(0)
        vertices = own + (surface.vertices - own) * np.array(shape.bone_scale.get(name, (1.0, 1.0, 1.0)))
        scaled[name] = rotation.apply((vertices - centre) * np.array(shape.scale))
    warp = _Warp(np.concatenate(list(scaled.values())), shape.warp_seed)
    return {name: surfaces[name].moved(warp(vertices)) for name, vertices in scaled.items()}


class _Warp:
    """A smooth displacement: random vectors on lattices, cubic between them."""

    def __init__(self, vertices: Float[np.ndarray, "vertex 3"], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._layers = []
        for pitch, deviation in _WARP_LAYERS:
            low = vertices.min(0) - _LATTICE_MARGIN * pitch
            size = np.ceil((vertices.max(0) - low) / pitch).astype(int) + _LATTICE_MARGIN + 1
            # Cubic B-spline interpolation of white noise keeps about 60 % of its deviation between the nodes.
            self._layers.append((pitch, low, rng.normal(0, deviation, (3, *size))))

    def __call__(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        moved = vertices.copy()
        for pitch, low, lattice in self._layers:
            at = ((vertices - low) / pitch).T
            moved += np.stack([map_coordinates(axis, at, order=3) for axis in lattice], axis=1)
        return moved


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
