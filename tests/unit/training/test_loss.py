"""The fused loss against the formula written out."""

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from sneakynet.errors import SettingError
from sneakynet.training import loss as loss_module
from sneakynet.training.loss import head_loss, logits_loss

N_CLASSES = 7
EPS = 1e-5


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """So that every test crosses chunk borders, with a last chunk that is not full."""
    monkeypatch.setitem(loss_module._CHUNK, "cpu", 50)


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(1)
    features = torch.randn(2, 5, 4, 6, 8, generator=random, dtype=torch.float64)
    weight = torch.randn(N_CLASSES, 5, generator=random, dtype=torch.float64)
    bias = torch.randn(N_CLASSES, generator=random, dtype=torch.float64)
    labels = torch.randint(0, N_CLASSES - 2, (2, 4, 6, 8), generator=random).to(torch.uint8)  # two classes are absent
    labels[0, 0] = 0
    return features, weight, bias, labels


def written_out(logits, labels, *, dice, class_weights=None, ignore=None):
    """Cross-entropy by torch, Dice by MONAI's formula (squared_pred=False, batch=True), with one-hot labels."""
    valid = torch.ones_like(labels, dtype=torch.bool) if ignore is None else labels != ignore
    target = labels.long().where(valid, 0)
    logits = logits.movedim(1, -1)[valid]
    target = target[valid]
    entropy = cross_entropy(logits, target, weight=class_weights)
    p = logits.softmax(-1)
    y = one_hot(target, logits.shape[-1])
    score = (2 * (p * y).sum(0) + EPS) / (p.sum(0) + y.sum(0) + EPS)
    if dice == "present":
        score = score[y.sum(0) > 0]
    return entropy, 1 - score.mean()


@pytest.mark.parametrize("dice", ["all", "present"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [None, 255])
def test_value_and_gradient(batch, dice, weighted, ignore):
    features, weight, bias, labels = batch
    if ignore is not None:
        labels[1, :, 2:4] = ignore
    class_weights = torch.linspace(0.2, 1.5, N_CLASSES, dtype=torch.float64) if weighted else None
    leaves = [t.clone().requires_grad_() for t in (features, weight, bias)]
    logits = torch.einsum("ncijk,dc->ndijk", leaves[0], leaves[1]) + leaves[2][:, None, None, None]
    entropy, overlap = written_out(logits, labels, dice=dice, class_weights=class_weights, ignore=ignore)
    expected = torch.autograd.grad(1.7 * (entropy + overlap), leaves)

    leaves = [t.clone().requires_grad_() for t in (features, weight, bias)]
    loss = head_loss(*leaves, labels, dice=dice, class_weights=class_weights, ignore=ignore)
    torch.testing.assert_close(loss.cross_entropy, entropy.detach(), rtol=1e-10, atol=0)
    torch.testing.assert_close(loss.dice, overlap.detach(), rtol=1e-10, atol=0)
    torch.testing.assert_close(loss.total, loss.cross_entropy + loss.dice)
    for got, want in zip(torch.autograd.grad(1.7 * loss.total, leaves), expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-12)


def test_logits_loss_equals_head_loss(batch):
    features, weight, bias, labels = batch
    logits = (torch.einsum("ncijk,dc->ndijk", features, weight) + bias[:, None, None, None]).requires_grad_()
    reference = sum(written_out(logits, labels, dice="all"))
    (expected,) = torch.autograd.grad(reference, logits)
    loss = logits_loss(logits, labels)
    torch.testing.assert_close(loss.total, head_loss(features, weight, bias, labels).total)
    torch.testing.assert_close(torch.autograd.grad(loss.total, logits)[0], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 5e-3)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_low_precision(batch, dtype, tolerance, layout):
    features, weight, bias, labels = batch
    features = features.to(dtype)  # the reference reads the same rounded features
    exact = features.double().requires_grad_()
    reference = head_loss(exact, weight, bias, labels)
    reference.total.backward()
    low = features.contiguous(memory_format=layout).requires_grad_()
    loss = head_loss(low, weight.float(), bias.float(), labels)
    loss.total.backward()
    assert low.grad.dtype == dtype
    assert float(loss.total.detach()) == pytest.approx(float(reference.total.detach()), rel=1e-6)
    scale = float(exact.grad.abs().max())
    assert float((low.grad.double() - exact.grad).abs().max()) < tolerance * scale


def test_a_slice_of_a_larger_map_gets_its_gradient(batch):
    features, weight, bias, labels = batch
    wide = torch.cat([features, features], dim=1).requires_grad_()
    head_loss(wide[:, :5], weight, bias, labels).total.backward()
    whole = features.clone().requires_grad_()
    head_loss(whole, weight, bias, labels).total.backward()
    torch.testing.assert_close(wide.grad[:, :5], whole.grad)
    assert not wide.grad[:, 5:].any()


def test_perfect_answer_costs_nothing():
    labels = torch.arange(8).reshape(1, 2, 2, 2) % 3
    logits = 60.0 * one_hot(labels, 3).movedim(-1, 1).double()
    assert float(logits_loss(logits, labels).total) == pytest.approx(0, abs=1e-9)


def test_no_gradient_is_computed_where_none_is_wanted(batch):
    features, weight, bias, labels = batch
    with torch.no_grad():
        loss = head_loss(features, weight, bias, labels)
    assert not loss.total.requires_grad


def test_label_beyond_the_classes_is_refused(batch):
    features, weight, bias, labels = batch
    labels[0, 0, 0, 0] = N_CLASSES
    with pytest.raises(SettingError, match=r"a label is 7, the network has 7 classes \(0..6\)"):
        head_loss(features, weight, bias, labels)
