import pytest
import torch
from torch import nn

from sneakynet.models.blocks import ConvBlock, make_norm


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
