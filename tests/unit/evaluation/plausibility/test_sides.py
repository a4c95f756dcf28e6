import numpy as np


def test_a_pair_exchanged_is_told(body):
    body.exchange("clavicula_left", "clavicula_right")
    (flag,) = body.part("sides").flags
    assert (flag.bones, flag.score) == (("clavicula_left", "clavicula_right"), 0)
    assert "to the right of clavicula_right" in flag.evidence


def test_both_on_one_side(body):
    """The right hip is called left, and the left one is not there."""
    body.voxels[body.where("hip_left")] = 0
    body.exchange("hip_left", "hip_right")
    (flag,) = body.part("sides").flags
    assert flag.bones == ("hip_left",)
    assert flag.evidence.endswith("mm beyond the midline")


def test_bones_of_the_other_hand(body):
    body.exchange("metacarpal_left_2", "metacarpal_right_2")
    flags = body.part("sides").flags
    assert [flag.bones for flag in flags] == [("metacarpal_left_2",), ("metacarpal_right_2",)]
    assert flags[0].evidence.startswith("metacarpal_left_2 lies in the right hand: ")


def test_one_bone_of_the_midline_astray_moves_no_midline(body):
    moved = body.where("vertebrae_T7")
    body.voxels[moved] = 0
    body.voxels[np.roll(moved, 40, axis=0)] = 17
    assert body.part("sides").flags == ()


def test_one_arm_alone_says_nothing(body):
    crop = body.crop(*body.box("radius_left", "phalanx_distal_left_3"))
    crop.voxels[~crop.where("radius_left")] = 0
    assert crop.part("sides").score is None
