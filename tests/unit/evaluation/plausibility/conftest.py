"""A person's labels, to plant errors in."""

from dataclasses import dataclass

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.plausibility.finding import Part
from sneakynet.evaluation.plausibility.inspection import Inspection, inspect
from sneakynet.phantom.bone_voxels import Grid, voxelise_bones
from sneakynet.phantom.cortex import draw_cortex
from sneakynet.phantom.person import draw_person
from sneakynet.phantom.settings import PhantomSettings
from sneakynet.phantom.skeleton import LOWER_LEG
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


@dataclass
class Map:
    """Labels of 4 mm, axes along RAS+, and what is done to them."""

    voxels: np.ndarray
    affine: np.ndarray

    def where(self, name: str) -> np.ndarray:
        return self.voxels == TABLE[name].id

    def exchange(self, one: str, other: str) -> None:
        first, second = self.where(one), self.where(other)
        self.voxels[first], self.voxels[second] = TABLE[other].id, TABLE[one].id

    def box(self, *names: str) -> list[slice]:
        at = np.argwhere(np.isin(self.voxels, [TABLE[name].id for name in names]))
        return [slice(int(a), int(b) + 1) for a, b in zip(at.min(0), at.max(0), strict=True)]

    def crop(self, *box: slice) -> "Map":
        affine = self.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ [s.start or 0 for s in box]
        return Map(self.voxels[box].copy(), affine)

    def inspect(self, scan: np.ndarray | None = None) -> Inspection:
        hu = None if scan is None else Volume(scan, self.affine)
        return inspect(Volume(self.voxels, self.affine), hu, table=TABLE, case="someone")

    def part(self, name: str) -> Part:
        return next(part for part in self.inspect().parts if part.name == name)


@pytest.fixture(scope="session")
def _person_labels() -> Map:
    """Of somebody without anything unusual."""
    settings = PhantomSettings()
    person = draw_person(np.random.default_rng([25, 0]), settings.person)
    surfaces = {name: s for name, s in person.surfaces.items() if name not in LOWER_LEG}
    points = np.concatenate([s.vertices for s in surfaces.values()])
    low, high = points.min(0) - 40, points.max(0) + 40
    i, j, k = (int(n) for n in np.ceil((high - low) / 4))
    x, y, z = (float(c) for c in low)
    grid = Grid((x, y, z), (i, j, k), 4.0)
    cortex = draw_cortex(np.random.default_rng(1), sorted(surfaces), factor=(1.0, 1.0), spread=0.0, age=50.0)
    ids = {bone.name: bone.id for bone in TABLE}
    labels = voxelise_bones(surfaces, grid=grid, ids=ids, cortex=cortex, skull_mm=6.0, ignore=person.unclassed).labels
    return Map(np.where(labels == 255, 0, labels), grid.affine)


@pytest.fixture
def body(_person_labels: Map) -> Map:
    """The person, to be spoilt."""
    return Map(_person_labels.voxels.copy(), _person_labels.affine)
