import pytest

from sneakynet.anatomy.bone import BoneTable

TABLE = BoneTable.default()


def test_one_that_is_missing_on_one_side(body):
    body.voxels[body.where("rib_left_6")] = 0
    part = body.part("ribs")
    assert part.evidence == "11 ribs left and 12 right"
    assert [flag.evidence for flag in part.flags] == [
        "no rib_left_6, though rib_left_5 and rib_left_7 are there; its partner is there"
    ]


def test_one_that_is_missing_on_both_sides(body):
    for side in ("left", "right"):
        body.voxels[body.where(f"rib_{side}_6")] = 0
    part = body.part("ribs")
    assert part.score == 0.3
    assert part.flags[0].evidence.endswith("its partner is missing too")


def test_the_last_may_be_missing(body):
    body.voxels[body.where("rib_left_12")] = 0
    assert body.part("ribs").flags == ()


@pytest.mark.parametrize("spine", [True, False])
def test_two_exchanged(body, spine):
    if not spine:
        for bone in TABLE:
            if bone.series == "vertebra":
                body.voxels[body.where(bone.name)] = 0
    assert body.part("ribs").score == 1
    body.exchange("rib_right_4", "rib_right_5")
    part = body.part("ribs")
    assert part.score == 0
    assert "above rib_right_4, not below it" in part.flags[0].evidence


def test_all_of_a_side_one_off(body):
    for n in range(12, 1, -1):
        body.voxels[body.where(f"rib_left_{n}")] = 0
        body.voxels[body.where(f"rib_left_{n - 1}")] = TABLE[f"rib_left_{n}"].id
    (flag,) = body.part("ribs").flags
    assert flag.score < 0.3
    assert flag.evidence.startswith("rib_left_2 and 10 others begin ")
    assert flag.evidence.endswith("above its place beside the vertebra of its number")


def test_the_spine_one_off(body):
    """Names of all vertebrae moved down by one, in a scan that shows neither end of the spine."""
    chest = body.crop(slice(None), slice(None), body.box("vertebrae_T3", "vertebrae_T11")[2])
    for n in range(12, 1, -1):
        chest.voxels[chest.where(f"vertebrae_T{n}")] = 0
        chest.voxels[chest.where(f"vertebrae_T{n - 1}")] = TABLE[f"vertebrae_T{n}"].id
    assert chest.part("spine").score == 1
    assert chest.part("ribs").score < 0.3


def test_a_rib_whose_beginning_is_cut_off_says_nothing(body):
    i, j, k = body.box("rib_left_8", "rib_right_8")
    front = body.crop(i, slice((j.start + j.stop) // 2, j.stop), k)
    assert front.part("ribs").flags == ()


def test_one_rib_says_nothing(body):
    body.voxels[~body.where("rib_left_5")] = 0
    assert body.part("ribs").score is None
