import pytest
import torch

from sneakynet.errors import SettingError, WeightsError
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
