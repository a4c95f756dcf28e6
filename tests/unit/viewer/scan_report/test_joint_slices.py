import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.viewer.preview import color_table, rgb
from sneakynet.viewer.scan_report.joint_slices import joint_slices
from sneakynet.viewer.scan_report.joints import find_joints

TABLE = BoneTable.default()
LUT = color_table({bone.id: bone.color for bone in TABLE}, highest=TABLE.n_classes)


def of(trunk, name, scan):
    joint = next(joint for joint in find_joints(trunk.labels, table=TABLE) if joint.name == name)
    return joint_slices(joint, trunk.labels, scan, lut=LUT)


def near(picture, color):
    return np.abs(picture - np.array(rgb(color))).max(axis=-1) < 0.01


def test_planes_letters_and_size(trunk):
    coronal, axial = of(trunk, "Right hip", trunk.scan)
    assert (coronal.plane, coronal.letters, axial.letters) == ("coronal", ("R", "L", "H", "F"), ("R", "L", "A", "P"))
    assert coronal.picture.shape == axial.picture.shape == (300, 300, 3)
    assert coronal.field_mm == 140


def test_the_patients_right_is_on_the_left_and_up_is_up(trunk):
    """The right femur lies outwards of the hip and goes down."""
    coronal, axial = of(trunk, "Right hip", trunk.scan)
    femur, hip = (near(coronal.picture, TABLE[name].color) for name in ("femur_right", "hip_right"))
    assert np.argwhere(femur)[:, 1].mean() < 150 < np.argwhere(hip)[:, 1].mean()
    assert np.argwhere(femur)[:, 0].mean() > np.argwhere(hip)[:, 0].mean()
    assert near(axial.picture, TABLE["femur_right"].color).any()


def test_the_sagittal_plane_shows_the_front_on_the_left(trunk):
    sagittal, _ = of(trunk, "Lumbosacral", trunk.scan)
    # L5 reaches farther to the front than the sacrum does.
    fifth, sacrum = (np.argwhere(near(sagittal.picture, TABLE[name].color)) for name in ("vertebrae_L5", "sacrum"))
    assert fifth[:, 1].min() < sacrum[:, 1].min()
    assert fifth[:, 0].mean() < sacrum[:, 0].mean()


def test_beyond_the_scan_it_is_dark(trunk):
    """The joint of hip and femur lies 100 mm from the scan's right side and is shown 70 mm around."""
    _, axial = of(trunk, "Right hip", trunk.scan)
    assert axial.picture[0].max() == pytest.approx(0, abs=0.3)
    assert 0 <= axial.picture.min() <= axial.picture.max() <= 1


def test_without_a_scan_the_labels_are_shown_alone(trunk):
    coronal, _ = of(trunk, "Right hip", None)
    assert near(coronal.picture, "#0d1016").any()
    assert near(coronal.picture, TABLE["femur_right"].color).any()
