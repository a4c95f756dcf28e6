"""Whatever byte of a store is damaged: it is noticed, or does not matter."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sneakynet.data.case import Case, class_centres
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.store import DamagedStoreError, open_store, verify_store, write_store


def a_case():
    random = np.random.default_rng(1)
    scan, labels = random.integers(-500, 1300, (10, 9, 8)).astype(np.int16), np.zeros((10, 9, 8), dtype=np.uint8)
    labels[2:5, 2:5, 2:5] = 4
    pyramid = build_pyramid(torch.from_numpy(scan), torch.from_numpy(labels), levels=(1,), n_classes=5)
    return Case("a", scan.shape, pyramid, class_centres(labels, per_class=8, rng=random))


def content(case):
    parts = [part[level][:].tolist() for part in (case.pyramid.scan, case.pyramid.labels) for level in (0, 1)]
    return [case.shape, parts, {bone: voxels.tolist() for bone, voxels in case.centres.items()}]


CASE = a_case()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "a.b2z"
    write_store(CASE, path)
    return path


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), end=st.booleans(), change=st.integers(1, 255))
def test_a_damaged_byte(stored, tmp_path, place, end, change):
    data = bytearray(stored.read_bytes())
    # Half of the time in what comes last, where the archive says what lies where.
    at = int(len(data) - 1 - place * 900) if end else int(place * len(data))
    data[at] ^= change
    path = tmp_path / "damaged.b2z"
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    try:
        verify_store(path)
        case = open_store("a", path, levels=(0, 1))
    except DamagedStoreError:
        return
    assert content(case) == content(CASE)


@settings(max_examples=50, deadline=None)
@given(kept=st.floats(0, 1, exclude_max=True))
def test_a_store_cut_short(stored, tmp_path_factory, kept):
    path = tmp_path_factory.mktemp("short") / "a.b2z"
    data = stored.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(DamagedStoreError):
        verify_store(path)
