"""Bones in the codes of SNOMED CT, as items of DICOM sequences."""

from pydicom import Dataset
from pydicom.sr.coding import Code

from sneakynet.anatomy.bone import Bone

ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")
"""The category of all bones (DICOM's context group 7150)."""

_ANY_BONE = Code("272673000", "SCT", "Bone")
_SIDES = {"left": Code("7771000", "SCT", "Left"), "right": Code("24028007", "SCT", "Right")}
_LONGEST_MEANING = 64


def bone_code(bone: Bone) -> Code:
    """A bone's concept; that of any bone where the table gives none.

    Args:
        bone: of the table.
    """
    if not bone.snomed_code:
        return _ANY_BONE
    return Code(bone.snomed_code, "SCT", (bone.snomed_meaning or bone.name)[:_LONGEST_MEANING])


def side_code(bone: Bone) -> Code | None:
    """The patient's side, which the concepts of paired bones leave open; None for a bone of the midline.

    Args:
        bone: of the table.
    """
    return None if bone.side is None else _SIDES[bone.side]


def code_item(code: Code) -> Dataset:
    """A code as an item of a code sequence.

    Args:
        code: value, scheme and meaning.
    """
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item
