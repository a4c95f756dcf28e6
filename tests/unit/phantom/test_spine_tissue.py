from itertools import pairwise

import numpy as np

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.person import Person
from sneakynet.phantom.spine_tissue import lay_spine_tissue
from sneakynet.phantom.tissue_ids import tissue_ids


def test_discs_lie_between_bodies_and_the_canal_behind_them(person: Person) -> None:
    marks = Landmarks(person.surfaces)
    middle = marks.frame.outward(marks.at("L2", (0.0, 0.0, 0.0)))
    low = middle - np.array([50.0, 70.0, 70.0])
    canvas = Canvas(Grid((float(low[0]), float(low[1]), float(low[2])), (50, 60, 70), 2.0), marks.frame)
    canvas.ids[...] = tissue_ids()["muscle"]
    lay_spine_tissue(canvas, marks, np.random.default_rng(0))
    bodies = marks.bodies
    between = [(a[:3] + b[:3]) / 2 for a, b in pairwise(bodies) if a[2] > marks.level("L3") - 1]
    for point in between[:2]:
        i, j, k = np.round((marks.frame.outward(point) - low) / 2).astype(int)
        assert canvas.ids[i, j, k] == tissue_ids()["disc"]
    canal = np.argwhere(canvas.ids == tissue_ids()["csf"]) * 2 + low
    assert len(canal)
    assert (marks.frame.inward(canal)[:, 1] < marks.spine(marks.frame.inward(canal)[:, 2])[1]).all()
