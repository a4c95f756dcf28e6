"""Cases prepared once for training: canonical, at the training spacing, clipped, pooled, kept in a cache on disk."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from sneakynet.data.case import Case, class_centres, read_case
from sneakynet.data.dataset import CaseFiles, Dataset, refuse
from sneakynet.data.network_grid import on_network_grid
from sneakynet.data.open_files import allow_open_files
from sneakynet.data.pyramid import ContextLabels, build_pyramid
from sneakynet.data.store import DamagedStoreError, open_store, verify_store, write_store
from sneakynet.errors import DatasetError, OutputError, SneakyNetError
from sneakynet.geometry.resample import resample
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_volume
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)

# Voxels remembered per class and case as centres of class-balanced patches.
CENTRES_PER_CLASS = 2048

# Raised whenever the files of the cache mean something else than before.
_CACHE_VERSION = 2


@dataclass(frozen=True)
class Preparation:
    """What decides the voxels that a network is trained on.

    Args:
        spacing: isotropic, mm.
        hu_window: HU are clipped to it.
        contexts: exponents of the contexts' scales.
        context_labels: the vote for the label of a pooled cell (see ``build_pyramid``).
    """

    spacing: float
    hu_window: tuple[float, float]
    contexts: tuple[int, ...]
    context_labels: ContextLabels = "majority"

    @property
    def levels(self) -> tuple[int, ...]:
        """Of the pyramid."""
        return tuple(sorted({0, *self.contexts}))


def dataset_spacing(dataset: Dataset) -> float:
    """The isotropic spacing that all scans of a dataset share, mm.

    Raises:
        DatasetError: the scans are anisotropic or differ; a spacing must be chosen.
    """
    seen = {case.name: read_volume(case.scan).spacing for case in dataset.cases[:: max(1, len(dataset.cases) // 8)]}
    values = np.array(list(seen.values()))
    if np.ptp(values) > 0.01 * values.min():
        name, worst = max(seen.items(), key=lambda item: np.ptp(item[1]))
        shown = " x ".join(f"{s:g}" for s in worst)
        msg = f"the scans of {dataset.folder} have no common isotropic spacing ({name}: {shown} mm); give --spacing MM"
        raise DatasetError(msg)
    return round(float(values.mean()), 4)


def load_cases(
    dataset: Dataset,
    preparation: Preparation,
    *,
    cache: Path,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> tuple[Case, ...]:
    """Prepare every case, or map it from the cache where the same preparation was done before.

    A case in the cache whose checksums do not agree is named in a warning and prepared again.

    Args:
        dataset: what to load.
        preparation: how.
        cache: folder for the prepared cases; made if missing.
        progress: called after each case with the number done, the number of all, and the case's name.

    Raises:
        DatasetError: every fault of the dataset at once: missing files, other grids, labels outside the table.
        OutputError: the cache cannot be written.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the cache folder {cache}: {error.strerror}; choose another with --cache"
        raise OutputError(msg) from error
    allow_open_files(len(dataset.cases))
    faults = list(dataset.faults)
    cases = []
    for done, files in enumerate(dataset.cases, start=1):
        path = cache / f"{files.name}-{_key(files, dataset, preparation)}.b2z"
        try:
            case = _found(files.name, path, preparation)
            if case is None:
                write_store(_prepare(files, dataset, preparation), path)
                case = open_store(files.name, path, levels=preparation.levels)
            cases.append(case)
        except OutputError:
            raise
        except SneakyNetError as error:
            faults.append(f"case {files.name}: {error}")
        progress(done, len(dataset.cases), files.name)
    refuse(faults, dataset.folder)
    return tuple(cases)


def _found(name: str, path: Path, preparation: Preparation) -> Case | None:
    """A case from the cache, if it is there and sound."""
    if not path.is_file():
        return None
    try:
        verify_store(path)
        return open_store(name, path, levels=preparation.levels)
    except DamagedStoreError as error:
        _LOG.warning("case %s: what was prepared in %s is damaged (%s); it is prepared again", name, path, error)
        return None


def _key(files: CaseFiles, dataset: Dataset, preparation: Preparation) -> str:
    """Differs whenever the files or anything done to them differ."""
    facts = {
        "version": _CACHE_VERSION,
        "preparation": asdict(preparation),
        "ids": dataset.ids,
        "ignore": dataset.ignore,
        "table": dataset.table.names,
        "files": [(path.stat().st_size, path.stat().st_mtime_ns) for path in files.files],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _prepare(files: CaseFiles, dataset: Dataset, preparation: Preparation) -> Case:
    scan, labels = read_case(files, dataset)
    scan = on_network_grid(scan, spacing=(preparation.spacing,) * 3)
    labels = canonical(labels)
    if labels.shape != scan.shape or not np.allclose(labels.affine, scan.affine, atol=1e-2):
        voxels = resample(labels.voxels, labels.affine, to_shape=scan.shape, to_affine=scan.affine, order=0)
        labels = Volume(voxels, scan.affine)
    low, high = preparation.hu_window
    rng = np.random.default_rng(0)
    pyramid = build_pyramid(
        torch.from_numpy(np.clip(scan.voxels, low, high)),
        torch.from_numpy(np.ascontiguousarray(labels.voxels)),
        levels=preparation.contexts,
        n_classes=dataset.table.n_classes,
        context_labels=preparation.context_labels,
    )
    return Case(
        name=files.name,
        shape=scan.shape,
        pyramid=pyramid,
        centres=class_centres(labels.voxels, per_class=CENTRES_PER_CLASS, rng=rng),
    )
