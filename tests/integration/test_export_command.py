"""`sneakynet export` through the command line."""

import json
import sys

import pytest
import torch

from sneakynet import BoneTable, WeightsHeader, build_sneakynet, save_weights
from sneakynet.cli.main import main
from sneakynet.inference.exported import load_exported


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    table = BoneTable.default()
    network = build_sneakynet(
        variant="A", n_classes=table.n_classes, patch_size=8, contexts=(), width=2, levels=2, norm="batch"
    )
    header = WeightsHeader(
        architecture=network.architecture.to_dict(),
        spacing=(8.0, 8.0, 8.0),
        hu_window=(-500.0, 1300.0),
        table=table,
        provenance={"data": "none"},
    )
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_weights(path, network, header)
    return path


def export(*arguments):
    return main(["export", *map(str, arguments)])


@pytest.mark.parametrize(
    ("to", "graphs"), [("onnx", ["target.onnx"]), ("openvino", ["target.bin", "target.xml"])], ids=["onnx", "openvino"]
)
def test_an_export(tmp_path, capsys, model, to, graphs):
    folder = tmp_path / "exported"
    assert export("--model", model, "--to", to, "-o", folder, "--json") == 0
    out, err = capsys.readouterr()
    record = json.loads(out)
    files = ["head.safetensors", "model.json", *graphs]
    assert record["files"] == files == sorted(path.name for path in folder.iterdir())
    assert (record["kind"], record["folder"], record["runs"]) == (to, str(folder), 2)
    assert 0 < record["deviation"] < 1e-5 < record["tolerance"]
    assert [*tmp_path.iterdir()] == [folder]
    assert "2 runs of them and of torch are equal to" in err.splitlines()[-1]
    assert len(err.splitlines()) == 2  # and nothing from torch or the runtime
    _, header = load_exported(folder, device="cpu", precision="f32")
    assert header.table == BoneTable.default()
    assert header.provenance == {"data": "none"}

    assert export("--model", model, "--to", to, "-o", folder) == 2
    assert "it is there already; choose another, or overwrite it" in capsys.readouterr().err


def refused(capsys, *arguments):
    assert export(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err


def test_no_weights_file(tmp_path, capsys):
    says = refused(capsys, "--model", tmp_path / "none.safetensors", "--to", "onnx", "-o", tmp_path / "x")
    assert "none.safetensors: there is no such file" in says
    assert [*tmp_path.iterdir()] == []


def test_a_runtime_that_is_not_installed(tmp_path, capsys, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    says = refused(capsys, "--model", model, "--to", "openvino", "-o", tmp_path / "x")
    assert says == (
        "error: this needs the package openvino, which is not installed; run pip install 'sneakynet[openvino]'\n"
    )


def test_an_unknown_runtime(tmp_path, capsys, model):
    assert "tensorrt" in refused(capsys, "--model", model, "--to", "tensorrt", "-o", tmp_path / "x")


def test_a_file_where_the_folder_should_be(tmp_path, capsys, model):
    (tmp_path / "x").write_text("")
    says = refused(capsys, "--model", model, "--to", "onnx", "-o", tmp_path / "x", "--overwrite")
    assert "it is a file; choose another name" in says
