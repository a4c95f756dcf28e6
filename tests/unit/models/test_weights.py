import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import OutputError, WeightsError
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.weights import FORMAT, WeightsHeader, load_weights, save_weights

TABLE = BoneTable((Bone(id=1, name="hip_left"), Bone(id=2, name="sacrum"), Bone(id=3, name="skull")))


def small(**options):
    torch.manual_seed(0)
    options = {"variant": "E", "n_classes": 4, "patch_size": 8, "contexts": (1,), "width": 2, "levels": 2, **options}
    return build_sneakynet(**options)


def header_of(model, **changes):
    fields = {
        "architecture": model.architecture.to_dict(),
        "spacing": (4.0, 4.0, 4.0),
        "hu_window": (-200.0, 1500.0),
        "table": TABLE,
        "provenance": {"steps": 12, "data": ["phantom"], "note": "Übung"},
    }
    return WeightsHeader(**{**fields, **changes})


@pytest.fixture
def saved(tmp_path):
    model = small()
    path = tmp_path / "model.safetensors"
    save_weights(path, model, header_of(model))
    return path


def rewritten(path, *, header=None, tensors=None):
    """The same file with some header fields or tensors changed; a tensor given as None is left out."""
    with safe_open(path, framework="pt") as file:
        fields = json.loads(file.metadata()[FORMAT])
    kept = {name: tensor for name, tensor in {**load_file(path), **(tensors or {})}.items() if tensor is not None}
    save_file(kept, path, metadata={FORMAT: json.dumps({**fields, **(header or {})})})
    return path


@pytest.mark.parametrize(("variant", "contexts"), [("A", ()), ("B", (1,)), ("C", (1,)), ("D", (1, 2)), ("E", (1, 2))])
@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
def test_there_and_back(tmp_path, variant, contexts, norm):
    model = small(variant=variant, contexts=contexts, norm=norm, levels=3, hook_source="encoder")
    patch = torch.randn(1, 1, 8, 8, 8)
    model(patch, [patch] * len(contexts))  # moves running statistics
    header = header_of(model)
    save_weights(tmp_path / "m.safetensors", model, header)
    loaded, read = load_weights(tmp_path / "m.safetensors")
    assert read == header
    assert read.format_version == 1
    assert loaded.architecture == model.architecture
    assert not loaded.training
    expected = model.state_dict()
    assert loaded.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.state_dict().items())
    assert all(p.requires_grad for p in loaded.parameters())
    with torch.no_grad():
        around = [patch] * len(contexts)
        assert torch.equal(loaded(patch, around).target, model.eval()(patch, around).target)


def test_the_same_network_makes_the_same_bytes(tmp_path):
    model = small()
    for name in "ab":
        save_weights(tmp_path / name, model, header_of(model))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_channels_last_is_written_like_any_other(tmp_path, saved):
    model = small().to(memory_format=torch.channels_last_3d)
    save_weights(tmp_path / "m", model, header_of(model))
    assert (tmp_path / "m").read_bytes() == saved.read_bytes()


def test_half_precision_halves_the_file_and_comes_back_as_float32(tmp_path):
    model = small(norm="batch", width=8)
    model.target.encoder.blocks[0].layers[1].running_var.fill_(1e6)  # beyond float16
    save_weights(tmp_path / "full", model, header_of(model))
    save_weights(tmp_path / "half", model, header_of(model), dtype=torch.float16)
    assert (tmp_path / "half").stat().st_size < 0.6 * (tmp_path / "full").stat().st_size
    loaded, _ = load_weights(tmp_path / "half")
    for name, tensor in model.state_dict().items():
        assert loaded.state_dict()[name].dtype == tensor.dtype
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)


def test_a_file_holds_each_tensor_once(saved):
    assert load_file(saved).keys() == small().state_dict().keys()


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(WeightsError, match=r"nothing\.safetensors: there is no such file"):
        load_weights(tmp_path / "nothing.safetensors")
    with pytest.raises(WeightsError, match="it is a folder"):
        load_weights(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty, no weights file"),
        (b"a text that somebody gave the wrong name", r"is no weights file \(safetensors\)"),
        (b"\x1f\x8b" + bytes(100), r"is no weights file \(safetensors\)"),
    ],
)
def test_files_of_no_such_kind(tmp_path, data, message):
    (tmp_path / "m.safetensors").write_bytes(data)
    with pytest.raises(WeightsError, match=message):
        load_weights(tmp_path / "m.safetensors")


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_is_not_opened(tmp_path, zipped):
    torch.save({"weights": Trap(tmp_path / "sprung")}, tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"PyTorch pickle or checkpoint.*not opened.*can run code"):
        load_weights(tmp_path / "m.pt")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.9999])
def test_a_file_cut_short(saved, kept):
    data = saved.read_bytes()
    saved.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(WeightsError, match=r"is cut short or damaged.*fetch or copy it again"):
        load_weights(saved)


def test_safetensors_of_another_kind(tmp_path):
    (tmp_path / "m").write_bytes(save({"a": torch.zeros(3)}, metadata={"format": "pt"}))
    with pytest.raises(WeightsError, match=f"safetensors file, but of another kind.*no entry '{FORMAT}'"):
        load_weights(tmp_path / "m")


def test_a_newer_version_says_upgrade(saved):
    rewritten(saved, header={"format_version": 2, "architecture": "something new"})
    with pytest.raises(WeightsError, match="weights format 2, this sneakynet reads up to 1: upgrade sneakynet"):
        load_weights(saved)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"format_version": "one"}, "header of .* is damaged"),
        ({"format_version": float("inf")}, "header of .* is damaged"),
        ({"spacing": [1, 2]}, "header of .* is damaged"),
        ({"spacing": [1, 2, 0]}, "spacing is three positive numbers"),
        ({"hu_window": [100, 100]}, "hu_window is two numbers, the lower first"),
        ({"hu_window": [float("nan"), 100]}, "hu_window is two numbers, the lower first"),
        ({"bone_table": [{"id": 1}]}, "header of .* is damaged"),
        ({"bone_table": json.loads(TABLE.to_json())[:2]}, "network has 4 classes, but the bone table 3"),
        ({"architecture": None}, "header of .* is damaged"),
        ({"architecture": {"n_classes": 4}}, "network that cannot be built: .*missing key 'contexts'"),
        (
            {"architecture": {**small().architecture.to_dict(), "width": 10**9}},
            "width is a whole number from 1 to 1024",
        ),
        ({"provenance": 3}, "header of .* is damaged"),
    ],
)
def test_damaged_headers(saved, header, message):
    rewritten(saved, header=header)
    with pytest.raises(WeightsError, match=message) as caught:
        load_weights(saved)
    assert str(saved) in str(caught.value)


def test_a_header_nested_without_end(saved):
    save_file(load_file(saved), saved, metadata={FORMAT: "[" * 100_000})
    with pytest.raises(WeightsError, match=r"header of .* is damaged"):
        load_weights(saved)


def test_tensors_that_are_not_the_architectures(saved):
    weight, bias = "target.head.weight", "target.head.bias"
    rewritten(saved, tensors={weight: None, bias: torch.zeros(9), "extra.one": torch.zeros(1)})
    with pytest.raises(
        WeightsError,
        match=rf"1 missing: {weight}; 1 unknown: extra\.one; 1 of another shape: {bias} is \[9\] where \[4\] is",
    ):
        load_weights(saved)


def test_another_architecture_than_the_tensors(saved):
    rewritten(saved, header={"architecture": {**small().architecture.to_dict(), "width": 1024}})
    with pytest.raises(WeightsError, match=r"of another shape: .* \.\.\."):
        load_weights(saved)


def test_a_header_of_another_network_is_not_written(tmp_path):
    model = small()
    with pytest.raises(WeightsError, match=r"is not the model's.*take model\.architecture\.to_dict"):
        save_weights(tmp_path / "m", model, header_of(small(width=3)))
    with pytest.raises(WeightsError, match="network has 5 classes, but the bone table 4"):
        header_of(small(n_classes=5))
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_not_written(tmp_path):
    model = small()
    torch.nn.init.constant_(model.target.head.bias, 1e6)
    save_weights(tmp_path / "full", model, header_of(model))
    with pytest.raises(
        WeightsError, match=r"not finite in torch\.float16 .*: target\.head\.bias; did the training div"
    ):
        save_weights(tmp_path / "half", model, header_of(model), dtype=torch.float16)
    torch.nn.init.constant_(model.target.head.bias, float("nan"))
    with pytest.raises(WeightsError, match=r"not finite in torch\.float32"):
        save_weights(tmp_path / "full", model, header_of(model))
    assert load_weights(tmp_path / "full")  # what stood there stays


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), torch.zeros(1)])
def test_provenance_that_is_not_json_is_not_written(tmp_path, value):
    model = small()
    with pytest.raises(WeightsError, match="provenance of a weights file holds JSON values only"):
        save_weights(tmp_path / "m", model, header_of(model, provenance={"value": value}))


def test_a_missing_folder_is_an_output_error(tmp_path):
    model = small()
    with pytest.raises(OutputError, match="there is no folder"):
        save_weights(tmp_path / "none" / "m", model, header_of(model))
