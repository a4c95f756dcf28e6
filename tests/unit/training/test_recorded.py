"""Recorded steps against steps as they are."""

import pytest
import torch

from sneakynet.data.sampling import Patches
from sneakynet.models.builders import build_sneakynet
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import DivergedError, Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")


def trainer(*, records=True, **options):
    torch.manual_seed(0)
    settings = TrainSettings(
        variant="D", contexts=(1,), patch_size=16, width=4, levels=3, warmup_steps=2, norm="batch", **options
    )
    network = build_sneakynet(variant="D", n_classes=5, patch_size=16, contexts=(1,), width=4, levels=3, norm="batch")
    made = Trainer(network.cuda(), settings)
    made._records = made._records and records
    return made


def patches(step, *, batch=2):
    generator = torch.Generator().manual_seed(step)
    images = tuple(torch.randn(batch, 1, 16, 16, 16, generator=generator).cuda() for _ in range(2))
    labels = tuple(torch.randint(0, 5, (batch, 16, 16, 16), generator=generator).byte().cuda() for _ in range(2))
    return Patches(images, labels)


def weights(made):
    return torch.cat([parameter.detach().flatten() for parameter in made.model.parameters()])


def apart(one, other):
    """Relative distance of the weights. A GPU adds up in any order, and Adam makes steps of what is left of gradients
    that should be 0, such as those of biases before a normalisation: two equal runs are 3e-3 apart after 10 steps.
    """
    return float((weights(one) - weights(other)).norm() / weights(other).norm())


@pytest.mark.parametrize(
    "options",
    [{}, {"context_steps": 5}, {"accumulate": 2, "clip_norm": 0.1}, {"ema": 0.9}, {"schedule": "constant"}],
    ids=lambda options: "-".join(options) or "plain",
)
def test_recorded_steps_learn_what_plain_ones_do(options):
    recorded, plain = trainer(**options), trainer(records=False, **options)
    for step in range(10):
        one, other = recorded.train_step(patches(step)), plain.train_step(patches(step))
        assert one.losses.keys() == other.losses.keys()
        for name, loss in one.losses.items():
            torch.testing.assert_close(loss.total, other.losses[name].total, rtol=1e-3, atol=1e-4)
    assert apart(recorded, plain) < 5e-3


def test_values_of_earlier_steps_stay():
    made = trainer()
    reports = [made.train_step(patches(step)) for step in range(7)]
    totals = [float(report.losses["target"].total) for report in reports]
    assert len(set(totals)) == 7


def test_a_run_goes_on_from_its_state():
    whole, first = trainer(), trainer()
    for step in range(5):
        whole.train_step(patches(step))
        first.train_step(patches(step))
    second = trainer()
    second.restore(first.state())
    for step in range(5, 10):
        whole.train_step(patches(step))
        second.train_step(patches(step))
    assert apart(whole, second) < 5e-3


def test_a_state_of_a_gpu_goes_on_on_a_cpu_and_back():
    on_gpu = trainer()
    for step in range(5):
        on_gpu.train_step(patches(step))
    on_cpu = Trainer(trainer().model.cpu(), on_gpu.settings)
    on_cpu.restore(on_gpu.state())
    on_cpu.train_step(patches(5))
    back = trainer()
    back.restore(on_cpu.state())
    for step in range(6, 11):
        back.train_step(patches(step))
    assert torch.isfinite(weights(back)).all()


def test_another_shape_is_recorded_anew():
    made = trainer()
    for step in range(5):
        made.train_step(patches(step))
    for step in range(5, 10):
        report = made.train_step(patches(step, batch=1))
    assert torch.isfinite(report.losses["target"].total)


def test_a_loss_that_is_no_number_stops_the_run_and_spares_the_weights():
    made = trainer()
    for step in range(5):
        made.train_step(patches(step))
    before, bad = weights(made), patches(5)
    bad.images[0][0, 0, 0, 0, 0] = torch.nan
    made.train_step(bad)
    assert torch.equal(weights(made), before)
    made.step = 20  # it asks at every twentieth
    with pytest.raises(DivergedError, match="training has diverged"):
        made.train_step(patches(6))
