from pathlib import Path
from typing import Any

import pytest
import torch

from sneakynet.cohort.case import plan_cases
from sneakynet.cohort.stages import attempt
from sneakynet.errors import VolumeError

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
