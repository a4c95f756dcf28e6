"""Which components of a bone are the bone, and which are mistakes."""

import numpy as np
from jaxtyping import Bool, Float, Int64
from scipy.spatial import KDTree

from sneakynet.geometry.components import Components
from sneakynet.inference.cleanup_settings import CleanupSettings
from sneakynet.inference.voids import enclosed
from sneakynet.types import Affine

# Sizes and distances come from rounded products: what is exactly at a limit is within it.
_ROUNDING = 1 + 1e-9

# Indices of components.
_Members = Int64[np.ndarray, " _"]


def kept_components(
    components: Components, settings: CleanupSettings, *, affine: Affine
) -> Bool[np.ndarray, " component"]:
    """Choose the components that stay.

    Sizes count closed cavities, so that nothing that the clean-up itself fills changes the choice: cleaning the result
    again changes nothing. Of components of one size none goes before the other.

    Args:
        components: of a label map.
        settings: what stays.
        affine: voxel index -> world mm.

    Returns:
        True for those that stay.
    """
    if settings.keep == "off":
        return np.ones(len(components), dtype=bool)
    stays = np.zeros(len(components), dtype=bool)
    kinship = _Kinship(components, settings, affine=affine)
    smallest = settings.smallest_mm3 / abs(float(np.linalg.det(affine[:3, :3]))) / _ROUNDING
    for label in np.unique(components.label):
        members = np.arange(*np.searchsorted(components.label, (label, label + 1)))
        stays[_kept_of_bone(components, members, settings, smallest=smallest, kinship=kinship)] = True
    return stays


def _kept_of_bone(
    components: Components, members: _Members, settings: CleanupSettings, *, smallest: float, kinship: "_Kinship"
) -> _Members:
    share = settings.near_share / _ROUNDING if settings.keep == "near" else 1.0
    # A component is never larger than its box, so that specks are told without a look at their voxels.
    most = components.edges[members].prod(1)
    members = members[most >= share * components.voxels[members].max()]
    sizes = _sizes(components, members, enough=smallest)
    largest: np.ndarray = members[(sizes == sizes.max()) & ((sizes >= smallest) | kinship.faces[members].any(1))]
    if settings.keep == "largest" or not len(largest):
        return largest
    others = members[(sizes < sizes.max()) & (sizes >= max(share * sizes.max(), smallest))]
    return kinship.reached(largest, others)


def _sizes(components: Components, members: _Members, *, enough: float) -> _Members:
    """Voxels of components and of the cavities that they close in; of a single one only as far as ``enough``."""
    sizes: np.ndarray = components.voxels[members]
    if len(members) > 1 or sizes[0] < enough:
        for at in np.flatnonzero(components.edges[members].min(1) > 2):  # a cavity needs walls on both sides
            sizes[at] += np.count_nonzero(enclosed(components.mask(int(members[at]))))
    return sizes


class _Kinship:
    """Whether components may well be parts of one bone: near each other, or cut off by one face of the scan.

    Args:
        components: of a label map.
        settings: what is near.
        affine: voxel index -> world mm.
    """

    def __init__(self, components: Components, settings: CleanupSettings, *, affine: Affine) -> None:
        last = np.array(components.array.shape) - 1
        self.faces = np.concatenate([components.low == 0, components.high == last], axis=1)
        self._components, self._same_face, self._matrix = components, settings.same_face, affine[:3, :3]
        self._limit = settings.near_mm * _ROUNDING
        # So many voxels along an axis are at least the limit, on an oblique or sheared grid too.
        self._reach = self._limit * np.linalg.norm(np.linalg.inv(self._matrix), axis=1) * _ROUNDING
        self._surfaces: dict[int, np.ndarray] = {}

    def reached(self, largest: _Members, others: _Members) -> _Members:
        """The largest and all of the others that can be reached from them, from one of kin to the next."""
        reached, front, left = [*map(int, largest)], [*map(int, largest)], [*map(int, others)]
        while front and left:
            at = front.pop()
            new = [n for n in left if self._related(at, n)]
            reached, front, left = reached + new, front + new, [n for n in left if n not in new]
        return np.array(reached, dtype=np.int64)

    def _related(self, one: int, other: int) -> bool:
        if self._same_face and (self.faces[one] & self.faces[other]).any():
            return True
        low, high = self._components.low, self._components.high
        if (np.maximum(low[one] - high[other], low[other] - high[one]) > self._reach).any():
            return False
        a, b = self._towards(one, other), self._towards(other, one)
        if not (len(a) and len(b)):
            return False
        distances, _ = KDTree(a).query(b, distance_upper_bound=self._limit)
        return bool(np.isfinite(distances).any())

    def _towards(self, one: int, other: int) -> Float[np.ndarray, "voxel 3"]:
        """Surface voxels of one component that may be near to the other, in mm."""
        voxels = self._surface(one)
        low, high = self._components.low[other] - self._reach, self._components.high[other] + self._reach
        world: np.ndarray = voxels[((voxels >= low) & (voxels <= high)).all(1)] @ self._matrix.T
        return world

    def _surface(self, n: int) -> Int64[np.ndarray, "voxel 3"]:
        """Voxels that have a neighbour, over a face, outside of the component: no others are the nearest to another."""
        if n not in self._surfaces:
            mask = self._components.mask(n)
            inner = mask.copy()
            for axis in range(3):
                along, within = np.moveaxis(mask, axis, 0), np.moveaxis(inner, axis, 0)
                within[1:-1] &= along[:-2] & along[2:]
                within[[0, -1]] = False
            self._surfaces[n] = np.argwhere(mask & ~inner) + self._components.low[n]
        return self._surfaces[n]
