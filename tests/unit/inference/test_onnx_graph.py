"""What an engine makes of the graphs: ``test_exported.py``."""

import pytest

from sneakynet.errors import WeightsError
from sneakynet.inference.onnx_graph import open_onnx


def test_a_file_that_the_runtime_cannot_read(tmp_path):
    path = tmp_path / "target.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(
        WeightsError,
        match=r"ONNX Runtime [\d.]+ cannot read .*target.onnx \([^)].*; install a newer one: pip install --upgrade",
    ):
        open_onnx(path, inputs=["target"], outputs=["features"], threads=1)
