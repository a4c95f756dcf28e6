"""Many cases on one sheet: projections and slices of each, plain and with its labels in colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sneakynet.anatomy.bone import BoneTable
from sneakynet.viewer.preview import FAINT, INK, PAPER, color_table, on_picture_grid, project
from sneakynet.viewer.slice import Plane, busiest, covered, facing, windowed
from sneakynet.volumes.atomic import write_whole
from sneakynet.volumes.volume import Volume

_PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")

COLUMNS = ("front", "left", *(plane for plane in _PLANES for _ in range(2)))
"""Of a case's row: two projections, and each slice plain and with labels."""

# Enough for a picture of 250 pixels; twenty cases take some seconds.
_MOST_VOXELS = 2_500_000
_UNKNOWN = "#5a5f6b"
_CELL, _DPI = 1.75, 100
_TOP, _CAPTION, _GAP = 0.35, 0.24, 0.06  # inches


@dataclass(frozen=True, eq=False)
class SheetCase:
    """What a sheet shows of a case.

    Args:
        caption: stands above its row.
        scan: HU.
        labels: ids of the table, 0 for background; other ids are shown in grey, as not known.
    """

    caption: str
    scan: Volume
    labels: Volume


def write_contact_sheet(path: str | Path, cases: Sequence[SheetCase], *, table: BoneTable) -> None:
    """Draw cases and write the sheet as PNG, whole or not at all.

    Args:
        path: the file.
        cases: from top to bottom, at least one.
        table: gives the labels their colours.

    Raises:
        OutputError: the file cannot be written.
    """
    figure = draw_contact_sheet(cases, table=table)
    with write_whole(path) as part:
        figure.savefig(part, format="png", dpi=_DPI, facecolor=PAPER)


def draw_contact_sheet(cases: Sequence[SheetCase], *, table: BoneTable) -> Figure:
    """One row per case, columns as in ``COLUMNS``.

    Slices pass where they meet the most bone. The patient's right is on the picture's left; in sagittal pictures
    anterior is. Each picture fills its cell, in the patient's proportions.

    Args:
        cases: from top to bottom, at least one.
        table: gives the labels their colours.

    Returns:
        A figure that belongs to no window.
    """
    row = _CAPTION + _CELL + _GAP
    wide, high = _GAP + len(COLUMNS) * (_CELL + _GAP), _TOP + len(cases) * row
    figure = Figure(figsize=(wide, high), facecolor=PAPER)
    for column, name in enumerate(COLUMNS):
        x = (_GAP + column * (_CELL + _GAP) + _CELL / 2) / wide
        figure.text(x, 1 - _TOP / 2 / high, name, color=FAINT, fontsize=9, ha="center", va="center")
    for n, case in enumerate(cases):
        top = _TOP + n * row
        y = 1 - (top + _CAPTION / 2) / high
        figure.text(2 * _GAP / wide, y, case.caption, color=INK, fontsize=9, va="center", parse_math=False)
        for column, picture in enumerate(_pictures(case, table)):
            corner = ((_GAP + column * (_CELL + _GAP)) / wide, 1 - (top + _CAPTION + _CELL) / high)
            _show(figure.add_axes((*corner, _CELL / wide, _CELL / high)), picture)
    return figure


def _pictures(case: SheetCase, table: BoneTable) -> list[Float[np.ndarray, "_ _ 3"]]:
    """RGB from 0 to 1 in the order of ``COLUMNS``; row 0 is the lowest."""
    _, labels, hu = on_picture_grid(case.labels, case.scan, most_voxels=_MOST_VOXELS)
    known = np.isin(labels, [bone.id for bone in table])
    bones = np.where(known, labels, 0)
    colors = {bone.id: bone.color for bone in table}
    pictures = [project(bones, hu, colors=colors, view=view) for view in ("coronal", "sagittal")]
    lut = color_table({**colors, **dict.fromkeys(set(np.unique(labels[~known]).tolist()) - {0}, _UNKNOWN)}, highest=0)
    for plane in _PLANES:
        at = busiest(bones, plane)
        grey = windowed(facing(hu, plane, at))
        pictures += [grey, covered(grey, facing(labels, plane, at), lut)]
    return pictures


def _show(axes: Axes, picture: Float[np.ndarray, "_ _ 3"]) -> None:
    axes.imshow(picture, origin="lower", interpolation="bilinear")
    axes.set_axis_off()
