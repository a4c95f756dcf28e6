"""Labelled scans on disk, and how nnU-Net's raw layout lists them.

DATASET/dataset.json              "labels": name -> id, "channel_names": {"0": "CT"}, "file_ending": ".nii.gz"
DATASET/imagesTr/CASE_0000.nii.gz
DATASET/labelsTr/CASE.nii.gz
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import IGNORE
from sneakynet.data.splits import Split
from sneakynet.data.structures import masks_in
from sneakynet.errors import DatasetError


@dataclass(frozen=True)
class CaseFiles:
    """Where one case lies.

    Args:
        name: of the case.
        scan: file of the CT.
        labels: file of the label map, on the scan's grid; or a folder with a mask for each structure.
    """

    name: str
    scan: Path
    labels: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.scan, *(masks_in(self.labels).values() if self.labels.is_dir() else (self.labels,)))


@dataclass(frozen=True)
class Dataset:
    """Cases and what their labels mean.

    Args:
        folder: of the dataset, or the file that lists it.
        cases: sorted by name; only those with both files.
        table: the classes to learn.
        ids: label in the files -> id in the table.
        ignore: label in the files of voxels that count nowhere, if they have one.
        faults: what is amiss with the files; ``load_cases`` reports it together with what the voxels show.
        splits: whom to learn from and whom to hold out, where the dataset says so itself; one for every fold.
    """

    folder: Path
    cases: tuple[CaseFiles, ...]
    table: BoneTable
    ids: dict[int, int]
    ignore: int | None = None
    faults: tuple[str, ...] = ()
    splits: tuple[Split, ...] = ()


def read_dataset(folder: Path, *, table: BoneTable) -> Dataset:
    """List the cases of a dataset and translate its labels; no voxel is read.

    Args:
        folder: with ``dataset.json``, ``imagesTr`` and ``labelsTr``.
        table: names in ``dataset.json`` are looked up here, by name or alias; ids may differ.

    Raises:
        DatasetError: there is no dataset here, or not one case, or ``dataset.json`` cannot be used.
    """
    description = _description(folder)
    ending = str(description.get("file_ending", ".nii.gz"))
    ids, ignore, faults = label_ids(description.get("labels"), table)
    channels = description.get("channel_names", {"0": "CT"})
    if not isinstance(channels, dict) or len(channels) != 1:
        faults.append(f"channel_names must hold one channel (the CT), it is {channels!r}")
    images, labels = _by_case(folder / "imagesTr", f"_0000{ending}"), _by_case(folder / "labelsTr", ending)
    faults += [
        f"case {name}: no scan imagesTr/{name}_0000{ending}; add it or remove the label map"
        for name in sorted(set(labels) - set(images))
    ]
    faults += [
        f"case {name}: no label map labelsTr/{name}{ending}; add it or remove the scan"
        for name in sorted(set(images) - set(labels))
    ]
    cases = tuple(CaseFiles(name, images[name], labels[name]) for name in sorted(set(images) & set(labels)))
    if not cases:
        faults.append(f"no case: there is no pair imagesTr/CASE_0000{ending} and labelsTr/CASE{ending}")
        refuse(faults, folder)
    return Dataset(folder=folder, cases=cases, table=table, ids=ids, ignore=ignore, faults=tuple(faults))


def refuse(faults: Sequence[str], folder: Path) -> None:
    """Raise all faults in one error, or return if there are none.

    Raises:
        DatasetError: with every fault on its own line.
    """
    if faults:
        lines = "".join(f"\n  - {fault}" for fault in faults)
        msg = f"dataset {folder}: {len(faults)} fault{'s' * (len(faults) > 1)}{lines}"
        raise DatasetError(msg)


def split_cases(names: Sequence[str], *, validation: int | None, seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Hold some cases out.

    Args:
        names: of all cases.
        validation: how many to hold out; None takes a tenth, at least one.
        seed: decides which.

    Returns:
        Names of the training and of the validation cases, each sorted.

    Raises:
        DatasetError: too few cases to have both.
    """
    held_out = max(1, len(names) // 10) if validation is None else validation
    if len(names) < 2:
        msg = f"the dataset has {len(names)} case, training needs at least 2: one to learn from, one to validate on"
        raise DatasetError(msg)
    if not 1 <= held_out < len(names):
        msg = f"cannot hold out {held_out} of {len(names)} cases for validation; choose 1 to {len(names) - 1}"
        raise DatasetError(msg)
    order = np.random.default_rng(seed).permutation(sorted(names))
    return tuple(sorted(map(str, order[held_out:]))), tuple(sorted(map(str, order[:held_out])))


def _by_case(folder: Path, ending: str) -> dict[str, Path]:
    """Files by case name. Hidden ones are no cases: broken-off writes, and what macOS leaves beside a file."""
    paths = sorted(folder.glob(f"*{ending}"))
    return {path.name.removesuffix(ending): path for path in paths if not path.name.startswith(".")}


def _description(folder: Path) -> dict[str, Any]:
    path = folder / "dataset.json"
    if not folder.is_dir():
        msg = f"there is no folder {folder}; give a dataset in nnU-Net's raw layout"
        raise DatasetError(msg)
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"{folder} is no dataset: it has no dataset.json; give a folder with dataset.json, imagesTr and labelsTr"
        raise DatasetError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"cannot read {path}: {error}; it must be JSON in UTF-8"
        raise DatasetError(msg) from error
    if not isinstance(description, dict):
        msg = f"{path} must hold an object with the keys labels, channel_names and file_ending"
        raise DatasetError(msg)
    return description


def label_ids(labels: Any, table: BoneTable) -> tuple[dict[int, int], int | None, list[str]]:
    """Translate the names of a dataset's labels.

    Args:
        labels: name -> label, as ``dataset.json`` has it.
        table: names are looked up here, by name or alias.

    Returns:
        Label in the files -> id in the table, the label of ignored voxels, and what cannot be translated.
    """
    if not isinstance(labels, dict) or not all(type(value) is int for value in labels.values()):
        return {0: 0}, None, ["labels must map each name to one whole number, as in nnU-Net v2's dataset.json"]
    ids, faults = {0: 0}, []
    ignore = None if IGNORE in table else labels.get(IGNORE)
    for name, value in labels.items():
        bone = None if value == 0 else table.find(name)
        if value == 0 or (name == IGNORE and ignore is not None):
            continue
        if value == ignore:
            faults.append(f"label {value} stands for both {name} and {IGNORE}")
        elif bone is None:
            faults.append(
                f"label {name!r} ({value}) is not in the bone table; rename it or give its table with --table"
            )
        elif value in ids:
            faults.append(f"label {value} stands for both {table.by_id(ids[value]).name} and {name}")
        else:
            ids[value] = bone.id
    if ignore == 0:
        faults.append(f"label 0 is background and cannot stand for {IGNORE}")
    return ids, ignore, faults
