import numpy as np
import pytest

from sneakynet.evaluation.known_labels import known_labels
from sneakynet.volumes.volume import Volume


@pytest.mark.parametrize(("dtype", "highest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_what_counts_nowhere_is_background(dtype, highest):
    voxels = np.array([[[0, 3, highest]]], dtype=dtype)
    assert known_labels(Volume(voxels, np.eye(4)), n_classes=5).voxels.tolist() == [[[0, 3, 0]]]
    assert voxels[0, 0, 2] == highest


def test_a_table_may_have_a_bone_for_the_highest():
    labels = Volume(np.full((1, 1, 1), 255, dtype=np.uint8), np.eye(4))
    assert known_labels(labels, n_classes=256) is labels


def test_nothing_to_replace_copies_nothing():
    labels = Volume(np.ones((1, 1, 1), dtype=np.uint8), np.eye(4))
    assert known_labels(labels, n_classes=5) is labels
