"""What an engine makes of the graphs: ``test_exported.py``."""

import subprocess
import sys

import pytest

from sneakynet.errors import WeightsError
from sneakynet.inference.openvino_graph import computes_bf16, import_openvino, open_openvino

IMPORT = """
import sys
from sneakynet.inference.openvino_graph import import_openvino
import_openvino()
assert "openvino" in sys.modules
print([name for name in sys.modules if name.startswith("openvino_telemetry")])
"""


def test_it_does_not_report_that_it_was_imported():
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_reporting_package_stays_for_others(monkeypatch):
    reporting = object()
    monkeypatch.setitem(sys.modules, "openvino_telemetry", reporting)
    import_openvino()
    assert sys.modules["openvino_telemetry"] is reporting


def test_bf16_is_a_property_of_the_processor():
    properties = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert computes_bf16() == ("BF16" in properties)


def test_a_file_that_the_runtime_cannot_read(tmp_path):
    path = tmp_path / "target.xml"
    path.write_text("<net>")
    with pytest.raises(
        WeightsError,
        match=r"(?s)OpenVINO .* cannot read .*target.xml \(.*\); install a newer one: pip install --upgrade openvino",
    ):
        open_openvino(path, inputs=["target"], outputs=["features"], precision="f32", threads=1, frugal=False)
