"""Laws of any bone table."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sneakynet.anatomy.bone import Bone, BoneTable

KINDS = st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from("ab"))), min_size=1, max_size=8)
"""For each kind of bone: whether it is paired, and the schemes that know it."""


def table_of(kinds):
    """A table of these kinds. Not a strategy: the type checks of the tests draw random numbers of their own."""
    bones = []
    for n, (paired, schemes) in enumerate(kinds):
        for side, other in (("left", "right"), ("right", "left")) if paired else ((None, None),):
            bone_id = len(bones) + 1
            aliases = {scheme: (str(1000 + bone_id),) for scheme in schemes}
            name, mirror = (f"bone{n}_{side}", f"bone{n}_{other}") if side else (f"bone{n}", None)
            bones.append(Bone(bone_id, name, side=side, mirror=mirror, aliases=aliases))
    return BoneTable(tuple(bones))


@given(KINDS)
def test_mirroring_twice_changes_nothing(kinds):
    table = table_of(kinds)
    lut = table.mirror_lut()
    assert np.array_equal(lut[lut], np.arange(table.n_classes))


@given(KINDS)
def test_mirroring_changes_exactly_the_bones_with_a_side(kinds):
    table = table_of(kinds)
    moved = table.mirror_lut() != np.arange(table.n_classes)
    assert [bool(moved[bone.id]) for bone in table] == [bone.side is not None for bone in table]


@given(KINDS)
def test_json_gives_back_an_equal_table(kinds):
    table = table_of(kinds)
    assert BoneTable.from_json(table.to_json()) == table


@given(KINDS)
def test_names_ids_and_aliases_find_the_same_bone(kinds):
    table = table_of(kinds)
    for bone in table:
        assert table[bone.name] is table.by_id(bone.id) is table.find(bone.name) is bone
    for scheme in table.schemes:
        lut = table.alias_lut(scheme)
        assert sorted(lut.values()) == [bone.id for bone in table if scheme in bone.aliases]
