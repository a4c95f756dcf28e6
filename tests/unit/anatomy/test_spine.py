from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.spine import spine_levels


def test_the_levels_are_the_tables_vertebrae_from_the_top():
    vertebrae = sorted((b for b in BoneTable.default() if b.series == "vertebra"), key=lambda bone: bone.index or 0)

    assert [level.name for level in spine_levels()] == [bone.name for bone in vertebrae]


def test_twelve_pairs_of_ribs_at_the_thoracic_vertebrae():
    assert {level.name: level.rib for level in spine_levels() if level.rib} == {
        f"vertebrae_T{n}": n for n in range(1, 13)
    }


def test_extents_are_those_of_people():
    assert all(14 <= level.extent_mm <= 40 for level in spine_levels())
    assert 450 < sum(level.extent_mm for level in spine_levels()) < 700
