import numpy as np
import pytest

from sneakynet.geometry.affine import to_world
from sneakynet.viewer.browser.reduced import factors_for, reduced_labels, reduced_scan
from sneakynet.volumes.volume import Volume

AFFINE = np.array([[-1.0, 0, 0, 5], [0, 1.0, 0, 6], [0, 0, 2.0, 7], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("shape", "spacing", "factors"),
    [
        ((512, 512, 240), (0.8, 0.8, 1.0), (1, 1, 1)),
        ((512, 512, 600), (0.8, 0.8, 1.0), (2, 2, 1)),
        ((512, 512, 600), (0.8, 0.8, 0.5), (2, 1, 2)),
        ((1, 1, 128_000_000), (1.0, 1.0, 3.0), (4, 4, 2)),  # what is thin already stays
    ],
)
def test_the_finest_axis_is_halved(shape, spacing, factors):
    found = factors_for(shape, spacing, limit=64_000_000)
    assert np.prod([-(-n // f) for n, f in zip(shape, found, strict=True)]) <= 64_000_000
    assert found == factors


def test_means_of_blocks_and_of_what_is_left_over():
    voxels = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)
    small = reduced_scan(Volume(voxels, AFFINE), (2, 2, 1))
    assert (small.shape, small.voxels.dtype) == ((3, 2, 3), np.int16)
    assert small.voxels[0, 0, 1] == round(voxels[:2, :2, 1].mean())
    assert small.voxels[2, 1, 2] == round(voxels[4:, 2:, 2].mean())


def test_a_block_lies_in_its_voxels_middle():
    scan = Volume(np.zeros((4, 4, 4), dtype=np.int16), AFFINE)
    small = reduced_scan(scan, (2, 2, 1))
    middle = to_world(AFFINE, np.array([[0.5, 0.5, 0.0]]))
    np.testing.assert_allclose(to_world(small.affine, np.zeros((1, 3))), middle)
    assert small.spacing == (2, 2, 2)


def test_fractions_and_metal_fit_into_16_bits():
    scan = Volume(np.array([[[1.6, 40_000.0, -40_000.0]]], dtype=np.float32), AFFINE)
    assert reduced_scan(scan, (1, 1, 1)).voxels.tolist() == [[[2, 32767, -32768]]]


def test_labels_stay_where_they_are():
    voxels = np.zeros((5, 4, 3), dtype=np.uint8)
    voxels[3, 1, 2] = 9
    small = reduced_labels(Volume(voxels, AFFINE), (2, 2, 1))
    found = np.argwhere(small.voxels == 9).astype(float)
    assert len(found) == 1
    np.testing.assert_allclose(to_world(small.affine, found), to_world(AFFINE, np.array([[3.0, 1.0, 2.0]])))


def test_a_thin_axis_keeps_its_only_voxel():
    assert reduced_labels(Volume(np.ones((1, 4, 4), dtype=np.uint8), AFFINE), (4, 2, 1)).shape == (1, 2, 4)
