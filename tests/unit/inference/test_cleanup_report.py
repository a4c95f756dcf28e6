import json

from sneakynet.inference.cleanup_report import BoneCleanup, CleanupReport, RemovedComponent
from sneakynet.inference.cleanup_settings import CleanupSettings

FILLED = BoneCleanup(
    id=3,
    name="three",
    components=2,
    components_removed=0,
    voxels_removed=0,
    removed_ml=0.0,
    void_voxels_filled=30,
    voids_ml=0.3,
    removed=(),
)
GONE = BoneCleanup(
    id=5,
    name="five",
    components=2,
    components_removed=2,
    voxels_removed=5,
    removed_ml=0.05,
    void_voxels_filled=0,
    voids_ml=0.0,
    removed=(RemovedComponent(4, 0.04, (1.0, 2.0, 3.0)), RemovedComponent(1, 0.01, (0.0, 0.0, 0.0))),
)


def report(*changed):
    return CleanupReport(
        settings=CleanupSettings(keep="near", near_mm=7.0), bones=4, components=9, changed=changed, voxel_ml=0.01
    )


def test_the_summary_says_all_that_was_done():
    assert report().summary == "nothing to remove or to fill"
    assert report(FILLED).summary == "filled 0.30 ml of cavities"
    assert report(GONE, FILLED).summary == (
        "removed 2 of 9 components (0.05 ml), 1 of 4 bones with them; filled 0.30 ml of cavities"
    )


def test_the_record_can_be_written_as_json():
    record = json.loads(json.dumps(report(FILLED, GONE).to_dict()))

    assert record["settings"]["keep"] == "near"
    assert record["settings"]["near_mm"] == 7
    assert record["bones"] == 4
    assert record["bones_removed"] == ["five"]
    assert (record["components"], record["components_removed"]) == (9, 2)
    assert (record["voxels_removed"], record["removed_ml"]) == (5, 0.05)
    assert (record["void_voxels_filled"], record["voids_ml"]) == (30, 0.3)
    assert [bone["name"] for bone in record["changed"]] == ["three", "five"]
    assert record["changed"][1]["removed"][0] == {"voxels": 4, "volume_ml": 0.04, "centroid_mm": [1, 2, 3]}


def test_where_nothing_was_done_the_record_says_so():
    record = report().to_dict()

    assert record["summary"] == "nothing to remove or to fill"
    assert record["changed"] == record["bones_removed"] == []
    assert record["components_removed"] == record["voxels_removed"] == record["void_voxels_filled"] == 0
