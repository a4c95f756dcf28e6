import pytest
import torch

from sneakynet.errors import SettingError
from sneakynet.inference.device import resolve_device


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
