import pytest
import torch
from torch import nn

from sneakynet.models.blocks import ConvBlock, Convolution, make_norm


@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
def test_the_size_stays_and_the_channels_change(norm):
    block = ConvBlock(3, 6, norm=norm)
    assert block(torch.randn(2, 3, 4, 6, 8)).shape == (2, 6, 4, 6, 8)


@pytest.mark.parametrize(("norm", "bias"), [("batch", False), ("instance", False), ("group", False), ("none", True)])
def test_convolutions_have_a_bias_only_where_no_norm_follows(norm, bias):
    convolutions = [layer for layer in ConvBlock(1, 2, norm=norm).layers if isinstance(layer, nn.Conv3d)]
    assert [layer.bias is not None for layer in convolutions] == [bias, bias]


@pytest.mark.parametrize(("channels", "groups"), [(16, 8), (12, 4), (11, 1), (4, 4)])
def test_group_norm_takes_groups_that_divide_the_channels(channels, groups):
    norm = make_norm("group", channels)
    assert isinstance(norm, nn.GroupNorm)
    assert norm.num_groups == groups


def test_instance_norm_learns_scale_and_shift():
    assert sum(p.numel() for p in make_norm("instance", 5).parameters()) == 10


@pytest.mark.parametrize(
    ("edges", "computed"), [((2, 2, 2), torch.float32), ((2, 4, 3), torch.float32), ((4, 2, 2), torch.bfloat16)]
)
def test_where_bfloat16_gradients_cannot_be_trusted_float32_is_used(edges, computed):
    convolution = Convolution(56, 56, bias=False)
    for _ in range(10):
        with torch.autocast("cpu", torch.bfloat16):
            out = convolution(torch.randn(2, 56, *edges))
        assert out.dtype == computed
        # Whatever memory is taken next may hold this.
        torch.full((1 << 18,), float("nan"))
        out.float().sum().backward()
        assert convolution.weight.grad.isfinite().all()


def test_without_gradients_bfloat16_stays():
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        assert Convolution(3, 3, bias=False)(torch.randn(1, 3, 2, 2, 2)).dtype == torch.bfloat16
