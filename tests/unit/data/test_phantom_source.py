import numpy as np
import pytest

from sneakynet.data import phantom_source
from sneakynet.data.phantom_source import PhantomSource
from sneakynet.errors import SettingError
from sneakynet.phantom.settings import PhantomSettings


@pytest.fixture
def made(monkeypatch, block):
    """Seeds of the bodies made, quickly, since the test began."""
    seeds = []

    def make(seed, *, spacing, settings, table):
        seeds.append(seed)
        return block(seed, spacing, table)

    monkeypatch.setattr(phantom_source, "make_body", make)
    return seeds


def source(folder, **options):
    return PhantomSource(**{"seed": 40, "count": 6, "spacing": 4.0, "cache": folder, "workers": 0, **options})


def equal(one, two):
    return one.facts == two.facts and all(
        np.array_equal(getattr(one, name), getattr(two, name)) for name in ("labels", "tissues", "bone", "cortex")
    )


def test_a_body_is_that_of_its_seed_and_made_once(tmp_path, made, block):
    with source(tmp_path) as bodies:
        assert len(bodies) == 6
        assert equal(bodies[2], block(42))
        assert equal(bodies[2], block(42))
    with source(tmp_path) as bodies:
        assert equal(bodies[2], block(42))
    assert made == [42]


def test_other_settings_lie_apart(tmp_path, made):
    for options in ({}, {"spacing": 5.0}, {"settings": PhantomSettings(cortex=(0.9, 1.0))}, {}):
        with source(tmp_path, **options) as bodies:
            assert bodies[0].spacing == options.get("spacing", 4.0)
    assert made == [40, 40, 40]
    assert len(list(tmp_path.iterdir())) == 3


def test_the_cache_stays_small(tmp_path, made):
    with source(tmp_path) as bodies:
        bodies[0]
        (path,) = tmp_path.rglob("*.npz")
        size = path.stat().st_size
    with source(tmp_path, cache_gb=2.5 * size / 1e9) as bodies:
        for index in range(6):
            assert bodies[index].facts["seed"] == 40 + index
            assert sum(path.stat().st_size for path in tmp_path.rglob("*.npz")) <= 2.5 * size
        left = {path.stem for path in tmp_path.rglob("*.npz")}
        assert "body_0000045" in left  # the newest
        assert "body_0000040" not in left
        assert bodies[0].facts["seed"] == 40
    assert made == [40, 41, 42, 43, 44, 45, 40]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing"])
def test_a_damaged_file_is_made_again(tmp_path, made, block, content):
    with source(tmp_path) as bodies:
        bodies[1]
        (path,) = tmp_path.rglob("*.npz")
        path.write_bytes(content)
        assert equal(bodies[1], block(41))
    assert made == [41, 41]


def test_without_workers_nothing_is_made_ahead(tmp_path, made):
    with source(tmp_path) as bodies:
        bodies.prefetch(range(3))
    assert made == []


def test_workers_make_the_same_bodies(tmp_path):
    """The real ones: small, since a hand is little."""
    options = {"spacing": 12.0, "count": 2}
    with source(tmp_path / "here", **options) as here, source(tmp_path / "there", workers=1, **options) as there:
        there.prefetch([0, 1])
        there.prefetch([1])
        assert equal(here[0], there[0])
        assert equal(here[1], there[1])
        there.prefetch([0])
    assert len(list((tmp_path / "there").rglob("*.npz"))) == 2
    there.close()  # a second time does no harm


def test_an_index_beyond_the_count(tmp_path, made):
    with source(tmp_path) as bodies, pytest.raises(IndexError, match="there are 6 phantoms, 0 to 5; got 6"):
        bodies[6]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be 1 or more"),
        ({"cache_gb": 0.0}, "cache_gb above 0"),
        ({"workers": -1}, "workers 0 or more"),
        ({"seed": -1}, "seed is a whole number from 0 on, got -1"),
        ({"spacing": 0.1}, "spacing is 0.5 to 12.0 mm per voxel, got 0.1"),
    ],
)
def test_bad_settings_are_named(tmp_path, options, message):
    with pytest.raises(SettingError, match=message):
        source(tmp_path / "cache", **options)
    assert not (tmp_path / "cache").exists()
