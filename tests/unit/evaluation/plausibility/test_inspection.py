"""An error of each kind is found, by the part that it belongs to and by no other."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import VolumeError
from sneakynet.evaluation.plausibility.finding import Flag, Part
from sneakynet.evaluation.plausibility.inspection import Inspection, inspect, inspect_file
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels

TABLE = BoneTable.default()


def scan_of(voxels):
    """Bone in soft tissue; what is far from bones is air."""
    hu = np.full(voxels.shape, -1000, dtype=np.int16)
    hu[ndimage.binary_dilation(voxels > 0, iterations=3)] = 40
    hu[voxels > 0] = 400
    return hu


def scores(inspection):
    return {part.name: part.score for part in inspection.parts}


def hips_exchanged(body):
    body.exchange("hip_left", "hip_right")


def all_sides_exchanged(body):
    body.voxels = TABLE.mirror_lut()[body.voxels].astype(np.uint8)


def vertebrae_exchanged(body):
    body.exchange("vertebrae_T5", "vertebrae_T6")


def vertebra_left_out(body):
    body.voxels[body.where("vertebrae_T9")] = 0


def vertebra_pushed_out(body):
    moved = body.where("vertebrae_L2")
    body.voxels[moved] = 0
    body.voxels[np.roll(moved, 12, axis=1)] = TABLE["vertebrae_L2"].id  # 48 mm to the front


def rib_dropped(body):
    body.voxels[body.where("rib_left_6")] = 0


def ribs_exchanged(body):
    body.exchange("rib_right_4", "rib_right_5")


def fragment_far_away(body):
    body.voxels[2:6, 2:6, 2:6] = TABLE["vertebrae_L3"].id


def bone_doubled(body):
    grown = body.where("sternum")
    wanted = 2 * np.count_nonzero(grown)
    while np.count_nonzero(body.where("sternum")) < wanted:
        grown = ndimage.binary_dilation(grown)
        body.voxels[grown & (body.voxels == 0)] = TABLE["sternum"].id


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (hips_exchanged, "sides"),
        (all_sides_exchanged, "sides"),
        (vertebrae_exchanged, "spine"),
        (vertebra_left_out, "spine"),
        (vertebra_pushed_out, "spine"),
        (rib_dropped, "ribs"),
        (ribs_exchanged, "ribs"),
        (fragment_far_away, "fragments"),
        (bone_doubled, "size"),
    ],
)
def test_an_error_lowers_its_own_part_and_no_other(body, spoil: Callable, part):
    scan = scan_of(body.voxels)
    spoil(body)
    found = body.inspect(scan if part not in {"fragments", "size", "spine"} else scan_of(body.voxels))
    rest = scores(found)
    assert rest.pop(part) < 0.7
    assert set(rest.values()) == {1.0}
    assert found.score == scores(found)[part]


def test_labels_in_air_lower_density_and_no_other(body):
    scan = scan_of(body.voxels)
    scan[body.where("femur_left")] = -900
    found = scores(body.inspect(scan))
    assert found.pop("density") == 0
    assert set(found.values()) == {1.0}


def test_errors_of_two_parts_multiply(body):
    rib_dropped(body)
    vertebra_left_out(body)
    assert body.inspect().score == pytest.approx(0.09)


@pytest.mark.parametrize(
    "bones",
    [
        ("rib_left_2", "rib_right_10"),
        ("hip_left", "hip_right"),
        ("ulna_left", "phalanx_distal_left_3"),
        ("vertebrae_L2", "vertebrae_L4"),
        ("skull", "vertebrae_C4"),
        ("femur_right", "patella_right"),
    ],
)
def test_a_clean_crop_is_not_flagged(body, bones):
    found = body.crop(*body.box(*bones)).inspect()
    assert found.flags == ()
    assert found.score == 1


def test_a_clean_body_on_any_grid(body):
    found = body.inspect(scan_of(body.voxels))
    assert scores(found) == dict.fromkeys(("spine", "ribs", "sides", "symmetry", "fragments", "size", "density"), 1.0)
    turned = np.ascontiguousarray(np.transpose(body.voxels, (2, 0, 1))[::-1, ::-1])
    affine = np.zeros((4, 4))
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = -body.affine[:3, 2], -body.affine[:3, 0], body.affine[:3, 1]
    affine[:, 3] = body.affine @ [body.voxels.shape[0] - 1, 0, body.voxels.shape[2] - 1, 1]
    assert inspect(Volume(turned, affine), table=TABLE, case="turned").flags == ()


def test_no_bone_at_all_has_no_score():
    empty = Volume(np.zeros((4, 4, 4), dtype=np.uint8), np.eye(4))
    found = inspect(empty, table=TABLE, case="empty")
    assert found.score is None
    assert [part.score for part in found.parts] == [None] * 7


def test_what_counts_nowhere_is_background(body):
    body.voxels[:3] = 255
    assert body.inspect().flags == ()


def test_another_grid_is_refused(body):
    with pytest.raises(VolumeError, match=r"case someone: the label map has .* and the scan .*; give the scan that"):
        body.inspect(np.zeros((4, 4, 4), dtype=np.int16))


def test_a_file(body, tmp_path):
    names = {bone.id: bone.name for bone in TABLE}
    path = tmp_path / "a.nii.gz"
    write_labels(path, Volume(body.voxels, body.affine), names=names, colors={b.id: b.color for b in TABLE})
    found = inspect_file(path, table=TABLE)
    assert (found.case, found.score, found.bones) == ("a", 1, 125)


def test_flags_come_worst_first():
    mild, bad = Flag(("a",), 0.8, "mild"), Flag(("b",), 0.1, "bad")
    found = Inspection("k", 2, (Part("spine", 0.8, "", (mild,)), Part("ribs", None, ""), Part("size", 0.1, "", (bad,))))
    assert found.flags == (("size", bad), ("spine", mild))
    assert found.score == 0.08
