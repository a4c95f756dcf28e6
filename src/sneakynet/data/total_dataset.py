"""Labelled scans in the layout of TotalSegmentator's public dataset.

DATASET/CASE/ct.nii.gz
DATASET/CASE/segmentations/STRUCTURE.nii.gz      one mask for each structure
DATASET/meta.csv                                 optional; columns image_id and split: train, val, test
"""

import csv
from pathlib import Path

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.dataset import CaseFiles, Dataset, refuse
from sneakynet.data.splits import Split
from sneakynet.data.structures import masks_in

SCAN, MASKS, META = "ct.nii.gz", "segmentations", "meta.csv"


def is_total_dataset(folder: Path) -> bool:
    """Whether a folder has a case in this layout."""
    return any((one / SCAN).exists() or (one / MASKS).is_dir() for one in folder.iterdir() if one.is_dir())


def read_total_dataset(folder: Path, *, table: BoneTable) -> Dataset:
    """List the cases; no voxel is read.

    Args:
        folder: of the dataset.
        table: the classes to learn.

    Raises:
        DatasetError: there is not one case.
    """
    cases, faults = [], []
    for home in sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")):
        scan, masks = home / SCAN, home / MASKS
        has_masks = masks.is_dir() and bool(masks_in(masks))
        if scan.is_file() and has_masks:
            cases.append(CaseFiles(home.name, scan, masks))
        elif scan.is_file():
            faults.append(f"case {home.name}: no mask in {MASKS}; add them or remove the scan")
        elif masks.is_dir():
            faults.append(f"case {home.name}: no scan {SCAN}; add it or remove the masks")
    if not cases:
        refuse([*faults, f"no case: there is no folder with {SCAN} and masks in {MASKS}"], folder)
    names = {case.name for case in cases}
    splits, said = _splits(folder / META, names)
    return Dataset(folder, tuple(cases), table, {0: 0}, faults=(*faults, *said), splits=splits)


def _splits(meta: Path, names: set[str]) -> tuple[tuple[Split, ...], list[str]]:
    """What ``meta.csv`` says of who is held out; cases of its test set are neither learnt from nor held out."""
    if not meta.is_file():
        return (), []
    try:
        text = meta.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return (), [f"{META} cannot be read: {error}; mend it or remove it"]
    first = text.partition("\n")[0]
    rows = list(csv.DictReader(text.splitlines(), delimiter=";" if ";" in first else ","))
    if not rows or not {"image_id", "split"} <= rows[0].keys():
        return (), []
    of = {split: tuple(sorted(r["image_id"] for r in rows if r["split"] == split)) for split in ("train", "val")}
    training, held_out = (tuple(name for name in of[split] if name in names) for split in ("train", "val"))
    return (((training, held_out),) if training and held_out else ()), []
