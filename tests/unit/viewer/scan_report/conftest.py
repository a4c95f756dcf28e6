"""A lower trunk of boxes, as labels and scan."""

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.labelled_scan import LabelledScan
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


@pytest.fixture(scope="session")
def trunk():
    """L5, sacrum, hips, and the right femur, 4 mm voxels; the scan ends within the femur."""
    labels = np.zeros((40, 20, 40), dtype=np.uint8)
    for name, i, j, k in (
        ("vertebrae_L5", (16, 24), (4, 12), (28, 36)),
        ("sacrum", (16, 24), (3, 9), (16, 27)),
        ("hip_right", (25, 30), (4, 14), (10, 30)),
        ("hip_left", (10, 15), (4, 14), (10, 30)),
        ("femur_right", (30, 36), (6, 12), (0, 18)),
    ):
        labels[slice(*i), slice(*j), slice(*k)] = TABLE[name].id
    hu = np.where(labels > 0, 300, 40).astype(np.int16)
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -80, -40, 500
    return LabelledScan("trunk <1>", Volume(labels, affine), Volume(hu, affine))
