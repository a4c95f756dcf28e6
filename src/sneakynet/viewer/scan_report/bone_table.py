"""The table of a report: which figures of the bones it shows, and under which headings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sneakynet.evaluation.measures.bone_measures import BoneMeasures
from sneakynet.viewer.page import number, percent

GROUP_NAMES = {
    "skull": "Head",
    "spine_cervical": "Cervical spine",
    "spine_thoracic": "Thoracic spine",
    "spine_lumbar": "Lumbar spine",
    "sacrum": "Sacrum and coccyx",
    "ribs": "Ribs",
    "sternum": "Sternum",
    "shoulder": "Shoulder girdle",
    "arm": "Arms",
    "carpals": "Carpals",
    "metacarpals": "Metacarpals",
    "phalanges": "Phalanges",
    "pelvis": "Pelvis",
    "leg": "Legs",
}
"""Group of the package's bone table -> heading; a group of another table is its own heading."""

_SIZE_NOTES = (
    "Volume: of the voxels. Surface: by Crofton's formula. Length: extent along the bone's longest principal axis.",
    "Cut: the scan ends within the bone, whose size is that of the part in it.",
)

_DENSITY_NOTES = (
    "HU are those of the scan; no phantom calibrates them. Shell: the outer 3 mm. Cortex: what has 600 HU or more in "
    "it, and its share of it (Aamodt et al. 1999). Trabecular: what lies deeper and has less.",
    "L1: trabecular density against thresholds for osteoporosis at 120 kVp (100, 135 and 160 HU; Pickhardt et al. "
    "2013): a hint, no diagnosis.",
)


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Args:
        heading: what it shows.
        unit: of it.
        text: what stands in a bone's row.
        width: in print, over that of a column of short figures.
        numeric: whether it is aligned as a figure.
    """

    heading: str
    unit: str
    text: Callable[[BoneMeasures], str]
    width: float = 1.0
    numeric: bool = True


_SIZES = (
    Column("Volume", "ml", lambda bone: number(bone.volume_ml, 1 if bone.volume_ml >= 10 else 2)),
    Column("Surface", "cm²", lambda bone: number(bone.surface_cm2, 1)),
    Column("Length", "mm", lambda bone: number(bone.length_mm, 0)),
)

_DENSITIES = (
    Column("Median", "HU", lambda bone: number(bone.median_hu, 0)),
    Column("5 to 95 %", "HU", lambda bone: f"{number(bone.p5_hu, 0)} … {number(bone.p95_hu, 0)}", 1.9),
    Column("Trabecular", "HU", lambda bone: number(bone.trabecular_hu, 0), 1.3),
    Column("Cortex", "HU", lambda bone: number(bone.cortical_hu, 0)),
    Column("Share", "of shell", lambda bone: percent(bone.cortical_share), 1.1),
)

_CONFIDENCE = Column("Confidence", "%", lambda bone: number(bone.confidence_percent, 0), 1.5)

_REMARKS = Column("Remarks", "", lambda bone: remarks(bone), 2.1, numeric=False)


def bone_columns(bones: Sequence[BoneMeasures]) -> tuple[Column, ...]:
    """The columns that some bone has something in."""
    densities = _DENSITIES if _with_densities(bones) else ()
    confidence = (_CONFIDENCE,) if any(bone.confidence_percent is not None for bone in bones) else ()
    return (*_SIZES, *densities, *confidence, _REMARKS)


def table_notes(bones: Sequence[BoneMeasures]) -> tuple[str, ...]:
    """What the figures are, and their sources."""
    return _SIZE_NOTES + (_DENSITY_NOTES if _with_densities(bones) else ())


def bone_groups(bones: Sequence[BoneMeasures]) -> dict[str, list[BoneMeasures]]:
    """Bones by the heading of their group, in the order of their ids."""
    groups: dict[str, list[BoneMeasures]] = {}
    for bone in bones:
        groups.setdefault(GROUP_NAMES.get(bone.group, bone.group or "Bones"), []).append(bone)
    return groups


def remarks(bone: BoneMeasures) -> str:
    """What is special about a bone's figures, in a few words."""
    said = []
    if bone.cut_faces:
        said.append(f"cut ({', '.join(bone.cut_faces)})")
    if bone.l1_band_hu is not None:
        said.append(f"L1 {bone.l1_band_hu.replace('<=', '≤ ').replace('>', '> ')} HU")
    return "; ".join(said)


def _with_densities(bones: Sequence[BoneMeasures]) -> bool:
    return any(bone.median_hu is not None for bone in bones)
