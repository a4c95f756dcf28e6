"""One bone of a label map as a closed surface in the patient, and its figures."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sneakynet.anatomy.bone import Bone
from sneakynet.phantom.surface import Surface


@dataclass(frozen=True, eq=False)
class BoneMesh:
    """A bone's surface.

    Args:
        bone: which.
        vertices: world mm, RAS+.
        faces: triangles that index them, counterclockwise as seen from outside.
        normals: unit vectors of the vertices, outwards.
        voxels_ml: volume of the voxels that bear the label, millilitres.
        cut: whether the label reaches a face of the scan, where the surface is then closed.
        pinches: corners where the bone meets itself only along an edge or in a corner of its voxels; it is parted.
        deviation_mm: how far the surface moved when triangles were taken away, at most, of a sample of its points.
    """

    bone: Bone
    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]
    normals: Float[np.ndarray, "vertex 3"]
    voxels_ml: float
    cut: bool
    pinches: int
    deviation_mm: float

    @property
    def volume_ml(self) -> float:
        """Enclosed volume, millilitres; negative if the triangles faced inwards."""
        return Surface(self.vertices, self.faces).signed_volume / 1000

    @property
    def area_cm2(self) -> float:
        """Surface area, square centimetres."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 200

    @property
    def watertight(self) -> bool:
        """Whether every edge lies between two triangles."""
        return Surface(self.vertices, self.faces).two_per_edge

    def figures(self) -> dict[str, object]:
        """What ``meshes.json`` says of the bone, plain values."""
        return {
            "id": self.bone.id,
            "name": self.bone.name,
            "side": self.bone.side,
            "group": self.bone.group,
            "snomed_code": self.bone.snomed_code,
            "color": self.bone.color,
            "triangles": len(self.faces),
            "volume_ml": round(self.volume_ml, 4),
            "voxels_ml": round(self.voxels_ml, 4),
            "area_cm2": round(self.area_cm2, 3),
            "cut": self.cut,
            "watertight": self.watertight,
            "pinches": self.pinches,
            "deviation_mm": round(self.deviation_mm, 3),
        }
