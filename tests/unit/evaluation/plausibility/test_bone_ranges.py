from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.plausibility.bone_ranges import bone_ranges

TABLE = BoneTable.default()


def test_every_bone_has_a_range():
    ranges = bone_ranges()
    assert tuple(ranges) == TABLE.names
    assert all(r.low_ml < r.median_ml < r.high_ml for r in ranges.values())


def test_partners_share_theirs():
    ranges = bone_ranges()
    assert all(ranges[bone.name] == ranges[bone.mirror] for bone in TABLE if bone.mirror)


def test_vertebrae_have_a_step_to_the_next():
    steps = {name: r.step_mm for name, r in bone_ranges().items() if r.step_mm is not None}
    assert list(steps) == [bone.name for bone in TABLE if bone.series == "vertebra"][:-1]
    assert 10 < min(steps.values()) < max(steps.values()) < 45
