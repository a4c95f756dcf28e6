"""Many scans in one run of ``sneakynet segment``: folders and lists, what goes wrong, and what is left then."""

import errno
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nibabel
import numpy as np
import pytest

from sneakynet.cli.main import main
from sneakynet.inference.predictor import Predictor
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

pytestmark = pytest.mark.usefixtures("one_thread")

STATM = Path("/proc/self/statm")


def scan_at(path, *, shape=(20, 18, 16), spacing=5.0, seed=1):
    """Noise that tells the scan apart, in air, which takes no time."""
    voxels = np.full(shape, -1000, dtype=np.int16)
    voxels[:8, :8, :8] = np.random.default_rng(seed).integers(-1000, 1000, size=(8, 8, 8))
    write_scan(path, Volume(voxels, np.diag([spacing, spacing, spacing, 1.0])))
    return path


@pytest.fixture
def scans(tmp_path):
    """A folder of three scans."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for seed, name in enumerate("abc"):
        scan_at(folder / f"{name}_0000.nii.gz", seed=seed)
    return folder


@pytest.fixture
def segment(tmp_path, model, capsys):
    """Runs the command into ``out``; gives exit status, what `--json` says by case, and the messages."""

    def run(*arguments):
        options = ("-o", tmp_path / "out", "--model", model, "--device", "cpu", "--no-preview", "--json")
        status = main(["segment", *map(str, (*arguments, *options))])
        out, err = capsys.readouterr()
        return status, {one["case"]: one for one in json.loads(out)} if out else None, err

    return run


def files_of(folder):
    return sorted(path.name for path in folder.iterdir())


def complete(*cases):
    tables = ["bones.csv", "cohort.csv"] if len(cases) > 1 else []
    return sorted([f"{case}{ending}" for case in cases for ending in (".json", ".labels.json", ".nii.gz")] + tables)


def statuses(outcomes):
    return {case: outcome["status"] for case, outcome in outcomes.items()}


def test_a_folder_a_list_and_a_file_together(tmp_path, segment, scans, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scan_at(tmp_path / "d.nii")
    scan_at(tmp_path / "e.nii")
    Path("list.txt").write_text("# one more\nd.nii\n")

    status, outcomes, err = segment("e.nii", scans, "--list", "list.txt")

    assert status == 0
    assert list(outcomes) == ["e", "a", "b", "c", "d"]
    assert set(statuses(outcomes).values()) == {"done"}
    assert files_of(tmp_path / "out") == complete("a", "b", "c", "d", "e")
    done = [line.partition(":")[0] for line in err.splitlines() if " bones in " in line]
    assert done == ["e", "a", "b", "c", "d"]


def test_dicom_folders_of_several_studies(tmp_path, segment, dicom):
    def patient(dataset, _):
        dataset.StudyInstanceUID = "1.9"

    hu = np.random.default_rng(0).integers(-1000, 1000, size=(6, 20, 24)).astype(np.int16)
    options = {"hu": hu, "pixel": (5.0, 5.0)}
    dicom.series(tmp_path / "studies" / "ann", dicom.axial(range(0, 30, 5)), **options)
    dicom.series(tmp_path / "studies" / "ben" / "series", dicom.axial(range(0, 30, 5)), edit=patient, **options)

    assert segment(tmp_path / "studies")[0] == 0

    assert files_of(tmp_path / "out") == complete("ann", "ben")


def test_the_labels_are_those_of_each_scan_alone(tmp_path, segment, scans, model):
    assert segment(scans)[0] == 0

    predictor = Predictor.load(model, device="cpu")
    for case in "abc":
        alone = tmp_path / f"{case}.nii.gz"
        predictor.segment(read(scans / f"{case}_0000.nii.gz")).in_order().save(alone)
        together = nibabel.load(tmp_path / "out" / f"{case}.nii.gz")
        np.testing.assert_array_equal(together.dataobj, nibabel.load(alone).dataobj)


def read(path):
    image = nibabel.load(path)
    return Volume(np.asarray(image.dataobj), image.affine)


def test_one_bad_scan_among_three_and_a_second_run(tmp_path, segment, scans):
    bad = scans / "b_0000.nii.gz"
    whole = bad.read_bytes()
    bad.write_bytes(whole[: len(whole) // 2])

    status, outcomes, err = segment(scans)

    assert status == 2
    assert statuses(outcomes) == {"a": "done", "b": "failed", "c": "done"}
    assert "b_0000.nii.gz: the file is damaged or cut short" in outcomes["b"]["error"]
    assert err.splitlines()[-1] == "error: 1 of 3 scans failed: b; the others are done"
    assert files_of(tmp_path / "out") == complete("a", "c")

    bad.write_bytes(whole)
    status, outcomes, _ = segment(scans)

    assert status == 0
    assert statuses(outcomes) == {"a": "skipped", "b": "done", "c": "skipped"}
    assert files_of(tmp_path / "out") == complete("a", "b", "c")


def test_when_all_is_done_no_model_is_read(segment, scans, monkeypatch):
    assert segment(scans)[0] == 0
    monkeypatch.setattr(Predictor, "load", lambda *_, **__: pytest.fail("read"))
    status, outcomes, _ = segment(scans)
    assert status == 0
    assert set(statuses(outcomes).values()) == {"skipped"}


def test_a_full_disk(tmp_path, segment, scans, monkeypatch):
    save = nibabel.save

    def full(image, path):
        if path.name.endswith("b.nii.gz"):
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(image, path)

    monkeypatch.setattr("sneakynet.volumes.write.nibabel.save", full)

    status, outcomes, _ = segment(scans)

    assert status == 2
    assert statuses(outcomes) == {"a": "done", "b": "failed", "c": "done"}
    assert "b.nii.gz: the disk is full; free some space" in outcomes["b"]["error"]
    assert not (tmp_path / "out" / "b.nii.gz").exists()
    assert not list((tmp_path / "out").glob(".part-*"))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MemoryError(), "out of memory; close other programs or give a smaller scan"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero (a fault of sneakynet, not of the scan: run"),
    ],
)
def test_a_fault_of_the_program_over_one_scan(segment, scans, monkeypatch, error, text):
    find = Predictor.segment

    def fail(self, scan, **options):
        if scan.voxels[0, 0, 0] == bad.voxels[0, 0, 0]:
            raise error
        return find(self, scan, **options)

    bad = read(scans / "a_0000.nii.gz")
    monkeypatch.setattr(Predictor, "segment", fail)

    status, outcomes, err = segment(scans)

    assert status == 2
    assert statuses(outcomes) == {"a": "failed", "b": "done", "c": "done"}
    assert text in outcomes["a"]["error"]
    assert "Traceback" not in err


def test_a_scan_that_changes_while_it_is_worked_on(tmp_path, segment, scans, monkeypatch):
    find, changing = Predictor.segment, scans / "b_0000.nii.gz"
    first = read(changing).voxels[0, 0, 0]

    def change(self, scan, **options):
        if scan.voxels[0, 0, 0] == first:
            scan_at(changing, shape=(20, 18, 17))
        return find(self, scan, **options)

    monkeypatch.setattr(Predictor, "segment", change)

    status, outcomes, _ = segment(scans)

    assert status == 2
    assert statuses(outcomes) == {"a": "done", "b": "failed", "c": "done"}
    assert "the scan changed while it was worked on" in outcomes["b"]["error"]
    assert "run again once it is whole" in outcomes["b"]["error"]
    assert files_of(tmp_path / "out") == complete("a", "c")

    monkeypatch.undo()
    assert segment(scans)[0] == 0
    assert nibabel.load(tmp_path / "out" / "b.nii.gz").shape == (20, 18, 17)


def test_ctrl_c_leaves_whole_cases_and_no_threads(tmp_path, segment, scans, monkeypatch):
    find, calls = Predictor.segment, []

    def interrupted(self, scan, **options):
        calls.append(scan)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return find(self, scan, **options)

    monkeypatch.setattr(Predictor, "segment", interrupted)
    before = threading.active_count()

    status, outcomes, err = segment(scans)

    assert (status, outcomes) == (130, None)
    assert err.splitlines()[-1] == "interrupted"
    assert files_of(tmp_path / "out") == complete("a")  # it was being written
    assert threading.active_count() == before

    monkeypatch.undo()
    status, outcomes, _ = segment(scans)
    assert status == 0
    assert statuses(outcomes) == {"a": "skipped", "b": "done", "c": "done"}


KILLED_OVER_LABELS = """
import os, signal, sys
import nibabel
from sneakynet.cli.main import main

save = nibabel.save

def half(image, path):
    if path.name.endswith("b.nii.gz"):
        path.write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    save(image, path)

nibabel.save = half
main(sys.argv[1:])
"""


def test_a_run_that_is_killed_over_the_labels(tmp_path, segment, scans, model):
    out = tmp_path / "out"
    options = ["-o", out, "--model", model, "--device", "cpu", "--no-preview"]
    command = [sys.executable, "-c", KILLED_OVER_LABELS, "segment", scans, *options]

    assert subprocess.run(list(map(str, command)), capture_output=True).returncode == -signal.SIGKILL

    (left,) = out.glob(".part-*-b.nii.gz")
    assert left.read_bytes() == b"half"
    assert not (out / "b.nii.gz").exists()

    status, outcomes, _ = segment(scans)

    assert status == 0
    assert statuses(outcomes) == {"a": "skipped", "b": "done", "c": "done"}
    assert files_of(out) == complete("a", "b", "c")


@pytest.mark.usefixtures("scans")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--list", "missing.txt"), "cannot read the list missing.txt"),
        (("scans", "scans/a_0000.nii.gz"), "would both be written as 'a'"),
        (("scans", "--address", "auto"), "--address is for a Ray cluster; add --engine ray, or leave it out"),
        (("scans", "--workers", "2"), "--workers is for a Ray cluster; add --engine ray, or leave it out"),
        (("scans", "--retries", "-1"), "retries must be at least 0, got -1"),
    ],
)
def test_what_is_refused_before_any_work(tmp_path, segment, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, outcomes, err = segment(*arguments)
    assert (status, outcomes) == (2, None)
    assert message in err
    assert not (tmp_path / "out").exists()


def test_without_ray_the_extra_is_named(segment, scans, monkeypatch):
    monkeypatch.delitem(sys.modules, "sneakynet.cohort.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    status, _, err = segment(scans, "--engine", "ray")
    assert status == 2
    assert err == "error: this needs the package ray, which is not installed; run pip install 'sneakynet[cluster]'\n"


def resident_mib():
    pages = int(STATM.read_text().split()[1])
    return pages * 4096 / 2**20


@pytest.mark.skipif(not STATM.exists(), reason="needs the /proc of Linux")
def test_twenty_scans_take_no_more_memory_than_five(tmp_path, segment, monkeypatch):
    # 6 MiB of scan and labels each: 15 that stayed would be 90 MiB.
    scans = tmp_path / "many"
    scans.mkdir()
    for number in range(20):
        scan_at(scans / f"{number:02}.nii", shape=(128, 128, 128), spacing=1.0)
    resident, loads = [], []
    find, load = Predictor.segment, Predictor.load

    def measured(self, scan, **options):
        found = find(self, scan, **options)
        resident.append(resident_mib())
        return found

    def counted(*arguments, **options):
        loads.append(arguments)
        return load(*arguments, **options)

    monkeypatch.setattr(Predictor, "segment", measured)
    monkeypatch.setattr(Predictor, "load", counted)

    status, outcomes, _ = segment(scans)

    assert status == 0
    assert len(outcomes) == len(resident) == 20
    assert len(loads) == 1
    assert max(resident[-3:]) - max(resident[2:5]) < 40
