from dataclasses import replace

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, VolumeError
from sneakynet.evaluation import slabs
from sneakynet.evaluation.bone_statistics import bone_statistics
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((Bone(id=1, name="one"), Bone(id=2, name="two"), Bone(id=3, name="three")))


@pytest.fixture
def case():
    labels = np.zeros((5, 6, 7), dtype=np.uint8)
    labels[1:3, 2, 3:5] = 1
    labels[4, 3, 3] = 3
    hu = np.zeros((5, 6, 7), dtype=np.int16)
    hu[1], hu[2], hu[4] = 100, 300, 777
    affine = np.array([[0, 2.0, 0, 10], [-3.0, 0, 0, 20], [0, 0, 5.0, 30], [0, 0, 0, 1]])
    return Volume(labels, affine), Volume(hu, affine)


@pytest.mark.parametrize("block", [10, 1 << 22])
@pytest.mark.parametrize("order", ["C", "F"])
def test_each_bone_is_measured(case, monkeypatch, block, order):
    monkeypatch.setattr(slabs, "_BLOCK", block)
    labels, scan = case
    labels = Volume(np.array(labels.voxels, order=order), labels.affine)

    one, three = bone_statistics(labels, scan, table=TABLE)

    assert (one.id, one.name, one.voxels) == (1, "one", 4)
    assert one.volume_ml == pytest.approx(4 * 30 / 1000)
    # Mean index (1.5, 2, 3.5): x = 10 + 2 * 2, y = 20 - 3 * 1.5, z = 30 + 5 * 3.5.
    assert one.centroid_mm == (14, 15.5, 47.5)
    assert one.mean_hu == 200
    assert not one.touches_edge
    assert (three.id, three.voxels, three.mean_hu, three.touches_edge) == (3, 1, 777, True)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("face", [0, -1])
def test_every_face_cuts(axis, face):
    labels = np.zeros((4, 4, 4), dtype=np.uint16)
    labels[1, 1, 1] = 1
    index = [2, 2, 2]
    index[axis] = face
    labels[tuple(index)] = 2
    volume = Volume(labels, np.eye(4))

    one, two = bone_statistics(volume, volume, table=TABLE)

    assert not one.touches_edge
    assert two.touches_edge


def test_no_bone_gives_no_record():
    empty = Volume(np.zeros((3, 3, 3), dtype=np.uint8), np.eye(4))

    assert bone_statistics(empty, empty, table=TABLE) == ()


def test_another_scan_is_refused(case):
    labels, scan = case
    with pytest.raises(VolumeError, match=r"labels of shape \(5, 6, 7\) do not lie on a scan of shape \(4, 6, 7\)"):
        bone_statistics(labels, Volume(scan.voxels[1:], scan.affine), table=TABLE)


def test_a_label_outside_the_table_is_refused(case):
    labels, scan = case
    with pytest.raises(BoneTableError, match="label 3 is not in the bone table"):
        bone_statistics(labels, scan, table=BoneTable(TABLE.bones[:2]))


def test_without_a_scan_nothing_is_said_of_density(case):
    labels, scan = case
    alone, with_scan = bone_statistics(labels, None, table=TABLE), bone_statistics(labels, scan, table=TABLE)
    assert [replace(one, mean_hu=None) for one in with_scan] == list(alone)
