from dataclasses import replace

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.measures.bone_measures import measure_bones
from sneakynet.evaluation.plausibility.finding import Flag, judged
from sneakynet.evaluation.plausibility.inspection import Inspection
from sneakynet.viewer.scan_report.notices import find_notices

TABLE = BoneTable.default()
FINE = Inspection("a", 5, ())


def test_the_implausible_comes_first_the_worst_before_all(trunk):
    bones = measure_bones(trunk.labels, trunk.scan, table=TABLE)
    parts = (
        judged("spine", [Flag(("vertebrae_L5",), 0.5, "odd")], evidence=""),
        judged("ribs", [Flag(("rib_left_3",), 0.3, "no rib_left_3, though 2 and 4 are there")], evidence=""),
    )
    notices = find_notices(Inspection("a", 5, parts), bones)
    assert [(one.kind, one.topic, one.bones) for one in notices] == [
        ("look", "ribs", ("rib_left_3",)),
        ("look", "spine", ("vertebrae_L5",)),
        ("cut", "cut bones", ("femur_right",)),
    ]
    assert notices[2].text.startswith("the scan ends at its inferior face within femur_right")


def test_doubtful_labels_the_least_sure_first(trunk):
    bones = measure_bones(trunk.labels, None, table=TABLE)
    percent = {"sacrum": 69.9, "hip_left": 40.0, "hip_right": 70.0}
    bones = [replace(bone, confidence_percent=percent.get(bone.name, 95.0), cut_faces=()) for bone in bones]
    (notice,) = find_notices(FINE, bones)
    assert (notice.kind, notice.bones) == ("unsure", ("hip_left", "sacrum"))
    assert "less than 70 % sure of hip_left (40 %), sacrum (70 %)" in notice.text


def test_metal(trunk):
    bones = measure_bones(trunk.labels, trunk.scan, table=TABLE)
    bones = [replace(bone, p95_hu=3044.0 if bone.name == "hip_left" else 1500.0, cut_faces=()) for bone in bones]
    (notice,) = find_notices(FINE, bones)
    assert (notice.kind, notice.bones) == ("metal", ("hip_left",))
    assert "hip_left (3,044 HU) is metal" in notice.text
