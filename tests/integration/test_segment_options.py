"""What `sneakynet segment` can be asked for beyond labels, with a small network of random weights."""

import errno
import json
import os
import re

import nibabel
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sneakynet.cli.main import main

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def scan(tmp_path):
    voxels = np.random.default_rng(1).integers(-250, 1000, size=(30, 26, 22)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-4.0, 4.0, 5.0, 1.0])), tmp_path / "a.nii.gz")
    return tmp_path / "a.nii.gz"


def segment(*arguments):
    return main(["segment", *map(str, arguments), "--device", "cpu", "--no-preview"])


def voxels_of(path):
    return np.asarray(nibabel.load(path).dataobj)


def test_everything_at_once(tmp_path, capsys, scan, model):
    """More may be asked for in one run, and the statistics say what was done."""
    out = tmp_path / "out"
    options = ("--confidence", "--mirror", "--clean.keep", "near", "--memory-limit", "64G", "--threads", "1")

    assert segment(scan, "-o", out, "--model", model, "--json", *options) == 0

    printed, err = capsys.readouterr()
    (outcome,) = json.loads(printed)
    assert outcome["confidence"] == str(out / "a.confidence.nii.gz")
    assert outcome["cleanup"].startswith("removed ")
    assert f"a: clean-up: {outcome['cleanup']}" in err
    assert "(64.00 GiB may be used)" in err
    confidence = nibabel.load(out / "a.confidence.nii.gz")
    np.testing.assert_array_equal(confidence.affine, nibabel.load(scan).affine)
    assert 0 < voxels_of(out / "a.confidence.nii.gz").min() <= voxels_of(out / "a.confidence.nii.gz").max() <= 100
    record = json.loads((out / "a.json").read_text())
    assert record["cleanup"]["summary"] == outcome["cleanup"]
    assert record["inference"]["mirrored_too"] is True
    assert record["inference"]["tiles"] > 0
    assert record["inference"]["memory"]["limit_bytes"] == 64 * 2**30


def test_options_change_labels_as_they_say(tmp_path, scan, model):
    def labels(name, *options):
        assert segment(scan, "-o", tmp_path / name, "--model", model, *options) == 0
        return voxels_of(tmp_path / name / "a.nii.gz")

    plain = labels("plain")

    np.testing.assert_array_equal(labels("confident", "--confidence"), plain)
    np.testing.assert_array_equal(labels("one thread", "--threads", "1"), plain)
    assert (labels("mirrored", "--mirror") != plain).any()
    cleaned = labels("cleaned", "--clean.keep", "largest")
    assert 0 < np.count_nonzero(cleaned) < np.count_nonzero(plain)
    np.testing.assert_array_equal(cleaned[cleaned > 0], plain[cleaned > 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--memory-limit", "1M"), r"needs at least .* GiB: .* the limit is 1.00 MiB"),
        (("--memory-limit", "lots"), "a size of memory is a number and a unit, such as 4G or 1500M, got 'lots'"),
        (("--threads", "0"), "threads is a number from 1 to 1024, got 0; there are"),
        (("--threads", "1000000"), "threads is a number from 1 to 1024, got 1000000; there are"),
        (("--clean.near-mm", "-1"), "clean-up: near-mm must be finite and not negative, got -1"),
    ],
)
def test_options_that_cannot_be(capsys, scan, model, options, message):
    out = scan.parent / "out"

    assert segment(scan, "-o", out, "--model", model, *options) == 2

    assert re.search(message, capsys.readouterr().err)
    assert not (out / "a.nii.gz").exists()


def test_a_disk_without_room_for_the_labels_is_found_out_first(tmp_path, capsys, monkeypatch, scan, model):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)

    assert segment(scan, "-o", tmp_path / "out", "--model", model) == 2

    assert "No space left on device; free some space or choose another folder" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_model_that_gives_no_numbers(tmp_path, capsys, scan, model):
    tensors = load_file(model)
    name = next(name for name in tensors if name.startswith("target.decoder"))
    tensors[name].fill_(float("nan"))
    with safe_open(model, framework="pt") as file:
        save_file(tensors, tmp_path / "broken.safetensors", metadata=file.metadata())

    assert segment(scan, "-o", tmp_path / "out", "--model", tmp_path / "broken.safetensors") == 2

    assert "the model broken gave values that are not finite" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []
