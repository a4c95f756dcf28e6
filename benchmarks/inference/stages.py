"""What ``sneakynet segment`` does with one scan, stage by stage: ``python -m inference.stages SCAN DEVICE``.

Prints as JSON the scan's shape, and the stages with their seconds and the most memory held up to the end of each.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from inference.clock import Clock, peak_gib
from inference.methods.ours import wrap_predictor
from sneakynet.export.statistics import case_record, write_record
from sneakynet.inference.predictor import Predictor
from sneakynet.viewer.preview import write_preview
from sneakynet.volumes.read import read_volume

_WITHIN = {"resample": "resample", "contexts": "contexts", "target": "tiles"}
"""Booked on the clock, and the stage's name."""


class _Stages:
    """What was done, in order."""

    def __init__(self) -> None:
        self.done: list[dict[str, object]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block."""
        started = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - started, peak_gib())

    def add(self, name: str, seconds: float, peak: float) -> None:
        """Note a stage that was timed otherwise."""
        self.done.append({"stage": name, "seconds": seconds, "peak_gib": peak})


def run(path: Path, device: str) -> dict[str, object]:
    """Segment a scan as the command does."""
    stages, clock = _Stages(), Clock(device)
    with stages.stage("load weights"):
        predictor = Predictor.load(device=device)
    wrap_predictor(clock, predictor)
    with stages.stage("read"):
        scan = read_volume(path)
    started = time.perf_counter()
    segmentation = predictor.segment(scan)
    rest = time.perf_counter() - started
    clock.settle()
    for booked, name in _WITHIN.items():
        stages.add(name, clock.seconds[booked], clock.peaks[booked])
        rest -= clock.seconds[booked]
    stages.add("blend and labels", rest, peak_gib())
    with tempfile.TemporaryDirectory() as folder:
        with stages.stage("statistics"):
            record = case_record(segmentation, scan, case=path.name)
        with stages.stage("preview"):
            write_preview(Path(folder) / "preview.png", segmentation, scan, title=path.name)
        with stages.stage("write"):
            write_record(Path(folder) / "statistics.json", record)
            segmentation.save(Path(folder) / "labels.nii.gz")
    return {"shape": scan.shape, "stages": stages.done}


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        found = run(Path(sys.argv[1]), sys.argv[2])
    print(json.dumps(found))
