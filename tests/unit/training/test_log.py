import errno
import os
from pathlib import Path

import pytest

from sneakynet.errors import OutputError
from sneakynet.training.log import RunLog


def test_what_a_killed_run_left_is_mended(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("step,loss\n1,0.5\n2,0.4\n3,0.3\n4")
    with RunLog(tmp_path, step=2) as log:
        log.write("train", 3, {"loss": 0.25})
    assert path.read_text().split() == ["step,loss", "1,0.5", "2,0.4", "3,0.25"]


@pytest.mark.parametrize("left", ["", "step,lo", "step,loss\n7,0.1\n"])
def test_nothing_of_use_was_left(tmp_path, left):
    (tmp_path / "train.csv").write_text(left)
    with RunLog(tmp_path, step=0) as log:
        log.write("train", 1, {"loss": 0.5})
    assert (tmp_path / "train.csv").read_text().split() == ["step,loss", "1,0.5"]


def test_another_process_writes(tmp_path):
    with RunLog(tmp_path, step=0, writes=False) as log:
        log.write("train", 1, {"loss": 0.5})
    assert not list(tmp_path.iterdir())


def test_a_full_disk(tmp_path, monkeypatch):
    with RunLog(tmp_path, step=0) as log:
        real = Path.open

        def full(path, *args, **kwargs):
            if path.suffix == ".csv":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(path, *args, **kwargs)

        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(OutputError, match=r"cannot write .*train.csv: No space left .* make room on the disk"):
            log.write("train", 1, {"loss": 0.5})
