"""Surfaces in MZ3, the small format that NiiVue reads fastest.

Format: <https://github.com/neurolabusc/surf-ice/tree/master/mz3>.
"""

import struct
from pathlib import Path

from sneakynet.export.meshes.bone_mesh import BoneMesh

_MAGIC, _FACES, _VERTICES = 23117, 1, 2


def write_mz3(path: Path, mesh: BoneMesh) -> None:
    """Write a bone's surface, mm in RAS+.

    Args:
        path: where.
        mesh: of one bone.
    """
    header = struct.pack("<HHIII", _MAGIC, _FACES | _VERTICES, len(mesh.faces), len(mesh.vertices), 0)
    path.write_bytes(header + mesh.faces.astype("<i4").tobytes() + mesh.vertices.astype("<f4").tobytes())
