"""What the names in foreign label maps mean: a bone of the table, another bone, or a tissue.

Label maps name the same thing in many ways (``vertebrae_T9``, ``Thoracic9``, ``T9``; ``hip_left``, ``left hip``,
``Pelvis``). A name is taken apart into words; what the table or one of its aliases knows is that bone, a bone whose
name lacks the side is both of its sides, and what is left is a tissue by the first telling word.
"""

import re
from dataclasses import dataclass
from typing import Literal

from sneakynet.anatomy.bone import Bone, BoneTable

_SIDES = ("left", "right")

# Words for a bone in other label maps -> as the table has it, without side and number.
_BONE_WORDS = {
    "vertebra": "vertebrae",
    "clavicle": "clavicula",
    "collarbone": "clavicula",
    "pelvis": "hip",
    "innominate": "hip",
    "coxal": "hip",
    "jaw": "mandible",
    "cranium": "skull",
    "breastbone": "sternum",
    "kneecap": "patella",
    "ribs": "rib",
}
_FILLERS = {"bone", "bones", "os", "of", "the", "spine", "body"}
_REGIONS = {"cervical": "c", "thoracic": "t", "lumbar": "l", "sacral": "s"}

# Bones that the default table has no class for. A lower leg is background wherever scans are labelled by
# TotalSegmentator's classes; a supernumerary rib or vertebra is neither background nor its neighbour.
_BACKGROUND_BONES = {"tibia", "fibula", "tarsal", "metatarsal", "calcaneus", "talus", "foot", "toe"}
_ADDITIONAL = re.compile(r"(rib (13|0|cervical)|vertebrae (t ?13|l ?6)|cervical rib|t 13|l 6)")

# First word that occurs in a name -> tissue of tissues.csv; empty: outline of the body, filled like unlabelled parts.
_TISSUE_WORDS = (
    ("disc", "disc"),
    ("disk", "disc"),
    ("cartilage", "cartilage"),
    ("spinal cord", "spinal_canal"),
    ("spinal canal", "spinal_canal"),
    ("lung", "lung"),
    ("trachea", "airway"),
    ("bronch", "airway"),
    ("airway", "airway"),
    ("pharynx", "airway"),
    ("calcif", "calcification"),
    ("vein", "vein"),
    ("vena", "vein"),
    ("artery", "artery"),
    ("arteries", "artery"),
    ("aorta", "artery"),
    ("brachiocephalic trunk", "artery"),
    ("celiac trunk", "artery"),
    ("heart", "heart"),
    ("atri", "heart"),
    ("cardi", "heart"),
    ("muscle", "muscle"),
    ("psoas", "muscle"),
    ("iliopsoas", "muscle"),
    ("gluteus", "muscle"),
    ("autochthon", "muscle"),
    ("iliacus", "muscle"),
    ("liver", "liver"),
    ("spleen", "spleen"),
    ("pancreas", "pancreas"),
    ("renal pelvis", "bladder"),
    ("cyst", "bladder"),
    ("bladder", "bladder"),
    ("gallbladder", "bladder"),
    ("ureter", "bladder"),
    ("kidney", "kidney"),
    ("stomach", "stomach"),
    ("duodenum", "bowel"),
    ("colon", "bowel"),
    ("ileum", "bowel"),
    ("bowel", "bowel"),
    ("intestine", "bowel"),
    ("rectum", "bowel"),
    ("esophagus", "bowel"),
    ("oesophagus", "bowel"),
    ("thyroid", "thyroid"),
    ("brain", "brain"),
    ("csf", "csf"),
    ("sinus", "sinus"),
    ("skin", "skin"),
    ("visceral fat", "visceral_fat"),
    ("torso fat", "visceral_fat"),
    ("fat", "fat"),
    ("adipose", "fat"),
    ("gas", "gas"),
    ("adrenal", "organ"),
    ("gland", "organ"),
    ("prostate", "organ"),
    ("uterus", "organ"),
    ("body", ""),
    ("torso", ""),
    ("trunc", ""),
    ("extremities", ""),
)
_UNKNOWN_TISSUE = "organ"


@dataclass(frozen=True)
class Structure:
    """What one label stands for.

    Args:
        kind: ``bone`` (of the table), ``background_bone`` and ``ignored_bone`` (bones without a class: background or
            nothing in the labels), ``tissue``, or ``body`` (the patient's outline).
        bones: for ``bone``: the one, or the left and the right where the name does not tell the side.
        tissue: for ``tissue``: its name in ``tissues.csv``.
        known: False for a tissue whose name says nothing; it is some soft organ.
    """

    kind: Literal["bone", "background_bone", "ignored_bone", "tissue", "body"]
    bones: tuple[Bone, ...] = ()
    tissue: str = ""
    known: bool = True


def structure(name: str, table: BoneTable) -> Structure:
    """What a name in a label map means.

    Args:
        name: in any of the manners described above.
        table: the classes.
    """
    bone = table.find(name)
    if bone is not None:
        return Structure("bone", (bone,))
    text = _text(name)
    if _ADDITIONAL.fullmatch(_without_side(text)):
        return Structure("ignored_bone")
    bones = _bones(text, table)
    if bones:
        return Structure("bone", bones)
    if _BACKGROUND_BONES & set(text.split()):
        return Structure("background_bone")
    for word, tissue in _TISSUE_WORDS:
        if re.search(rf"\b{word}", text):
            return Structure("tissue", tissue=tissue) if tissue else Structure("body")
    return Structure("tissue", tissue=_UNKNOWN_TISSUE, known=False)


def _text(name: str) -> str:
    """Lower-case words with one blank between them, numbers apart from letters."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.sub(r"[^a-z0-9]+", " ", words.lower())
    return " ".join(re.sub(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])", " ", words).split())


def _without_side(text: str) -> str:
    return " ".join(word for word in text.split() if word not in _SIDES)


def _stem(text: str) -> str:
    words = [_BONE_WORDS.get(word, _REGIONS.get(word, word)) for word in _without_side(text).split()]
    words = [word for word in words if word not in _FILLERS]
    if "vertebrae" in words or (len(words) == 2 and words[0] in _REGIONS.values()):
        words = ["vertebrae", *(word for word in words if word != "vertebrae")]
    return " ".join(words)


def _bones(text: str, table: BoneTable) -> tuple[Bone, ...]:
    """The bones of the table whose name without the side is this one, those of a named side only."""
    stem, sides = _stem(text), [side for side in _SIDES if side in text.split()]
    # "left renal pelvis" has a word too many to be a hip, and "iliac artery" none of a bone.
    found = [bone for bone in table if _stem(_text(bone.name)) == stem]
    return tuple(bone for bone in found if not sides or bone.side in (None, *sides))
