import numpy as np
import pytest

from sneakynet.evaluation.measures.pieces import pieces


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    array = np.where(rng.random((11, 9, 13)) < 0.3, rng.integers(1, 4, (11, 9, 13)), 0).astype(np.uint8)
    array[5, :, :] = 0
    array[0, 0, 0] = array[-1, -1, -1] = 2
    return array


@pytest.mark.parametrize("edge", [1, 4, 6, 64])
def test_every_voxel_is_owned_once(labels, edge):
    seen = np.zeros_like(labels, dtype=int)
    for piece in pieces(labels, highest=3, reach=(1, 2, 3), edge=edge):
        own = piece.mask[piece.own]
        assert (labels[piece.in_volume][own] == piece.id).all()
        seen[piece.in_volume] += own
    np.testing.assert_array_equal(seen, labels > 0)


@pytest.mark.parametrize("edge", [1, 4, 6, 64])
def test_every_cell_is_owned_once(labels, edge):
    """Of each bone: as many cells of each kind as in one go."""

    def cells(edge):
        found = np.zeros(4, dtype=int)
        for piece in pieces(labels, highest=3, reach=(1, 1, 1), edge=edge):
            corners = np.stack(
                [piece.mask[i : i - 1 or None, j : j - 1 or None, k : k - 1 or None] for i, j, k in np.ndindex(2, 2, 2)]
            )
            mixed = corners.any(axis=0) & ~corners.all(axis=0)
            found[piece.id] += mixed[piece.cells].sum()
        return found

    np.testing.assert_array_equal(cells(edge), cells(100))


def test_the_mask_reaches_beyond(labels):
    for piece in pieces(labels, highest=3, reach=(2, 2, 2), edge=4):
        for along, n in zip(piece.own, piece.mask.shape, strict=True):
            assert along.start >= 2
            assert along.stop + 2 <= n
        low = np.array(piece.low) - [along.start for along in piece.own]
        for index in np.ndindex(piece.mask.shape):
            at = low + index
            inside = (at >= 0).all() and (at < labels.shape).all()
            assert piece.mask[index] == (inside and labels[tuple(at)] == piece.id)


def test_labels_above_the_highest_are_no_bones(labels):
    assert {piece.id for piece in pieces(labels, highest=2, reach=(1, 1, 1))} == {1, 2}
    assert list(pieces(labels, highest=0, reach=(1, 1, 1))) == []
