from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.export.bone_codes import bone_code, code_item, side_code


def test_a_bone_without_a_code_is_some_bone() -> None:
    code = bone_code(Bone(id=1, name="wishbone"))
    assert (code.value, code.meaning) == ("272673000", "Bone")


def test_a_long_meaning_is_cut_to_what_dicom_holds() -> None:
    assert len(bone_code(Bone(id=1, name="b", snomed_code="1", snomed_meaning="m" * 70)).meaning) == 64


def test_bones_that_share_a_code_are_told_apart_by_side_or_are_parts_of_what_it_names() -> None:
    for bone in BoneTable.default():
        side = side_code(bone)
        assert (side and side.meaning.lower()) == bone.side


def test_an_item_holds_the_three_parts_of_a_code() -> None:
    item = code_item(bone_code(BoneTable.default()["hyoid"]))
    assert (item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning) == ("21387005", "SCT", "Hyoid bone")
