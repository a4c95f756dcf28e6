import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.structure import structure
from sneakynet.phantom.tissue_ids import tissue_ids

TABLE = BoneTable.default()


@pytest.mark.parametrize(
    ("name", "bones"),
    [
        ("vertebrae_T9", ["vertebrae_T9"]),
        ("Thoracic9", ["vertebrae_T9"]),
        ("T9", ["vertebrae_T9"]),
        ("Lumbar 1 vertebra", ["vertebrae_L1"]),
        ("vertebrae_S1", ["sacrum"]),
        ("hat_jaw", ["mandible"]),
        ("Rib6", ["rib_left_6", "rib_right_6"]),
        ("left rib 12", ["rib_left_12"]),
        ("Pelvis", ["hip_left", "hip_right"]),
        ("Right hip bone", ["hip_right"]),
        ("metacarpal_1", ["metacarpal_left_1", "metacarpal_right_1"]),
        ("Clavicle (left)", ["clavicula_left"]),
        ("Sacrum", ["sacrum"]),
    ],
)
def test_names_of_bones(name, bones):
    found = structure(name, TABLE)
    assert (found.kind, [bone.name for bone in found.bones]) == ("bone", bones)


@pytest.mark.parametrize(
    ("name", "tissue"),
    [
        ("left renal pelvis", "bladder"),
        ("L5-L4-IntervertebralDisc", "disc"),
        ("portal vein and superior mesenteric vein", "vein"),
        ("colon and ileum", "bowel"),
        ("costal_cartilages", "cartilage"),
        ("autochthon_left", "muscle"),
        ("iliac_artery_right", "artery"),
        ("lung_upper_lobe_left", "lung"),
        ("left adrenal gland", "organ"),
        ("urinary_bladder", "bladder"),
    ],
)
def test_names_of_tissues(name, tissue):
    found = structure(name, TABLE)
    assert (found.kind, found.tissue) == ("tissue", tissue)
    assert tissue in tissue_ids()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("vertebrae_L6", "ignored_bone"),
        ("T13", "ignored_bone"),
        ("rib_left_13", "ignored_bone"),
        ("tibia_left", "background_bone"),
        ("body_trunc", "body"),
    ],
)
def test_bones_without_a_class_and_the_outline(name, kind):
    assert structure(name, TABLE).kind == kind


def test_every_tissue_that_a_word_stands_for_exists():
    from sneakynet.phantom.structure import _TISSUE_WORDS

    assert {tissue for _, tissue in _TISSUE_WORDS if tissue} <= set(tissue_ids())
