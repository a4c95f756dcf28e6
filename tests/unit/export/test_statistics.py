import json

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, OutputError, VolumeError
from sneakynet.export import statistics
from sneakynet.export.statistics import bone_statistics, case_record, write_record
from sneakynet.inference.cleanup import clean
from sneakynet.inference.cleanup_settings import CleanupSettings
from sneakynet.inference.segmentation import Segmentation
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
    monkeypatch.setattr(statistics, "_BLOCK", block)
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


def test_the_record_of_a_case(case, tmp_path):
    labels, scan = case
    segmentation = Segmentation(labels, TABLE, model={"name": "tiny", "provenance": {"steps": 3}})

    write_record(tmp_path / "a.json", case_record(segmentation, scan, case="a"))

    record = json.loads((tmp_path / "a.json").read_text())
    assert (record["format"], record["format_version"], record["case"]) == ("sneakynet statistics", 1, "a")
    assert record["scan"] == {"shape": [5, 6, 7], "spacing_mm": [3, 2, 5], "affine": scan.affine.tolist()}
    assert record["model"] == {"name": "tiny", "provenance": {"steps": 3}}
    assert record["cleanup"] is None
    assert record["bones"][1] == {
        "id": 3,
        "name": "three",
        "voxels": 1,
        "volume_ml": 0.03,
        "centroid_mm": [16, 8, 45],
        "mean_hu": 777,
        "touches_edge": True,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_the_record_says_what_a_clean_up_removed(case, tmp_path):
    labels, scan = case
    settings = CleanupSettings(keep="largest", smallest_mm3=31.0)
    cleaned, report = clean(labels, table=TABLE, settings=settings)
    assert cleaned.voxels[4, 3, 3] == 3  # small, but at the scan's face
    labels.voxels[3, 5, 6] = labels.voxels[1, 4, 5] = 1
    cleaned, report = clean(labels, table=TABLE, settings=settings)

    write_record(tmp_path / "a.json", case_record(Segmentation(cleaned, TABLE), scan, case="a", cleanup=report))

    record = json.loads((tmp_path / "a.json").read_text())
    assert record["cleanup"]["summary"] == "removed 2 of 4 components (0.06 ml)"
    (one,) = record["cleanup"]["changed"]
    assert (one["name"], one["components"], one["components_removed"], one["voxels_removed"]) == ("one", 3, 2, 2)
    # x = 10 + 2 j, y = 20 - 3 i, z = 30 + 5 k.
    assert [part["centroid_mm"] for part in one["removed"]] == [[18, 17, 55], [20, 11, 60]]
    assert record["bones"][0]["voxels"] == 4


def test_a_missing_folder(tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        write_record(tmp_path / "missing" / "a.json", {})
