"""Cases ready for sampling: canonical, at the training spacing, clipped, pooled, and kept in a cache on disk."""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

from sneakynet.data.dataset import CaseFiles, Dataset, refuse
from sneakynet.data.network_grid import on_network_grid
from sneakynet.data.pyramid import ContextLabels, Pyramid, build_pyramid
from sneakynet.data.structures import merge_structures
from sneakynet.errors import DatasetError, OutputError, SneakyNetError
from sneakynet.geometry.resample import resample
from sneakynet.types import LabelArray
from sneakynet.volumes.atomic import write_whole
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume

# Voxels remembered per class and case as centres of class-balanced patches.
CENTRES_PER_CLASS = 2048

# Raised whenever the files of the cache mean something else than before.
_CACHE_VERSION = 1


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


@dataclass(frozen=True)
class Case:
    """One case in memory (or mapped from the cache).

    Args:
        name: of the case.
        shape: voxels of the scan before it was padded for pooling.
        pyramid: scan and labels at every scale.
        centres: class -> some of its voxels, full resolution.
    """

    name: str
    shape: tuple[int, int, int]
    pyramid: Pyramid
    centres: Mapping[int, Integer[np.ndarray, "voxel 3"]]

    @property
    def n_bytes(self) -> int:
        """What scan and labels take in memory, all levels together."""
        return sum(
            level.numel() * level.element_size()
            for part in (self.pyramid.scan, self.pyramid.labels)
            for level in part.values()
        )

    def to(self, device: torch.device) -> "Case":
        """The same case with its voxels on a device."""
        scan = {level: voxels.to(device) for level, voxels in self.pyramid.scan.items()}
        labels = {level: voxels.to(device) for level, voxels in self.pyramid.labels.items()}
        return replace(self, pyramid=Pyramid(scan=scan, labels=labels))


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

    Args:
        dataset: what to load.
        preparation: how.
        cache: folder for the prepared arrays; made if missing.
        progress: called after each case with the number done, the number of all, and the case's name.

    Raises:
        DatasetError: every fault of the dataset at once: missing files, other grids, labels outside the table.
        OutputError: the cache cannot be written.
    """
    faults = list(dataset.faults)
    cases = []
    for done, files in enumerate(dataset.cases, start=1):
        folder = cache / f"{files.name}-{_key(files, dataset, preparation)}"
        try:
            if not (folder / "case.json").is_file():
                _store(_prepare(files, dataset, preparation), folder)
            cases.append(_map(files.name, folder, preparation))
        except OutputError:
            raise
        except SneakyNetError as error:
            faults.append(f"case {files.name}: {error}")
        progress(done, len(dataset.cases), files.name)
    refuse(faults, dataset.folder)
    return tuple(cases)


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


def read_case(files: CaseFiles, dataset: Dataset) -> tuple[Volume, Volume]:
    """Read the scan and the label map of a case.

    Args:
        files: of the case.
        dataset: says what the labels mean.

    Returns:
        Hounsfield units, and ids of the table on the same grid.

    Raises:
        DatasetError: they lie on different grids, or labels have no meaning.
        VolumeError: a file cannot be read.
    """
    scan = read_volume(files.scan)
    if files.labels.is_dir():
        return scan, merge_structures(files.labels, scan, dataset.table)
    labels = read_labels(files.labels)
    if scan.shape != labels.shape or not np.allclose(scan.affine, labels.affine, atol=1e-2):
        msg = (
            f"the label map lies on another grid than the scan ({labels.shape} voxels, not {scan.shape}, or another "
            "affine); resample it onto the scan"
        )
        raise DatasetError(msg)
    return scan, Volume(_translated(labels.voxels, dataset), labels.affine)


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


def _translated(labels: LabelArray, dataset: Dataset) -> LabelArray:
    """Labels as ids of the table, in the smallest type that holds them."""
    # The highest value of the type marks voxels that count nowhere (see anatomy.ignored).
    dtype = np.uint8 if dataset.table.n_classes <= 255 else np.int16
    present = np.unique(labels)
    ids = dict(dataset.ids)
    if dataset.ignore is not None:
        ids[dataset.ignore] = int(np.iinfo(dtype).max)
    foreign = [int(value) for value in present if int(value) not in ids]
    if foreign:
        shown = ", ".join(map(str, foreign[:8])) + (" ..." if len(foreign) > 8 else "")
        msg = f"labels {shown} are not in dataset.json; add their names there or remove them from the map"
        raise DatasetError(msg)
    lut = np.zeros(int(present.max()) + 1, dtype=dtype)
    for value in present:
        lut[int(value)] = ids[int(value)]
    translated: LabelArray = lut[labels]
    return translated


def class_centres(
    labels: LabelArray, *, per_class: int, rng: np.random.Generator
) -> dict[int, Integer[np.ndarray, "voxel 3"]]:
    """Up to ``per_class`` random voxels of every bone in the labels; ignored voxels are none."""
    found = np.flatnonzero((labels > 0) & (labels < np.iinfo(labels.dtype).max))
    classes = labels.ravel()[found]
    order = np.argsort(classes, kind="stable")
    found, classes = found[order], classes[order]
    present, starts = np.unique(classes, return_index=True)
    centres = {}
    for bone, voxels in zip(present, np.split(found, starts[1:]), strict=False):
        chosen = rng.permutation(voxels)[:per_class]
        centres[int(bone)] = np.stack(np.unravel_index(chosen, labels.shape), 1).astype(np.int16)
    return centres


def _store(case: Case, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the cache folder {folder}: {error.strerror}; choose another with --cache"
        raise OutputError(msg) from error
    arrays = {f"scan{level}": array.numpy() for level, array in case.pyramid.scan.items()}
    arrays |= {f"labels{level}": array.numpy() for level, array in case.pyramid.labels.items()}
    classes = sorted(case.centres)
    none = np.zeros((0, 3), dtype=np.int16)
    arrays["centres"] = np.concatenate([none, *(case.centres[c] for c in classes)])
    for name, array in arrays.items():
        with write_whole(folder / f"{name}.npy") as part:
            np.save(part, array)
    facts = {"shape": case.shape, "classes": classes, "counts": [len(case.centres[c]) for c in classes]}
    # Written last: its presence says that the folder is complete.
    with write_whole(folder / "case.json") as part:
        part.write_text(json.dumps(facts), encoding="utf-8")


def _map(name: str, folder: Path, preparation: Preparation) -> Case:
    facts = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    levels = (0, *preparation.contexts)

    def array(part: str) -> np.ndarray:
        # Mapped, not read: the system keeps what is used in memory, and gives it up where memory is short.
        mapped: np.ndarray = np.load(folder / f"{part}.npy", mmap_mode="r")
        return mapped

    # The piece after the last class is empty.
    voxels = np.split(array("centres"), np.cumsum(facts["counts"], dtype=int))[:-1]
    i, j, k = facts["shape"]
    return Case(
        name=name,
        shape=(i, j, k),
        pyramid=Pyramid(
            scan={level: _tensor(array(f"scan{level}")) for level in levels},
            labels={level: _tensor(array(f"labels{level}")) for level in levels},
        ),
        centres=dict(zip(facts["classes"], voxels, strict=True)),
    )


def _tensor(mapped: np.ndarray) -> Tensor:
    """The mapped array as a tensor; it is only ever read, whatever torch fears."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(mapped)
