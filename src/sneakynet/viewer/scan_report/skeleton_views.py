"""The skeleton as shaded surfaces, seen from four sides."""

import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sneakynet.export.meshes.bone_mesh import BoneMesh
from sneakynet.viewer.preview import rgb
from sneakynet.viewer.scan_report.pictures import SkeletonView

_LOG = logging.getLogger(__name__)

_SIDES = {"front": (0, 1, 0), "left": (-1, 0, 0), "back": (0, -1, 0), "right": (1, 0, 0)}
"""From where, and the way to the eye, RAS+."""

_LETTERS = {"front": ("R", "L"), "left": ("A", "P"), "back": ("L", "R"), "right": ("P", "A")}

_EDGE = 640  # pixels of the longest edge of all pictures
_AROUND = 1.03  # of the skeleton's extent
_PATIENCE = 300  # seconds


def skeleton_views(meshes: Sequence[BoneMesh]) -> tuple[SkeletonView, ...]:
    """Draw the bones from the front, the patient's left, the back and the right, all to one scale.

    Args:
        meshes: the bones.

    Returns:
        The pictures; none where there is no bone, or where this machine cannot draw, with a warning.
    """
    if not meshes:
        return ()
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    first = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    extent = np.ptp(vertices, axis=0) * _AROUND
    pixel = float(extent.max()) / _EDGE
    # Seen from a side, the other two axes lie in the picture.
    across = {side: extent[0] if towards[1] else extent[1] for side, towards in _SIDES.items()}
    scene = {
        "vertices": vertices,
        "faces": np.concatenate([mesh.faces + start for mesh, start in zip(meshes, first, strict=False)]),
        "normals": np.concatenate([mesh.normals for mesh in meshes]),
        "colors": np.repeat(
            np.array([[round(255 * part) for part in rgb(mesh.bone.color)] for mesh in meshes], dtype=np.uint8),
            np.diff(first),
            axis=0,
        ),
        "towards": np.array(list(_SIDES.values()), dtype=float),
        "sizes": np.array(
            [(max(1, round(wide / pixel)), max(1, round(extent[2] / pixel))) for wide in across.values()]
        ),
        "pixel": np.array(pixel),
    }
    pictures = _rendered(scene)
    return tuple(
        SkeletonView(side, picture, _LETTERS[side], pixel) for side, picture in zip(_SIDES, pictures, strict=False)
    )


def _rendered(scene: dict[str, np.ndarray]) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "scene.npz", Path(folder) / "pictures.npz"
        np.savez(given, **scene)  # type: ignore[arg-type]
        command = [sys.executable, "-P", "-m", "sneakynet.viewer.scan_report.rendering", str(given), str(made)]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=_PATIENCE)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            _LOG.warning(
                "this machine cannot draw surfaces (no OpenGL), and the report goes without the views in 3D; "
                "a display or one of the libraries EGL and OSMesa is needed (Debian, Ubuntu: apt install libegl1)"
            )
            return []
        with np.load(made) as pictures:
            return [pictures[name] for name in pictures.files]
