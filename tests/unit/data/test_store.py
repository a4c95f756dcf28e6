"""Prepared cases on disk."""

import errno
import gc
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import blosc2
import numpy as np
import pytest
import torch

from sneakynet.data.case import Case, class_centres
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.store import DamagedStoreError, open_store, verify_store, write_store
from sneakynet.errors import OutputError

LEVELS = (0, 1, 3)


def a_case(shape=(90, 17, 66), *, dtype=np.uint8):
    random = np.random.default_rng(5)
    scan = random.normal(0, 400, shape).astype(np.int16)
    labels = np.zeros(shape, dtype=dtype)
    labels[3:20, 2:9, 40:60], labels[70:80, 5:8, 1:4] = 3, 77
    pyramid = build_pyramid(torch.from_numpy(scan), torch.from_numpy(labels), levels=LEVELS, n_classes=100)
    return Case("a", shape, pyramid, class_centres(labels, per_class=50, rng=random))


@pytest.fixture(scope="module")
def case():
    return a_case()


@pytest.fixture
def path(case, tmp_path):
    write_store(case, tmp_path / "a.b2z")
    return tmp_path / "a.b2z"


@pytest.mark.parametrize("made", [a_case(), a_case(dtype=np.int16), a_case((3, 2, 1))], ids=["uint8", "int16", "tiny"])
def test_what_is_written_is_read(made, tmp_path):
    write_store(made, tmp_path / "a.b2z")
    verify_store(tmp_path / "a.b2z")
    case = open_store("name", tmp_path / "a.b2z", levels=LEVELS)
    assert (case.name, case.shape, case.n_bytes) == ("name", made.shape, made.n_bytes)
    for had, has in ((made.pyramid.scan, case.pyramid.scan), (made.pyramid.labels, case.pyramid.labels)):
        assert set(has) == set(LEVELS)
        for level in LEVELS:
            assert (has[level].dtype, tuple(has[level].shape)) == (had[level].dtype, tuple(had[level].shape))
            assert torch.equal(has[level][:], had[level])
            assert torch.equal(has[level].to(torch.device("cpu")), had[level])
    assert {bone: voxels.tolist() for bone, voxels in case.centres.items()} == {
        bone: voxels.tolist() for bone, voxels in made.centres.items()
    }
    assert len(case.centres) == len(made.centres)


def test_a_case_without_bones(tmp_path):
    labels = torch.zeros(4, 4, 4, dtype=torch.uint8)
    pyramid = build_pyramid(labels.to(torch.int16), labels, levels=(), n_classes=2)
    write_store(Case("a", (4, 4, 4), pyramid, {}), tmp_path / "a.b2z")
    assert dict(open_store("a", tmp_path / "a.b2z", levels=(0,)).centres) == {}


def test_boxes(case, path):
    stored, whole = open_store("a", path, levels=LEVELS).pyramid.scan[0], case.pyramid.scan[0]
    for box in (
        (slice(60, 70), slice(0, 17), slice(63, 66)),
        (slice(None, 5), slice(3, None)),
        (slice(-4, None), slice(None), slice(8, 8)),
        (slice(5, 2), slice(None), slice(None)),
        slice(80, 1000),
    ):
        assert torch.equal(stored[box], whole[box])
    with pytest.raises(ValueError, match="not every 2th"):
        stored[::2]


def test_blosc2_reads_it_by_itself(case, path):
    store = blosc2.open(path, mode="r")
    names = [f"/{part}/{level}" for part in ("labels", "scan") for level in LEVELS]
    assert sorted(store.keys()) == ["/centres", "/classes", *names, "/shape"]
    assert np.array_equal(store["/scan/1"][:], case.pyramid.scan[1].numpy())
    assert store["/classes"][:].tolist() == [[3, 50], [77, 50]]


def test_the_same_case_gives_the_same_bytes_and_few_of_them(case, path, tmp_path):
    write_store(case, tmp_path / "b.b2z")
    assert (tmp_path / "b.b2z").read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("labels/0.b2nd").file_size < 0.1 * case.pyramid.labels[0].numel()


def test_voxels_outlive_the_name_of_the_file(case, path):
    stored = open_store("a", path, levels=LEVELS)
    path.unlink()
    gc.collect()
    assert torch.equal(stored.pyramid.scan[0][:], case.pyramid.scan[0])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files as Linux lists them")
def test_a_case_holds_one_file_open(path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    held = [open_store("a", path, levels=LEVELS) for _ in range(5)]
    assert [int(case.pyramid.labels[0][3:4, 2:3, 40:41]) for case in held] == [3] * 5
    assert len(list(Path("/proc/self/fd").iterdir())) == before + 5


def test_threads_may_read_one_case(case, path):
    stored = open_store("a", path, levels=LEVELS).pyramid.scan[0]
    boxes = [(slice(n, n + 40), slice(0, 17), slice(0, 66)) for n in range(50)]
    with ThreadPoolExecutor(4) as pool:
        for box, voxels in zip(boxes, pool.map(stored.__getitem__, boxes), strict=True):
            assert torch.equal(voxels, case.pyramid.scan[0][box])


def test_a_checksum_that_does_not_agree(path):
    with zipfile.ZipFile(path) as archive:
        middle = archive.getinfo("scan/0.b2nd").header_offset + 2000
    data = bytearray(path.read_bytes())
    data[middle] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedStoreError, match=r"the checksum of scan/0.b2nd does not agree"):
        verify_store(path)


@pytest.mark.parametrize("content", [b"", b"something else", b"PK\x05\x06"])
def test_what_is_no_store(tmp_path, content):
    (tmp_path / "a.b2z").write_bytes(content)
    with pytest.raises(DamagedStoreError, match=r"zip|File"):
        verify_store(tmp_path / "a.b2z")


def test_a_level_that_is_not_there(path):
    with pytest.raises(DamagedStoreError, match="it holds no scan/2"):
        open_store("a", path, levels=(0, 1, 2))


@pytest.mark.parametrize("name", ["embed.b2e", "scan/0.b2nd"])
def test_a_full_disk_leaves_nothing(case, tmp_path, monkeypatch, name):
    write = zipfile.ZipFile.writestr

    def full(archive, entry, data):
        if entry.filename == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(archive, entry, data)

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OutputError, match=r"cannot write .*a.b2z: the disk is full"):
        write_store(case, tmp_path / "a.b2z")
    assert list(tmp_path.iterdir()) == []


def test_bodies_and_checks_need_no_blosc2():
    modules = "sneakynet.training.material, sneakynet.cohort.dataset_check"
    program = f"import sys; sys.modules['blosc2'] = None; import {modules}"
    subprocess.run([sys.executable, "-c", program], check=True)
