"""All parts of a label map's plausibility together, and one figure for it."""

import math
from dataclasses import dataclass
from pathlib import Path

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.known_labels import known_labels
from sneakynet.evaluation.pairing import case_name
from sneakynet.evaluation.plausibility.density import judge_density
from sneakynet.evaluation.plausibility.finding import Flag, Part
from sneakynet.evaluation.plausibility.fragments import judge_fragments
from sneakynet.evaluation.plausibility.measured import measure
from sneakynet.evaluation.plausibility.ribs import judge_ribs
from sneakynet.evaluation.plausibility.sides import judge_sides
from sneakynet.evaluation.plausibility.size import judge_size
from sneakynet.evaluation.plausibility.spine import judge_spine
from sneakynet.evaluation.plausibility.symmetry import judge_symmetry
from sneakynet.evaluation.same_grid import check_grids
from sneakynet.evaluation.translation import translate, translation_for
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume

JUDGES = (
    judge_spine,
    judge_ribs,
    judge_sides,
    judge_symmetry,
    judge_fragments,
    judge_size,
    judge_density,
)


@dataclass(frozen=True)
class Inspection:
    """What a look at one label map gave.

    Args:
        case: the case's name.
        bones: how many are there.
        parts: spine, ribs, sides, symmetry, fragments, size, density.
    """

    case: str
    bones: int
    parts: tuple[Part, ...]

    @property
    def score(self) -> float | None:
        """Product of the parts' scores: no higher than the worst part's. None where all abstain."""
        scores = [part.score for part in self.parts if part.score is not None]
        return round(math.prod(scores), 3) if scores else None

    @property
    def flags(self) -> tuple[tuple[str, Flag], ...]:
        """Every flag with the name of its part, worst first."""
        return tuple(
            sorted(((part.name, flag) for part in self.parts for flag in part.flags), key=lambda pair: pair[1].score)
        )


def inspect(labels: Volume, scan: Volume | None = None, *, table: BoneTable, case: str) -> Inspection:
    """Judge a label map by itself.

    Args:
        labels: ids of the table, on any grid; voxels that count nowhere (``anatomy.ignored``) are taken as background.
        scan: HU on the same grid, for the densities; the order of the voxel axes may differ.
        table: the bones behind the ids.
        case: the case's name.

    Raises:
        VolumeError: labels and scan lie on other grids.
        BoneTableError: a label is not in the table.
    """
    labels = canonical(labels)
    if scan is not None:
        scan = canonical(scan)
        check_grids(
            labels,
            scan,
            case=case,
            names=("label map", "scan"),
            remedy="give the scan that the labels were found in, or resample the labels onto it (nearest neighbour)",
        )
    measured = measure(known_labels(labels, n_classes=table.n_classes), scan, table=table)
    return Inspection(case, len(measured.bones), tuple(judge(measured) for judge in JUDGES))


def inspect_file(
    path: Path, scan: Path | None = None, *, table: BoneTable, labels_table: str | None = None
) -> Inspection:
    """Read a label map, and its scan if there is one, and judge it.

    Args:
        path: the label map.
        scan: the scan, on the same grid.
        table: the bones to judge.
        labels_table: whose labels the map holds (see `translation_for`).

    Raises:
        VolumeError: a file cannot be read, or the grids differ.
        BoneTableError: labels without a meaning.
        DatasetError: a ``dataset.json`` that cannot be used.
    """
    labels = read_labels(path)
    meaning = translation_for(path, table, source=labels_table)
    translated = Volume(translate(labels.voxels, meaning, path=path), labels.affine)
    return inspect(translated, None if scan is None else read_volume(scan), table=table, case=case_name(path))
