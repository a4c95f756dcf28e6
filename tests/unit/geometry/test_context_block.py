"""Blocks of a context around several targets."""

import pytest

from sneakynet.errors import SettingError
from sneakynet.geometry.context_block import BEYOND, Block, block_around
from sneakynet.geometry.fields import context_origin

FAR = ((-1000, 1000),) * 3
LEVELS, SIZE = 4, 32


def block(targets, kappa, inside=FAR):
    return block_around(targets, patch_size=SIZE, kappa=kappa, levels=LEVELS, inside=inside)


@pytest.mark.parametrize("kappa", [1, 2, 3])
def test_the_block_of_one_target_is_its_context_patch(kappa):
    target = (8, -16, 24)
    first = tuple(o // 2**kappa for o in context_origin(target, patch_size=SIZE, kappa=kappa))
    assert block([target], kappa) == Block(first, (SIZE,) * 3)


@pytest.mark.parametrize("kappa", [1, 2, 3])
def test_the_block_of_several_holds_the_context_patch_of_each(kappa):
    targets = [(8, 0, 40), (32, 8, -16), (16, 0, 0)]
    found = block(targets, kappa)
    for axis in range(3):
        own = [context_origin(target, patch_size=SIZE, kappa=kappa)[axis] // 2**kappa for target in targets]
        assert found.origin[axis] == min(own)
        assert 0 <= found.origin[axis] + found.shape[axis] - (max(own) + SIZE) < 2 ** (LEVELS - 1)
    assert all(edge % 2 ** (LEVELS - 1) == 0 for edge in found.shape)


@pytest.mark.parametrize("kappa", [1, 2, 3])
@pytest.mark.parametrize("origin", [-16, 0, 24, 40])
def test_beyond_the_scan_a_block_ends_soon_but_never_within_a_target(kappa, origin):
    targets, inside = [(origin,) * 3, (origin + 8,) * 3], ((0, 56),) * 3
    found = block(targets, kappa, inside)
    begin, end = found.origin[0], found.origin[0] + found.shape[0]
    first, last = origin // 2**kappa, (origin + 8 + SIZE) // 2**kappa
    assert begin < first
    assert last < end
    assert (first - begin) % 2 ** (LEVELS - 1 - kappa) == 0
    assert begin > min(-BEYOND, first) - 8
    assert end < max(56 // 2**kappa + BEYOND, last) + 2 * 8


def test_targets_askew_are_refused():
    with pytest.raises(SettingError, match=r"begin on multiples of 2 and lie multiples of 8 .* got \(4, 0, 0\) beside"):
        block([(0, 0, 0), (4, 0, 0)], 1)
    with pytest.raises(SettingError, match="begin on multiples of 4"):
        block([(2, 0, 0)], 2)
