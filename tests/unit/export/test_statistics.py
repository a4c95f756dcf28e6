import json

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import DatasetError, OutputError
from sneakynet.evaluation.measures.bone_measures import measure_bones
from sneakynet.export.statistics import case_record, read_bones, write_record
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


def test_the_record_of_a_case(case, tmp_path):
    labels, scan = case
    segmentation = Segmentation(labels, TABLE, model={"name": "tiny", "provenance": {"steps": 3}})

    write_record(tmp_path / "a.json", case_record(segmentation, scan, case="a"))

    record = json.loads((tmp_path / "a.json").read_text())
    assert (record["format"], record["format_version"], record["case"]) == ("sneakynet statistics", 2, "a")
    assert record["scan"] == {"shape": [5, 6, 7], "spacing_mm": [3, 2, 5], "affine": scan.affine.tolist()}
    assert record["model"] == {"name": "tiny", "provenance": {"steps": 3}}
    assert record["cleanup"] is None
    assert record["order"] is None
    bone = record["bones"][1]
    assert (bone["id"], bone["name"], bone["voxels"], bone["volume_ml"]) == (3, "three", 1, 0.03)
    assert (bone["centroid_mm"], bone["mean_hu"], bone["touches_edge"]) == ([16, 8, 45], 777, True)
    assert read_bones(tmp_path / "a.json") == measure_bones(labels, scan, table=TABLE)
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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no", "cannot use the statistics"),
        ('{"format": "sneakynet statistics", "format_version": 1, "bones": []}', "of version 1"),
        (
            '{"format": "sneakynet statistics", "format_version": 2, "bones": [{"id": 1}]}',
            "missing or not known: axis_1",
        ),
        (None, "No such file"),
    ],
)
def test_statistics_that_cannot_be_read_again(tmp_path, text, reason):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    with pytest.raises(DatasetError, match=reason):
        read_bones(tmp_path / "a.json")
