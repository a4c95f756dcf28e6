"""Bones as one GLB file: what viewers, game engines and AR take."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from trimesh import Scene, Trimesh
from trimesh.exchange.gltf import export_glb
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from sneakynet.export.meshes.bone_mesh import BoneMesh
from sneakynet.geometry.affine import LPS_TO_RAS
from sneakynet.types import Affine
from sneakynet.volumes.atomic import write_whole

RAS_TO_GLTF: Affine = np.array([[-1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1000.0]]) / 1000
"""World mm, RAS+, to metres with Y up: x to the patient's left, y to the head, z to the front (glTF's forward)."""

_ROUGHNESS = 0.7
_VERTICES, _INDICES = 34962, 34963  # OpenGL's numbers for kinds of buffers
_ROOT = "skeleton"


def write_glb(path: str | Path, meshes: Sequence[BoneMesh], *, facts: dict[str, object]) -> None:
    """Write bones as named, coloured nodes under nodes of their groups and sides, whole or not at all.

    Args:
        path: ends in ``.glb``.
        meshes: at least one.
        facts: what else the root's extras shall say, plain values.

    Raises:
        OutputError: the file cannot be written.
    """
    scene = Scene(base_frame="world")
    back = np.linalg.inv(RAS_TO_GLTF)
    extras = {
        "format": "sneakynet meshes",
        "format_version": 1,
        "units": "m, Y up: x to the patient's left, y to the head, z to the front",
        "gltf_to_patient_ras_mm": back.tolist(),
        "gltf_to_patient_lps_mm": (LPS_TO_RAS @ back).tolist(),
        **facts,
    }
    scene.graph.update(_ROOT, "world", metadata=extras)
    parents = {_ROOT}
    for mesh in meshes:
        parent = _ROOT
        for name in _branch(mesh):
            if name not in parents:
                scene.graph.update(name, parent)
                parents.add(name)
            parent = name
        scene.add_geometry(
            _geometry(mesh), node_name=mesh.bone.name, geom_name=mesh.bone.name, parent_node_name=parent,
            metadata=mesh.figures(),
        )  # fmt: skip

    def finish(tree: dict[str, Any]) -> None:
        for mesh in tree["meshes"]:  # what a viewer sends to the graphics card without looking
            for primitive in mesh["primitives"]:
                for accessor in primitive["attributes"].values():
                    tree["bufferViews"][tree["accessors"][accessor]["bufferView"]]["target"] = _VERTICES
                tree["bufferViews"][tree["accessors"][primitive["indices"]]["bufferView"]]["target"] = _INDICES
        tree["asset"] |= {"generator": f"sneakynet {version('sneakynet')}", "extras": extras}

    content = export_glb(scene, include_normals=True, tree_postprocessor=finish)
    with write_whole(path) as part:
        part.write_bytes(content)


def _branch(mesh: BoneMesh) -> tuple[str, ...]:
    """Names of the nodes that a bone's node hangs from; never the name of a bone."""
    group = mesh.bone.group or "other"
    return (f"group {group}",) if mesh.bone.side is None else (f"group {group}", f"group {group} {mesh.bone.side}")


def _geometry(mesh: BoneMesh) -> Trimesh:
    turn = RAS_TO_GLTF[:3, :3]
    # The determinant of the turn is positive: triangles stay as they are.
    geometry = Trimesh(
        mesh.vertices @ turn.T,
        mesh.faces,
        vertex_normals=mesh.normals @ (turn.T * 1000),
        process=False,
        validate=False,
    )
    red, green, blue = (int(mesh.bone.color[n : n + 2], 16) for n in (1, 3, 5))
    # glTF's colour factors are linear, the table's colours are sRGB.
    linear = [*(((c / 255 + 0.055) / 1.055) ** 2.4 if c > 10 else c / 255 / 12.92 for c in (red, green, blue)), 1.0]
    material = PBRMaterial(name=mesh.bone.color, baseColorFactor=linear, metallicFactor=0.0, roughnessFactor=_ROUGHNESS)
    geometry.visual = TextureVisuals(material=material)
    return geometry
