from dataclasses import asdict, replace

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, VolumeError
from sneakynet.evaluation.measures import pieces
from sneakynet.evaluation.measures.bone_measures import BoneMeasures, measure_bones
from sneakynet.volumes.volume import Volume

TABLE = BoneTable(
    (
        Bone(id=1, name="vertebrae_L1", group="spine"),
        Bone(id=2, name="hip_left", side="left", mirror="hip_right"),
        Bone(id=3, name="hip_right", side="right", mirror="hip_left"),
    )
)


def box_case(order="C"):
    """A box of 20 x 12 x 8 mm with a shell of 700 HU, 3 mm thick, around 120 HU; a voxel elsewhere."""
    labels, hu = np.zeros((30, 20, 16), dtype=np.uint8, order=order), np.zeros((30, 20, 16), dtype=np.int16)
    labels[4:24, 4:16, 4:12] = 1
    hu[4:24, 4:16, 4:12] = 700
    hu[7:21, 7:13, 7:9] = 120
    labels[29, 0, 8] = 2
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine[:3, 3] = 10, 20, 30
    return Volume(labels, affine), Volume(hu, affine)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("edge", [5, 64])
def test_a_box_with_a_shell(monkeypatch, order, edge):
    monkeypatch.setattr(pieces.pieces, "__kwdefaults__", {"edge": edge})
    labels, scan = box_case(order)

    box, speck = measure_bones(labels, scan, table=TABLE)

    assert (box.id, box.name, box.group, box.voxels, box.volume_ml) == (1, "vertebrae_L1", "spine", 1920, 1.92)
    assert (box.length_mm, box.width_mm, box.thickness_mm) == (20, 12, 8)
    assert (box.axis_1, box.axis_2, box.axis_3) == ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    # Mean index (13.5, 9.5, 7.5), x = 10 - i, y = 20 - j, z = 30 + k.
    assert box.centroid_mm == (-3.5, 10.5, 37.5)
    assert box.surface_cm2 == pytest.approx(2 * (20 * 12 + 20 * 8 + 12 * 8) / 100, rel=0.15)
    inner = 14 * 6 * 2
    assert box.mean_hu == pytest.approx((inner * 120 + (1920 - inner) * 700) / 1920, abs=0.05)
    assert (box.p5_hu, box.median_hu, box.p95_hu) == (120, 700, 700)
    assert (box.shell_hu, box.cortical_hu, box.cortical_share, box.trabecular_hu) == (700, 700, 1, 120)
    assert box.l1_band_hu == "<=135"
    assert (box.touches_edge, box.cut_faces, box.confidence_percent) == (False, (), None)
    assert (speck.name, speck.side, speck.mirror) == ("hip_left", "left", "hip_right")
    assert (speck.length_mm, speck.width_mm, speck.thickness_mm, speck.sd_hu) == (1, 1, 1, 0)
    assert (speck.touches_edge, speck.cut_faces) == (True, ("left", "anterior"))
    assert (speck.trabecular_hu, speck.shell_hu) == (None, None)


def test_a_rod_that_lies_askew():
    """3 mm slices, and a rod of 60 mm along (1, 1, 1) / sqrt(3)."""
    labels = np.zeros((70, 70, 24), dtype=np.uint8)
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    points = np.stack(np.meshgrid(*(np.arange(n) for n in labels.shape), indexing="ij"), axis=-1) * (1, 1, 3) - 35
    along = points @ np.ones(3) / np.sqrt(3)
    across = np.linalg.norm(points - along[..., None] / np.sqrt(3), axis=-1)
    labels[(np.abs(along) <= 30) & (across <= 4)] = 1

    (rod,) = measure_bones(Volume(labels, affine), None, table=TABLE)

    np.testing.assert_allclose(rod.axis_1, np.ones(3) / np.sqrt(3), atol=0.02)
    assert rod.length_mm == pytest.approx(62, abs=2)  # to the corners of its voxels
    assert rod.surface_cm2 == pytest.approx((2 * np.pi * 4 * 60 + 2 * np.pi * 16) / 100, rel=0.05)
    assert rod.volume_ml == pytest.approx(np.pi * 16 * 60 / 1000, rel=0.05)


def test_confidence_is_the_mean_of_the_bones_voxels():
    labels, scan = box_case()
    percent = np.zeros(labels.shape, dtype=np.uint8)
    percent[4:14], percent[14:], percent[29] = 100, 50, 31
    box, speck = measure_bones(labels, scan, table=TABLE, confidence=Volume(percent, labels.affine))
    assert (box.confidence_percent, speck.confidence_percent) == (75, 31)


def test_without_a_scan_nothing_is_said_of_density():
    labels, scan = box_case()
    alone, with_scan = measure_bones(labels, None, table=TABLE), measure_bones(labels, scan, table=TABLE)
    hu = {key: None for key in asdict(alone[0]) if key.endswith("_hu") or key == "cortical_share"}
    assert [replace(one, **hu) for one in with_scan] == list(alone)


def test_no_bone_and_what_counts_nowhere():
    empty = Volume(np.zeros((3, 3, 3), dtype=np.uint8), np.eye(4))
    assert measure_bones(empty, empty, table=TABLE) == ()
    unknown = Volume(np.full((3, 3, 3), 255, dtype=np.uint8), np.eye(4))
    assert measure_bones(unknown, empty, table=TABLE) == ()


def test_what_cannot_be_measured_is_refused():
    labels, scan = box_case()
    with pytest.raises(VolumeError, match="do not lie on a scan of shape"):
        measure_bones(labels, Volume(scan.voxels[1:], scan.affine), table=TABLE)
    with pytest.raises(BoneTableError, match="label 2 is not in the bone table"):
        measure_bones(labels, scan, table=BoneTable(TABLE.bones[:1]))


def test_a_record_comes_back():
    labels, scan = box_case()
    for bone in measure_bones(labels, scan, table=TABLE):
        assert BoneMeasures.from_record({**asdict(bone), "axis_1": list(bone.axis_1)}) == bone
    with pytest.raises(ValueError, match="missing or not known: colour, id"):
        BoneMeasures.from_record({k: v for k, v in {**asdict(bone), "colour": 1}.items() if k != "id"})
