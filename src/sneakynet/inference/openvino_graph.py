"""Graphs in OpenVINO's format, run by OpenVINO on the CPU."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Literal

from torch import Tensor

from sneakynet.errors import WeightsError
from sneakynet.inference.graph_engine import RunGraph, check_names
from sneakynet.inference.optional_package import optional_package

_TELEMETRY = "openvino_telemetry"


def import_openvino() -> ModuleType:
    """Import OpenVINO, but not the package by which it tells its makers that it was imported.

    What runs on patients' scans calls nobody. OpenVINO does without where that package is missing.

    Raises:
        SettingError: OpenVINO is not installed.
    """
    before = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # Python's own sign for "cannot be imported"
    try:
        return optional_package("openvino", extra="openvino")
    finally:
        del sys.modules[_TELEMETRY]
        if before is not None:
            sys.modules[_TELEMETRY] = before


def computes_bf16() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor.

    Raises:
        SettingError: OpenVINO is not installed.
    """
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def open_openvino(
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    precision: Literal["f32", "bf16"],
    threads: int,
    frugal: bool,
) -> RunGraph:
    """Make a graph ready to run.

    Args:
        path: the ``.xml`` file; its ``.bin`` lies beside it.
        inputs: their names, in order.
        outputs: likewise.
        precision: that it computes in.
        threads: to compute with.
        frugal: give the memory of every run back after it. Without that, what the largest input took is kept.

    Raises:
        SettingError: OpenVINO is not installed.
        WeightsError: it cannot read the files, or the graph is another one.
    """
    openvino = import_openvino()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        # Pinned, two processes at once would both take the first cores and leave the others idle.
        "ENABLE_CPU_PINNING": False,
    }
    try:
        compiled = openvino.Core().compile_model(path, "CPU", settings)
    except RuntimeError as error:
        msg = (
            f"OpenVINO {openvino.get_version()} cannot read {path} ({error}); "
            f"install a newer one: pip install --upgrade openvino"
        )
        raise WeightsError(msg) from error
    check_names(path, "inputs", [end.any_name for end in compiled.inputs], expected=inputs)
    check_names(path, "outputs", [end.any_name for end in compiled.outputs], expected=outputs)

    def run(read: Sequence[Tensor], filled: Sequence[Tensor]) -> None:
        # A request keeps the tensors that it was given; making one takes microseconds.
        request = compiled.create_infer_request()
        for index, tensor in enumerate(read):
            request.set_input_tensor(index, openvino.Tensor(tensor.numpy(), shared_memory=True))
        for index, tensor in enumerate(filled):
            request.set_output_tensor(index, openvino.Tensor(tensor.numpy(), shared_memory=True))
        request.infer()
        if frugal:
            del request
            compiled.release_memory()

    return run
