"""The kernels for GPUs against float64 on the CPU."""

import pytest
import torch

from sneakynet.training.loss import head_loss

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="the kernels run on a GPU alone")


def loss_and_gradients(inputs, device, dtype, dice):
    features, weight, bias, labels, class_weights = inputs
    leaves = [tensor.to(device, dtype).clone().requires_grad_() for tensor in (features, weight, bias)]
    loss = head_loss(*leaves, labels.to(device), dice=dice, class_weights=class_weights.to(device, dtype), ignore=255)
    loss.total.backward()
    return loss.total.item(), [leaf.grad.double().cpu() for leaf in leaves]


@pytest.mark.parametrize(("classes", "channels"), [(126, 16), (126, 48), (126, 8), (5, 16)])
@pytest.mark.parametrize("dice", ["present", "all"])
def test_loss_and_gradients_agree(classes, channels, dice):
    torch.manual_seed(0)
    labels = torch.randint(0, classes, (2, 13, 12, 12), dtype=torch.uint8)
    labels[0, :3] = 255
    inputs = (
        torch.randn(2, channels, 13, 12, 12),
        torch.randn(classes, channels) * 0.3,
        torch.randn(classes) * 0.1,
        labels,
        torch.rand(classes) + 0.2,
    )
    exact, expected = loss_and_gradients(inputs, "cpu", torch.float64, dice)
    value, found = loss_and_gradients(inputs, "cuda", torch.float32, dice)
    assert value == pytest.approx(exact, rel=1e-5)
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).norm() / theirs.norm() < 2e-6
