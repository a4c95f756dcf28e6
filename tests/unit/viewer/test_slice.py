"""Slices as radiologists look at them."""

import numpy as np
import pytest

from sneakynet.viewer.slice import busiest, covered, facing, windowed


@pytest.mark.parametrize(("plane", "shape"), [("sagittal", (4, 3)), ("coronal", (4, 2)), ("axial", (3, 2))])
def test_rows_go_up_and_both_horizontal_axes_run_against_the_columns(plane, shape):
    i, j, k = np.meshgrid(range(2), range(3), range(4), indexing="ij")
    picture = facing(100 * i + 10 * j + k, plane, 1)
    assert picture.shape == shape
    first = {"sagittal": 120, "coronal": 110, "axial": 101}[plane]  # row 0 is the lowest, column 0 right or anterior
    assert picture[0, 0] == first


def test_busiest():
    mask = np.zeros((3, 4, 5), dtype=bool)
    assert [busiest(mask, plane) for plane in ("sagittal", "coronal", "axial")] == [1, 2, 2]
    mask[0, 3, :2] = mask[2, 1, 4] = True
    assert [busiest(mask, plane) for plane in ("sagittal", "coronal", "axial")] == [0, 3, 0]


def test_window_and_cover():
    grey = windowed(np.array([[-2000.0, 150.0, 3000.0]]))
    assert grey[0, :, 0] == pytest.approx([0, 0.5, 1])
    lut = np.array([[0, 0, 0], [1, 0, 0]], dtype=np.float32)
    picture = covered(grey, np.array([[0, 1, 0]]), lut, cover=0.5)
    assert picture[0, 0] == pytest.approx(grey[0, 0])
    assert picture[0, 1] == pytest.approx([0.75, 0.25, 0.25])
