import json
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial import cKDTree
from vtkmodules.util.numpy_support import vtk_to_numpy

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.injuries import InjurySettings
from sneakynet.phantom.limbs import arm
from sneakynet.phantom.person import PersonSettings, draw_person
from sneakynet.phantom.pose import POSES, PoseSettings
from sneakynet.phantom.skeleton import LOWER_LEG
from sneakynet.phantom.spine import LEVELS
from sneakynet.phantom.surface import voxelised
from sneakynet.phantom.variants import VariantSettings

NONE = VariantSettings(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
UNHURT = InjurySettings(
    long_bone_fracture=0.0, rib_fractures=0.0, missing_arm=0.0, missing_leg=0.0, missing_fingers=0.0
)
WHOLE = PersonSettings(variants=NONE, injuries=UNHURT)
TABLE = BoneTable.default()
OVERLAP = 0.02  # of the smaller bone


def overlaps(surfaces, spacing):
    """Pairs that share more of the smaller bone than they may."""
    names = sorted(surfaces)
    low = {name: surfaces[name].vertices.min(0) for name in names}
    high = {name: surfaces[name].vertices.max(0) for name in names}
    volume = {name: surfaces[name].volume for name in names}
    found = {}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            start, end = np.maximum(low[a], low[b]), np.minimum(high[a], high[b])
            if (end <= start).any():
                continue
            smaller = min(volume[a], volume[b])
            pitch = min(spacing, (smaller / 300) ** (1 / 3))
            size = [int(n) for n in np.ceil((end - start) / pitch) + 1]
            inside = [
                vtk_to_numpy(
                    voxelised(surfaces[name], spacing=float(pitch), origin=start, shape=size)
                    .GetPointData()
                    .GetScalars()
                )
                for name in (a, b)
            ]
            share = (inside[0] & inside[1]).sum() * pitch**3 / smaller
            if share > OVERLAP:
                found[a, b] = round(float(share), 3)
    return found


@pytest.fixture(scope="module")
def people():
    return [draw_person(np.random.default_rng(seed), WHOLE) for seed in range(6)]


def test_same_rng_same_person(people):
    again = draw_person(np.random.default_rng(1), WHOLE)
    assert again.facts == people[1].facts
    for name, surface in again.surfaces.items():
        np.testing.assert_array_equal(surface.vertices, people[1].surfaces[name].vertices)
    assert people[0].facts != people[1].facts


def test_a_whole_person_has_every_bone_of_the_table(people):
    extra = {"costal_cartilage_left", "costal_cartilage_right", *LOWER_LEG}
    for person in people:
        assert set(person.surfaces) == set(TABLE.names) | extra
        assert person.unclassed == frozenset()
        assert person.pose in POSES


def test_facts_are_plain(people):
    for person in people:
        assert json.loads(json.dumps(person.facts)) == person.facts
    assert {"pose", "sex", "age", "stature", "weight", "bmi", "curvature", "variants"} <= set(people[0].facts)


def test_surfaces_are_closed_and_nowhere_inside_out(people):
    for person in people[:2]:
        for name, surface in person.surfaces.items():
            assert surface.n_open_edges == 0, name
            assert np.isfinite(surface.vertices).all(), name


def test_sides_and_order_along_the_spine(people):
    for person in people:
        centre = {name: surface.vertices.mean(0) for name, surface in person.surfaces.items()}
        line = np.array([centre[name] for name in LEVELS if name in centre])
        up = line[0] - centre["sacrum"]
        assert (np.diff(line @ up) < 0).all()
        for side in ("left", "right"):
            ribs = np.array([centre[f"rib_{side}_{n}"] for n in range(1, 13)])
            assert (np.diff(ribs @ up) < 0).all()
        for bone in TABLE:
            if bone.side == "left" and bone.name not in arm("left") and bone.mirror in centre:
                assert centre[bone.name][0] < centre[bone.mirror][0], bone.name


@pytest.mark.parametrize("index", [0, 3, 5])
def test_bones_do_not_lie_in_each_other(people, index):
    assert overlaps(people[index].surfaces, 2.5) == {}


def test_neighbours_stay_near_each_other(people):
    pairs = [(a, b) for a, b in pairwise(LEVELS) if a != "vertebrae_L5" and b != "vertebrae_L6"]
    pairs += [("humerus_left", "scapula_left"), ("femur_right", "hip_right"), ("skull", "vertebrae_C1")]
    for person in people:
        for a, b in pairs:
            gap = cKDTree(person.surfaces[a].vertices).query(person.surfaces[b].vertices)[0].min()
            assert gap < 10, (a, b, gap)


def test_left_differs_from_right_but_little(people):
    ratios = np.array(
        [
            person.surfaces[f"{bone}_left"].volume / person.surfaces[f"{bone}_right"].volume
            for person in people
            for bone in ("femur", "humerus", "hip", "scapula", "clavicula")
        ]
    )
    assert 0.005 < ratios.std() < 0.1
    assert abs(ratios.mean() - 1) < 0.04


def test_bodies_differ_in_size(people):
    statures = [person.facts["stature"] for person in people]
    volumes = [person.surfaces["hip_left"].volume for person in people]
    assert np.corrcoef(statures, volumes)[0, 1] > 0.5
    assert np.std(volumes) / np.mean(volumes) > 0.05


@pytest.mark.parametrize(
    ("settings", "unclassed", "absent"),
    [
        (VariantSettings(0.0, 1.0, 0.0, 0.0, 0.0, 1.0), {"vertebrae_L6"}, set()),
        (VariantSettings(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), set(), {"vertebrae_L5", "rib_left_12", "rib_right_12"}),
    ],
)
def test_labels_stay_true_in_variants(settings, unclassed, absent):
    person = draw_person(np.random.default_rng(8), PersonSettings(variants=settings, injuries=UNHURT))
    assert unclassed <= person.unclassed
    assert not set(person.unclassed) & set(TABLE.names)
    assert person.unclassed <= set(person.surfaces)
    assert set(TABLE.names) - set(person.surfaces) == absent
    assert overlaps({n: s for n, s in person.surfaces.items() if "phalanx" not in n}, 3.0) == {}


def test_arms_follow_the_settings():
    settings = PersonSettings(pose=PoseSettings(arms_up=1.0, arms_down=0.0, hands_on_belly=0.0, one_arm_up=0.0))
    for seed in (1, 2):
        person = draw_person(np.random.default_rng(seed), settings)
        assert person.pose == "arms_up"
