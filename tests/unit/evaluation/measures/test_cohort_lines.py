import pytest

from sneakynet.evaluation.measures.bone_measures import BoneMeasures
from sneakynet.evaluation.measures.cohort_lines import RATIO, cohort_lines, volume_ratios

AXIS = (1.0, 0.0, 0.0)


def bone(name="hip_left", *, volume=100.0, cut=(), **more):
    side = name.rpartition("_")[2] if name.endswith(("left", "right")) else None
    mirror = {"hip_left": "hip_right", "hip_right": "hip_left"}.get(name)
    return BoneMeasures(
        id={"hip_left": 2, "hip_right": 3}.get(name, 1),
        name=name,
        side=side,
        mirror=mirror,
        group="",
        voxels=10,
        volume_ml=volume,
        surface_cm2=volume / 2,
        length_mm=volume / 4,
        width_mm=1.0,
        thickness_mm=1.0,
        centroid_mm=AXIS,
        axis_1=AXIS,
        axis_2=AXIS,
        axis_3=AXIS,
        touches_edge=bool(cut),
        cut_faces=cut,
        **more,
    )


def test_quartiles_and_who_lies_beyond():
    cases = {f"case {n}": [bone(volume=v)] for n, v in enumerate((100.0, 110.0, 120.0, 130.0, 200.0))}
    volume, surface, length = cohort_lines(cases)
    assert (volume.name, volume.measure, volume.n) == ("hip_left", "volume_ml", 5)
    assert (volume.q1, volume.median, volume.q3, volume.iqr) == (110, 120, 130, 20)
    assert (volume.lowest, volume.highest, volume.outliers) == (100, 200, ("case 4",))
    assert (surface.median, length.median) == (60, 30)


def test_few_cases_have_no_outliers():
    cases = {str(n): [bone(volume=v)] for n, v in enumerate((100.0, 101.0, 102.0, 900.0))}
    assert [line.outliers for line in cohort_lines(cases)] == [()] * 3


def test_cut_bones_have_densities_and_no_sizes():
    cases = {"a": [bone(cut=("superior",), median_hu=200.0)], "b": [bone(median_hu=300.0)]}
    lines = {line.measure: line for line in cohort_lines(cases)}
    assert {measure: line.n for measure, line in lines.items()} == {
        "volume_ml": 1,
        "surface_cm2": 1,
        "length_mm": 1,
        "median_hu": 2,
    }
    assert lines["median_hu"].median == 250


def test_left_over_right():
    pair = [bone("hip_left", volume=90.0), bone("hip_right", volume=100.0), bone("skull")]
    assert volume_ratios(pair) == {"hip_left": 0.9, "hip_right": 0.9}
    (line,) = [line for line in cohort_lines({"a": pair}) if line.measure == RATIO]
    assert (line.name, line.n, line.median) == ("hip_left", 1, 0.9)


@pytest.mark.parametrize("bones", [[bone()], [bone(), bone("hip_right", cut=("inferior",))]])
def test_no_ratio_without_two_whole_bones(bones):
    assert volume_ratios(bones) == {}


def test_bones_in_the_order_of_their_ids():
    lines = cohort_lines({"a": [bone("hip_right")], "b": [bone("skull"), bone("hip_left")]})
    assert list(dict.fromkeys(line.name for line in lines)) == ["skull", "hip_left", "hip_right"]
