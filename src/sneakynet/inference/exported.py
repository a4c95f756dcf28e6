"""Exported models made ready to run."""

from pathlib import Path
from typing import Literal

import torch

from sneakynet.errors import SettingError
from sneakynet.inference.device import Precision, compute_dtype
from sneakynet.inference.engine import Engine
from sneakynet.inference.exported_folder import Kind, Part, parts_of, read_exported
from sneakynet.inference.graph_engine import GraphEngine, RunGraph
from sneakynet.inference.onnx_graph import open_onnx
from sneakynet.inference.openvino_graph import computes_bf16, open_openvino
from sneakynet.models.weights import WeightsHeader


def is_exported(path: str | Path) -> bool:
    """Whether a path can be an exported model only: weights are one file, an exported model is a folder."""
    return Path(path).is_dir()


def load_exported(
    folder: str | Path, *, device: str = "auto", precision: Precision = "auto"
) -> tuple[Engine, WeightsHeader]:
    """Read an exported model. Nothing in it is executed but its graphs, by their runtime.

    Args:
        folder: that ``sneakynet export`` wrote.
        device: ``cpu``, or ``auto``, which is the same: exported graphs run on the CPU.
        precision: of the convolutions. ``auto`` is bf16 as in `compute_dtype`, where the runtime has it; ONNX Runtime
            has it nowhere.

    Returns:
        What runs the network, and how to feed it.

    Raises:
        WeightsError: the folder is no exported model, damaged, or of a newer version.
        SettingError: the device or the precision cannot be had, or a package is not installed.
    """
    if device not in {"auto", "cpu"}:
        msg = f"an exported model runs on the CPU, not on {device!r}: give --device cpu, or the weights file for a GPU"
        raise SettingError(msg)
    found = read_exported(Path(folder))
    computed = _resolved(found.kind, precision)
    threads = torch.get_num_threads()
    target, *contexts = (
        _open(found.graph(part), part, kind=found.kind, precision=computed, threads=threads)
        for part in parts_of(found.architecture)
    )
    engine = GraphEngine(found.architecture, target=target, contexts=contexts, head=found.head, precision=computed)
    return engine, found.header


def _open(path: Path, part: Part, *, kind: Kind, precision: Literal["f32", "bf16"], threads: int) -> RunGraph:
    inputs, outputs = ([shape.name for shape in ends] for ends in (part.inputs, part.outputs))
    if kind == "onnx":
        return open_onnx(path, inputs=inputs, outputs=outputs, threads=threads)
    # A context may once see a whole scan; the target's patches are all of one size.
    frugal = part.name != "target"
    return open_openvino(path, inputs=inputs, outputs=outputs, precision=precision, threads=threads, frugal=frugal)


def _resolved(kind: Kind, precision: Precision) -> Literal["f32", "bf16"]:
    """The precision that is asked for, if it can be had."""
    if compute_dtype(precision, torch.device("cpu")) == torch.float32:
        return "f32"
    has_bf16 = kind == "openvino" and computes_bf16()
    if precision == "bf16" and not has_bf16:
        reason = (
            "OpenVINO does not compute in bf16 on this processor"
            if kind == "openvino"
            else "ONNX Runtime does not compute in bf16 on CPUs"
        )
        msg = f"{reason}: give --precision f32" + ("" if kind == "openvino" else ", or export to openvino")
        raise SettingError(msg)
    return "bf16" if has_bf16 else "f32"
