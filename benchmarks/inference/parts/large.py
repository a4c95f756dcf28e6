"""A scan of 512 x 512 x 600 voxels through ``sneakynet segment``: seconds, and memory beyond the scan's own.

Twice: at 0.9 mm, as a clinical scan of a trunk would be, and at 1.5 mm, where the network's grid has 256 x 256 x 300
voxels (a whole body, mirrored where it ends).
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from inference.clock import peak_gib_of
from inference.row import Row
from inference.runner import Workshop, python, reason, say

_SHAPE, _QUICK_SHAPE = (512, 512, 600), (256, 256, 200)
_SCANS = ((0.9, "trunk", 5), (1.5, "whole", 0))
_BYTES_PER_VOXEL, _GIB = 2, 2**30


def rows(workshop: Workshop) -> list[Row]:
    """Both scans, or a small one."""
    scans = _SCANS[1:] if workshop.quick else _SCANS
    return [_row(workshop, spacing=spacing, field=field, seed=seed) for spacing, field, seed in scans]


def _row(workshop: Workshop, *, spacing: float, field: str, seed: int) -> Row:
    shape = _QUICK_SHAPE if workshop.quick else _SHAPE
    scan = workshop.folder / f"scan_{'x'.join(map(str, shape))}_{spacing:g}mm.nii.gz"
    if not scan.is_file():
        phantom = workshop.phantom(spacing=spacing, field=field, seed=seed)
        say(f"writing {scan}")
        python("-m", "inference.write_scan", str(phantom), f"{spacing:g}", *map(str, shape), str(scan))
    about = {"part": "large", "method": f"sneakynet segment, {spacing:g} mm", "precision": "auto", "contexts": 2}
    runs = []
    for repeat in range(workshop.repeats):
        say(f"large: {about['method']}, run {repeat + 1} of {workshop.repeats}")
        try:
            runs.append(segment(scan, device=workshop.device))
        except subprocess.CalledProcessError as error:
            return Row(**about, shape=shape, skipped=reason(error))
    scan_gib = shape[0] * shape[1] * shape[2] * _BYTES_PER_VOXEL / _GIB
    peak = median(run.peak_gib for run in runs)
    return Row(
        **about,
        shape=shape,
        seconds=median(run.seconds for run in runs),
        peak_gib=peak,
        more={
            "scan_gib": scan_gib,
            "beyond_scan_gib": peak - scan_gib,
            "in_process_seconds": median(run.in_process_seconds for run in runs),
            "bones": runs[0].bones,
            "all_seconds": [round(run.seconds, 2) for run in runs],
        },
    )


class CommandRun:
    """What one run of the command took.

    Args:
        seconds: of the whole process.
        usage: of the process.
        report: what it printed about its only case.
    """

    def __init__(self, seconds: float, usage: resource.struct_rusage, report: dict[str, float]) -> None:
        self.seconds, self.peak_gib = seconds, peak_gib_of(usage)
        self.in_process_seconds, self.bones = float(report["seconds"]), int(report["bones"])


def segment(scan: Path, *, device: str) -> CommandRun:
    """Run the command on one scan.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sneakynet", "segment", str(scan), "-o", folder, "--device", device, "--json"]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)  # what it said is on stderr already
    return CommandRun(seconds, usage, json.loads(printed)[0])
