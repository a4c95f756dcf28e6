"""Graphs in ONNX format, run by ONNX Runtime on the CPU."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from sneakynet.errors import WeightsError
from sneakynet.inference.graph_engine import RunGraph, check_names
from sneakynet.inference.optional_package import optional_package


def open_onnx(path: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> RunGraph:
    """Make a graph ready to run, in float32: ONNX Runtime has no bfloat16 convolutions for the CPU.

    Args:
        path: the ``.onnx`` file.
        inputs: their names, in order.
        outputs: likewise.
        threads: to compute with.

    Raises:
        SettingError: ONNX Runtime is not installed.
        WeightsError: it cannot read the file, or the graph is another one.
    """
    onnxruntime = optional_package("onnxruntime", extra="onnx")
    onnxruntime.disable_telemetry_events()
    try:
        session = onnxruntime.InferenceSession(path, _options(onnxruntime, threads), providers=["CPUExecutionProvider"])
    except Exception as error:  # each of its errors is a class of its own, with no base in common
        msg = (
            f"ONNX Runtime {onnxruntime.__version__} cannot read {path} ({error}); "
            f"install a newer one: pip install --upgrade onnxruntime"
        )
        raise WeightsError(msg) from error
    check_names(path, "inputs", [end.name for end in session.get_inputs()], expected=inputs)
    check_names(path, "outputs", [end.name for end in session.get_outputs()], expected=outputs)

    def run(read: Sequence[Tensor], filled: Sequence[Tensor]) -> None:
        binding = session.io_binding()
        for name, tensor in zip(inputs, read, strict=True):
            binding.bind_input(name, "cpu", 0, np.float32, tuple(tensor.shape), tensor.data_ptr())
        for name, tensor in zip(outputs, filled, strict=True):
            binding.bind_output(name, "cpu", 0, np.float32, tuple(tensor.shape), tensor.data_ptr())
        session.run_with_iobinding(binding)

    return run


def _options(onnxruntime: Any, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Between two runs the processor is torch's: threads that wait by spinning would take it away.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Its own stores of memory grow in steps of twice the size and keep a plan for every shape: without them a context
    # of a whole scan took half of the memory, and no more time.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3  # errors
    return options
