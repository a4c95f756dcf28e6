"""What computes the parts of a network: torch, or a graph exported from it.

The pipeline asks for three things only: the maps of a context that the target reads, the target's own features, and the
head. So whatever can convolve can take torch's place.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.memory_format import convert_conv3d_weight_memory_format

from sneakynet.inference.device import PRECISION_OF
from sneakynet.inference.in_slabs import in_slabs
from sneakynet.models.architecture import Architecture
from sneakynet.models.blocks import ConvBlock
from sneakynet.models.crop_skip import CropSkip
from sneakynet.models.sneakynet import Head, SneakyNet
from sneakynet.models.unet import UNet
from sneakynet.types import Features, Patch


class Engine(ABC):
    """Runs the parts of one network in evaluation mode.

    Args:
        architecture: of the network.
        crop_skips: which context map enters where, by context and then by level.
        device: where patches come in and features go out.
        precision: of the convolutions, for the records: ``f32``, ``bf16`` or ``f16``.
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
        dtype: that convolutions are computed in.
    """

    def __init__(self, network: SneakyNet, *, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(
            network.architecture, crop_skips=network.crop_skips, device=device, precision=PRECISION_OF[dtype]
        )
        self.network = streamlined(network, dtype=dtype).to(device)
        if network.architecture.needs_context_decoders and network.architecture.norm in {"batch", "none"}:
            for context in self.network.contexts:
                assert isinstance(context, UNet)
                in_slabs(context)
        self._dtype = dtype

    def context_maps(self, context: int, volume: Patch) -> tuple[Tensor, ...]:
        """See :class:`Engine`."""
        with self._computing():
            return self.network.read_maps(context, volume)

    def target_features(self, target: Patch, crossed: Sequence[Tensor]) -> Features:
        """See :class:`Engine`."""
        with self._computing():
            return self.network.fuse(target, crossed)

    def head(self) -> Head:
        """See :class:`Engine`."""
        return self.network.target_head()

    @contextmanager
    def _computing(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(torch.autocast(self.device.type, self._dtype, enabled=self._dtype != torch.float32))
            if self.device.type == "cuda":
                # TensorFloat-32 would leave float32 with the mantissa of a half; whoever wants speed takes bf16.
                stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
            yield


def streamlined(network: SneakyNet, *, dtype: torch.dtype = torch.float32) -> SneakyNet:
    """A copy that computes the same in evaluation mode, faster and with less memory.

    Batch normalisation is a fixed factor and offset per channel then: it is put into the convolution before it, which
    saves a pass over every map. Channels last makes convolutions a fifth faster on CPU.

    Args:
        network: is left as it is.
        dtype: to which the convolutions' weights are rounded once, and not in every pass; the heads keep theirs.
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
    heads = {unet.head for unet in copied.modules() if isinstance(unet, UNet)}
    for layer in copied.modules():
        if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d) and layer not in heads:
            layer.to(dtype)
    convert_conv3d_weight_memory_format(copied, torch.channels_last_3d)
    return copied
