import torch

from sneakynet.models.blocks import ConvBlock
from sneakynet.models.encoder import Encoder


def test_every_level_gives_its_block_output_before_pooling():
    encoder = Encoder([ConvBlock(1, 2, norm="instance"), ConvBlock(2, 4, norm="instance")])
    patch = torch.randn(1, 1, 8, 8, 8)
    levels = encoder(patch)
    assert [tuple(level.shape) for level in levels] == [(1, 2, 8, 8, 8), (1, 4, 4, 4, 4)]
    torch.testing.assert_close(levels[0], encoder.blocks[0](patch))
    torch.testing.assert_close(levels[1], encoder.blocks[1](torch.nn.functional.max_pool3d(levels[0], 2)))
