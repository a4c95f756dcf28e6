"""Made cases on disk, by worker processes: scans with labels in nnU-Net's raw layout, or bodies to be painted later.

Whatever makes them, a case is written whole or not at all, a run that was stopped goes on where it was, and the file
that makes the folder a dataset comes last.
"""

import json
import multiprocessing
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import IGNORE, ignored
from sneakynet.data.body_folder import INDEX, save_body, write_index
from sneakynet.data.worker import start_worker
from sneakynet.errors import SettingError
from sneakynet.phantom.body import Body
from sneakynet.volumes.atomic import make_folder, write_whole
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels, write_scan

_IGNORE_COLOR = "#808080"
_LAYOUT = ("imagesTr", "labelsTr")


@dataclass(frozen=True, eq=False)
class MadeScan:
    """A scan and its true labels on the same grid.

    Args:
        scan: HU.
        labels: ids of the table; the highest value of the type where nothing is known.
        facts: how it was made, plain values.
    """

    scan: Volume
    labels: Volume
    facts: dict[str, Any]


@dataclass(frozen=True)
class Series:
    """Cases that differ by their seed alone.

    Args:
        prefix: of the cases' names; the seed follows.
        records: folder within the dataset for how each case was made.
        make: a scan or a body from a seed; it goes to worker processes, so it must be picklable.
        settings: plain values; a folder that holds cases of this prefix and other settings is refused.
        spacing: mm per voxel.
        table: of the labels.
        about: further entries for ``dataset.json``: name, licence.
    """

    prefix: str
    records: str
    make: Callable[[int], MadeScan | Body]
    settings: dict[str, Any]
    spacing: float
    table: BoneTable
    about: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MadeCase:
    """One case of a series.

    Args:
        name: ``<prefix>_<seed>``.
        facts: how it was made.
        made: False where the files were there already.
    """

    name: str
    facts: dict[str, Any]
    made: bool


def write_cases(
    folder: Path, series: Series, *, count: int, seed: int, bodies: bool = False, workers: int = 1
) -> Generator[MadeCase, None, None]:
    """Write the cases of ``seed`` to ``seed + count - 1``, yielding each as it is done.

    Args:
        folder: gets ``imagesTr``, ``labelsTr``, the records and ``dataset.json``; or bodies (``*.npz``), the records
            and ``bodies.json``.
        series: what to make.
        count: how many.
        seed: of the first, not negative.
        bodies: whether ``series.make`` gives bodies.
        workers: processes.

    Raises:
        SettingError: a value outside what is allowed, or the folder holds cases of other settings.
        OutputError: the folder cannot be written.
    """
    for name, value, least in (("count", count, 1), ("workers", workers, 1), ("seed", seed, 0)):
        if value < least:
            msg = f"{name} must be at least {least}, got {value}"
            raise SettingError(msg)
    _check_earlier(folder, series, bodies=bodies)
    for part in (series.records,) if bodies else (*_LAYOUT, series.records):
        make_folder(folder / part)
    _write_json(_settings_file(folder, series), series.settings)
    seeds = range(seed, seed + count)
    if workers == 1:
        for one in seeds:
            yield _write_case(folder, series, one)
    else:
        # Workers start fresh: forking a process that runs torch threads can hang.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(min(workers, count), mp_context=context, initializer=start_worker)
        try:
            futures = [pool.submit(_write_case, folder, series, one) for one in seeds]
            for future in as_completed(futures):
                yield future.result()
        finally:
            # Not the pool's own context manager: its end waits for everything queued, even after a Ctrl-C.
            pool.shutdown(wait=True, cancel_futures=True)
    if bodies:
        write_index(folder, spacing=series.spacing, table=series.table)
    else:
        _describe(folder, series)


def write_truth(path: Path, labels: Volume, *, table: BoneTable, sidecar: bool = True) -> bool:
    """Write true labels; voxels that count nowhere get nnU-Net's ignore label, if there are any.

    Args:
        path: see ``write_labels``.
        labels: ids of the table; the highest value of the type where nothing is known.
        table: of the labels.
        sidecar: see ``write_labels``.

    Returns:
        Whether some voxels count nowhere.

    Raises:
        OutputError: the file cannot be written there.
    """
    unknown = labels.voxels == ignored(labels.voxels.dtype)
    # nnU-Net wants the ignore label to be the highest, next to the last class.
    numbered = Volume(np.where(unknown, table.n_classes, labels.voxels), labels.affine)
    names = {bone.id: bone.name for bone in table}
    colors = {bone.id: bone.color for bone in table}
    if unknown.any():
        names[table.n_classes], colors[table.n_classes] = IGNORE, _IGNORE_COLOR
    write_labels(path, numbered, names=names, colors=colors, sidecar=sidecar)
    return bool(unknown.any())


def _settings_file(folder: Path, series: Series) -> Path:
    return folder / series.records / f"settings_{series.prefix}.json"


def _leaves(settings: Any, name: str = "") -> dict[str, Any]:
    """Every value of nested settings, by its dotted name."""
    if not isinstance(settings, dict):
        return {name: settings}
    return {
        leaf: value
        for key, inner in settings.items()
        for leaf, value in _leaves(inner, f"{name}.{key}" if name else key).items()
    }


def _check_earlier(folder: Path, series: Series, *, bodies: bool) -> None:
    """Refuse a folder in which these cases would stand beside others that they do not belong with."""
    other = folder / ("dataset.json" if bodies else INDEX)
    if other.is_file():
        msg = f"{folder} holds {'scans' if bodies else 'bodies'} ({other.name}); choose another folder"
        raise SettingError(msg)
    for path in sorted(folder.glob("*/settings_*.json")) if bodies else ():
        spacing = json.loads(path.read_text(encoding="utf-8")).get("spacing", series.spacing)
        if spacing != series.spacing:
            msg = (
                f"{folder} holds bodies of {spacing:g} mm, these are to have {series.spacing:g} mm; "
                "choose that spacing or another folder"
            )
            raise SettingError(msg)
    path = _settings_file(folder, series)
    if not path.is_file():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    now = json.loads(json.dumps(series.settings))
    if before != now:
        old, new = _leaves(before), _leaves(now)
        differing = [f"{name}: {old.get(name)}, not {new[name]}" for name in new if old.get(name) != new[name]]
        msg = (
            f"{folder} holds {series.records} made with other settings ({'; '.join(differing)[:400]}); use the same "
            "settings or another folder"
        )
        raise SettingError(msg)


def _write_case(folder: Path, series: Series, seed: int) -> MadeCase:
    name = f"{series.prefix}_{seed:05d}"
    record = folder / series.records / f"{name}.json"
    if record.is_file():
        return MadeCase(name, json.loads(record.read_text(encoding="utf-8")), made=False)
    made = series.make(seed)
    facts = {"seed": seed, **made.facts}
    if isinstance(made, Body):
        save_body(folder / f"{name}.npz", made)
    else:
        facts["ignore"] = _write_scan(folder, name, made, series.table)
    # The record comes last: a case with one is complete.
    _write_json(record, facts)
    return MadeCase(name, facts, made=True)


def _write_scan(folder: Path, name: str, made: MadeScan, table: BoneTable) -> bool:
    """Write both files of a case or none; whether some voxels count nowhere."""
    scan = folder / "imagesTr" / f"{name}_0000.nii.gz"
    try:
        write_scan(scan, made.scan)
        return write_truth(folder / "labelsTr" / f"{name}.nii.gz", made.labels, table=table, sidecar=False)
    except BaseException:
        scan.unlink(missing_ok=True)
        raise


def _describe(folder: Path, series: Series) -> None:
    records = [path for path in folder.glob("*/*.json") if not path.name.startswith((".", "settings"))]
    facts = [json.loads(path.read_text(encoding="utf-8")) for path in records]
    labels = {"background": 0, **{bone.name: bone.id for bone in series.table}}
    if any(one.get("ignore") for one in facts):
        labels[IGNORE] = series.table.n_classes
    description = {
        "channel_names": {"0": "CT"},
        "labels": labels,
        "numTraining": len(records),
        "file_ending": ".nii.gz",
        **series.about,
    }
    _write_json(folder / "dataset.json", description)


def _write_json(path: Path, content: object) -> None:
    with write_whole(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
