import numpy as np
import pytest

from sneakynet.geometry.components import find_components
from sneakynet.inference.cleanup_settings import CleanupSettings
from sneakynet.inference.kept_components import kept_components

SHAPE = (40, 20, 20)


def bar(labels, start, length, label=1, at=(10, 10)):
    labels[start : start + length, at[0], at[1]] = label


def stays(labels, *, affine=None, **settings):
    """Lowest index along i of each component, and whether it stays."""
    found = find_components(labels)
    settings = CleanupSettings(**{"keep": "near", "near_share": 0.1, "smallest_mm3": 0.0, **settings})
    kept = kept_components(found, settings, affine=np.eye(4) if affine is None else affine)
    return dict(zip(found.low[:, 0].tolist(), kept.tolist(), strict=True))


@pytest.fixture
def labels():
    return np.zeros(SHAPE, dtype=np.uint8)


def test_off_keeps_all(labels):
    bar(labels, 5, 10)
    bar(labels, 20, 1)

    assert stays(labels, keep="off", smallest_mm3=1e9) == {5: True, 20: True}


def test_the_largest_alone(labels):
    bar(labels, 5, 10)
    bar(labels, 17, 9)
    bar(labels, 30, 2, label=2)

    assert stays(labels, keep="largest") == {5: True, 17: False, 30: True}


def test_equally_large_ones_all_stay(labels):
    bar(labels, 5, 6)
    bar(labels, 20, 6)
    bar(labels, 30, 5)

    assert stays(labels, keep="largest") == {5: True, 20: True, 30: False}
    assert stays(labels, near_mm=0.0) == {5: True, 20: True, 30: False}


def test_size_counts_cavities(labels):
    labels[5:10, 5:10, 5:10] = 1
    labels[6:9, 6:9, 6:9] = 0  # 98 voxels around 27
    labels[20:25, 5:9, 5:10] = 1  # 100 voxels

    assert stays(labels, keep="largest") == {5: True, 20: False}


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize(
    ("spacing", "near_mm", "near"), [(1, 5.0, True), (1, 4.9, False), (3, 15.0, True), (3, 14.9, False)]
)
def test_near_is_a_distance_in_mm(axis, spacing, near_mm, near):
    labels = np.zeros((9, 9, 9), dtype=np.uint8)
    line = np.moveaxis(labels, axis, 0)
    line[1:3, 4, 4], line[7, 4, 4] = 1, 1  # from the centre of voxel 2 to that of voxel 7
    steps = [0.25, 0.25, 0.25]
    steps[axis] = spacing

    found = find_components(labels)
    settings = CleanupSettings(keep="near", near_mm=near_mm, near_share=0.1, smallest_mm3=0.0)

    assert kept_components(found, settings, affine=np.diag([*steps, 1.0])).sum() == 1 + near


def test_distance_on_a_sheared_grid(labels):
    bar(labels, 10, 3)
    labels[12, 10, 16] = 1
    affine = np.eye(4)
    affine[0, 2] = 1.0  # 6 steps along k lead 6 mm along x as well: sqrt(72) = 8.485 mm from the bar's end
    found = find_components(labels)

    for near_mm, kept in ((8.48, 1), (8.49, 2)):
        settings = CleanupSettings(keep="near", near_mm=near_mm, near_share=0.1, smallest_mm3=0.0)
        assert kept_components(found, settings, affine=affine).sum() == kept


def test_between_surfaces_not_centres(labels):
    labels[2:12, 2:12, 2:12] = 1
    labels[15:24, 2:12, 2:12] = 1

    assert stays(labels, near_mm=4.0) == {2: True, 15: True}
    assert stays(labels, near_mm=3.9) == {2: True, 15: False}


def test_components_in_between_are_bridges(labels):
    bar(labels, 2, 10)
    bar(labels, 15, 3)
    bar(labels, 21, 3)

    assert stays(labels, near_mm=4.0) == {2: True, 15: True, 21: True}
    assert stays(labels, near_mm=4.0, near_share=0.4) == {2: True, 15: False, 21: False}


def test_a_share_of_the_largest(labels):
    bar(labels, 2, 20)
    bar(labels, 25, 2)
    bar(labels, 30, 1)

    assert stays(labels, near_mm=9.0) == {2: True, 25: True, 30: False}
    assert stays(labels, near_mm=9.0, near_share=0.0) == {2: True, 25: True, 30: True}


def test_what_the_same_face_of_the_scan_cuts(labels):
    labels[0:10, 2, 2] = labels[0:5, 15, 15] = 1  # both at the first plane
    labels[39, 15, 15] = labels[35:38, 2, 2] = 1  # one at the last, one at none

    found = find_components(labels)
    settings = CleanupSettings(keep="near", near_mm=2.0, near_share=0.0, smallest_mm3=0.0)
    kept = kept_components(found, settings, affine=np.eye(4))

    assert {int(n): bool(k) for n, k in zip(found.voxels, kept, strict=True)} == {10: True, 5: True, 1: False, 3: False}
    assert stays(labels, near_mm=2.0, near_share=0.6, same_face=True)[0] is False
    settings = CleanupSettings(keep="near", near_mm=2.0, near_share=0.0, smallest_mm3=0.0, same_face=False)
    assert found.voxels[kept_components(found, settings, affine=np.eye(4))].tolist() == [10]


@pytest.mark.parametrize("keep", ["largest", "near"])
def test_a_bone_that_is_too_small_goes(labels, keep):
    bar(labels, 5, 3)
    bar(labels, 10, 2)
    bar(labels, 20, 4, label=2)
    affine = np.diag([5.0, 1, 1, 1])

    kept = stays(labels, keep=keep, smallest_mm3=15.1, near_mm=99.0, affine=affine)
    assert kept == {5: False, 10: False, 20: True}
    assert stays(labels, keep=keep, smallest_mm3=15.0, near_mm=99.0, affine=affine) == {5: True, 10: False, 20: True}


@pytest.mark.parametrize("keep", ["largest", "near"])
def test_a_small_bone_at_a_face_may_have_just_come_into_the_scan(labels, keep):
    bar(labels, 38, 2)
    bar(labels, 0, 2, label=2)
    bar(labels, 20, 3, label=2)  # its largest is inside

    assert stays(labels, keep=keep, smallest_mm3=10.0) == {38: True, 0: False, 20: False}


def test_no_component():
    found = find_components(np.zeros((2, 2, 2), dtype=np.uint8))

    assert len(kept_components(found, CleanupSettings(keep="near"), affine=np.eye(4))) == 0
