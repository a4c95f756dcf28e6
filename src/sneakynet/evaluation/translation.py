"""From the labels of any label map to those of one bone table."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import IGNORE, ignored
from sneakynet.errors import BoneTableError, DatasetError, VolumeError
from sneakynet.evaluation.slabs import slabs
from sneakynet.types import LabelArray
from sneakynet.volumes.label_names import read_label_names

_LOG = logging.getLogger(__name__)

_DTYPE = np.dtype(np.uint16)


@dataclass(frozen=True)
class Translation:
    """What the labels of a label map mean in a bone table.

    Args:
        ids: foreign label -> label of the table, 0 for a structure that the table does not hold; for voxels that
            count nowhere the highest value of uint16 (``anatomy.ignored``), which `translate` gives.
        strict: whether a label without an entry is an error; otherwise it is background.
    """

    ids: Mapping[int, int]
    strict: bool = True


def translation_for(path: Path, table: BoneTable, *, source: str | None) -> Translation:
    """What the labels of a file mean.

    Args:
        path: a label map.
        table: what to translate to.
        source: a scheme or a CSV file (see `foreign_labels`). None goes by the label names that the file holds, else
            by those of a ``dataset.json`` beside its folder (nnU-Net's layout), else takes the labels as the table's
            own (see `warn_of_unnamed`).

    Raises:
        BoneTableError: the source is unknown, or none of the names is.
        DatasetError: ``dataset.json`` cannot be used.
        VolumeError: the file cannot be read.
    """
    if source is not None:
        return foreign_labels(source, table)
    names = _names(path)
    return named_labels(names, table) if names else own_labels(table)


def warn_of_unnamed(paths: Iterable[Path]) -> None:
    """Say in one message which label maps name no labels, so that their labels are taken as the bone table's own.

    Args:
        paths: label maps that no scheme was given for. Of one that cannot be read nothing is said: its reader will.
    """
    unnamed = [path for path in paths if _is_unnamed(path)]
    if len(unnamed) == 1:
        _LOG.warning("%s names no labels; they are taken as those of the bone table", unnamed[0])
    elif unnamed:
        _LOG.warning(
            "%d label maps name no labels; they are taken as those of the bone table: %s",
            len(unnamed),
            _shown([str(path) for path in unnamed]),
        )


def own_labels(table: BoneTable) -> Translation:
    """Of a label map that uses the table's own labels."""
    return Translation({bone.id: bone.id for bone in table})


def named_labels(names: Mapping[int, str], table: BoneTable) -> Translation:
    """Of a label map whose labels have names; a name that the table does not know is background.

    The name ``ignore`` marks voxels that count nowhere, as in nnU-Net, unless the table has a bone of that name.

    Args:
        names: label -> name, in the table or as an alias.
        table: where the names are looked up.

    Raises:
        BoneTableError: the table knows none of the names.
    """
    bones = {label: table.find(name) for label, name in names.items() if label != 0}
    if not any(bones.values()):
        msg = f"the bone table knows none of the label names {_shown(list(names.values()))}; give their table"
        raise BoneTableError(msg)
    ids = {label: bone.id if bone else 0 for label, bone in bones.items()}
    unknown = [label for label, name in names.items() if name == IGNORE and ids.get(label) == 0]
    return Translation({**ids, **dict.fromkeys(unknown, ignored(_DTYPE))})


def foreign_labels(source: str, table: BoneTable) -> Translation:
    """Of a label map of another scheme or table.

    Args:
        source: a scheme that the table has aliases in (``totalsegmentator``), or a CSV file with another bone table.
        table: what to translate to.

    Raises:
        BoneTableError: no such scheme or file, or the file holds faults.
    """
    if source.lower().endswith(".csv"):
        return named_labels({bone.id: bone.name for bone in BoneTable.read(source)}, table)
    try:
        # Other schemes hold organs and muscles too, so that a label without an alias is no mistake.
        return Translation(table.alias_lut(source), strict=False)
    except BoneTableError as error:
        msg = f"{error}; a table of your own is given as a .csv file"
        raise BoneTableError(msg) from error


def translate(labels: LabelArray, translation: Translation, *, path: Path) -> LabelArray:
    """Labels of the table in place of foreign ones.

    Args:
        labels: 0 or more.
        translation: what they mean.
        path: where they come from, for the error.

    Returns:
        An array of the same shape, uint16.

    Raises:
        BoneTableError: labels that the translation, being strict, has no entry for.
    """
    seen = np.zeros(int(labels.max()) + 1, dtype=bool)
    for slab in slabs(labels):
        seen[labels[slab]] = True
    present = np.flatnonzero(seen)
    unknown = [int(label) for label in present if label and label not in translation.ids]
    if unknown and translation.strict:
        known = sorted(translation.ids)
        msg = (
            f"{path} holds labels that are not in its bone table: {_shown(unknown)}; "
            f"the table holds {known[0]} to {known[-1]}. Say whose labels they are with --prediction-table or "
            "--reference-table (view, inspect, measure, report, mesh, dicom: --labels-table): a scheme such as "
            "totalsegmentator or verse, or a .csv file"
        )
        raise BoneTableError(msg)
    lut = np.zeros(int(present[-1]) + 1, dtype=_DTYPE)
    for label in present:
        lut[label] = translation.ids.get(int(label), 0)
    translated = np.empty_like(labels, dtype=_DTYPE)
    for slab in slabs(labels):
        translated[slab] = lut[labels[slab]]
    return translated


def _names(path: Path) -> dict[int, str]:
    """Label names that the file holds, or a ``dataset.json`` beside its folder; empty if there are none."""
    return read_label_names(path) or _dataset_names(path.resolve().parent.parent / "dataset.json")


def _is_unnamed(path: Path) -> bool:
    try:
        return not _names(path)
    except (VolumeError, DatasetError):
        return False


def _dataset_names(path: Path) -> dict[int, str]:
    """Label names of a dataset in nnU-Net's layout; empty if there is none."""
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
        return {int(label): name for name, label in labels.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"cannot take label names from {path} ({error!r}); its key labels must map each name to one number"
        raise DatasetError(msg) from error


def _shown(items: list[int] | list[str]) -> str:
    return ", ".join(map(str, items[:8])) + (" ..." if len(items) > 8 else "")
