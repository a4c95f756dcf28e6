def halve(body, name):
    i, j, k = body.box(name)
    half = (i, j, slice(k.stop - int(0.6 * (k.stop - k.start)), k.stop))
    body.voxels[half][body.where(name)[half]] = 0


def test_half_a_bone_is_told(body):
    halve(body, "scapula_left")
    (flag,) = body.part("symmetry").flags
    assert flag.bones == ("scapula_right", "scapula_left")
    assert flag.score < 0.9
    assert "times the" in flag.evidence


def test_last_ribs_may_differ(body):
    halve(body, "rib_left_12")
    assert body.part("symmetry").flags == ()


def test_what_the_scan_cuts_is_not_compared(body):
    halve(body, "scapula_left")
    i, j, k = body.box("scapula_left", "scapula_right")
    crop = body.crop(i, j, slice(k.start, k.stop - 5))
    assert "scapula_left" not in {bone for flag in crop.part("symmetry").flags for bone in flag.bones}


def test_the_spine_alone_says_nothing(body):
    i, j, k = body.box("vertebrae_L2", "vertebrae_L4")
    body.voxels[body.voxels > 28] = 0
    assert body.crop(i, j, k).part("symmetry").score is None
