"""``sneakynet train`` by several processes, and by processes that are killed."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from sneakynet.cli.main import main
from sneakynet.models.weights import load_weights

THREE = Path(__file__).with_name("three_bones.csv")
TINY = ["--patch-size", 8, "--levels", 2, "--contexts", 1, "--width", 2, "--warmup-steps", 0]
# Batch normalisation takes each process's own statistics on a CPU.
TINY += ["--norm", "instance", "--threads", 1, "--device", "cpu"]
TINY += ["--table", THREE, "--validation-patches", 3, "--log-every", 1, "--quiet"]
SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Three scans of 20^3 voxels with three blocks."""
    folder = tmp_path_factory.mktemp("dataset")
    random = np.random.default_rng(0)
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir()
    labels = np.zeros((20, 20, 20), dtype=np.uint8)
    labels[2:8, 4:12, 3:9], labels[12:18, 4:12, 3:9], labels[6:14, 6:14, 12:18] = 1, 2, 3
    for case in range(3):
        scan = np.where(labels > 0, 500, 0) + random.normal(0, 30, labels.shape)
        affine = np.diag([4.0, 4.0, 4.0, 1.0])
        nibabel.save(nibabel.Nifti1Image(scan.astype(np.int16), affine), folder / "imagesTr" / f"c{case}_0000.nii.gz")
        nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "labelsTr" / f"c{case}.nii.gz")
    names = {"background": 0, "hip_left": 1, "hip_right": 2, "sacrum": 3}
    (folder / "dataset.json").write_text(json.dumps({"labels": names, "channel_names": {"0": "CT"}}))
    return folder


def start(*args, **variables):
    """A process of its own."""
    command = [sys.executable, "-m", "sneakynet", "train", *map(str, args)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1", **variables}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def start_two(*args):
    """Two processes with what torchrun tells them, but without its watch over them: as on two machines."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"TORCHELASTIC_RUN_ID": "test", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    shared |= {"LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0"}
    return [start(*args, **shared, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(2)]


def said(process, *, status):
    """What a process wrote on stderr until it ended."""
    text = process.communicate(timeout=120)[1]
    assert process.returncode == status, text
    return text


def weights(folder):
    return load_weights(folder / "model.safetensors")[0].state_dict()


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def steps_of(folder):
    path = folder / "train.csv"
    return max(0, len(path.read_text().splitlines()) - 1) if path.exists() else 0


def test_two_processes_learn_what_one_does_with_both_shares(dataset, tmp_path):
    arguments = [dataset, *TINY, "--batch-size", 4, "--steps", 4, "--validate-every", 2]
    arguments += ["--no-augment", "--ema", 0.5, "--cache", tmp_path / "cache"]
    two = start_two(*arguments, "-o", tmp_path / "two")
    assert main(["train", *map(str, [*arguments, "-o", tmp_path / "one"])]) == 0
    for process in two:
        assert said(process, status=0) == ""
    one, both = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, tensor in one.items():
        torch.testing.assert_close(both[name], tensor, rtol=1e-4, atol=1e-5, msg=name)
    timed = {"patches_per_s", "minutes", "data_wait", "memory_gib"}
    for name in ("train.csv", "validation.csv"):
        for ours, theirs in zip(rows(tmp_path / "one" / name), rows(tmp_path / "two" / name), strict=True):
            for column in ours.keys() - timed:
                assert float(theirs[column]) == pytest.approx(float(ours[column]), rel=1e-4, abs=1e-6), column


def test_a_process_that_dies_ends_the_other(dataset, tmp_path):
    arguments = [dataset, *TINY, "--batch-size", 2, "--steps", 100000, "-o", tmp_path / "run"]
    processes = start_two(*arguments)
    wait_for_steps(tmp_path / "run", 3, processes[0])
    processes[1].kill()
    said(processes[1], status=-signal.SIGKILL)
    message = said(processes[0], status=2)
    assert "error: process 0 of 2: another process of this run has ended; its own message says why" in message
    assert (tmp_path / "run" / "checkpoint.pt").exists()


def wait_for_steps(folder, steps, process):
    for _ in range(2400):
        if steps_of(folder) >= steps:
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    pytest.fail(f"no {steps} steps in 2 minutes")


def killed_and_resumed(dataset, tmp_path, *, kills):
    """A run that is killed again and again arrives where one that is left alone does."""
    arguments = [*TINY, "--batch-size", 1, "--steps", 80, "--validate-every", 20, "--validation-scans", 1]
    arguments += ["--checkpoint-every", 0.0001, "--ema", 0.9, "--cache", tmp_path / "cache"]
    assert main(["train", *map(str, [dataset, *arguments, "-o", tmp_path / "alone"])]) == 0
    output = tmp_path / "killed"
    process = start(dataset, *arguments, "-o", output)
    for kill in range(kills):
        wait_for_steps(output, (kill + 1) * 60 // (kills + 1), process)
        process.send_signal(signal.SIGKILL)
        said(process, status=-signal.SIGKILL)
        process = start("-o", output, "--resume", "--quiet")
    said(process, status=0)
    one, other = weights(tmp_path / "alone"), weights(output)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert steps_of(output) == 80
    best = [load_weights(folder / "best.safetensors")[1].provenance["steps"] for folder in (tmp_path / "alone", output)]
    assert best[0] == best[1]
    assert not list(output.glob(".part-*"))


def test_a_killed_run_loses_nothing_but_time(dataset, tmp_path):
    killed_and_resumed(dataset, tmp_path, kills=1)


@pytest.mark.slow
def test_a_run_killed_eight_times(dataset, tmp_path):
    killed_and_resumed(dataset, tmp_path, kills=8)
