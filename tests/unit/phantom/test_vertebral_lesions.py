import numpy as np
import pytest
from scipy.spatial import cKDTree

from sneakynet.errors import SettingError
from sneakynet.phantom.skeleton import skeleton
from sneakynet.phantom.vertebral_lesions import Compression, Lesions, LesionSettings, draw_lesions, with_lesions

NONE = Lesions((), (), {}, 0)


@pytest.fixture(scope="module")
def rest():
    return skeleton().posed({})


def test_none_changes_nothing(rest):
    assert with_lesions(rest, NONE) == rest


@pytest.mark.parametrize("kind", ["wedge", "biconcave", "crush"])
def test_a_compressed_vertebra_loses_volume_and_keeps_its_arch(rest, kind):
    name = "vertebrae_T12"
    after = with_lesions(rest, Lesions((), (Compression(name, 0.4, kind),), {}, 0))
    before, broken = rest[name], after[name]
    assert 0.6 < broken.volume / before.volume < 0.97
    behind = before.vertices[:, 1] < before.vertices[:, 1].min() + 25
    np.testing.assert_allclose(broken.vertices[behind], before.vertices[behind], atol=1e-9)
    assert {n for n in rest if after[n] is not rest[n]} == {name}


def test_fused_vertebrae_meet(rest):
    after = with_lesions(rest, Lesions(("vertebrae_L2",), (), {}, 0))
    front = rest["vertebrae_L2"].vertices[:, 1] > rest["vertebrae_L2"].vertices[:, 1].max() - 20
    distances = [
        cKDTree(s["vertebrae_L3"].vertices).query(s["vertebrae_L2"].vertices[front])[0].min() for s in (rest, after)
    ]
    assert distances[1] < distances[0] - 2


def test_osteophytes_grow_outwards_and_no_further_than_asked(rest):
    after = with_lesions(rest, Lesions((), (), {"vertebrae_L3": 5.0}, 3))
    moved = np.linalg.norm(after["vertebrae_L3"].vertices - rest["vertebrae_L3"].vertices, axis=1)
    assert 1 < moved.max() <= 5.5
    assert (moved < 0.01).mean() > 0.3
    assert after["vertebrae_L3"].volume > rest["vertebrae_L3"].volume


def test_a_missing_vertebra_is_no_error(rest):
    without = {name: surface for name, surface in rest.items() if name != "vertebrae_L5"}
    lesions = Lesions(("vertebrae_L4",), (Compression("vertebrae_L5", 0.3, "wedge"),), {"vertebrae_L5": 3.0}, 0)
    assert "vertebrae_L5" not in with_lesions(without, lesions)


def test_the_old_break_more_and_grow_more():
    rng = np.random.default_rng(0)
    young, old = ([draw_lesions(rng, LesionSettings(), age=age) for _ in range(300)] for age in (35.0, 80.0))
    assert not any(p.compressed for p in young)
    assert np.mean([bool(p.compressed) for p in old]) == pytest.approx(0.3, abs=0.08)
    assert sum(max(p.osteophytes.values(), default=0.0) for p in old) > 1.5 * sum(
        max(p.osteophytes.values(), default=0.0) for p in young
    )


def test_bad_settings_are_named():
    with pytest.raises(SettingError, match=r"share of height from 0 to 0.7, got \(0.2, 0.9\)"):
        LesionSettings(compression=(0.2, 0.9))
