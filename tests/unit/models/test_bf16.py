import pytest
import torch

from sneakynet.models.bf16 import has_bf16, warn_of_emulation

CPU = torch.device("cpu")


@pytest.mark.parametrize(("avx", "amx"), [(False, False), (True, False), (False, True)])
def test_processors_with_instructions_for_it(monkeypatch, caplog, avx, amx):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert has_bf16(CPU) == (avx or amx)
    warn_of_emulation(CPU)
    assert ("cpu has no instructions for bfloat16" in caplog.text) == (not avx and not amx)
