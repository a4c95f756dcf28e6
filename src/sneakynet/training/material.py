"""What a run learns from: a dataset of scans, a folder of bodies, or phantoms made as training goes on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.counted import counted
from sneakynet.data.body_folder import BodyFolder, is_body_folder
from sneakynet.data.case import Case
from sneakynet.data.dataset import Dataset, split_cases
from sneakynet.data.layouts import open_dataset
from sneakynet.data.painted import Bodies, PaintedCases, Painting
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.splits import Split, read_split
from sneakynet.errors import SettingError
from sneakynet.phantom.scan import ScanSettings
from sneakynet.training.loop import TrainingData
from sneakynet.training.progress import Reporter
from sneakynet.training.settings import TrainSettings

# Third entry of the random keys: training scans and validation scans never share a stream.
_PAINT_TRAINING, _PAINT_VALIDATION = 3, 4


@dataclass(frozen=True)
class Material:
    """The data of a run.

    Args:
        data: for the loop.
        training: names of the cases or bodies to learn from.
        validation: names of those held out.
        cases: that stay the same throughout the run.
    """

    data: TrainingData
    training: tuple[str, ...]
    validation: tuple[str, ...]
    cases: Sequence[Case]


@contextmanager
def open_material(
    dataset: Path | None, settings: TrainSettings, table: BoneTable, *, device: torch.device, cache: Path, quiet: bool
) -> Iterator[Material]:
    """Prepare what a run learns from, and let it go at the end.

    Args:
        dataset: folder in nnU-Net's raw layout or of bodies; None where the settings ask for phantoms.
        settings: of the run.
        table: the classes.
        device: where bodies are painted.
        cache: folder for prepared cases or made phantoms.
        quiet: show no progress.

    Raises:
        DatasetError: every fault of the dataset.
        SettingError: a dataset and phantoms together, or neither; or bodies of another spacing than asked for.
        OutputError: the cache cannot be written.
    """
    if (dataset is None) == (settings.phantoms == 0):
        msg = (
            "give the folder of a dataset or of bodies, or a number of phantoms with --phantoms; one of them, not both"
        )
        raise SettingError(msg)
    if dataset is None:
        # Only here: the skeleton's libraries are not needed to train on what is there.
        from sneakynet.data.phantom_source import PhantomSource

        with PhantomSource(
            seed=settings.phantom_seed,
            count=settings.phantoms,
            spacing=settings.spacing or 2.0,
            table=table,
            cache=cache,
            cache_gb=settings.cache_gb,
            workers=settings.workers,
        ) as source:
            names = [f"phantom_{settings.phantom_seed + n:05d}" for n in range(len(source))]
            yield _of_bodies(source, names, settings, table, device=device)
    elif is_body_folder(dataset):
        bodies = BodyFolder(dataset, table=table)
        yield _of_bodies(bodies, bodies.names, settings, table, device=device)
    else:
        yield _of_scans(dataset, settings, table, device=device, cache=cache, quiet=quiet)


def _of_scans(
    dataset: Path, settings: TrainSettings, table: BoneTable, *, device: torch.device, cache: Path, quiet: bool
) -> Material:
    # Only here: bodies and phantoms need no store.
    from sneakynet.data.preparation import Preparation, dataset_spacing, load_cases

    found = open_dataset(dataset, table=table)
    training, validation = _split(found, settings)
    found = replace(found, cases=tuple(case for case in found.cases if case.name in {*training, *validation}))
    spacing = settings.spacing or dataset_spacing(found)
    preparation = Preparation(
        spacing=spacing,
        hu_window=settings.hu_window,
        contexts=settings.used_contexts,
        context_labels=settings.context_labels,
    )
    with Reporter("preparing cases", total=len(found.cases), quiet=quiet) as reporter:
        cases = load_cases(
            found, preparation, cache=cache, progress=lambda done, _, name: reporter.update(done, {"case": name})
        )
    cases = _where_they_fit(cases, device)
    learnt = tuple(case for case in cases if case.name in training)
    data = TrainingData(
        training=lambda _step: learnt,
        validation=[case for case in cases if case.name in validation],
        geometry=_geometry(settings),
        table=table,
        spacing=spacing,
    )
    return Material(data, training, validation, cases)


def _split(dataset: Dataset, settings: TrainSettings) -> Split:
    """As the settings say; else as the dataset does; else by chance."""
    names = [case.name for case in dataset.cases]
    if settings.splits is not None:
        return read_split(settings.splits, fold=settings.fold, cases=names)
    if settings.validation_cases is not None or not dataset.splits:
        return split_cases(names, validation=settings.validation_cases, seed=settings.seed)
    if settings.fold >= len(dataset.splits):
        msg = f"{dataset.folder} has {counted(len(dataset.splits), 'fold')}, from 0; there is no fold {settings.fold}"
        raise SettingError(msg)
    return dataset.splits[settings.fold]


def _of_bodies(
    bodies: Bodies, names: Sequence[str], settings: TrainSettings, table: BoneTable, *, device: torch.device
) -> Material:
    spacing = bodies.spacing
    if settings.spacing is not None and abs(settings.spacing - spacing) > 1e-3 * spacing:
        msg = f"the bodies have {spacing:g} mm, --spacing asks for {settings.spacing:g}; leave it out or make others"
        raise SettingError(msg)
    training, validation = split_cases(names, validation=settings.validation_cases, seed=settings.seed)
    index = {name: n for n, name in enumerate(names)}
    painting = Painting(
        hu_window=settings.hu_window,
        contexts=settings.used_contexts,
        context_labels=settings.context_labels,
        n_classes=table.n_classes,
        scan=ScanSettings(),
        pool=settings.pool,
        every=settings.repaint_every,
    )

    def cases(chosen: Sequence[str], key: int) -> PaintedCases:
        return PaintedCases(bodies, [index[name] for name in chosen], painting, key=(settings.seed, key), device=device)

    held_out = cases(validation, _PAINT_VALIDATION)
    data = TrainingData(
        training=cases(training, _PAINT_TRAINING).at,
        validation=[held_out.paint(number) for number in range(min(len(validation), settings.pool))],
        geometry=_geometry(settings),
        table=table,
        spacing=spacing,
    )
    return Material(data, training, validation, data.validation)


def _where_they_fit(cases: tuple[Case, ...], device: torch.device) -> tuple[Case, ...]:
    """Cases on the GPU that trains if they leave half of its memory free: there, cutting patches costs little."""
    if device.type != "cuda":
        return cases
    free, _ = torch.cuda.mem_get_info(device)
    return tuple(case.to(device) for case in cases) if sum(case.n_bytes for case in cases) < free / 2 else cases


def _geometry(settings: TrainSettings) -> PatchGeometry:
    return PatchGeometry(patch_size=settings.patch_size, contexts=settings.used_contexts)
