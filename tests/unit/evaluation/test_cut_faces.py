import numpy as np
import pytest

from sneakynet.evaluation.cut_faces import FACES, cut_faces
from sneakynet.volumes.volume import Volume


@pytest.mark.parametrize("face", FACES)
def test_each_face_by_its_name(face):
    """Axes as many scans have them: to the left, to the back, to the head."""
    at = {"left": (3, 1, 1), "right": (0, 1, 1), "posterior": (1, 3, 1), "anterior": (1, 0, 1)}
    at |= {"inferior": (1, 1, 0), "superior": (1, 1, 3)}
    labels = np.zeros((4, 4, 4), dtype=np.uint8)
    labels[1, 2, 2] = 1
    labels[at[face]] = 2
    assert cut_faces(Volume(labels, np.diag([-1.0, -1.0, 2.0, 1.0]))) == {2: (face,)}


def test_a_corner_touches_three():
    labels = np.zeros((3, 3, 3), dtype=np.uint16)
    labels[2, 0, 2] = 300
    assert cut_faces(Volume(labels, np.eye(4))) == {300: ("right", "posterior", "superior")}


def test_permuted_axes():
    """Voxel axis i runs to the head."""
    labels = np.zeros((3, 3, 3), dtype=np.uint8)
    labels[2, 1, 1] = 1
    affine = np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]])
    assert cut_faces(Volume(labels, affine)) == {1: ("superior",)}
