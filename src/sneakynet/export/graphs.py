"""The parts of a network as graphs that run without torch: ONNX, and OpenVINO's format made from it."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from sneakynet.errors import SettingError
from sneakynet.inference.exported_folder import Kind, Part, parts_of
from sneakynet.inference.openvino_graph import import_openvino
from sneakynet.inference.optional_package import optional_package
from sneakynet.models.parts import edge_unit, maps_read
from sneakynet.models.sneakynet import SneakyNet

OPSET = 18
"""Of ONNX's operators: old enough for every runtime of the last years, and all that these networks need."""

_LARGEST = 2**31 - 2**20
"""A protobuf message, which an ONNX file is, holds 2 GiB."""


def traced(network: SneakyNet) -> dict[str, bytes]:
    """Make an ONNX graph of every part of a network.

    Args:
        network: in evaluation mode, on the CPU, float32.

    Returns:
        Name of each part of ``parts_of`` -> its ONNX file.

    Raises:
        SettingError: a part is too large for an ONNX file.
        ModuleNotFoundError: onnx or onnxscript is not installed.
    """
    target, *contexts = parts_of(network.architecture)
    for part, unet in zip((target, *contexts), (network.target, *network.contexts), strict=True):
        _check_size(unet, part.name)
    graphs = {target.name: _traced(_target_example(network, target), target)}
    for number, part in enumerate(contexts):
        graphs[part.name] = _traced(_context_example(network, number), part)
    return graphs


def write_graphs(graphs: Mapping[str, bytes], folder: Path, *, kind: Kind) -> None:
    """Write the graphs of :func:`traced`, as ``exported_folder`` names them.

    Raises:
        SettingError: OpenVINO is needed and not installed.
    """
    for name, graph in graphs.items():
        if kind == "onnx":
            (folder / f"{name}.onnx").write_bytes(graph)
        else:
            openvino = import_openvino()
            model = openvino.Core().read_model(graph)
            model.set_friendly_name(name)
            # Weights of 16 bits would be half as large, and other numbers than torch's.
            openvino.save_model(model, folder / f"{name}.xml", compress_to_fp16=False)


class _Target(nn.Module):
    def __init__(self, network: SneakyNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, target: Tensor, crossed: list[Tensor]) -> Tensor:
        return self.network.fuse(target, crossed)


class _Context(nn.Module):
    def __init__(self, network: SneakyNet, context: int) -> None:
        super().__init__()
        self.network = network
        self.context = context

    def forward(self, volume: Tensor) -> tuple[Tensor, ...]:
        """The maps of ``context_outputs``: each once."""
        shapes = maps_read(self.network.architecture, self.context)
        maps = dict(zip(shapes, self.network.read_maps(self.context, volume), strict=True))
        return tuple(maps.values())


@dataclass(frozen=True)
class _Example:
    """What torch is shown of a part.

    Args:
        module: the part.
        inputs: arguments of its ``forward``. What is 1 among their axes is taken to be 1 for ever.
        dynamic: the axes of each that may have another length, as ``torch.export`` wants them.
    """

    module: nn.Module
    inputs: tuple[Any, ...]
    dynamic: tuple[Any, ...]


def _target_example(network: SneakyNet, part: Part) -> _Example:
    edges, batch = [network.architecture.patch_size] * 3, Dim("batch")
    target, *crossed = (torch.zeros(shape.shape(2, edges)) for shape in part.inputs)
    return _Example(_Target(network), (target, crossed), ({0: batch}, [{0: batch} for _ in crossed]))


def _context_example(network: SneakyNet, context: int) -> _Example:
    unit = edge_unit(network.architecture, context)
    axes = {axis: unit * Dim(f"units_{name}") for axis, name in enumerate("ijk", start=2)}
    volume = torch.zeros(2, 1, 2 * unit, 3 * unit, 4 * unit)
    return _Example(_Context(network, context), (volume,), ({0: Dim("batch"), **axes},))


def _traced(example: _Example, part: Part) -> bytes:
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            example.module.eval(),
            example.inputs,
            input_names=[shape.name for shape in part.inputs],
            output_names=[shape.name for shape in part.outputs],
            dynamic_shapes=example.dynamic,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return _cleaned(program.model_proto, part)


def _check_size(network: nn.Module, name: str) -> None:
    size = sum(4 * parameter.numel() for parameter in network.parameters())
    if size > _LARGEST:
        msg = (
            f"{name} has {size / 2**30:.1f} GiB of weights, an ONNX graph holds 2 GiB; "
            f"a network of less width can be exported"
        )
        raise SettingError(msg)


def _cleaned(model: Any, part: Part) -> bytes:
    """The graph without the tracks of its making (paths and lines of this installation), its axes named for people."""
    graph = model.graph
    graph.name = part.name
    for thing in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del thing.metadata_props[:]
    del graph.value_info[:]
    for ends, shapes in ((graph.input, part.inputs), (graph.output, part.outputs)):
        for end, shape in zip(ends, shapes, strict=True):
            for dim, axis in zip(end.type.tensor_type.shape.dim, part.axes(shape), strict=True):
                if isinstance(axis, str):
                    dim.dim_param = axis
                else:
                    dim.dim_value = axis
    optional_package("onnx", extra="onnx").checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's remarks on its own workings: deprecations within it, packages that it does not need."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
