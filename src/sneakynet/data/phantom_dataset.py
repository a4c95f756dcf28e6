"""A dataset of phantoms on disk, in nnU-Net's raw layout."""

import _thread
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError
from sneakynet.phantom.phantom import check_settings, make_phantom
from sneakynet.volumes.atomic import make_folder, write_whole
from sneakynet.volumes.write import write_labels, write_scan

# Seconds that a worker without parent has to take its unfinished file away.
_GRACE = 5.0


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


def write_phantoms(
    folder: Path, *, count: int, seed: int, spacing: float, field: str | None = None, workers: int = 1
) -> Iterator[PhantomCase]:
    """Write phantoms ``seed`` to ``seed + count - 1``, yielding each as it is done.

    A run that was stopped goes on: cases whose files are there are not made again. ``dataset.json`` comes last.

    Args:
        folder: gets ``imagesTr``, ``labelsTr``, ``phantoms`` (how each was made) and ``dataset.json``.
        count: how many.
        seed: of the first.
        spacing: mm per voxel.
        field: part of the body, one of ``field_of_view.FIELDS``; drawn for each when not given.
        workers: processes.

    Raises:
        SettingError: a value outside what is allowed, or the folder holds phantoms of other settings.
        OutputError: the folder cannot be written.
    """
    for name, value in (("count", count), ("workers", workers)):
        if value < 1:
            msg = f"{name} must be at least 1, got {value}"
            raise SettingError(msg)
    check_settings(seed, spacing=spacing, field=field)
    table = BoneTable.default()
    settings = {"spacing": spacing, "field": field}
    _check_earlier(folder, settings)
    for part in ("imagesTr", "labelsTr", "phantoms"):
        make_folder(folder / part)
    _write_json(folder / "phantoms" / "settings.json", settings)
    seeds = range(seed, seed + count)
    if workers == 1:
        for one in seeds:
            yield _write_case(folder, one, spacing, field)
    else:
        # Workers start fresh: forking a process that runs torch threads can hang.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker) as pool:
            futures = [pool.submit(_write_case, folder, one, spacing, field) for one in seeds]
            try:
                for future in as_completed(futures):
                    yield future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    description = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **{bone.name: bone.id for bone in table}},
        "numTraining": len(list((folder / "phantoms").glob("phantom_*.json"))),
        "file_ending": ".nii.gz",
        "name": "sneakynet phantoms",
        "licence": "Apache-2.0; made from the skeleton of myo-sim (bone geometry in part CC BY 3.0, OpenSim)",
    }
    _write_json(folder / "dataset.json", description)


def start_worker() -> None:
    """Begin a worker process: one thread for torch, and an end with its parent.

    Killed, a parent cannot tell its workers, and they would go on with what is queued and then wait for ever.
    """
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    _thread.interrupt_main()
    time.sleep(_GRACE)
    os._exit(1)


def _check_earlier(folder: Path, settings: dict[str, float | str | None]) -> None:
    path = folder / "phantoms" / "settings.json"
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        if before != settings:
            msg = f"{folder} holds phantoms made with {before}, not {settings}; use the same settings or another folder"
            raise SettingError(msg)


def _write_case(folder: Path, seed: int, spacing: float, field: str | None) -> PhantomCase:
    name = f"phantom_{seed:05d}"
    record = folder / "phantoms" / f"{name}.json"
    if record.is_file():
        known = json.loads(record.read_text(encoding="utf-8"))
        return PhantomCase(name, known["pose"], known["field"], made=False)
    phantom = make_phantom(seed, spacing=spacing, field=field)
    table = BoneTable.default()
    names = {bone.id: bone.name for bone in table}
    colors = {bone.id: bone.color for bone in table}
    write_scan(folder / "imagesTr" / f"{name}_0000.nii.gz", phantom.scan)
    write_labels(folder / "labelsTr" / f"{name}.nii.gz", phantom.labels, names=names, colors=colors, sidecar=False)
    # The record comes last: a case with one is complete.
    _write_json(record, {"seed": seed, "pose": phantom.pose, "field": phantom.field})
    return PhantomCase(name, phantom.pose, phantom.field, made=True)


def _write_json(path: Path, content: object) -> None:
    with write_whole(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
