"""Cases from files to pyramids, and the cache between."""

import json
import logging
from dataclasses import replace

import nibabel
import numpy as np
import pytest
import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data import preparation as preparation_module
from sneakynet.data.dataset import read_dataset
from sneakynet.data.preparation import Preparation, dataset_spacing, load_cases
from sneakynet.errors import DatasetError, OutputError

TABLE = BoneTable.default()
PREPARATION = Preparation(spacing=4.0, hu_window=(-500.0, 1300.0), contexts=(1,))


@pytest.fixture
def folder(tmp_path):
    """Two scans at 4 mm, stored with i to the left, each with a block of sacrum (called 5 here)."""
    folder = tmp_path / "dataset"
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for case in ("a", "b"):
        write(folder, case, np.diag([-4.0, 4.0, 4.0, 1.0]))
    labels = {"background": 0, "sacrum": 5}
    (folder / "dataset.json").write_text(json.dumps({"labels": labels, "file_ending": ".nii.gz"}))
    return folder


def write(folder, case, affine, *, value=5, label_shift=0.0):
    scan = np.full((11, 8, 9), -900, dtype=np.int16)
    labels = np.zeros(scan.shape, dtype=np.uint8)
    labels[1:4, 2:5, 3:6] = value
    scan[1:4, 2:5, 3:6] = 700
    shifted = affine.copy()
    shifted[0, 3] += label_shift
    nibabel.save(nibabel.Nifti1Image(scan, affine), folder / "imagesTr" / f"{case}_0000.nii.gz")
    nibabel.save(nibabel.Nifti1Image(labels, shifted), folder / "labelsTr" / f"{case}.nii.gz")


def load(folder, preparation=PREPARATION):
    return load_cases(read_dataset(folder, table=TABLE), preparation, cache=folder / "cache")


def stores(folder):
    return sorted((folder / "cache").iterdir())


def test_canonical_clipped_translated(folder):
    a, b = load(folder)
    assert (a.name, b.name) == ("a", "b")
    assert a.shape == (11, 8, 9)
    assert a.pyramid.shape == (12, 8, 10)
    assert set(np.unique(a.pyramid.scan[0][:])) == {-500, 700}
    sacrum = np.argwhere(a.pyramid.labels[0][:].numpy() == TABLE["sacrum"].id)
    assert (sacrum.min(0).tolist(), sacrum.max(0).tolist()) == ([7, 2, 3], [9, 4, 5])  # i turned round
    assert list(a.centres) == [TABLE["sacrum"].id]
    assert sorted(map(tuple, a.centres[TABLE["sacrum"].id])) == sorted(map(tuple, sacrum))


def test_the_ignore_label_counts_nowhere(folder):
    write(folder, "b", np.diag([4.0, 4.0, 4.0, 1.0]), value=6)
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "sacrum": 5, "ignore": 6}}))
    _, b = load(folder)
    assert set(np.unique(b.pyramid.labels[0][:])) == {0, 255}
    # A cell of mostly ignored voxels is ignored, and none of them is a place to look for bones.
    pooled = b.pyramid.labels[1][:]
    assert pooled[1, 1, 2] == 255
    assert pooled[3, 3, 4] == 0
    assert dict(b.centres) == {}


def test_an_ignore_label_that_is_not_declared_is_a_fault(folder):
    write(folder, "b", np.diag([4.0, 4.0, 4.0, 1.0]), value=6)
    with pytest.raises(DatasetError, match=r"labels 6 are not in dataset.json"):
        load(folder)


def test_resampled_to_the_spacing(folder):
    (case, _) = load(folder, replace(PREPARATION, spacing=2.0))
    assert case.shape == (22, 16, 18)
    assert (case.pyramid.labels[0][:] > 0).sum() == 27 * 8


def test_second_load_reads_the_cache_and_a_changed_file_does_not(folder):
    first = load(folder)[0]
    files = stores(folder)
    assert [path.name.partition("-")[0] for path in files] == ["a", "b"]
    times = [path.stat().st_mtime_ns for path in files]
    again = load(folder)[0]
    assert [path.stat().st_mtime_ns for path in files] == times
    assert torch.equal(again.pyramid.labels[1][:], first.pyramid.labels[1][:])
    assert {c: v.tolist() for c, v in again.centres.items()} == {c: v.tolist() for c, v in first.centres.items()}
    write(folder, "a", np.diag([-4.0, 4.0, 4.0, 1.0]), value=0)
    assert dict(load(folder)[0].centres) == {}


def test_a_preparation_that_is_broken_off_goes_on_where_it_was(folder, monkeypatch):
    prepare = preparation_module._prepare

    def broken_off(files, *rest):
        if files.name == "b":
            raise KeyboardInterrupt
        return prepare(files, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(preparation_module, "_prepare", broken_off)
        with pytest.raises(KeyboardInterrupt):
            load(folder)
    (done,) = stores(folder)
    # What a killed process leaves of a case is no case.
    (folder / "cache" / f".part-0123abcd-{done.name.replace('a-', 'b-')}").write_bytes(b"half")
    made = []
    monkeypatch.setattr(preparation_module, "_prepare", lambda *all_: made.append(all_[0].name) or prepare(*all_))
    assert [case.name for case in load(folder)] == ["a", "b"]
    assert made == ["b"]


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data[:99] + b"x" + data[100:]])
def test_a_damaged_case_is_named_and_prepared_again(folder, caplog, damage):
    (first, _) = load(folder)
    sound, damaged = stores(folder)[1], stores(folder)[0]
    content, time = damaged.read_bytes(), sound.stat().st_mtime_ns
    damaged.unlink()  # it is mapped: a new file takes its place
    damaged.write_bytes(damage(content))
    with caplog.at_level(logging.WARNING):
        (again, _) = load(folder)
    (said,) = caplog.messages
    assert said.startswith(f"case a: what was prepared in {damaged} is damaged (")
    assert said.endswith("); it is prepared again")
    assert torch.equal(again.pyramid.scan[0][:], first.pyramid.scan[0][:])
    assert damaged.read_bytes() == content
    assert sound.stat().st_mtime_ns == time


def test_caches_of_the_former_format_are_left_alone(folder):
    former = folder / "cache" / "a-0123456789ab"
    former.mkdir(parents=True)
    (former / "case.json").write_text("{}")
    assert len(load(folder)) == 2
    assert [path.name for path in former.iterdir()] == ["case.json"]


def test_all_faults_of_all_cases_at_once(folder):
    write(folder, "a", np.diag([-4.0, 4.0, 4.0, 1.0]), value=9)
    write(folder, "b", np.diag([-4.0, 4.0, 4.0, 1.0]), label_shift=2.0)
    (folder / "labelsTr" / "c.nii.gz").touch()
    with pytest.raises(DatasetError) as error:
        load(folder)
    text = str(error.value)
    assert "3 faults" in text
    assert "case a: labels 9 are not in dataset.json" in text
    assert "case b: the label map lies on another grid than the scan" in text
    assert "case c: no scan imagesTr/c_0000.nii.gz" in text


def test_spacing_of_the_dataset(folder):
    assert dataset_spacing(read_dataset(folder, table=TABLE)) == 4.0
    write(folder, "b", np.diag([-4.0, 4.0, 5.0, 1.0]))
    with pytest.raises(DatasetError, match=r"no common isotropic spacing \(b: 4 x 4 x 5 mm\); give --spacing MM"):
        dataset_spacing(read_dataset(folder, table=TABLE))


def test_cache_that_cannot_be_made(folder):
    (folder / "cache").write_text("a file")
    with pytest.raises(OutputError, match=r"cannot make the cache folder .*choose another with --cache"):
        load(folder)
