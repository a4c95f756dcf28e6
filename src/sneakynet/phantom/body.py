"""A person as voxels: which bone, how much bone, and what tissue, before any scanner has seen it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Integer, UInt8

from sneakynet.types import Affine

WHOLE = 255
"""A share of 1: shares are stored in 255ths of a voxel."""


@dataclass(frozen=True, eq=False)
class Body:
    """The voxels of one person, from which any number of scans can be painted.

    Shares are of the voxel's volume, in 255ths: ``cortex <= bone``, trabecular bone is ``bone - cortex``, and what is
    neither bone nor metal is the voxel's tissue.

    Args:
        labels: class id per voxel, 0 where there is no bone of the table; the highest value of the type
            (``anatomy.ignored``) where nothing is known or a bone has no class.
        tissues: id of ``tissues.csv`` per voxel: what surrounds bone, also within voxels that bone fills.
        bone: share of bone.
        cortex: share of cortical bone.
        metal: share of metal.
        affine: voxel index to RAS mm; isotropic, axes along RAS.
        facts: how it was made, plain values (pose, sex, age, variants ...).
    """

    labels: Integer[np.ndarray, "i j k"]
    tissues: UInt8[np.ndarray, "i j k"]
    bone: UInt8[np.ndarray, "i j k"]
    cortex: UInt8[np.ndarray, "i j k"]
    metal: UInt8[np.ndarray, "i j k"]
    affine: Affine
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along i, j, k."""
        i, j, k = self.labels.shape
        return i, j, k

    @property
    def age(self) -> float | None:
        """Years, where they are known: bone fades with them."""
        age = self.facts.get("age")
        return None if age is None else float(age)

    @property
    def spacing(self) -> float:
        """Mm per voxel."""
        return float(np.linalg.norm(self.affine[:3, 0]))
