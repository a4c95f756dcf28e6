import itertools

import numpy as np
import pytest
from scipy.spatial import cKDTree
from vtkmodules.util.numpy_support import vtk_to_numpy

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.skeleton import CARTILAGE, LOWER_LEG, skeleton
from sneakynet.phantom.surface import components, voxelised

TABLE = BoneTable.default()
SPINE = [bone.name for bone in sorted((b for b in TABLE if b.series == "vertebra"), key=lambda b: b.index)]
SPACING = 2.0

# Millilitres. Vertebrae: Limthongkul et al., J Spinal Disord Tech 23:e17 (2010), bodies of T4 to L5, 10 to 40 ml, and
# processes about a third of the whole (own measurements of two CT masks: C3 14, T6 30, T12 41, L3 58 in large people).
# Long bones, hip, scapula, ribs: bone volumes in CT of adults, e.g. Fessy et al., Surg Radiol Anat 38:1187 (2016) for
# hip and femur; humerus and scapula as in Clauser et al. (1969) at adult lengths; ribs from lengths (Holcombe et al.,
# J Anat 231:229, 2017: rib 7 about 310 mm) times sections (Mohr et al., J Biomech 40:3389, 2007: 45 to 80 mm^2).
VOLUMES = {
    "vertebrae_C1": (7, 17),
    "vertebrae_C2": (9, 20),
    "vertebrae_C4": (6.5, 15),
    "vertebrae_T4": (12, 28),
    "vertebrae_T8": (17, 35),
    "vertebrae_T12": (26, 50),
    "vertebrae_L1": (30, 60),
    "vertebrae_L3": (36, 70),
    "vertebrae_L5": (38, 72),
    "sacrum": (150, 280),
    "coccyx": (3, 12),
    "manubrium": (10, 28),
    "sternum": (18, 50),
    "hyoid": (1.2, 4),
    "clavicula_left": (15, 45),
    "scapula_left": (45, 110),
    "humerus_left": (110, 220),
    "radius_left": (25, 60),
    "ulna_left": (28, 70),
    "hip_right": (220, 430),
    "femur_right": (280, 560),
    "patella_left": (10, 25),
    "rib_left_1": (4, 14),
    "rib_left_7": (13, 30),
    "rib_right_12": (2, 9),
    "mandible": (30, 80),
}


@pytest.fixture(scope="module")
def at_rest():
    return skeleton().posed({})


def test_every_bone_of_the_table_is_there(at_rest):
    bones = {name for name in at_rest if not name.startswith(CARTILAGE) and name not in LOWER_LEG}
    assert bones == set(TABLE.names)
    assert set(LOWER_LEG) | {f"{CARTILAGE}_left", f"{CARTILAGE}_right"} < set(at_rest)


def test_every_surface_is_watertight(at_rest):
    assert {name: s.n_open_edges for name, s in at_rest.items() if s.n_open_edges} == {}


def test_every_bone_is_one_piece(at_rest):
    for bone in TABLE:
        volumes = [piece.volume for piece in components(at_rest[bone.name])]
        assert max(volumes) > 0.999 * sum(volumes), bone.name


def test_the_surfaces_are_light_enough_to_pose_and_warp(at_rest):
    assert sum(len(surface.vertices) for surface in at_rest.values()) < 190_000


def test_left_lies_left_of_right_and_is_its_mirror_at_rest(at_rest):
    for bone in TABLE:
        if bone.side == "left":
            left, right = at_rest[bone.name], at_rest[bone.mirror]
            assert left.vertices[:, 0].mean() < right.vertices[:, 0].mean(), bone.name
            assert left.volume == pytest.approx(right.volume, rel=0.1), bone.name
            np.testing.assert_allclose(np.ptp(left.vertices, axis=0), np.ptp(right.vertices, axis=0), atol=4.0)


def test_spine_and_ribs_follow_each_other_from_the_head_down(at_rest):
    for series, height in (("vertebra", np.mean), ("rib_left", np.max), ("rib_right", np.max)):
        members = sorted((b for b in TABLE if b.series == series), key=lambda b: b.index)
        heights = [height(at_rest[b.name].vertices[:, 2]) for b in members]
        assert heights == sorted(heights, reverse=True), series
        assert len(members) == (24 if series == "vertebra" else 12)
    column = ["skull", *SPINE, "sacrum", "coccyx"]
    lowest = [at_rest[name].vertices[:, 2].min() for name in column]
    assert lowest[1:] == sorted(lowest[1:], reverse=True)


def _gap(at_rest, one, other):
    return cKDTree(at_rest[one].vertices).query(at_rest[other].vertices)[0].min()


def test_neighbours_along_the_spine_meet_in_their_joints(at_rest):
    for upper, lower in itertools.pairwise(["skull", *SPINE, "sacrum", "coccyx"]):
        assert 0.5 < _gap(at_rest, upper, lower) < 3.5, (upper, lower)


def test_each_rib_meets_its_vertebra(at_rest):
    for side in ("left", "right"):
        for n in range(1, 13):
            distances = {m: _gap(at_rest, f"vertebrae_T{m}", f"rib_{side}_{n}") for m in range(1, 13)}
            # A rib's head lies between its own vertebra and the one above.
            assert min(distances, key=distances.get) in (n - 1, n), (side, n)
            assert distances[n] < 4.5, (side, n)


def test_breastbone_collarbones_and_cartilage_meet(at_rest):
    assert _gap(at_rest, "manubrium", "sternum") < 3.5
    for side in ("left", "right"):
        assert _gap(at_rest, "manubrium", f"clavicula_{side}") < 9
        for n in range(1, 8):
            assert _gap(at_rest, f"{CARTILAGE}_{side}", f"rib_{side}_{n}") < 6, n


def test_the_hyoid_lies_between_jaw_and_neck(at_rest):
    hyoid, jaw, neck = (at_rest[name].vertices for name in ("hyoid", "mandible", "vertebrae_C4"))
    assert neck[:, 1].max() < hyoid[:, 1].min() < hyoid[:, 1].max() < jaw[:, 1].max()
    assert hyoid[:, 2].mean() < jaw[:, 2].mean()
    assert _gap(at_rest, "hyoid", "mandible") > 5


def test_the_dens_stands_in_the_ring_of_the_atlas(at_rest):
    atlas, axis = at_rest["vertebrae_C1"].vertices, at_rest["vertebrae_C2"].vertices
    dens = axis[axis[:, 2] > atlas[:, 2].mean()]
    assert len(dens) > 20
    assert np.ptp(dens[:, 0]) < 13
    assert atlas[:, 1].mean() < dens[:, 1].mean() < atlas[:, 1].max() - 4


def _indices(surface, origin):
    low = np.floor((surface.vertices.min(0) - origin) / SPACING).astype(int) - 1
    size = np.ceil((surface.vertices.max(0) - origin) / SPACING).astype(int) + 2 - low
    image = voxelised(surface, spacing=SPACING, origin=origin + low * SPACING, shape=size.tolist())
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(size[::-1])
    k, j, i = (index + start for index, start in zip(np.nonzero(voxels), low[::-1], strict=True))
    return (i * 2000 + j) * 2000 + k


def test_no_two_bones_share_more_than_two_percent_of_the_smaller(at_rest):
    origin = np.min([surface.vertices.min(0) for surface in at_rest.values()], axis=0) - 10
    voxels = {name: _indices(surface, origin) for name, surface in at_rest.items()}
    boxes = {name: (s.vertices.min(0), s.vertices.max(0)) for name, s in at_rest.items()}
    shared = {}
    for one, other in itertools.combinations(at_rest, 2):
        (low, high), (other_low, other_high) = boxes[one], boxes[other]
        if (low < other_high).all() and (other_low < high).all():
            n = len(np.intersect1d(voxels[one], voxels[other], assume_unique=True))
            if n > 1:  # one voxel of a fingertip is already 2 %
                shared[one, other] = n / min(len(voxels[one]), len(voxels[other]))
    assert {pair: share for pair, share in shared.items() if share > 0.02} == {}


@pytest.mark.parametrize("name", VOLUMES)
def test_volumes_are_those_of_an_adult(at_rest, name):
    low, high = VOLUMES[name]
    assert low < at_rest[name].volume / 1000 < high


def test_neighbouring_vertebrae_grow_a_little_and_differ_in_shape(at_rest):
    volumes = [at_rest[name].volume for name in SPINE[2:]]
    steps = np.array(volumes[1:]) / np.array(volumes[:-1])
    assert (steps > 0.95).all()
    assert (steps < 1.3).all()
    # Not one mesh scaled: breadth to depth changes from over 1.1 in the neck to under 1 in the chest and back.
    breadth = {name[10:]: np.ptp(v[:, 0]) / np.ptp(v[:, 1]) for name in SPINE for v in [at_rest[name].vertices]}
    assert breadth["C4"] > 1.1
    assert breadth["T8"] < 0.95
    assert breadth["T12"] < 0.8
    assert breadth["L4"] > 0.9


def test_couplings_follow_their_driver():
    moved = skeleton().posed({"shoulder_elv_r": 2.5})
    at_rest = skeleton().posed({})
    # Raising the arm turns the scapula with it; without the couplings it would stay.
    turned = np.abs(moved["scapula_right"].vertices - at_rest["scapula_right"].vertices).max()
    assert turned > 30
    assert moved["humerus_right"].vertices[:, 2].mean() > at_rest["humerus_right"].vertices[:, 2].mean() + 100
    np.testing.assert_allclose(moved["humerus_left"].vertices, at_rest["humerus_left"].vertices, atol=1e-6)


def test_what_is_made_here_moves_with_its_piece_of_the_source():
    at_rest, bent = skeleton().posed({}), skeleton().posed({"flex_extension": 0.3})
    for made, carrier in (("coccyx", "sacrum"), ("manubrium", "rib_left_5"), ("hyoid", "vertebrae_C3")):
        # A rigid motion keeps the distance between the middles.
        before, after = (
            np.linalg.norm(pose[made].vertices.mean(0) - pose[carrier].vertices.mean(0)) for pose in (at_rest, bent)
        )
        assert before == pytest.approx(after, abs=1e-6), made


def test_joint_values_are_kept_within_their_range():
    limit = skeleton().joints["elbow_flexion_r"][1]
    beyond, at_limit = skeleton().posed({"elbow_flexion_r": 9.0}), skeleton().posed({"elbow_flexion_r": limit})
    np.testing.assert_allclose(beyond["radius_right"].vertices, at_limit["radius_right"].vertices)
