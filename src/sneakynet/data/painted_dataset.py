"""A dataset painted from one real label map: the same shapes again and again, never the same scan."""

import logging
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.case_writer import MadeCase, MadeScan, Series, write_cases
from sneakynet.phantom.body import Body
from sneakynet.phantom.label_map import draw_body
from sneakynet.phantom.label_map_settings import LabelMapSettings, check_settings
from sneakynet.phantom.phantom import painted, seen_labels
from sneakynet.phantom.prepared_map import LabelMap, level_faults, prepare
from sneakynet.phantom.scan import ScanSettings, draw_scan
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)

RECORDS = "paintings"


@dataclass(frozen=True)
class Template:
    """A label map and what is made of it.

    Args:
        labels: the file.
        names: label -> name, as pairs.
        spacing: of what is painted, mm per voxel.
        shape: how bodies differ.
        scan: what acquisitions are drawn from.
    """

    labels: Path
    names: tuple[tuple[int, str], ...]
    spacing: float
    shape: LabelMapSettings = field(default_factory=LabelMapSettings)
    scan: ScanSettings = field(default_factory=ScanSettings)

    @property
    def name(self) -> str:
        """Of the file, without its endings."""
        return self.labels.name.split(".")[0]


def write_paintings(
    folder: Path, template: Template, *, count: int, seed: int, bodies: bool = False, workers: int = 1
) -> Generator[MadeCase, None, None]:
    """Write paintings ``seed`` to ``seed + count - 1`` of a label map, yielding each as it is done.

    Args:
        folder: see ``write_cases``; the paintings of several label maps may share one.
        template: what to paint.
        count: how many.
        seed: of the first, not negative.
        bodies: write bodies to be painted in training, in place of scans.
        workers: processes.

    Raises:
        SettingError: a value outside what is allowed, or the folder holds paintings of other settings.
        VolumeError: the label map cannot be read, or holds no bone.
        BoneTableError: no label is named as a bone of the table.
        OutputError: the folder cannot be written.
    """
    check_settings(template.shape, spacing=template.spacing)
    # Before anything is written: whatever is wrong with the map is found here.
    source = _prepared(template)
    for note in (*source.notes, *level_faults(source, stretch=template.shape.stretch)):
        _LOG.warning("%s: %s", template.labels, note)
    settings: dict[str, Any] = {
        "labels": template.labels.name,
        "names": {str(label): name for label, name in template.names},
        "spacing": template.spacing,
        "bodies": bodies,
        "shape": asdict(template.shape),
        "scan": asdict(template.scan),
    }
    series = Series(
        prefix=template.name,
        records=RECORDS,
        make=partial(_body if bodies else _scan, template),
        settings=settings,
        spacing=template.spacing,
        table=BoneTable.default(),
        about={"name": "sneakynet paintings", "licence": "that of the label maps they were painted from"},
    )
    yield from write_cases(folder, series, count=count, seed=seed, bodies=bodies, workers=workers)


@cache
def _prepared(template: Template) -> LabelMap:
    """Once per process: what takes longest is the same for all paintings."""
    return prepare(read_labels(template.labels), names=dict(template.names))


def _body(template: Template, seed: int) -> Body:
    # One stream per step: a change in the scanner leaves bodies as they are.
    made = draw_body(
        _prepared(template), spacing=template.spacing, settings=template.shape, rng=np.random.default_rng([seed, 0])
    )
    made.facts["labels"] = template.labels.name
    return made


def _scan(template: Template, seed: int) -> MadeScan:
    body = _body(template, seed)
    draw = draw_scan(np.random.default_rng([seed, 1]), template.scan, age=body.age)
    return MadeScan(painted(body, draw), Volume(seen_labels(body, draw), body.affine), body.facts)
