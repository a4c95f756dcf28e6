import numpy as np
import pytest

from sneakynet.evaluation.measures.inner import inside, reach_of
from sneakynet.evaluation.measures.pieces import pieces


@pytest.mark.parametrize(
    ("spacing", "reach"), [((1.0, 1.0, 3.0), (3, 3, 1)), ((0.7, 0.9, 5.0), (5, 4, 1)), ((3.27, 1.5, 0.1), (1, 2, 30))]
)
def test_voxels_that_hold_3_mm(spacing, reach):
    assert reach_of(spacing) == reach


@pytest.mark.parametrize("edge", [5, 64])
@pytest.mark.parametrize("reach", [(1, 1, 1), (3, 2, 1), (4, 4, 4)])
def test_a_box_loses_its_shell(reach, edge):
    labels = np.zeros((16, 16, 16), dtype=np.uint8)
    labels[2:14, 3:13, 1:15] = 1
    labels[7, 7, 7] = 2  # a bone within a bone is a surface, too
    expected = np.zeros(labels.shape, dtype=bool)
    i, j, k = (slice(a + far, b - far) for (a, b), far in zip(((2, 14), (3, 13), (1, 15)), reach, strict=True))
    expected[i, j, k] = True
    i, j, k = (slice(7 - far, 8 + far) for far in reach)
    expected[i, j, k] = False

    found = np.zeros(labels.shape, dtype=bool)
    for piece in pieces(labels, highest=1, reach=reach, edge=edge):
        found[piece.in_volume] |= inside(piece, reach)
    np.testing.assert_array_equal(found, expected)


def test_the_scans_face_is_a_surface():
    labels = np.ones((5, 5, 5), dtype=np.uint8)
    (piece,) = pieces(labels, highest=1, reach=(2, 2, 2))
    assert np.argwhere(inside(piece, (2, 2, 2))).tolist() == [[2, 2, 2]]
