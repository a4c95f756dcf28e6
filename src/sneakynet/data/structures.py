"""A label map from one mask per structure, as TotalSegmentator's public dataset has them."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64, Integer

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import ignored
from sneakynet.errors import DatasetError, SneakyNetError
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.volume import Volume

MASK = ".nii.gz"

MAYBE_BONE = 200
"""HU from which on what no mask claims may be a bone that nobody labelled: forearms and hands beside a trunk."""


def masks_in(folder: Path) -> dict[str, Path]:
    """Files of a folder of masks by the structure's name; hidden ones do not count."""
    return {path.name.removesuffix(MASK): path for path in sorted(folder.glob(f"[!.]*{MASK}"))}


def merge_structures(folder: Path, scan: Volume, table: BoneTable) -> Volume:
    """Merge masks into one label map.

    A mask whose name is no bone of the table labels no bone, though it says that there is none. Where masks overlap,
    the smaller bone has the voxel: it would lose the larger share of itself. Where the table has bones that the folder
    has no mask for, voxels of `MAYBE_BONE` HU or more that lie in no mask count nowhere, rather than as background.

    Args:
        folder: with a mask for every structure, named after it, on the scan's grid.
        scan: Hounsfield units.
        table: names are looked up here, by name or alias.

    Returns:
        Ids of the table on the scan's grid.

    Raises:
        DatasetError: no mask is a bone of the table, or masks cannot be read, lie on other grids or are none; the
            message lists all of them.
    """
    bones: dict[int, Int64[np.ndarray, " voxel"]] = {}
    claimed: Bool[np.ndarray, "i j k"] = np.zeros(scan.shape, dtype=bool)
    faults = []
    for name, path in masks_in(folder).items():
        try:
            mask = _mask(path, scan)
        except SneakyNetError as error:
            faults.append(str(error))
            continue
        claimed |= mask
        bone = table.find(name)
        if bone is not None:
            bones[bone.id] = np.flatnonzero(mask)
    if faults:
        raise DatasetError("; ".join(faults))
    if not bones:
        msg = f"no mask in {folder.name} is named after a bone of the table, such as vertebrae_L1{MASK}"
        raise DatasetError(msg)
    dtype = np.uint8 if table.n_classes <= 255 else np.int16
    labels: Integer[np.ndarray, "i j k"] = np.zeros(scan.shape, dtype=dtype)
    for label in sorted(bones, key=lambda label: (-len(bones[label]), label)):
        labels.ravel()[bones[label]] = label
    if len(bones) < len(table):
        labels[~claimed & (scan.voxels >= MAYBE_BONE)] = ignored(labels.dtype)
    return Volume(labels, scan.affine)


def _mask(path: Path, scan: Volume) -> Bool[np.ndarray, "i j k"]:
    mask = read_labels(path)
    if mask.shape != scan.shape or not np.allclose(mask.affine, scan.affine, atol=1e-2):
        msg = (
            f"{path.name} lies on another grid than the scan ({mask.shape} voxels, not {scan.shape}, or another affine)"
        )
        raise DatasetError(msg)
    highest = int(mask.voxels.max(initial=0))
    if highest > 1:
        msg = f"{path.name} is no mask: it holds the label {highest}; a mask holds 0 and 1"
        raise DatasetError(msg)
    return mask.voxels > 0
