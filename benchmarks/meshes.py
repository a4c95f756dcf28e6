"""How long the surfaces of a whole skeleton take, how much memory, and how near they are, beside marching cubes.

    python benchmarks/meshes.py [--shape 512 512 600] [--spacing 0.9] [--picture docs/images/meshes.jpg] [--json]

The label map is a phantom's bones. Each method is a process of its own that reads the file. The peer is what tools for
label maps commonly do: VTK's discrete flying edges on each bone by itself, and a windowed sinc filter; it simplifies
nothing. ``volume`` is the largest deviation of a mesh from its voxels, ``open`` counts bones that are not watertight.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel
import numpy as np

from sneakynet.anatomy.bone import BoneTable

METHODS = ("sneakynet", "flying edges per bone")


def make_labels(path: Path, shape: tuple[int, int, int], spacing: float) -> None:
    from sneakynet.phantom.bone_voxels import Grid, voxelise_bones
    from sneakynet.phantom.cortex import draw_cortex
    from sneakynet.phantom.person import draw_person
    from sneakynet.phantom.settings import PhantomSettings

    settings = PhantomSettings()
    person = draw_person(np.random.default_rng([0, 0]), settings.person)
    trunk = person.surfaces["sacrum"].vertices.min(0)
    middle = person.surfaces["vertebrae_T8"].vertices.mean(0)
    origin = (
        float(middle[0] - spacing * shape[0] / 2),
        float(middle[1] - spacing * shape[1] / 2),
        float(trunk[2] - 120),
    )
    cortex = draw_cortex(
        np.random.default_rng(0),
        sorted(person.surfaces),
        factor=settings.cortex,
        spread=settings.cortex_spread,
        age=50.0,
    )
    ids = {bone.name: bone.id for bone in BoneTable.default()}
    bones = voxelise_bones(
        person.surfaces,
        grid=Grid(origin, shape, spacing),
        ids=ids,
        cortex=cortex,
        skull_mm=5.0,
        ignore=person.unclassed,
    )
    labels = np.where(bones.labels == 255, 0, bones.labels)
    nibabel.save(nibabel.Nifti1Image(labels, Grid(origin, shape, spacing).affine), path)


def ours(path: Path) -> list[tuple[int, float, bool]]:
    from sneakynet.export.meshes.bone_meshes import bone_meshes
    from sneakynet.export.meshes.glb import write_glb
    from sneakynet.volumes.read import read_labels

    meshes = bone_meshes(read_labels(path), table=BoneTable.default())
    write_glb(path.with_name("bones.glb"), meshes, facts={})
    return [(len(mesh.faces), mesh.volume_ml / mesh.voxels_ml - 1, mesh.watertight) for mesh in meshes]


def flying_edges(path: Path) -> list[tuple[int, float, bool]]:
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter
    from vtkmodules.vtkFiltersGeneral import vtkDiscreteFlyingEdges3D

    from sneakynet.phantom.surface import from_vtk
    from sneakynet.volumes.read import read_labels

    volume = read_labels(path)
    image = vtkImageData()
    framed = np.pad(volume.voxels, 1)  # so that what the scan cuts is closed here too
    image.SetDimensions(*framed.shape)
    image.SetSpacing(*volume.spacing)
    flat = np.ascontiguousarray(framed.transpose(2, 1, 0)).ravel()
    image.GetPointData().SetScalars(numpy_to_vtk(flat))
    counts = np.bincount(flat)
    found = []
    for label in np.flatnonzero(counts)[1:]:
        edges = vtkDiscreteFlyingEdges3D()
        edges.SetInputData(image)
        edges.SetValue(0, float(label))
        smooth = vtkWindowedSincPolyDataFilter()
        smooth.SetInputConnection(edges.GetOutputPort())
        smooth.SetNumberOfIterations(20)
        smooth.SetPassBand(0.05)
        smooth.NormalizeCoordinatesOn()
        smooth.Update()
        surface = from_vtk(smooth.GetOutput())
        true = float(counts[label] * np.prod(volume.spacing))
        found.append((len(surface.faces), surface.signed_volume / true - 1, surface.two_per_edge))
    return found


def child(method: str, path: Path) -> None:
    started = time.perf_counter()
    found = {"sneakynet": ours, "flying edges per bone": flying_edges}[method](path)
    seconds = time.perf_counter() - started
    print(
        json.dumps(
            {
                "method": method,
                "bones": len(found),
                "seconds": round(seconds, 1),
                "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
                "triangles": sum(triangles for triangles, _, _ in found),
                "volume": max(abs(off) for _, off, _ in found),
                "open": sum(not closed for _, _, closed in found),
            }
        )
    )


def draw(glb: Path, picture: Path) -> None:
    """The skeleton from the front, as a viewer shows the GLB."""
    import trimesh
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers the renderer
    from PIL import Image
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkRenderingCore import (
        vtkActor,
        vtkPolyDataMapper,
        vtkRenderer,
        vtkRenderWindow,
        vtkWindowToImageFilter,
    )

    from sneakynet.phantom.surface import Surface, to_vtk

    scene = trimesh.load_scene(glb)
    renderer, window = vtkRenderer(), vtkRenderWindow()
    renderer.SetBackground(1, 1, 1)
    window.SetOffScreenRendering(1)
    window.SetSize(900, 900)
    window.AddRenderer(renderer)
    for mesh in scene.geometry.values():
        data = to_vtk(Surface(np.asarray(mesh.vertices), np.asarray(mesh.faces)))
        data.GetPointData().SetNormals(numpy_to_vtk(np.array(mesh.vertex_normals, dtype=np.float32), deep=True))
        mapper, actor = vtkPolyDataMapper(), vtkActor()
        mapper.SetInputData(data)
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*(mesh.visual.material.baseColorFactor[:3] / 255) ** (1 / 2.2))
        renderer.AddActor(actor)
    camera = renderer.GetActiveCamera()
    camera.SetPosition(0.5, 0.15, 1)
    camera.SetViewUp(0, 1, 0)
    renderer.ResetCamera()
    camera.Zoom(1.4)
    window.Render()
    image = vtkWindowToImageFilter()
    image.SetInput(window)
    image.Update()
    scalars = image.GetOutput().GetPointData().GetScalars()
    pixels = vtk_to_numpy(scalars).reshape(900, 900, -1)[::-1, :, :3]
    Image.fromarray(pixels).save(picture, quality=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=(512, 512, 600))
    parser.add_argument("--spacing", type=float, default=0.9)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        method, path = args.child[0], Path(args.child[1])
        if method == "labels":
            make_labels(path, tuple(args.shape), args.spacing)
        else:
            child(method, path)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.nii.gz"
        # By a process of its own too: a child's peak begins at its parent's.
        grid = ["--shape", *map(str, args.shape), "--spacing", str(args.spacing)]
        subprocess.run([sys.executable, __file__, *grid, "--child", "labels", str(path)], check=True)
        rows = []
        for method in METHODS:
            command = [sys.executable, __file__, "--child", method, str(path)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            rows.append(json.loads(done.stdout))
        if args.picture:
            draw(path.with_name("bones.glb"), args.picture)
    ratio = round(rows[0]["seconds"] / rows[1]["seconds"], 2)
    if args.json:
        print(json.dumps({"shape": args.shape, "spacing_mm": args.spacing, "methods": rows, "ratio": ratio}, indent=2))
        return
    for row in rows:
        print(
            f"{row['method']:<22} {row['bones']} bones  {row['seconds']:6.1f} s  {row['peak_gib']:.2f} GiB  "
            f"{row['triangles']:>8} triangles  volume off by at most {row['volume']:.2%}  {row['open']} not watertight"
        )
    print(f"time of sneakynet, of the peer's: {ratio}")


if __name__ == "__main__":
    main()
