"""The surfaces of a view: what its page draws in 3D, and the files it offers."""

import json
from pathlib import Path
from typing import Any

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SneakyNetError
from sneakynet.inference.optional_package import optional_package
from sneakynet.viewer.browser.view_data import FULL_LABELS, MANIFEST, write_manifest
from sneakynet.volumes.atomic import write_whole_folder
from sneakynet.volumes.read import read_labels


def write_view_meshes(folder: str | Path, *, table: BoneTable) -> dict[str, Any]:
    """Make the surfaces of all layers of a view and tell its ``view.json`` of them, the progress too.

    Takes seconds to minutes, and Manifold keeps the interpreter's lock: run it in a process of its own, while the page
    is already read. What goes wrong is told in ``view.json``, so that the page can say it, and raised.

    Args:
        folder: from `write_view`.
        table: the same as there.

    Returns:
        The content of ``view.json``.

    Raises:
        SneakyNetError: a package is not installed, or the folder cannot be read or written.
    """
    folder = Path(folder)
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for layer in manifest["layers"]:
        try:
            _write_layer(folder, manifest, layer, table)
        except Exception as error:
            known = isinstance(error, SneakyNetError)
            layer["meshes"] = {"state": "failed", "why": str(error) if known else f"{type(error).__name__}: {error}"}
            write_manifest(folder, manifest)
            raise
    return manifest


def _write_layer(folder: Path, manifest: dict[str, Any], layer: dict[str, Any], table: BoneTable) -> None:
    for package in ("vtkmodules", "manifold3d", "trimesh"):
        optional_package(package, extra="viewer")
    # These come with the extra.
    from sneakynet.export.meshes.bone_meshes import bone_meshes
    from sneakynet.export.meshes.files import write_mesh_folder
    from sneakynet.export.meshes.glb import write_glb
    from sneakynet.viewer.browser.mz3 import write_mz3

    key = layer["key"]
    full = folder / FULL_LABELS.format(key=key)

    def progress(done: int, total: int) -> None:
        layer["meshes"] = {"state": "making", "done": done, "total": total}
        write_manifest(folder, manifest)

    meshes = bone_meshes(read_labels(full if full.is_file() else folder / layer["url"]), table=table, progress=progress)
    full.unlink(missing_ok=True)
    facts: dict[str, object] = {"labels": layer["name"]}
    write_mesh_folder(folder / f"{key}_stl", meshes, format="stl", facts=facts, overwrite=True)
    with write_whole_folder(folder / f"{key}_mz3", overwrite=True) as part:
        for mesh in meshes:
            write_mz3(part / f"{mesh.bone.name}.mz3", mesh)
    if meshes:
        write_glb(folder / f"{key}.glb", meshes, facts=facts)
        layer["glb"] = f"{key}.glb"
    for bone in layer["bones"]:
        bone["mesh"], bone["stl"] = f"{key}_mz3/{bone['name']}.mz3", f"{key}_stl/{bone['name']}.stl"
    layer["meshes"] = {"state": "ready", "done": len(meshes), "total": len(meshes)}
    write_manifest(folder, manifest)
