import pytest

from sneakynet.errors import SettingError
from sneakynet.geometry.fields import context_origin, padding


@pytest.mark.parametrize(
    ("kappa", "expected"),
    # FOV 64 around a target at 100..131 begins 16 lower, FOV 128 begins 48 lower, FOV 256 begins 112 lower.
    [(0, (100, 0, -5)), (1, (84, -16, -21)), (2, (52, -48, -53)), (3, (-12, -112, -117))],
)
def test_context_origin(kappa: int, expected: tuple[int, int, int]) -> None:
    assert context_origin((100, 0, -5), patch_size=32, kappa=kappa) == expected


@pytest.mark.parametrize("kappa", [1, 2, 3])
def test_context_and_target_share_their_centre(kappa: int) -> None:
    origin = context_origin((7, 8, 9), patch_size=48, kappa=kappa)
    centres = [o + 48 * 2**kappa / 2 for o in origin]
    assert centres == [7 + 24, 8 + 24, 9 + 24]


def test_odd_patch_size_is_refused() -> None:
    with pytest.raises(
        SettingError, match=r"patch size 33 has no concentric context on whole voxels; give an even one"
    ):
        context_origin((0, 0, 0), patch_size=33, kappa=1)


def test_negative_kappa_is_refused() -> None:
    with pytest.raises(SettingError, match=r"kappa 0 or more, got kappa -1"):
        context_origin((0, 0, 0), patch_size=32, kappa=-1)


@pytest.mark.parametrize(("contexts", "expected"), [((), 16), ((1,), 32), ((1, 3), 128), ((2, 1), 64)])
def test_padding_is_half_the_largest_field_of_view(contexts: tuple[int, ...], expected: int) -> None:
    assert padding(32, contexts) == expected
