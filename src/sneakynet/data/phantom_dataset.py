"""A dataset of phantoms on disk, in nnU-Net's raw layout."""

import dataclasses
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.body_folder import save_body, write_index
from sneakynet.data.worker import start_worker
from sneakynet.errors import SettingError
from sneakynet.phantom.phantom import check_settings, make_body, make_phantom
from sneakynet.phantom.settings import PhantomSettings
from sneakynet.volumes.atomic import make_folder, write_whole
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels, write_scan


@dataclass(frozen=True)
class PhantomCase:
    """One phantom of a dataset.

    Args:
        name: ``phantom_<seed>``.
        pose: how the arms lie.
        field: what the scan shows.
        made: False where the files were there already.
    """

    name: str
    pose: str
    field: str
    made: bool


@dataclass(frozen=True)
class Recipe:
    """What decides a dataset of phantoms, beside the seeds.

    Args:
        spacing: mm per voxel.
        field: part of the body, one of ``field_of_view.FIELDS``; drawn for each when not given.
        settings: what phantoms are drawn from.
        bodies: write bodies to be painted in training, in place of scans.
    """

    spacing: float
    field: str | None = None
    settings: PhantomSettings = dataclasses.field(default_factory=PhantomSettings)
    bodies: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON gives them back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def write_phantoms(folder: Path, recipe: Recipe, *, count: int, seed: int, workers: int = 1) -> Iterator[PhantomCase]:
    """Write phantoms ``seed`` to ``seed + count - 1``, yielding each as it is done.

    A run that was stopped goes on: cases whose files are there are not made again. ``dataset.json`` comes last.

    Args:
        folder: gets ``imagesTr``, ``labelsTr``, ``phantoms`` (how each was made) and ``dataset.json``; or bodies
            (``*.npz``), ``phantoms`` and ``bodies.json``.
        recipe: what to make.
        count: how many.
        seed: of the first.
        workers: processes.

    Raises:
        SettingError: a value outside what is allowed, or the folder holds phantoms of other settings.
        OutputError: the folder cannot be written.
    """
    for name, value in (("count", count), ("workers", workers)):
        if value < 1:
            msg = f"{name} must be at least 1, got {value}"
            raise SettingError(msg)
    check_settings(seed, spacing=recipe.spacing, field=recipe.field)
    _check_earlier(folder, recipe)
    for part in ("phantoms",) if recipe.bodies else ("imagesTr", "labelsTr", "phantoms"):
        make_folder(folder / part)
    _write_json(folder / "phantoms" / "settings.json", recipe.to_dict())
    seeds = range(seed, seed + count)
    if workers == 1:
        for one in seeds:
            yield _write_case(folder, one, recipe)
    else:
        # Workers start fresh: forking a process that runs torch threads can hang.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker) as pool:
            futures = [pool.submit(_write_case, folder, one, recipe) for one in seeds]
            try:
                for future in as_completed(futures):
                    yield future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    if recipe.bodies:
        write_index(folder, spacing=recipe.spacing, table=BoneTable.default())
    else:
        _write_description(folder)


def _write_description(folder: Path) -> None:
    table = BoneTable.default()
    description = {
        "channel_names": {"0": "CT"},
        # Bones without a class (a thirteenth rib) carry nnU-Net's ignore label.
        "labels": {"background": 0, **{bone.name: bone.id for bone in table}, "ignore": table.n_classes},
        "numTraining": len(list((folder / "phantoms").glob("phantom_*.json"))),
        "file_ending": ".nii.gz",
        "name": "sneakynet phantoms",
        "licence": "Apache-2.0; made from the skeleton of myo-sim (bone geometry in part CC BY 3.0, OpenSim)",
    }
    _write_json(folder / "dataset.json", description)


def _check_earlier(folder: Path, recipe: Recipe) -> None:
    path = folder / "phantoms" / "settings.json"
    if not path.is_file():
        return
    before, now = json.loads(path.read_text(encoding="utf-8")), recipe.to_dict()
    if before != now:
        differing = [f"{name}: {before.get(name)}, not {now[name]}" for name in now if before.get(name) != now[name]]
        msg = (
            f"{folder} holds phantoms made with other settings ({'; '.join(differing)[:400]}); use the same "
            "settings or another folder"
        )
        raise SettingError(msg)


def _write_case(folder: Path, seed: int, recipe: Recipe) -> PhantomCase:
    name = f"phantom_{seed:05d}"
    record = folder / "phantoms" / f"{name}.json"
    if record.is_file():
        known = json.loads(record.read_text(encoding="utf-8"))
        return PhantomCase(name, known["pose"], known["field"], made=False)
    if recipe.bodies:
        body = make_body(seed, spacing=recipe.spacing, field=recipe.field, settings=recipe.settings)
        save_body(folder / f"{name}.npz", body)
        facts = body.facts
    else:
        phantom = make_phantom(seed, spacing=recipe.spacing, field=recipe.field, settings=recipe.settings)
        facts = phantom.facts
        table = BoneTable.default()
        names = {bone.id: bone.name for bone in table} | {table.n_classes: "ignore"}
        colors = {bone.id: bone.color for bone in table} | {table.n_classes: "#808080"}
        voxels = phantom.labels.voxels.copy()
        voxels[voxels == np.iinfo(voxels.dtype).max] = table.n_classes
        labels = Volume(voxels, phantom.labels.affine)
        write_scan(folder / "imagesTr" / f"{name}_0000.nii.gz", phantom.scan)
        write_labels(folder / "labelsTr" / f"{name}.nii.gz", labels, names=names, colors=colors, sidecar=False)
    # The record comes last: a case with one is complete.
    _write_json(record, facts)
    return PhantomCase(name, str(facts["pose"]), str(facts["field"]), made=True)


def _write_json(path: Path, content: object) -> None:
    with write_whole(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
