"""Which faces of a scan its bones touch, by the side of the patient that each face looks to."""

from typing import Literal, get_args

import numpy as np

from sneakynet.geometry.orientation import canonical_axes, reorient
from sneakynet.volumes.volume import Volume

Face = Literal["left", "right", "posterior", "anterior", "inferior", "superior"]

FACES: tuple[Face, ...] = get_args(Face)
"""In the order of the axes of RAS+, the low end of each before the high one."""


def cut_faces(labels: Volume) -> dict[int, tuple[Face, ...]]:
    """Label -> the faces that it touches, in the order of ``FACES``; labels that touch none are left out.

    Args:
        labels: class ids; of oblique axes, each counts as the patient's axis that is nearest to it.
    """
    voxels = reorient(labels.voxels, canonical_axes(labels.affine))
    found: dict[int, tuple[Face, ...]] = {}
    for n, face in enumerate(FACES):
        plane = np.moveaxis(voxels, n // 2, 0)[-(n % 2)]
        for label in np.unique(plane):
            if label:
                found[int(label)] = (*found.get(int(label), ()), face)
    return found
