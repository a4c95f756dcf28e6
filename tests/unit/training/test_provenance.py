import subprocess
from pathlib import Path

import numpy as np
import torch

from sneakynet.data.case import Case
from sneakynet.data.pyramid import Pyramid
from sneakynet.training.provenance import command_line, commit, fingerprint
from sneakynet.training.settings import TrainSettings


def test_the_command_line_asks_for_the_same_settings():
    settings = TrainSettings(
        contexts=(1, 2), augment=False, table=Path("/home/someone/my bones.csv"), cache=Path("/scratch/c"), ema=0.9
    )
    assert command_line(Path("/data/secret/ds"), Path("/runs/one"), settings) == (
        "sneakynet train ds -o one --contexts 1 2 --table 'my bones.csv' --cache c --no-augment --ema 0.9"
    )
    assert command_line(None, Path("/runs/one"), TrainSettings(phantoms=3)) == "sneakynet train -o one --phantoms 3"


def case(name="a", value=0):
    scan, labels = torch.zeros(4, 4, 4, dtype=torch.int16), torch.zeros(4, 4, 4, dtype=torch.uint8)
    scan[1, 2, 3] = value
    centres = {1: np.zeros((1, 3), dtype=np.int16)}
    return Case(name=name, shape=(4, 4, 4), pyramid=Pyramid(scan={0: scan}, labels={0: labels}), centres=centres)


def test_fingerprints():
    same = fingerprint([case("a"), case("b")])
    assert fingerprint([case("b"), case("a")]) == same
    assert len({same, fingerprint([case("a")]), fingerprint([case("a"), case("b", value=7)])}) == 3


def test_commits(tmp_path):
    assert commit(tmp_path) is None
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "file").touch()

    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    assert commit(folder) is None  # no commit holds it
    git("add", ".")
    git("commit", "-m", "first")
    clean = commit(folder)
    assert clean is not None
    assert len(clean) == 40
    (folder / "file").write_text("changed")
    assert commit(folder) == f"{clean} + changes"
