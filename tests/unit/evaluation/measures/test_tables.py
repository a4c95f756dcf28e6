import csv

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.measures.bone_measures import measure_bones
from sneakynet.evaluation.measures.tables import bones_csv, cohort_csv
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


def case(width):
    labels = np.zeros((20, 10, 10), dtype=np.uint8)
    labels[2 : 2 + width, 3:6, 3:6] = TABLE["hip_left"].id
    labels[10:14, 3:6, 3:6] = TABLE["hip_right"].id
    labels[19, 9, 9] = TABLE["skull"].id
    return measure_bones(Volume(labels, np.eye(4)), None, table=TABLE)


def test_a_row_per_bone():
    rows = list(csv.DictReader(bones_csv({"a": case(4), "b": case(6)}).splitlines()))
    assert [(row["case"], row["name"]) for row in rows[:4]] == [
        ("a", "skull"),
        ("a", "hip_left"),
        ("a", "hip_right"),
        ("b", "skull"),
    ]
    skull, left = rows[0], rows[4]
    assert skull["cut_faces"] == "right;anterior;superior"
    assert (skull["volume_left_over_right"], skull["mean_hu"]) == ("", "")
    assert (left["volume_left_over_right"], left["volume_ml"], left["length_mm"]) == ("1.5", "0.054", "6.0")
    assert [left[f"centroid_{axis}_mm"] for axis in "xyz"] == ["4.5", "4.0", "4.0"]
    assert [left[f"axis_1_{axis}"] for axis in "xyz"] == ["1.0", "0.0", "0.0"]


def test_the_cohort():
    widths = {"a": 3, "b": 4, "c": 4, "d": 4, "e": 5, "f": 7}
    rows = list(csv.DictReader(cohort_csv({name: case(width) for name, width in widths.items()}).splitlines()))
    left = {row["measure"]: row for row in rows if row["name"] == "hip_left"}
    assert list(left) == ["volume_ml", "surface_cm2", "length_mm", "volume_left_over_right"]
    # Widths have the quartiles 4 and 4.75: beyond 2.875 and 5.875 lies 7.
    assert (left["length_mm"]["n"], left["length_mm"]["median"]) == ("6", "4.0")
    assert (left["length_mm"]["outliers"], left["volume_left_over_right"]["highest"]) == ("f", "1.75")
    assert "skull" not in {row["name"] for row in rows}  # the scan cuts it everywhere
