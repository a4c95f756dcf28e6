"""Bones as one file each, in a folder, and what the folder says of them."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkIOGeometry import vtkSTLWriter
from vtkmodules.vtkIOPLY import vtkPLYWriter

from sneakynet.errors import OutputError
from sneakynet.export.meshes.bone_mesh import BoneMesh
from sneakynet.geometry.affine import LPS_TO_RAS
from sneakynet.phantom.surface import Surface, to_vtk
from sneakynet.volumes.atomic import write_whole_folder

MeshFormat = Literal["stl", "ply", "obj"]

SPACE = "SPACE=LPS"
"""In a file's header: 3D Slicer reads it there."""


def write_mesh_folder(
    folder: str | Path,
    meshes: Sequence[BoneMesh],
    *,
    format: MeshFormat,
    facts: dict[str, object],
    overwrite: bool = False,
) -> dict[str, object]:
    """Write one file per bone, mm in LPS, and ``meshes.json``; the folder is there whole or not at all.

    Args:
        folder: to be made.
        meshes: the bones.
        format: ending of the files.
        facts: what else ``meshes.json`` shall say, plain values.
        overwrite: whether a folder that is there already is replaced.

    Returns:
        What ``meshes.json`` says.

    Raises:
        OutputError: the folder is there already, or cannot be written.
    """
    bones = [{"file": f"{mesh.bone.name}.{format}", **mesh.figures()} for mesh in meshes]
    record = {
        "format": "sneakynet meshes",
        "format_version": 1,
        "software": f"sneakynet {version('sneakynet')}",
        "space": "mm, LPS: x to the patient's left, y to the back, z to the head",
        **facts,
        "bones": bones,
    }
    with write_whole_folder(folder, overwrite=overwrite) as part:
        for mesh in meshes:
            _write(part / f"{mesh.bone.name}.{format}", mesh)
        (part / "meshes.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def _write(path: Path, mesh: BoneMesh) -> None:
    turn = LPS_TO_RAS[:3, :3]
    surface = Surface(mesh.vertices @ turn, mesh.faces)  # a half turn: triangles stay as they are
    match path.suffix:
        case ".stl":
            stl = vtkSTLWriter()
            stl.SetFileTypeToBinary()
            stl.SetHeader(f"{mesh.bone.name} {SPACE} mm")
            _write_by(stl, path, surface)
        case ".ply":
            ply = vtkPLYWriter()
            ply.SetFileTypeToBinary()
            ply.SetDataByteOrderToLittleEndian()
            for comment in (mesh.bone.name, SPACE, "UNIT=mm"):
                ply.AddComment(comment)
            ply.SetColorModeToUniformPointColor()
            ply.SetColor(*(int(mesh.bone.color[n : n + 2], 16) for n in (1, 3, 5)))
            _write_by(ply, path, surface, normals=mesh.normals @ turn)
        case _:
            # VTK's writer has no comments, and no name for the object.
            with path.open("w", encoding="ascii", newline="\n") as file:
                file.write(f"# {SPACE}\n# UNIT=mm\no {mesh.bone.name}\n")
                np.savetxt(file, surface.vertices, fmt="v %.5f %.5f %.5f")
                np.savetxt(file, mesh.normals @ turn, fmt="vn %.4f %.4f %.4f")
                np.savetxt(file, np.repeat(surface.faces + 1, 2, axis=1), fmt="f %d//%d %d//%d %d//%d")


def _write_by(
    writer: vtkSTLWriter | vtkPLYWriter, path: Path, surface: Surface, *, normals: np.ndarray | None = None
) -> None:
    poly_data = to_vtk(surface)
    if normals is not None:
        poly_data.GetPointData().SetNormals(numpy_to_vtk(np.ascontiguousarray(normals, dtype=np.float32), deep=True))
    writer.SetInputData(poly_data)
    writer.SetFileName(str(path))
    if not writer.Write() or writer.GetErrorCode():
        msg = f"cannot write {path.name}: {writer.GetErrorCode()}; is the disk full?"
        raise OutputError(msg)
