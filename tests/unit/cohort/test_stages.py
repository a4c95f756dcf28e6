import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cohort.case import plan_cases
from sneakynet.cohort.case_options import CaseOptions
from sneakynet.cohort.stages import FoundCase, ReadCase, attempt, write_case
from sneakynet.errors import VolumeError
from sneakynet.inference import segmentation
from sneakynet.inference.order.report import OrderReport, Renamed
from sneakynet.inference.segmentation import Segmentation
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.stamp import Stamp
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

(CASE,) = plan_cases([Path("a scan.nii")], Path("out"), format="nii.gz")


def test_what_a_stage_gives_is_passed_on() -> None:
    assert attempt(CASE, lambda: 7) == 7


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (VolumeError("a.nii: torn"), "a.nii: torn"),
        (MemoryError(), "out of memory; close other programs or give a smaller scan"),
        (torch.OutOfMemoryError("CUDA"), "out of memory; close other programs or give a smaller scan"),
        (
            IndexError("7"),
            "IndexError: 7 (a fault of sneakynet, not of the scan: run `sneakynet --debug segment 'a scan.nii' ...` on "
            "it alone and report what it prints)",
        ),
    ],
)
def test_what_goes_wrong_is_the_outcome(error: Exception, reason: str) -> None:
    def stage() -> Any:
        raise error

    assert attempt(CASE, stage) == CASE.failed(reason)


def test_an_interrupt_goes_through() -> None:
    def stage() -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(CASE, stage)


@pytest.mark.parametrize("order", [True, False])
def test_names_are_put_in_order_unless_that_is_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: bool
) -> None:
    def put_in_order(labels: Volume, *, table: BoneTable) -> tuple[Volume, OrderReport]:
        changed = np.where(labels.voxels == 2, 3, labels.voxels).astype(np.uint8)
        return Volume(changed, labels.affine), OrderReport((Renamed(table.by_id(2).name, table.by_id(3).name, 0.001),))

    monkeypatch.setattr(segmentation, "order_names", put_in_order)
    scan = Volume(np.zeros((3, 3, 3), dtype=np.int16), np.eye(4))
    write_scan(tmp_path / "a.nii.gz", scan)
    (case,) = plan_cases(
        [tmp_path / "a.nii.gz"], tmp_path / "out", format="nii.gz", preview=False, options=CaseOptions(order=order)
    )
    case.labels.parent.mkdir()
    labels = Volume(np.full((3, 3, 3), 2, dtype=np.uint8), np.eye(4))
    table = BoneTable.default()

    outcome = write_case(FoundCase(ReadCase(case, scan, Stamp.of(case.input), 0.0), Segmentation(labels, table), 0.0))

    record = json.loads(case.statistics.read_text())
    assert set(np.unique(read_labels(case.labels).voxels)) == {3 if order else 2}
    if order:
        assert outcome.order == f"renamed {table.by_id(2).name} -> {table.by_id(3).name} (0.0 ml)"
        assert record["order"]["summary"] == outcome.order
    else:
        assert outcome.order is None
        assert record["order"] is None
