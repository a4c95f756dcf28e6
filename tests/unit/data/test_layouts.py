import json

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.layouts import open_dataset
from sneakynet.data.preparation import Preparation, load_cases
from sneakynet.errors import DatasetError
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

TABLE = BoneTable.default()
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def bone(name, *, label):
    """A case with one bone, which is brighter than the rest, and the value that stands for it."""
    labels = np.zeros((9, 8, 7), dtype=np.int16)
    labels[2:5, 2:5, 2:5] = label
    scan = np.where(labels > 0, 800, 40).astype(np.int16)
    scan[7, 7, 6] = 900  # a bone that nobody labelled
    return Volume(scan, AFFINE), Volume(labels, AFFINE)


@pytest.fixture
def layouts(tmp_path):
    """The same two cases in every layout."""
    for case, name in (("a", "sacrum"), ("b", "hip_left")):
        label = {"sacrum": 3, "hip_left": 5}[name]
        scan, labels = bone(name, label=label)
        for folder in ("raw/imagesTr", "raw/labelsTr", f"total/{case}/segmentations", "list"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        write_scan(tmp_path / "raw" / "imagesTr" / f"{case}_0000.nii.gz", scan)
        write_scan(tmp_path / "raw" / "labelsTr" / f"{case}.nii.gz", labels)
        write_scan(tmp_path / "list" / f"{case}.nii.gz", scan)
        write_scan(tmp_path / "list" / f"{case}_seg.nii.gz", labels)
        write_scan(tmp_path / "total" / case / "ct.nii.gz", scan)
        mask = Volume((labels.voxels > 0).astype(np.int16), AFFINE)
        write_scan(tmp_path / "total" / case / "segmentations" / f"{name}.nii.gz", mask)
    names = {"background": 0, "sacrum": 3, "hip_left": 5}
    (tmp_path / "raw" / "dataset.json").write_text(
        json.dumps({"labels": names, "channel_names": {"0": "CT"}, "file_ending": ".nii.gz"})
    )
    (tmp_path / "list" / "dataset.json").write_text(
        json.dumps(
            {"labels": names, "training": [{"image": f"{n}.nii.gz", "label": f"{n}_seg.nii.gz"} for n in ("a", "b")]}
        )
    )
    return tmp_path


@pytest.mark.parametrize("layout", ["raw", "list", "list/dataset.json", "total"])
def test_the_same_cases_from_every_layout(layouts, layout, tmp_path):
    dataset = open_dataset(layouts / layout, table=TABLE)
    preparation = Preparation(spacing=2.0, hu_window=(-500.0, 1300.0), contexts=(1,))

    cases = load_cases(dataset, preparation, cache=tmp_path / "cache")

    assert [case.name for case in cases] == ["a", "b"]
    for case, name in zip(cases, ("sacrum", "hip_left"), strict=True):
        labels = case.pyramid.labels[0][:9, :8, :7].numpy()
        assert (labels[2:5, 2:5, 2:5] == TABLE[name].id).all()
        assert set(case.centres) == {TABLE[name].id}
        # Only where a mask for each structure says what was labelled is it known that this was not.
        assert labels[7, 7, 6] == (255 if layout == "total" else 0)


def test_a_changed_mask_is_prepared_again(layouts, tmp_path):
    preparation = Preparation(spacing=2.0, hu_window=(-500.0, 1300.0), contexts=(1,))

    def label():
        dataset = open_dataset(layouts / "total", table=TABLE)
        return int(load_cases(dataset, preparation, cache=tmp_path / "cache")[0].pyramid.labels[0][:][3, 3, 3])

    assert label() == TABLE["sacrum"].id
    folder = layouts / "total" / "a" / "segmentations"
    (folder / "sacrum.nii.gz").rename(folder / "coccyx.nii.gz")
    write_scan(folder / "sacrum.nii.gz", Volume(np.zeros((9, 8, 7), dtype=np.int16), AFFINE))

    assert label() == TABLE["coccyx"].id


@pytest.mark.parametrize("what", ["nothing", "file.txt", "empty"])
def test_what_is_no_dataset(tmp_path, what):
    (tmp_path / "file.txt").write_text("hello")
    (tmp_path / "empty").mkdir()

    with pytest.raises(DatasetError) as error:
        open_dataset(tmp_path / what, table=TABLE)

    assert "JSON" in str(error.value)
