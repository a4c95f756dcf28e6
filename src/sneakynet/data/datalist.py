"""Labelled scans listed in a JSON file, as MONAI and the Medical Segmentation Decathlon do.

{"labels": {"0": "background", "1": "vertebrae_L1"},          optional; without it files hold the bone table's own ids
 "training": [{"image": "a.nii.gz", "label": "a_seg.nii.gz", "fold": 0}],
 "validation": [{"image": "b.nii.gz", "label": "b_seg.nii.gz"}]}
"""

import json
from pathlib import Path
from typing import Any

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.dataset import CaseFiles, Dataset, label_ids, refuse
from sneakynet.data.splits import Split
from sneakynet.errors import DatasetError

_PARTS = ("training", "validation")
_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")


def is_datalist(path: Path) -> bool:
    """Whether a JSON file lists cases; files that cannot be read do not."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and isinstance(content.get("training"), list)


def read_datalist(path: Path, *, table: BoneTable) -> Dataset:
    """List the cases; no voxel is read.

    Paths are relative to the file's folder. With a list ``validation``, its cases are held out; with a ``fold`` at each
    case of ``training``, fold N holds out those of number N. Cases without a label map, as in ``test``, do not count.

    Args:
        path: the file.
        table: names in ``labels`` are looked up here, by name or alias.

    Raises:
        DatasetError: the file cannot be read, or lists no case.
    """
    content = _content(path)
    ids, ignore, faults = _labels(content.get("labels"), table)
    cases: dict[str, CaseFiles] = {}
    part_of: dict[str, str] = {}
    folds: dict[str, int] = {}
    for part in _PARTS:
        for number, entry in enumerate(content.get(part, [])):
            where = f"{part}[{number}]"
            files = _files(entry, path.parent)
            if isinstance(files, str):
                faults.append(f"{where}: {files}")
                continue
            if files is None:
                continue
            if files.name in cases:
                faults.append(f"{where}: a case named {files.name} is there already; give its scan another name")
                continue
            cases[files.name], part_of[files.name] = files, part
            if isinstance(entry, dict) and type(entry.get("fold")) is int:
                folds[files.name] = entry["fold"]
    if not cases:
        refuse([*faults, 'no case: "training" holds no {"image": ..., "label": ...} whose files exist'], path)
    ordered = tuple(cases[name] for name in sorted(cases))
    splits = _splits(part_of, folds)
    return Dataset(path, ordered, table, ids, ignore=ignore, faults=tuple(faults), splits=splits)


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"cannot read {path}: {error}; it must be JSON in UTF-8"
        raise DatasetError(msg) from error
    wrong = [part for part in _PARTS if isinstance(content, dict) and not isinstance(content.get(part, []), list)]
    if not isinstance(content, dict) or "training" not in content or wrong:
        msg = f'{path} is no list of cases: it must hold an object with "training": [{{"image": ..., "label": ...}}]'
        raise DatasetError(msg)
    return content


def _labels(labels: Any, table: BoneTable) -> tuple[dict[int, int], int | None, list[str]]:
    """Label in the files -> id in the table, the ignored label, and what is amiss."""
    if labels is None:
        return {n: n for n in range(table.n_classes)}, None, []
    if isinstance(labels, dict) and labels and all(str(key).isdigit() for key in labels):
        # As the decathlon has it, number -> name; a name may stand for ignored voxels too.
        labels = {("background" if int(key) == 0 else str(name)): int(key) for key, name in labels.items()}
    ids, ignore, faults = label_ids(labels, table)
    return ids, ignore, [fault.replace("dataset.json", '"labels"') for fault in faults]


def _files(entry: Any, folder: Path) -> CaseFiles | str | None:
    """The files of an entry, what is amiss with it, or None where it has no label map."""
    if not isinstance(entry, dict) or "label" not in entry:
        return None if isinstance(entry, str | dict) else f"{entry!r} is no case"
    image, label = (
        one[0] if isinstance(one, list) and len(one) == 1 else one for one in (entry.get("image"), entry["label"])
    )
    if not isinstance(image, str) or not isinstance(label, str):
        return f"image and label must each name one file, they are {image!r} and {label!r}"
    scan, labels = folder / image, folder / label
    missing = [str(name) for name, file in ((image, scan), (label, labels)) if not file.exists()]
    if missing:
        return f"there is no file {' and no file '.join(missing)}"
    name = scan.name
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return CaseFiles(name.removesuffix("_0000"), scan, labels)


def _splits(part_of: dict[str, str], folds: dict[str, int]) -> tuple[Split, ...]:
    names = sorted(part_of)
    held_out = tuple(name for name in names if part_of[name] == "validation")
    if held_out:
        return ((tuple(name for name in names if name not in held_out), held_out),)
    if len(folds) != len(names):
        return ()
    return tuple(
        (tuple(n for n in names if folds[n] != fold), tuple(n for n in names if folds[n] == fold))
        for fold in sorted(set(folds.values()))
        if 0 < sum(folds[n] == fold for n in names) < len(names)
    )
