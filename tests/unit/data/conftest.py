"""Bodies that take no time to make."""

from collections.abc import Callable

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.body import Body
from sneakynet.phantom.tissue_ids import tissue_ids


@pytest.fixture(scope="session")
def block() -> Callable[..., Body]:
    """A block of bone in muscle; its place and its bone go by a number, one voxel is ignored."""

    def make(number: int, spacing: float = 4.0, table: BoneTable | None = None) -> Body:
        bones = (BoneTable.default() if table is None else table).names
        labels, bone, cortex, metal = (np.zeros((18, 16, 20), np.uint8) for _ in range(4))
        tissues = np.full(labels.shape, tissue_ids()["muscle"], np.uint8)
        where = np.s_[4 : 10 + number % 3, 4:10, 4 + number % 5 : 14]
        labels[where], bone[where], cortex[where] = 1 + number % len(bones), 255, 80
        labels[0, 0, 0] = 255
        affine = np.diag([spacing, spacing, spacing, 1.0])
        return Body(labels, tissues, bone, cortex, metal, affine, {"seed": number, "age": 30.0 + number})

    return make
