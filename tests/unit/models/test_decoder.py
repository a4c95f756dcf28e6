import torch
from torch import nn

from sneakynet.models.blocks import ConvBlock
from sneakynet.models.decoder import Decoder, DecoderStage


def stage(below, out, joined):
    return DecoderStage(nn.ConvTranspose3d(below, out, 2, stride=2), ConvBlock(out + joined, out, norm="none"))


def test_a_stage_joins_the_doubled_map_the_skip_and_the_hooks_in_this_order():
    unit = stage(4, 2, 2 + 3)
    seen = []
    unit.block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    below, skip, hook = torch.randn(1, 4, 2, 2, 2), torch.randn(1, 2, 4, 4, 4), torch.randn(1, 3, 4, 4, 4)
    unit(below, [skip, hook])
    torch.testing.assert_close(seen[0], torch.cat([unit.up(below), skip, hook], dim=1))


def test_hooks_enter_at_their_level_and_the_bottleneck_is_given_as_it_came():
    decoder = Decoder([stage(4, 2, 2), stage(8 + 5, 4, 4 + 3)])
    skips = [torch.randn(1, 2, 8, 8, 8), torch.randn(1, 4, 4, 4, 4), torch.randn(1, 8, 2, 2, 2)]
    hooks = [[], [torch.randn(1, 3, 4, 4, 4)], [torch.randn(1, 5, 2, 2, 2)]]
    levels = decoder(skips, hooks)
    assert [tuple(level.shape) for level in levels] == [(1, 2, 8, 8, 8), (1, 4, 4, 4, 4), (1, 8, 2, 2, 2)]
    assert levels[2] is skips[2]
    middle = decoder.stages[1](torch.cat([skips[2], *hooks[2]], dim=1), [skips[1], *hooks[1]])
    torch.testing.assert_close(levels[1], middle)
    torch.testing.assert_close(levels[0], decoder.stages[0](middle, [skips[0]]))
