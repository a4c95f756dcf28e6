"""What computes the parts of a network: torch, or a graph exported from it.

The pipeline asks for three things only: the maps of a context that the target reads, the target's own features, and the
head. So whatever can convolve can take torch's place.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.memory_format import convert_conv3d_weight_memory_format

from sneakynet.models.architecture import Architecture
from sneakynet.models.blocks import ConvBlock
from sneakynet.models.crop_skip import CropSkip
from sneakynet.models.sneakynet import Head, SneakyNet
from sneakynet.types import Features, Patch


class Engine(ABC):
    """Runs the parts of one network in evaluation mode.

    Args:
        architecture: of the network.
        crop_skips: which context map enters where, by context and then by level.
        device: where patches come in and features go out.
        precision: of the convolutions, for the records: ``f32``, ``bf16`` ...
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        crop_skips: Sequence[CropSkip],
        device: torch.device,
        precision: str,
    ) -> None:
        self.architecture = architecture
        self.crop_skips = tuple(crop_skips)
        self.device = device
        self.precision = precision

    @abstractmethod
    def context_maps(self, context: int, volume: Patch) -> tuple[Tensor, ...]:
        """Run one context network.

        Args:
            context: which, counted from 0.
            volume: normalised intensities at the context's scale, on the device; of any edges that pooling to the
                deepest level divides.

        Returns:
            The maps that the target reads, whole: one for each of the context's crop-skips, in their order; for
            variant E then the level 0 decoder map, from which the context's own head scores.
        """

    @abstractmethod
    def target_features(self, target: Patch, crossed: Sequence[Tensor]) -> Features:
        """Run the target network.

        Args:
            target: normalised intensities, on the device.
            crossed: what each of :attr:`crop_skips` brings, cut to the target's field of view.

        Returns:
            The target's own level 0 decoder map.
        """

    @abstractmethod
    def head(self) -> Head:
        """Weight ``[class, channel]`` and bias that score the target's own features and, for variant E, every
        context's beside them (channels in that order)."""


class TorchEngine(Engine):
    """The network itself.

    Args:
        network: a copy of it is brought to the device and made faster, see :func:`streamlined`.
        device: where it runs.
        bf16: whether convolutions are computed in bfloat16.
    """

    def __init__(self, network: SneakyNet, *, device: torch.device, bf16: bool) -> None:
        super().__init__(
            network.architecture,
            crop_skips=network.crop_skips,
            device=device,
            precision="bf16" if bf16 else "f32",
        )
        self.network = streamlined(network).to(device)
        self._bf16 = bf16

    def context_maps(self, context: int, volume: Patch) -> tuple[Tensor, ...]:
        """See :class:`Engine`."""
        with self._autocast():
            return self.network.read_maps(context, volume)

    def target_features(self, target: Patch, crossed: Sequence[Tensor]) -> Features:
        """See :class:`Engine`."""
        with self._autocast():
            return self.network.fuse(target, crossed)

    def head(self) -> Head:
        """See :class:`Engine`."""
        return self.network.target_head()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16)


def streamlined(network: SneakyNet) -> SneakyNet:
    """A copy that computes the same in evaluation mode, faster and with less memory.

    Batch normalisation is a fixed factor and offset per channel then: it is put into the convolution before it, which
    saves a pass over every map. Channels last makes convolutions a fifth faster on CPU.

    Args:
        network: is left as it is.
    """
    copied = copy.deepcopy(network).eval()
    for block in copied.modules():
        if isinstance(block, ConvBlock):
            for n, layer in enumerate(block.layers):
                if isinstance(layer, nn.BatchNorm3d):
                    convolution = block.layers[n - 1]
                    assert isinstance(convolution, nn.Conv3d)
                    block.layers[n - 1] = fuse_conv_bn_eval(convolution, layer)
                    block.layers[n] = nn.Identity()
    convert_conv3d_weight_memory_format(copied, torch.channels_last_3d)
    return copied
