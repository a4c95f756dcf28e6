import pytest
import torch

from sneakynet.errors import SettingError
from sneakynet.inference.device import compute_dtype, resolve_device


def test_cpu_is_always_there():
    assert resolve_device("cpu") == torch.device("cpu")


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto").type == "cuda"
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(SettingError, match=r"cannot use device 'cuda:2'.*available: auto, cpu, cuda, cuda:0, cuda:1$"):
        resolve_device("cuda:2")


def test_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingError, match=r"cannot use device 'cuda': torch finds no GPU .* available: auto, cpu$"):
        resolve_device("cuda")


def test_an_unknown_device():
    with pytest.raises(SettingError, match="cannot use device 'gpu': unknown; available: auto, cpu"):
        resolve_device("gpu")


@pytest.mark.parametrize(
    ("precision", "device", "dtype"),
    [
        ("f32", "cpu", torch.float32),
        ("bf16", "cpu", torch.bfloat16),
        ("f32", "cuda", torch.float32),
        ("bf16", "cuda", torch.bfloat16),
        ("f16", "cuda", torch.float16),
    ],
)
def test_the_precision_that_is_asked_for(precision, device, dtype):
    assert compute_dtype(precision, torch.device(device)) == dtype


@pytest.mark.parametrize("supported", [False, True])
def test_auto_takes_bfloat16_where_there_are_instructions_for_it(monkeypatch, supported):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert compute_dtype("auto", torch.device("cuda")) == (torch.bfloat16 if supported else torch.float32)


def test_half_precision_needs_a_gpu():
    with pytest.raises(SettingError, match="precision f16 needs a GPU; on a processor give bf16, f32 or auto"):
        compute_dtype("f16", torch.device("cpu"))
