import numpy as np


def test_order_is_told(body):
    body.exchange("vertebrae_T5", "vertebrae_T6")
    worst = body.part("spine").flags[0]
    assert worst.bones == ("vertebrae_T5", "vertebrae_T6")
    assert "mm above vertebrae_T5, not below it" in worst.evidence


def test_the_skull_is_at_the_upper_end(body):
    body.exchange("skull", "sacrum")
    assert body.part("spine").score == 0


def test_a_spine_upside_down(body):
    body.voxels = np.ascontiguousarray(body.voxels[:, :, ::-1])
    part = body.part("spine")
    assert part.score == 0
    assert len(part.flags) > 20


def test_a_gap_is_told(body):
    for name in ("vertebrae_T9", "vertebrae_T10"):
        body.voxels[body.where(name)] = 0
    part = body.part("spine")
    assert part.evidence == "22 vertebrae, vertebrae_C1 to vertebrae_L5, and skull and sacrum"
    (flag,) = part.flags
    assert flag.evidence.startswith("no vertebrae_T9, vertebrae_T10 between vertebrae_T8 and vertebrae_T11, which are ")


def test_a_spine_need_not_be_whole_at_its_ends(body):
    for name in ("vertebrae_C1", "vertebrae_C2", "skull", "sacrum", "vertebrae_L5"):
        body.voxels[body.where(name)] = 0
    assert body.part("spine").flags == ()


def test_a_level_is_missing_before_the_sacrum(body):
    body.voxels[body.where("vertebrae_L5")] = 0
    assert body.part("spine").score == 0.3


def test_a_skull_cut_by_the_scan_may_stand_beside_the_third_vertebra(body):
    for name in ("vertebrae_C1", "vertebrae_C2"):
        body.voxels[body.where(name)] = 0
    assert body.part("spine").score == 0.3
    _, _, k = body.box("skull")
    assert body.crop(slice(None), slice(None), slice(0, k.start + 10)).part("spine").score == 1


def test_one_vertebra_says_nothing(body):
    body.voxels[~body.where("vertebrae_T9")] = 0
    part = body.part("spine")
    assert (part.score, part.evidence) == (None, "1 vertebrae: nothing that one could follow another")
