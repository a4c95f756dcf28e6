"""Surface of a bone from its voxels, by Crofton's formula.

The mean number of times that lines of all directions cross a surface gives its area, whatever its shape. Here the
lines run through the centres of neighbouring voxels in 13 directions, each of which stands for the directions nearest
to it: Legland, Kiêu and Devaux, "Computation of Minkowski measures on 2D and 3D binary images", Image Analysis and
Stereology 26 (2007) 83-92. Of a ball of 10 voxels and more it gives the area within 1 %, of an ellipsoid, too; a flat
that lies along the voxels' axes comes out too small, by 7 % where voxels are cubes.
"""

from itertools import combinations, product

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8
from scipy.spatial import SphericalVoronoi

from sneakynet.types import Affine

CELLS = 256
"""Ways in which the eight voxels around a corner can be bone or not."""

_CORNERS = np.array([(i, j, k) for k, j, i in product((0, 1), repeat=3)])  # bit n of a code is corner n


def cell_codes(mask: Bool[np.ndarray, "i j k"]) -> UInt8[np.ndarray, "_ _ _"]:
    """What each cube between eight voxel centres holds, as 8 bits; one fewer along each axis."""
    bits = mask.view(np.uint8)
    along_i = bits[:-1] | bits[1:] << 1
    along_j = along_i[:, :-1] | along_i[:, 1:] << 2
    codes: np.ndarray = along_j[:, :, :-1] | along_j[:, :, 1:] << 4
    return codes


def count_cells(codes: UInt8[np.ndarray, "i j k"]) -> Int64[np.ndarray, " code"]:
    """How many cubes there are of each kind; those all bone or all not are left out."""
    mixed = codes[(codes != 0) & (codes != CELLS - 1)]
    counts: np.ndarray = np.bincount(mixed, minlength=CELLS)
    return counts


def cell_areas(affine: Affine) -> Float64[np.ndarray, " code"]:
    """Surface that each kind of cube contributes, mm2.

    Args:
        affine: voxel index to world mm.
    """
    steps = np.array([step for step in product((-1, 0, 1), repeat=3) if any(step)])
    vectors = steps @ affine[:3, :3].T
    lengths = np.linalg.norm(vectors, axis=1)
    shares = SphericalVoronoi(vectors / lengths[:, None]).calculate_areas() / (4 * np.pi)
    voxel = abs(float(np.linalg.det(affine[:3, :3])))
    # A line stands for voxel / length of mm2 across it; twice their crossings is the area, and each direction is
    # among the steps with its opposite.
    per_crossing = {
        tuple(int(n) for n in step): 4 * share * voxel / length
        for step, share, length in zip(steps, shares, lengths, strict=True)
    }
    areas = np.zeros(CELLS)
    for one, other in combinations(range(8), 2):
        step = _CORNERS[other] - _CORNERS[one]
        cells_that_share_it = 2 ** (3 - int(np.abs(step).sum()))
        differ = ((np.arange(CELLS) >> one) ^ (np.arange(CELLS) >> other)) & 1
        areas += differ * per_crossing[tuple(int(n) for n in step)] / cells_that_share_it
    return areas
