"""The multi-resolution network: a target U-Net and the context U-Nets around it."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv3d

from sneakynet.errors import SettingError
from sneakynet.geometry.context_block import Place
from sneakynet.models.architecture import Architecture, edge_fault
from sneakynet.models.crop_skip import CropSkip, centre_crop
from sneakynet.models.late_fusion import upsampled, upsampled_centre
from sneakynet.models.shared_block import cut_places
from sneakynet.models.unet import UNet
from sneakynet.types import Features, Inputs, Logits, Patch

Head = tuple[Float[Tensor, "class channel"], Float[Tensor, " class"]]
"""Weight and bias that turn a voxel's features into class scores."""


class Output(NamedTuple):
    """Class scores of one forward pass.

    Attributes:
        target: of the target network.
        contexts: of every context that has a decoder, in the contexts' order; each on that context's own voxels.
    """

    target: Logits
    contexts: tuple[Logits, ...]


class FeatureMaps(NamedTuple):
    """Features from which the heads score, at level 0.

    Attributes:
        target: for variant E the target's own features, then those of every context on the target's voxels.
        contexts: of every context that has a decoder, in the contexts' order.
    """

    target: Features
    contexts: tuple[Features, ...]


class ContextMaps(NamedTuple):
    """What a context network computes of its input.

    Attributes:
        encoder: maps by level, level 0 first.
        decoder: likewise; None where the decoder did not run.
    """

    encoder: tuple[Tensor, ...]
    decoder: tuple[Tensor, ...] | None


class SneakyNet(nn.Module):
    """A target network that sees fine detail, and contexts that see its surroundings at lower resolution.

    All inputs are concentric and have the same number of voxels. Everything up to the heads can be had apart
    (:meth:`features`), because the many-class volume is large: a loss or an inference may apply the linear heads
    in pieces. Edges need not be ``patch_size``; they must obey the same rule.

    Args:
        target: the target network; its decoder has room for the crop-skips.
        contexts: the context networks, in the order of the architecture's ``contexts``.
        crop_skips: which context map enters where.
        architecture: the builder's arguments.
    """

    def __init__(
        self, target: UNet, contexts: Sequence[UNet], *, crop_skips: Sequence[CropSkip], architecture: Architecture
    ) -> None:
        super().__init__()
        self.target = target
        self.contexts = nn.ModuleList(contexts)
        self.crop_skips = tuple(crop_skips)
        self.architecture = architecture

    def forward(self, target: Patch, contexts: Sequence[Patch] = ()) -> Output:
        """Score every voxel.

        Args:
            target: normalised intensities of the target patch.
            contexts: of each context patch, as many voxels as the target's, in the architecture's order.

        Returns:
            Class scores of the target, and of every context that has a decoder.

        Raises:
            SettingError: the inputs' number or sizes do not fit the network.
        """
        maps = self.features(target, contexts)
        scores = [
            apply_head(features, head) for features, head in zip(maps.contexts, self.context_heads(), strict=True)
        ]
        return Output(apply_head(maps.target, self.target_head()), tuple(scores))

    def forward_contexts(self, contexts: Sequence[Patch]) -> tuple[Logits, ...]:
        """Score the contexts alone, in order; the target network does not run. Empty for variant C."""
        features = self.context_features(contexts)
        return tuple(apply_head(each, head) for each, head in zip(features, self.context_heads(), strict=True))

    def features(self, target: Patch, contexts: Sequence[Patch] = ()) -> FeatureMaps:
        """Compute what :meth:`target_head` and :meth:`context_heads` score. Arguments as :meth:`forward`'s."""
        self._check(contexts, target=target)
        maps = self._context_maps(contexts, decode=True)
        return FeatureMaps(self._target_features(target, maps), _finest(maps))

    def features_in_blocks(
        self, target: Patch, blocks: Sequence[Inputs], places: Sequence[Sequence[Place]]
    ) -> FeatureMaps:
        """Compute what the heads score where targets share their contexts.

        The same as :meth:`features` where no map that crosses looks beyond the patch that a target alone would have,
        and normalisation does not use the statistics of its input.

        Args:
            target: normalised intensities of all targets.
            blocks: of each context, in order: blocks of any number and edges that pooling to its deepest level divides.
            places: for each context where every target lies, see ``geometry.context_block``.
        """
        maps = self._context_maps(blocks, decode=True)
        kappas, edges = self.architecture.contexts, target.shape[2:]
        crossed = [
            cut_places(
                self._crossing(link, maps[link.context]),
                places[link.context],
                level=link.source_level,
                edges=[edge // 2**link.target_level for edge in edges],
            )
            for link in self.crop_skips
        ]
        finest = _finest(maps)
        beside = (
            [
                upsampled(
                    cut_places(map_, at, level=0, edges=[edge // 2**kappa for edge in edges], margin=1),
                    kappa=kappa,
                )
                for map_, at, kappa in zip(finest, places, kappas, strict=True)
            ]
            if self.architecture.variant == "E"
            else []
        )
        return FeatureMaps(self.fuse(target, crossed, beside), finest)

    def target_features(self, target: Patch, contexts: Sequence[Patch] = ()) -> Features:
        """Compute what :meth:`target_head` scores and no more.

        A context's decoder runs only where the target needs it (decoder hooks, variant E); with the paper's encoder
        crop-skips it serves its own training loss alone.
        """
        self._check(contexts, target=target)
        return self._target_features(
            target, self._context_maps(contexts, decode=self.architecture.needs_context_decoders)
        )

    def context_features(self, contexts: Sequence[Patch]) -> tuple[Features, ...]:
        """Compute what :meth:`context_heads` score; the target network does not run. Empty for variant C."""
        self._check(contexts)
        return _finest(self._context_maps(contexts, decode=True))

    def context_features_in_blocks(self, blocks: Sequence[Inputs]) -> tuple[Features, ...]:
        """Compute what :meth:`context_heads` score of blocks, see :meth:`features_in_blocks`."""
        return _finest(self._context_maps(blocks, decode=True))

    def target_head(self) -> Head:
        """Weight ``[class, channel]`` and bias ``[class]`` for :meth:`features`' target map.

        For variant E the target's and all contexts' heads side by side, biases summed: one product gives the sum of
        the networks' scores.
        """
        heads = [self.own_head()]
        if self.architecture.variant == "E":
            heads += self.context_heads()
        weights, biases = zip(*heads, strict=True)
        return torch.cat(weights, dim=1), torch.stack(biases).sum(dim=0)

    def own_head(self) -> Head:
        """Weight and bias of the target network alone; for all variants but E they are :meth:`target_head`'s."""
        return _head_of(self.target)

    def context_heads(self) -> tuple[Head, ...]:
        """Weight and bias of every context that has a decoder, in order."""
        return tuple(_head_of(network) for network in self._context_networks() if network.head is not None)

    def _context_networks(self) -> list[UNet]:
        return [network for network in self.contexts if isinstance(network, UNet)]

    def _context_maps(self, contexts: Sequence[Inputs], *, decode: bool) -> list[ContextMaps]:
        networks = self._context_networks()
        return [_maps_of(network, patch, decode=decode) for network, patch in zip(networks, contexts, strict=True)]

    def _target_features(self, target: Patch, maps: Sequence[ContextMaps]) -> Features:
        kappas = self.architecture.contexts
        return self.fuse(
            target,
            [centre_crop(self._crossing(link, maps[link.context]), kappa=link.kappa) for link in self.crop_skips],
            [upsampled_centre(map_, kappa=kappa) for map_, kappa in zip(_finest(maps), kappas, strict=True)]
            if self.architecture.variant == "E"
            else [],
        )

    def read_maps(self, context: int, volume: Patch) -> tuple[Tensor, ...]:
        """Run one context network; give the whole maps that the target reads of it.

        Args:
            context: which, counted from 0.
            volume: normalised intensities at the context's scale, of any edges that pooling to its deepest level
                divides.

        Returns:
            One map for each of the context's :attr:`crop_skips`, in their order; for variant E then the level 0
            decoder map, which the context's head scores.
        """
        maps = _maps_of(self._context_networks()[context], volume, decode=self.architecture.needs_context_decoders)
        crossing = [self._crossing(link, maps) for link in self.crop_skips if link.context == context]
        return (*crossing, *(_finest([maps]) if self.architecture.variant == "E" else ()))

    def _crossing(self, link: CropSkip, maps: ContextMaps) -> Tensor:
        levels = maps.decoder if link.source == "decoder" else maps.encoder
        assert levels is not None  # the architecture refuses decoder hooks from contexts without decoder
        return levels[link.source_level]

    def fuse(self, target: Patch, crossed: Sequence[Tensor], beside: Sequence[Tensor] = ()) -> Features:
        """Run the target network with what the contexts give it.

        Args:
            target: normalised intensities.
            crossed: what each of :attr:`crop_skips` brings, cut to the target's field of view.
            beside: variant E: every context's features on the target's voxels.

        Returns:
            What :meth:`target_head` scores; without ``beside`` the target's own part of it.
        """
        hooks: list[list[Tensor]] = [[] for _ in range(self.architecture.levels)]
        for link, part in zip(self.crop_skips, crossed, strict=True):
            hooks[link.target_level].append(part)
        assert self.target.decoder is not None
        own: Tensor = self.target.decoder(self.target.encoder(target), hooks)[0]
        return torch.cat([own, *beside], dim=1) if beside else own

    def _check(self, contexts: Sequence[Patch], *, target: Patch | None = None) -> None:
        kappas = self.architecture.contexts
        if len(contexts) != len(kappas):
            msg = f"this network reads {len(kappas)} context patches (kappa {kappas}), got {len(contexts)}"
            raise SettingError(msg)
        patches = [*contexts] if target is None else [target, *contexts]
        if len({patch.shape for patch in patches}) > 1:
            msg = f"all patches have the same shape, got {[tuple(patch.shape) for patch in patches]}"
            raise SettingError(msg)
        for edge in {edge for patch in patches for edge in patch.shape[2:]}:
            fault = edge_fault(edge, levels=self.architecture.levels, contexts=kappas)
            if fault:
                msg = f"a patch with an edge of {edge} does not fit this network: {fault}"
                raise SettingError(msg)


def apply_head(features: Features, head: Head) -> Logits:
    """Score every voxel: a 1x1x1 convolution with the given weight and bias."""
    weight, bias = head
    return conv3d(features, weight[:, :, None, None, None], bias)


def _head_of(network: UNet) -> Head:
    assert network.head is not None
    assert network.head.bias is not None
    return network.head.weight.flatten(1), network.head.bias


def _maps_of(network: UNet, patch: Patch, *, decode: bool) -> ContextMaps:
    encoded = network.encoder(patch)
    return ContextMaps(encoded, network.decoder(encoded) if decode and network.decoder else None)


def _finest(maps: Sequence[ContextMaps]) -> tuple[Features, ...]:
    return tuple(each.decoder[0] for each in maps if each.decoder is not None)
