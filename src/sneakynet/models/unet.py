"""A U-Net, whole or cut short: the target network and every context network is one."""

from torch import nn

from sneakynet.models.decoder import Decoder
from sneakynet.models.encoder import Encoder


class UNet(nn.Module):
    """The parts of one network; :class:`~sneakynet.models.sneakynet.SneakyNet` runs them.

    Args:
        encoder: the contracting path.
        decoder: the expanding path; None for a context of variant C, which only encodes.
        head: 1x1x1 convolution from level 0's features to class scores; None where there is no decoder.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder | None, head: nn.Conv3d | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.head = head
