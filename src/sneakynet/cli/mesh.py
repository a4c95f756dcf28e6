"""``sneakynet mesh``: the bones of label maps as surfaces."""

import difflib
import json
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import Progress
from tyro.conf import Positional

from sneakynet.anatomy.bone import BoneTable
from sneakynet.counted import counted
from sneakynet.errors import OutputError, SettingError, SneakyNetError
from sneakynet.evaluation.pairing import case_name, label_maps
from sneakynet.evaluation.translation import translate, translation_for, warn_of_unnamed
from sneakynet.inference.optional_package import optional_package
from sneakynet.volumes.atomic import make_folder
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.volume import Volume


@dataclass(frozen=True)
class MeshCommandSettings:
    """What to make surfaces of, and where to write them."""

    labels: Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="LABELS [MORE ...]")]]
    """Label maps, or folders of them."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """One label map: a .glb file, or a folder for one file per bone. Several: a folder for one of these each."""
    format: Literal["stl", "ply", "obj", "glb"] | None = None
    """Kind of the files; by default glb where the output ends so, else stl."""
    bones: tuple[str, ...] = ()
    """Names of bones, or of groups of them (ribs, carpals ...); all by default."""
    smooth: float = 0.65
    """How much of the voxels' stairs is taken away: 0 nothing, 1 the most."""
    error: float = 0.2
    """Mm that a surface may move by, about, so that it needs fewer triangles; 0 keeps all."""
    labels_table: str | None = None
    """Whose labels they are: a scheme (totalsegmentator, verse) or a CSV file; by default the label names decide."""
    table: Path | None = None
    """CSV file of another bone table, instead of the package's own."""
    overwrite: bool = False
    """Do label maps again whose surfaces are already there; otherwise they are left as they are."""
    json: bool = False
    """Print what was made to stdout as JSON."""


_FILE_ENDINGS = (".stl", ".ply", ".obj", ".gltf")
"""Of files that somebody may expect; a folder may have a dot in its name."""


@dataclass(frozen=True)
class _Job:
    labels: Path
    output: Path


def run(settings: MeshCommandSettings) -> None:
    """Make the surfaces of each label map; one that cannot be used does not stop the others.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: a wrong option, before any work; or some of the label maps failed.
    """
    for package in ("vtkmodules", "manifold3d", "trimesh"):
        optional_package(package, extra="mesh")
    from sneakynet.export.meshes.bone_meshes import MeshSettings, check_mesh_settings

    check_mesh_settings(MeshSettings(smooth=settings.smooth, error=settings.error))
    table = BoneTable.default() if settings.table is None else BoneTable.read(settings.table)
    wanted = _wanted(settings.bones, table)
    if not settings.labels:
        msg = "give label maps to make surfaces of, or folders of them: sneakynet mesh LABELS -o bones.glb"
        raise SettingError(msg)
    jobs = _jobs(label_maps(settings.labels), settings)
    if settings.labels_table is None:
        warn_of_unnamed([job.labels for job in jobs if settings.overwrite or not _is_there(job.output)])
    records: list[dict[str, object]] = []
    failed: list[tuple[str, str]] = []
    for job in jobs:
        if _is_there(job.output) and not settings.overwrite:
            print(f"{job.output}: already there, left as it is; --overwrite does it again", file=sys.stderr)
            records.append({"labels": str(job.labels), "output": str(job.output), "status": "skipped"})
            continue
        try:
            records.append(_done(job, table, wanted, settings))
        except SneakyNetError as error:
            failed.append((str(job.labels), str(error)))
            if len(jobs) > 1:  # the only one's is told at the end
                print(f"error: {job.labels}: {error}", file=sys.stderr)
    if settings.json:
        lost = [{"labels": name, "status": "failed", "error": why} for name, why in failed]
        print(json.dumps(records + lost, indent=2))
    if failed and len(jobs) == 1:
        raise SneakyNetError(failed[0][1])
    if failed:
        names = ", ".join(name for name, _ in failed)
        msg = f"{len(failed)} of {len(jobs)} label maps failed: {names}; the others are done"
        raise SneakyNetError(msg)


def _wanted(names: Collection[str], table: BoneTable) -> frozenset[str] | None:
    """The bones that are meant by names of bones, aliases and groups; None for all."""
    groups = {bone.group for bone in table if bone.group}
    wanted: set[str] = set()
    unknown = []
    for name in names:
        found = table.find(name)
        if name in groups:
            wanted |= {bone.name for bone in table if bone.group == name}
        elif found is not None:
            wanted.add(found.name)
        else:
            close = difflib.get_close_matches(name, [*groups, *table.names], n=2)
            unknown.append(repr(name) + (f" (did you mean {' or '.join(close)}?)" if close else ""))
    if unknown:
        msg = f"no bone or group is named {', '.join(unknown)}; groups are {', '.join(sorted(groups))}"
        raise SettingError(msg + ", and `sneakynet bones` lists the bones")
    return frozenset(wanted) if names else None


def _jobs(files: tuple[Path, ...], settings: MeshCommandSettings) -> list[_Job]:
    """What is written where."""
    ending = settings.output.suffix.lower()
    to_glb = ending == ".glb"
    if ending in _FILE_ENDINGS:
        form = "" if ending == ".gltf" else f" and --format {ending[1:]}"
        msg = f"{settings.output}: there is a file for each bone; give a folder{form}, or a .glb file for all"
        raise SettingError(msg)
    single = len(files) == 1 and not any(path.is_dir() for path in settings.labels)
    if to_glb and settings.format not in {None, "glb"}:
        msg = f"{settings.output} is a GLB file; leave out --format {settings.format}, or give a folder"
        raise SettingError(msg)
    if to_glb and not single:
        msg = f"{settings.output} is one file for {len(files)} label maps; give a folder, with --format glb"
        raise SettingError(msg)
    if single:
        name = f"{case_name(files[0])}.glb"
        return [_Job(files[0], settings.output / name if settings.format == "glb" and not to_glb else settings.output)]
    ending = ".glb" if settings.format == "glb" else ""
    jobs = [_Job(file, settings.output / f"{case_name(file)}{ending}") for file in files]
    if len({job.output for job in jobs}) < len(jobs):
        msg = "two label maps have the same name; rename one, or run them into two folders"
        raise SettingError(msg)
    return jobs


def _is_there(output: Path) -> bool:
    return output.exists() if output.suffix.lower() == ".glb" else (output / "meshes.json").exists()


def _done(
    job: _Job, table: BoneTable, wanted: frozenset[str] | None, settings: MeshCommandSettings
) -> dict[str, object]:
    """Make and write the surfaces of one label map."""
    # These come with an extra.
    from sneakynet.export.meshes.bone_meshes import MeshSettings, bone_meshes
    from sneakynet.export.meshes.files import write_mesh_folder
    from sneakynet.export.meshes.glb import write_glb

    labels = read_labels(job.labels)
    translation = translation_for(job.labels, table, source=settings.labels_table)
    labels = Volume(translate(labels.voxels, translation, path=job.labels), labels.affine)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(case_name(job.labels))
        meshes = bone_meshes(
            labels,
            table=table,
            bones=wanted,
            settings=MeshSettings(smooth=settings.smooth, error=settings.error),
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
    if not meshes:
        chosen = "" if wanted is None else " of those asked for"
        msg = f"{job.labels} holds no bone{chosen}; nothing is written"
        raise OutputError(msg)
    facts: dict[str, object] = {"labels": job.labels.name, "smooth": settings.smooth, "error_mm": settings.error}
    if job.output.suffix.lower() == ".glb":
        make_folder(job.output.parent)
        write_glb(job.output, meshes, facts=facts)
    else:
        form = settings.format if settings.format in {"ply", "obj"} else "stl"
        write_mesh_folder(job.output, meshes, format=form, facts=facts, overwrite=settings.overwrite)
    triangles = sum(len(mesh.faces) for mesh in meshes)
    print(f"{job.output}: {counted(len(meshes), 'bone')}, {counted(triangles, 'triangle')}", file=sys.stderr)
    figures = [mesh.figures() for mesh in meshes]
    return {"labels": str(job.labels), "output": str(job.output), "status": "done", "bones": figures}
