"""``sneakynet segment --engine ray`` on a cluster of two workers on this machine."""

import json
import os
import signal
import socket
import threading
from pathlib import Path

import nibabel
import numpy as np
import pytest

import sneakynet
from sneakynet.cli.main import main
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

PROC = Path("/proc")

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(not (PROC / "self" / "stat").exists(), reason="finds the workers in the /proc of Linux"),
]


def scan_at(path, *, seed):
    voxels = np.random.default_rng(seed).integers(-1000, 1000, size=(20, 18, 16)).astype(np.int16)
    write_scan(path, Volume(voxels, np.diag([5.0, 5.0, 5.0, 1.0])))
    return path


def working():
    """Processes below this one that have a case in hand; Ray writes into a worker's title what it does."""
    parents, titles = {}, {}
    for folder in PROC.glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            titles[int(folder.name)] = (folder / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue

    def ours(process):
        while process in parents and process != os.getpid():
            process = parents[process]
        return process == os.getpid()

    return {
        process for process, title in titles.items() if title.startswith(b"ray::") and b".do" in title and ours(process)
    }


class Killer(threading.Thread):
    """Kills both workers while they wait for scans that never come, and lets the scans come after all.

    Who opens a pipe waits until something is written to it: the workers are in the middle of a case for as long as
    this takes.
    """

    def __init__(self, pipes):
        super().__init__(daemon=True)
        self.pipes, self.killed, self.stopped = pipes, set(), threading.Event()

    def run(self):
        while len(found := working()) < 2:
            if self.stopped.wait(0.1):
                return
        for pipe, scan in self.pipes.items():
            scan.replace(pipe)
        for process in found:
            os.kill(process, signal.SIGKILL)
        self.killed = found


def test_workers_that_are_killed_are_replaced_and_the_result_is_that_of_one_process(
    tmp_path, model, capsys, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(Path(sneakynet.__file__).parents[1]))  # workers use the same source
    monkeypatch.chdir(tmp_path)  # paths from here must hold in workers too
    options = ("--model", model, "--device", "cpu", "--json")
    scans = [scan_at(Path(f"{name}.nii.gz"), seed=seed) for seed, name in enumerate("abc")]
    bad = Path("bad.nii.gz")
    bad.write_bytes(scans[0].read_bytes()[:500])
    assert main(["segment", *map(str, (*scans, bad, "-o", "here", *options))]) == 2
    here = json.loads(capsys.readouterr().out)
    pipes = {}
    for scan in scans[:2]:
        pipes[scan] = scan.rename(f"{scan}.later")
        os.mkfifo(scan)
    Path("there").mkdir()
    Path("there", ".part-0123abcd-a.nii.gz").write_bytes(b"half")
    killer = Killer(pipes)
    killer.start()

    status = main(["segment", *map(str, (*scans, bad, "-o", "there", *options, "--engine", "ray", "--workers", "2"))])

    killer.stopped.set()
    killer.join()
    out, err = capsys.readouterr()
    assert len(killer.killed) == 2, err
    assert status == 2
    there = json.loads(out)
    assert [(one["case"], one["status"], one["bones"]) for one in there] == [
        (one["case"], one["status"], one["bones"]) for one in here
    ]
    assert [one["labels"] for one in there] == ["there/a.nii.gz", "there/b.nii.gz", "there/c.nii.gz", None]
    for case in "ab":
        assert f"warning: {case}: its worker died, it is tried again (1 of 2)" in err
    assert "the file is damaged or cut short" in there[3]["error"]
    assert err.splitlines()[-1] == "error: 1 of 4 scans failed: bad; the others are done"
    assert "Traceback" not in err
    assert "raylet" not in err
    assert sorted(path.name for path in Path("there").iterdir()) == sorted(path.name for path in Path("here").iterdir())
    for case in "abc":
        one, other = (nibabel.load(Path(folder, f"{case}.nii.gz")) for folder in ("here", "there"))
        np.testing.assert_array_equal(one.dataobj, other.dataobj)
        np.testing.assert_array_equal(one.affine, other.affine)


@pytest.fixture
def refused(tmp_path, model, capsys):
    """Runs what must fail, and gives what is said."""
    scan = scan_at(tmp_path / "a.nii.gz", seed=0)

    def run(*arguments):
        command = ["segment", scan, "-o", tmp_path / "out", "--engine", "ray", "--model", model, *arguments]
        assert main([*map(str, command)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert not (tmp_path / "out").exists()
        return err

    return run


def test_a_model_that_no_worker_can_load(refused, tmp_path):
    said = refused("--model", tmp_path / "a.nii.gz")
    assert f"error: {tmp_path / 'a.nii.gz'} is no weights file" in said  # after a warning, if the machine is busy


def test_an_address_where_nothing_answers(refused):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # without listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused("--address", address)
    assert f"error: nothing answers at {address} (" in said
    assert "start a cluster with `ray start --head`, or leave --address out" in said


@pytest.mark.parametrize("address", ["here", "ray://127.0.0.1:10001", "host:", ":6379"])
def test_an_address_that_is_none(refused, address):
    assert "a Ray cluster's address is auto or HOST:PORT (`ray start --head` shows it" in refused("--address", address)
