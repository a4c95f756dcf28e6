import resource
import signal

import pytest
import torch

from sneakynet.errors import OutputError, SettingError, WeightsError
from sneakynet.models.builders import build_sneakynet
from sneakynet.training.checkpoint import before, load_checkpoint, save_checkpoint
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import Trainer

SETTINGS = TrainSettings(variant="A", contexts=(), patch_size=8, width=2, levels=2)


def trainer(step=0):
    torch.manual_seed(step)
    network = build_sneakynet(variant="A", n_classes=3, patch_size=8, contexts=(), width=2, levels=2)
    made = Trainer(network, SETTINGS)
    made.step = step
    return made


def spoil(path, *, at=0.5):
    """Turn the bits of a byte within the tensors: the file's length and its table of contents stay."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 0xFF
    path.write_bytes(data)


def test_it_comes_back_as_it_was(tmp_path):
    path, saved, found = tmp_path / "checkpoint.pt", trainer(3), trainer(0)
    save_checkpoint(path, saved, seconds=12.5)
    assert not before(path).exists()
    progressed = load_checkpoint(path, found)
    assert (progressed.step, progressed.seconds) == (3, 12.5)
    for one, other in zip(saved.model.parameters(), found.model.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    "how", [spoil, lambda path: path.write_bytes(path.read_bytes()[:-500]), lambda p: p.write_text("")]
)
def test_a_damaged_one_is_named_and_the_one_before_it_taken(tmp_path, caplog, how):
    path, found = tmp_path / "checkpoint.pt", trainer(0)
    save_checkpoint(path, trainer(3), seconds=1.0)
    save_checkpoint(path, trainer(4), seconds=2.0)
    how(path)
    assert load_checkpoint(path, found).step == 3
    assert f"cannot read the checkpoint {path}: it is damaged" in caplog.text
    assert f"going on from the one before it, {before(path)}" in caplog.text


def test_both_damaged(tmp_path):
    path = tmp_path / "checkpoint.pt"
    for step in (3, 4):
        save_checkpoint(path, trainer(step), seconds=1.0)
    spoil(path)
    spoil(before(path))
    with pytest.raises(WeightsError, match=r"cannot read the checkpoint .*checkpoint\.before\.pt: it is damaged"):
        load_checkpoint(path, trainer(0))


def test_there_is_none(tmp_path):
    with pytest.raises(SettingError, match="nothing to resume: there is no checkpoint"):
        load_checkpoint(tmp_path / "checkpoint.pt", trainer(0))


def test_a_full_disk_leaves_what_was_there(tmp_path):
    """A process may be forbidden large files, which torch meets as it meets a full disk."""
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, trainer(3), seconds=1.0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*checkpoint.pt"):
            save_checkpoint(path, trainer(4), seconds=2.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert [found.name for found in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert load_checkpoint(path, trainer(0)).step == 3


def test_a_step_after_a_resume_is_that_of_a_run_that_was_not_stopped(tmp_path, small_trainer, small_patches):
    """With moving average, parts of a batch and shortened gradients."""
    options = {"ema": 0.9, "batch_size": 2, "accumulate": 2, "clip_norm": 0.5, "warmup_steps": 2}
    straight, resumed, again = (small_trainer(**options) for _ in range(3))
    batches = [small_patches(2, dtype=torch.float32) for _ in range(4)]
    for batch in batches:
        straight.train_step(batch)
        again.train_step(batch)
    stopped = small_trainer(**options)
    for batch in batches[:2]:
        stopped.train_step(batch)
    save_checkpoint(tmp_path / "checkpoint.pt", stopped, seconds=1.0)
    load_checkpoint(tmp_path / "checkpoint.pt", resumed)
    for batch in batches[2:]:
        resumed.train_step(batch)
    for made in (again, resumed):
        for kind in ("model", "averaged"):
            expected = straight.state()[kind]
            assert all(torch.equal(values, expected[name]) for name, values in made.state()[kind].items())
    assert not torch.equal(
        straight.state()["model"]["target.head.bias"], straight.state()["averaged"]["target.head.bias"]
    )
