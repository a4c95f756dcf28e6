"""A network whose parts are graphs that something else than torch runs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from sneakynet.errors import WeightsError
from sneakynet.inference.engine import Engine
from sneakynet.models.architecture import Architecture
from sneakynet.models.parts import context_outputs, maps_read, target_output
from sneakynet.models.sneakynet import Head
from sneakynet.types import Features, Patch

RunGraph = Callable[[Sequence[Tensor], Sequence[Tensor]], None]
"""Reads the inputs of a graph and fills its outputs, both in the order of ``models/parts.py``: contiguous float32 in
the memory of the CPU, which the graph's runtime uses as it is, without a copy."""


class GraphEngine(Engine):
    """Runs exported graphs.

    Args:
        architecture: of the network that they were exported from.
        target: runs the target's graph.
        contexts: likewise of each context.
        head: see :meth:`Engine.head`.
        precision: of the convolutions.
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        target: RunGraph,
        contexts: Sequence[RunGraph],
        head: Head,
        precision: str,
    ) -> None:
        super().__init__(
            architecture, crop_skips=architecture.crop_skips, device=torch.device("cpu"), precision=precision
        )
        self._target = target
        self._contexts = tuple(contexts)
        self._head = head

    def context_maps(self, context: int, volume: Patch) -> tuple[Tensor, ...]:
        """See :class:`Engine`."""
        shapes = context_outputs(self.architecture, context)
        maps = [torch.empty(shape.shape(len(volume), volume.shape[2:])) for shape in shapes]
        self._contexts[context]([_plain(volume)], maps)
        by_shape = dict(zip(shapes, maps, strict=True))
        return tuple(by_shape[shape] for shape in maps_read(self.architecture, context))

    def target_features(self, target: Patch, crossed: Sequence[Tensor]) -> Features:
        """See :class:`Engine`."""
        features = torch.empty(target_output(self.architecture).shape(len(target), target.shape[2:]))
        self._target([_plain(target), *map(_plain, crossed)], [features])
        return features

    def head(self) -> Head:
        """See :class:`Engine`."""
        return self._head


def check_names(path: Path, what: str, names: Sequence[str], *, expected: Sequence[str]) -> None:
    """Refuse a graph that is not the one that its network has.

    Args:
        path: of the graph.
        what: inputs or outputs.
        names: those that the graph has.
        expected: those that it should have.

    Raises:
        WeightsError: they differ.
    """
    if [*names] != [*expected]:
        msg = f"{path} has the {what} {[*names]} where its network has {[*expected]}; export the model again"
        raise WeightsError(msg)


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().to(torch.float32).contiguous()
