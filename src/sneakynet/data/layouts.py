"""A dataset, whichever layout it is in."""

from pathlib import Path

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.datalist import is_datalist, read_datalist
from sneakynet.data.dataset import Dataset, read_dataset
from sneakynet.data.total_dataset import is_total_dataset, read_total_dataset
from sneakynet.errors import DatasetError

_DESCRIPTION = "dataset.json"


def open_dataset(path: Path, *, table: BoneTable) -> Dataset:
    """List the cases of a dataset; no voxel is read.

    Args:
        path: a folder in nnU-Net's raw layout, one in that of TotalSegmentator's dataset, or a list of cases as MONAI
            and the decathlon have it (a JSON file, or a folder whose ``dataset.json`` is one).
        table: the classes to learn.

    Raises:
        DatasetError: it is none of these, or holds no case.
    """
    if path.is_file():
        return read_datalist(path, table=table)
    if is_datalist(path / _DESCRIPTION):
        return read_datalist(path / _DESCRIPTION, table=table)
    if (path / _DESCRIPTION).exists():
        return read_dataset(path, table=table)
    if path.is_dir() and is_total_dataset(path):
        return read_total_dataset(path, table=table)
    what = "there is no such file or folder" if not path.exists() else "it has none of what tells a dataset"
    msg = (
        f"{path} is no dataset: {what}; give a folder with {_DESCRIPTION}, imagesTr and labelsTr (nnU-Net), a folder "
        f"of folders with ct.nii.gz and segmentations (TotalSegmentator), or a JSON file that lists cases (MONAI)"
    )
    raise DatasetError(msg)
