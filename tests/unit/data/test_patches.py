"""Boxes of pyramid levels, and where concentric patches lie."""

import pytest
import torch

from sneakynet.data.patches import PatchGeometry, cut
from sneakynet.errors import SettingError

GEOMETRY = PatchGeometry(patch_size=8, contexts=(1, 2))


def box(level, origin, edge, inside, dtype=torch.int64):
    out = torch.full((edge,) * 3, 99, dtype=dtype)
    cut(level, origin, inside=inside, out=out)
    return out


def test_cut_repeats_the_edge():
    level = torch.arange(4 * 5 * 6).reshape(4, 5, 6)
    inside = ((0, 4), (0, 5), (0, 6))
    assert (box(level, (1, 1, 1), 3, inside) == level[1:4, 1:4, 1:4]).all()
    out = box(level, (-2, 3, 4), 4, inside)
    assert (out[0] == out[2]).all()
    assert out[3, 1, 1] == level[1, 4, 5]
    assert (box(level, (9, 9, 9), 2, inside) == level[3, 4, 5]).all()
    assert (box(level, (-9, -9, -9), 2, inside) == level[0, 0, 0]).all()


def test_cut_sees_nothing_beyond_its_limits():
    level = torch.arange(10)[:, None, None].expand(10, 3, 3)
    out = box(level, (0, 0, 0), 10, ((4, 6), (0, 3), (0, 3)))
    assert set(out[:, 0, 0].tolist()) == {4, 5}


def test_cut_converts():
    level = torch.full((2, 2, 2), -700, dtype=torch.int16)
    out = box(level, (-1, 0, 0), 2, ((0, 2),) * 3, dtype=torch.float32)
    assert out.tolist() == torch.full((2, 2, 2), -700.0).tolist()


def test_origins_of_contexts():
    assert GEOMETRY.grid == 4
    assert GEOMETRY.context_origin((8, 12, -4), 0) == (8, 12, -4)
    assert GEOMETRY.context_origin((8, 12, -4), 1) == (2, 4, -4)
    assert GEOMETRY.context_origin((8, 12, -4), 2) == (-1, 0, -4)


def test_misaligned_patch_size_is_refused():
    with pytest.raises(SettingError, match=r"patch size 12 .* scale 4: it must be a multiple of 8"):
        PatchGeometry(patch_size=12, contexts=(1, 2))
