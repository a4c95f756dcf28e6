"""Networks with 0 to 3 contexts whose labels look like bones, all made from the default weights.

A fresh network's labels are noise: no two voxels agree, so nothing could be saved and agreement would mean nothing. The
default weights (variant E, contexts 1 and 2, batch normalisation, 64 voxels, 4 levels, width 16, 126 classes) give:

- 2 contexts: themselves.
- 1 context: themselves without the second; its channels are cut out of the decoder's convolutions, its head out of the
  sum. On phantoms 0.93 of bone voxels keep the right label (0.96 with both).
- 0 contexts: the target alone names nothing, but each context is a trained U-Net of the same size that reads no hooks:
  the first, at its own 6 mm, is right in 0.92 of bone voxels.
- 3 contexts: themselves and a third that is a copy of the second, one scale coarser. Its channels enter with small
  random weights and its head with a twentieth of the copy's, so that labels hardly change; the work is that of any.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from sneakynet.models.architecture import Architecture
from sneakynet.models.builders import build_from
from sneakynet.models.packaged import packaged_weights
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader, load_weights

_HOOK_SHARE, _HEAD_SHARE = 0.05, 0.05
"""Of the third context, relative to the spread of its neighbours' weights and to the head it copies."""

State = dict[str, Tensor]


def network_with(contexts: int, *, spacing: float) -> tuple[SneakyNet, WeightsHeader]:
    """A network with some number of contexts, in evaluation mode, and its header.

    Args:
        contexts: 0 to 3.
        spacing: what the header says, mm. Another than ``trial.TRAINED_SPACING`` makes the labels poorer and the work
            no different.
    """
    default, header = load_weights(packaged_weights())
    make = {0: _lone_context, 1: _first_context_only, 2: lambda network: network, 3: _with_third_context}[contexts]
    network = make(default).eval()
    return network, replace(header, architecture=network.architecture.to_dict(), spacing=(spacing,) * 3)


def _lone_context(default: SneakyNet) -> SneakyNet:
    state = default.state_dict()
    architecture = replace(default.architecture, variant="A", contexts=(), hook_source="encoder")
    return _filled(architecture, {name: state[name.replace("target.", "contexts.0.")] for name in _names(architecture)})


def _first_context_only(default: SneakyNet) -> SneakyNet:
    state = default.state_dict()
    architecture = replace(default.architecture, contexts=default.architecture.contexts[:1])
    kept = {name: state[name] for name in _names(architecture)}
    for name, (axis, columns) in _hook_columns(default.architecture, contexts=[0]).items():
        kept[name] = state[name].index_select(axis, torch.tensor(columns))
    return _filled(architecture, kept)


def _with_third_context(default: SneakyNet) -> SneakyNet:
    state = default.state_dict()
    architecture = replace(default.architecture, contexts=(*default.architecture.contexts, 3))
    grown = {name: state[name.replace("contexts.2.", "contexts.1.")].clone() for name in _names(architecture)}
    grown["contexts.2.head.weight"] *= _HEAD_SHARE
    grown["contexts.2.head.bias"] *= _HEAD_SHARE
    generator = torch.Generator().manual_seed(0)
    for name, (axis, columns) in _hook_columns(architecture, contexts=[0, 1]).items():
        old = state[name]
        new = torch.randn(_with_edge(old, axis, len(columns), architecture, name), generator=generator)
        new *= _HOOK_SHARE * old.std()
        grown[name] = new.index_copy_(axis, torch.tensor(columns), old)
    return _filled(architecture, grown)


def _with_edge(old: Tensor, axis: int, kept: int, architecture: Architecture, name: str) -> list[int]:
    """Shape of a weight in the grown network."""
    assert old.shape[axis] == kept, name
    with torch.device("meta"):
        return list(build_from(architecture).state_dict()[name].shape)


def _names(architecture: Architecture) -> list[str]:
    with torch.device("meta"):
        return list(build_from(architecture).state_dict())


def _filled(architecture: Architecture, state: State) -> SneakyNet:
    network = build_from(architecture)
    network.load_state_dict(state)
    return network


def _hook_columns(architecture: Architecture, *, contexts: Sequence[int]) -> dict[str, tuple[int, list[int]]]:
    """Weights of the target's decoder that read hooks: their input axis, and the columns left with some contexts.

    A stage's block reads ``[up, skip, hooks...]``, the first up-convolution ``[bottleneck, hooks...]``; hooks come by
    context and then by level.
    """
    width, deepest = architecture.width, architecture.levels - 1
    links = architecture.crop_skips
    columns: dict[int, list[int]] = {}
    reach: dict[int, int] = {}
    for link in links:
        level = link.target_level
        own = width * 2**level * (1 if level == deepest else 2)
        first = reach.setdefault(level, own)
        reach[level] = first + width * 2**link.source_level
        kept = columns.setdefault(level, list(range(own)))
        if link.context in contexts:
            kept.extend(range(first, reach[level]))
    read_by = {
        level: (f"target.decoder.stages.{level - 1}.up.weight", 0)
        if level == deepest
        else (f"target.decoder.stages.{level}.block.layers.0.weight", 1)
        for level in columns
    }
    return {name: (axis, columns[level]) for level, (name, axis) in read_by.items()}
