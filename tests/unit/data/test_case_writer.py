import errno
import json
from functools import partial

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data import case_writer
from sneakynet.data.case_writer import MadeScan, Series, write_cases, write_truth
from sneakynet.errors import OutputError, SettingError
from sneakynet.phantom.body import Body
from sneakynet.volumes.label_names import read_label_names
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


def scan(unknown, seed):
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0, 0, 0] = 255 if unknown == seed else 7
    return MadeScan(Volume(np.full((4, 4, 4), seed, np.int16), np.eye(4)), Volume(labels, np.eye(4)), {"pose": "up"})


def body(seed):
    voxels = np.full((4, 4, 4), seed, np.uint8)
    return Body(voxels, voxels, voxels, voxels, voxels, np.eye(4), {"pose": "up"})


def series(make, **settings):
    return Series("case", "records", make, {"spacing": 1.0, **settings}, spacing=1.0, table=TABLE, about={"name": "x"})


def write(folder, made, *, count=2, seed=3, **options):
    return list(write_cases(folder, made, count=count, seed=seed, **options))


def test_ignored_voxels_get_the_highest_label_where_there_are_any(tmp_path):
    cases = write(tmp_path, series(partial(scan, None)))
    assert [(c.name, c.facts["ignore"], c.made) for c in cases] == [
        ("case_00003", False, True),
        ("case_00004", False, True),
    ]
    assert "ignore" not in json.loads((tmp_path / "dataset.json").read_text())["labels"]
    again = write(tmp_path, series(partial(scan, 5)), count=3)
    assert [c.made for c in again] == [False, False, True]
    description = json.loads((tmp_path / "dataset.json").read_text())
    assert description["labels"]["ignore"] == TABLE.n_classes
    assert description["numTraining"] == 3
    assert np.asarray(nibabel.load(tmp_path / "labelsTr" / "case_00005.nii.gz").dataobj)[0, 0, 0] == TABLE.n_classes


@pytest.mark.parametrize(("dtype", "unknown"), [(np.uint8, 255), (np.int16, 32767)])
def test_the_truth_names_what_it_ignores(tmp_path, dtype, unknown):
    voxels = np.array([0, 7, unknown], dtype).reshape(3, 1, 1)
    assert write_truth(tmp_path / "some.nii.gz", Volume(voxels, np.eye(4)), table=TABLE)
    assert read_label_names(tmp_path / "some.nii.gz")[TABLE.n_classes] == "ignore"
    assert np.asarray(nibabel.load(tmp_path / "some.nii.gz").dataobj).ravel().tolist() == [0, 7, TABLE.n_classes]
    assert not write_truth(tmp_path / "none.nii.gz", Volume(voxels[:2], np.eye(4)), table=TABLE)
    assert TABLE.n_classes not in read_label_names(tmp_path / "none.nii.gz")


def test_bodies(tmp_path):
    write(tmp_path, series(body), bodies=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bodies.json",
        "case_00003.npz",
        "case_00004.npz",
        "records",
    ]
    with pytest.raises(SettingError, match=r"holds bodies \(bodies.json\); choose another folder"):
        write(tmp_path, series(partial(scan, None)))


def test_bodies_of_another_spacing_are_refused(tmp_path):
    write(tmp_path, series(body), bodies=True)
    other = Series("other", "records", body, {"spacing": 3.0}, spacing=3.0, table=TABLE)
    with pytest.raises(SettingError, match="holds bodies of 1 mm, these are to have 3 mm"):
        write(tmp_path, other, bodies=True)
    assert not list(tmp_path.glob("other*"))


def test_cases_of_other_settings_are_refused(tmp_path):
    write(tmp_path, series(partial(scan, None), field="chest"))
    with pytest.raises(SettingError, match=r"holds records made with other settings \(field: chest, not arm\)"):
        write(tmp_path, series(partial(scan, None), field="arm"))


def test_a_full_disk_leaves_whole_cases(tmp_path, monkeypatch):
    written = []

    def full(path, *args, **kwargs):
        if len(written) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        save(path, *args, **kwargs)

    save = case_writer.write_labels
    monkeypatch.setattr(case_writer, "write_labels", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, series(partial(scan, None)))
    assert [path.name for path in (tmp_path / "imagesTr").iterdir()] == ["case_00003_0000.nii.gz"]
    assert [path.name for path in (tmp_path / "labelsTr").iterdir()] == ["case_00003.nii.gz"]
    assert not (tmp_path / "dataset.json").exists()


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write into the folder"):
        write(tmp_path / "file", series(partial(scan, None)))
