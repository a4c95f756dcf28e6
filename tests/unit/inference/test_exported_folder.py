import hashlib
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from sneakynet.errors import WeightsError
from sneakynet.inference.exported_folder import describe, parts_of, read_exported
from sneakynet.models.architecture import Architecture


def edit(folder, change):
    path = folder / "model.json"
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


def test_what_is_described_is_read(golden, kind):
    found = read_exported(golden)
    for part in parts_of(found.architecture):
        assert found.graph(part).is_file()
    before = (golden / "model.json").read_text()
    exported = json.loads(before)["exported"]
    describe(golden, kind=kind, header=found.header, head=found.head, exported=exported)
    assert (golden / "model.json").read_text() == before
    again = read_exported(golden)
    assert (again.kind, again.header, again.architecture) == (kind, found.header, found.architecture)
    assert all(torch.equal(one, other) for one, other in zip(again.head, found.head, strict=True))


def test_parts_say_their_inputs_and_outputs():
    architecture = Architecture(variant="D", n_classes=3, patch_size=16, contexts=(2,), width=4, levels=3)
    target, context = parts_of(architecture)
    assert (target.name, context.name) == ("target", "context_1")
    assert target.described() == {
        "inputs": {"target": ["batch", 1, 16, 16, 16], "context_1_encoder_0": ["batch", 4, 4, 4, 4]},
        "outputs": {"features": ["batch", 4, 16, 16, 16]},
    }
    assert context.described() == {
        "inputs": {"context": ["batch", 1, "i", "j", "k"]},
        "outputs": {"encoder_0": ["batch", 4, "i", "j", "k"]},
    }


def test_axes_of_deeper_maps():
    architecture = Architecture(variant="D", n_classes=3, patch_size=16, contexts=(1,), width=4, levels=3)
    _, context = parts_of(architecture)
    assert context.described()["outputs"]["encoder_1"] == ["batch", 8, "i/2", "j/2", "k/2"]


def test_no_such_folder(tmp_path):
    with pytest.raises(WeightsError, match=r"model is no exported model: there is no such folder; give a folder that"):
        read_exported(tmp_path / "model")


def test_a_folder_of_something_else(tmp_path):
    with pytest.raises(WeightsError, match=r"it has no file model.json; give a folder that `sneakynet export` wrote"):
        read_exported(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_description_that_is_no_json(golden, content):
    (golden / "model.json").write_bytes(content)
    with pytest.raises(WeightsError, match=r"model.json is damaged \(.*\); export the model again"):
        read_exported(golden)


CHANGES = {
    "of another kind than sneakynet-exported-model": lambda fields: fields.pop("format"),
    "has format 2, this sneakynet reads up to 1: upgrade": lambda fields: fields.update(format_version=2),
    "has format None, this sneakynet reads up to 1": lambda fields: fields.pop("format_version"),
    "is for 'tensorrt', this sneakynet runs onnx and openvino: upgrade": lambda fields: fields.update(kind="tensorrt"),
    "the header of .*model.json is damaged": lambda fields: fields.pop("header"),
    r"the network has 4 classes, but the bone table 3": lambda fields: fields["header"]["bone_table"].pop(),
    "has weights format 9, .*: upgrade sneakynet": lambda fields: fields["header"].update(format_version=9),
    "describes a network that cannot be built: .*levels": lambda fields: fields["header"]["architecture"].update(
        levels=99
    ),
    "context_1.* is not the file that was written": lambda fields: fields.pop("sha256"),
}


@pytest.mark.parametrize("says", CHANGES)
def test_a_description_that_cannot_be(golden, says):
    edit(golden, CHANGES[says])
    with pytest.raises(WeightsError, match=says):
        read_exported(golden)


def test_every_file_that_is_damaged_or_missing_is_named(golden):
    graphs = sorted(path for path in golden.iterdir() if path.name.startswith("context_1"))
    graphs[0].unlink()
    (golden / "head.safetensors").write_bytes(b"cut")
    with pytest.raises(WeightsError, match=r"the exported model .*; copy it or export it again") as caught:
        read_exported(golden)
    assert f"{graphs[0].name} is missing" in str(caught.value)
    assert "head.safetensors is not the file that was written (cut short, damaged or changed)" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("bias"),
        lambda tensors: tensors.update(weight=tensors["weight"][:, :2].contiguous()),
        lambda tensors: tensors.update(extra=torch.zeros(1)),
    ],
)
def test_a_head_of_another_network(golden, change):
    tensors = load_file(golden / "head.safetensors")
    change(tensors)
    with_new_head(golden, lambda path: save_file(tensors, path))
    with pytest.raises(WeightsError, match=r"head.safetensors holds .* where its network has .*; export the model"):
        read_exported(golden)


def test_a_head_that_is_no_safetensors_file(golden):
    with_new_head(golden, lambda path: path.write_bytes(b"hello"))
    with pytest.raises(WeightsError, match=r"head.safetensors is damaged \(.*\); export the model again"):
        read_exported(golden)


def with_new_head(folder, write):
    """Write a head whose checksum fits."""
    path = folder / "head.safetensors"
    write(path)
    edit(folder, lambda fields: fields["sha256"].update({path.name: hashlib.sha256(path.read_bytes()).hexdigest()}))
