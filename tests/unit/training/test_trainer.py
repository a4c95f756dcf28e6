"""Single steps of training."""

from dataclasses import replace

import pytest
import torch

from sneakynet.data.sampling import Patches
from sneakynet.errors import SettingError
from sneakynet.geometry.context_block import Place
from sneakynet.models.builders import build_sneakynet
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import DivergedError, Trainer


def trainer(**options):
    torch.manual_seed(0)
    settings = TrainSettings(variant="D", contexts=(1,), patch_size=8, width=2, levels=2, warmup_steps=0, **options)
    network = build_sneakynet(variant="D", n_classes=3, patch_size=8, contexts=(1,), width=2, levels=2)
    return Trainer(network, settings)


def patches(batch, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = tuple(torch.randn(batch, 1, 8, 8, 8, generator=generator) for _ in range(2))
    labels = tuple(torch.randint(0, 3, (batch, 8, 8, 8), generator=generator, dtype=torch.uint8) for _ in range(2))
    return Patches(images, labels)


def twice(one):
    return Patches(
        tuple(torch.cat([each] * 2) for each in one.images), tuple(torch.cat([each] * 2) for each in one.labels)
    )


def shared(blocks):
    """Two targets to each block."""
    generator = torch.Generator().manual_seed(0)
    sizes = [(2 * blocks, (8, 8, 8)), (blocks, (12, 10, 8))]
    images = tuple(torch.randn(n, 1, *edges, generator=generator) for n, edges in sizes)
    labels = tuple(torch.randint(0, 3, (n, *edges), generator=generator, dtype=torch.uint8) for n, edges in sizes)
    return Patches(images, labels, (tuple(Place(n // 2, (2 + n % 2, 2, 2)) for n in range(2 * blocks)),))


def weights(made):
    return torch.cat([parameter.detach().flatten() for parameter in made.model.parameters()])


def test_parts_of_a_batch_cover_it():
    whole = patches(4)
    parts = list(whole.parts(2))
    assert [len(part.labels[0]) for part in parts] == [2, 2]
    assert torch.equal(torch.cat([part.images[1] for part in parts]), whole.images[1])


def test_parts_of_a_batch_that_shares_contexts_keep_their_places():
    whole = shared(2)
    one, two = whole.parts(2)
    assert one.places == two.places[:1] == ((Place(0, (2, 2, 2)), Place(0, (3, 2, 2))),)
    assert torch.equal(two.images[0], whole.images[0][2:])
    assert torch.equal(two.labels[1], whole.labels[1][1:])


def test_a_block_for_each_target_trains_as_its_own_contexts_do():
    own, shared_by_one = trainer(batch_size=2, norm="batch"), trainer(batch_size=2, shared_context=1, norm="batch")
    apart = patches(2)
    one = own.train_step(apart)
    other = shared_by_one.train_step(replace(apart, places=((Place(0, (2, 2, 2)), Place(1, (2, 2, 2))),)))
    for name, loss in one.losses.items():
        torch.testing.assert_close(loss.total, other.losses[name].total)
    torch.testing.assert_close(weights(own), weights(shared_by_one))


@pytest.mark.parametrize("context_steps", [0, 1])
def test_a_step_on_shared_contexts_trains_what_it_should(context_steps):
    made = trainer(batch_size=4, accumulate=2, shared_context=2, norm="batch", context_steps=context_steps)
    before = {name: parameter.detach().clone() for name, parameter in made.model.named_parameters()}
    report = made.train_step(shared(2))
    assert set(report.losses) == {"context_2x"} | ({"target"} if not context_steps else set())
    changed = {name for name, parameter in made.model.named_parameters() if not torch.equal(before[name], parameter)}
    assert any(name.startswith("contexts.0.encoder") for name in changed)
    assert any(name.startswith("target.") for name in changed) == (not context_steps)


def test_a_step_in_parts_learns_the_mean_of_them():
    at_once, in_parts = trainer(batch_size=1), trainer(batch_size=2, accumulate=2)
    one = at_once.train_step(patches(1))
    other = in_parts.train_step(twice(patches(1)))
    torch.testing.assert_close(weights(at_once), weights(in_parts))
    assert float(one.losses["context_2x"].dice) == pytest.approx(float(other.losses["context_2x"].dice))
    assert in_parts.step == 1


def test_contexts_count_as_much_as_they_are_told_to():
    gradients = {}
    for weight in (0.0, 1.0, 3.0):
        made = trainer(batch_size=1, context_weight=weight)
        report = made.train_step(patches(1))
        head = made.model.contexts[0].head.weight
        gradients[weight] = torch.zeros_like(head) if head.grad is None else head.grad.clone()
        assert float(report.losses["context_2x"].total.detach()) > 0  # reported as it is
    assert not gradients[0.0].any()
    torch.testing.assert_close(gradients[3.0], 3 * gradients[1.0])


def test_parts_must_divide_the_batch():
    with pytest.raises(SettingError, match="accumulate must be a divisor of batch_size, got 3"):
        trainer(batch_size=4, accumulate=3)


@pytest.mark.parametrize("clip", [0.0, 0.01])
def test_a_long_gradient_is_shortened(clip):
    made = trainer(batch_size=1, clip_norm=clip)
    made.train_step(patches(1))
    norm = torch.cat([p.grad.flatten() for p in made.model.parameters() if p.grad is not None]).norm()
    assert (float(norm) == pytest.approx(0.01, rel=1e-4)) == bool(clip)


def test_a_loss_that_is_no_number_leaves_the_weights_alone():
    made = trainer(batch_size=1)
    before, bad = weights(made), patches(1)
    bad.images[0][0, 0, 0, 0, 0] = torch.nan
    with pytest.raises(DivergedError, match=r"the loss is nan at step 0: training has diverged. .*--init RUN"):
        made.train_step(bad)
    assert torch.equal(weights(made), before)
    assert made.step == 0
