"""One picture per case: the labelled bones, seen from the front and from the left, over a faint radiograph."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Integer
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from sneakynet.anatomy.bone import Bone
from sneakynet.geometry.resample import grid_for, resample
from sneakynet.inference.segmentation import Segmentation
from sneakynet.volumes.atomic import write_whole
from sneakynet.volumes.volume import Volume

View = Literal["coronal", "sagittal"]

PAPER, INK, FAINT = "#0d1016", "#e6e9ef", "#8b93a1"
"""Colours of ground, letters and side remarks, shared by all pictures."""

# Rendering grid: fine enough for a rib, small enough for a second's work.
_FINEST_MM = 1.0
_MOST_VOXELS = 12_000_000
# A bone's surface hides this much of what lies behind it: the spine shines through the sternum.
_OPACITY = 0.72
# The farthest bone keeps this much of its brightness.
_FAR = 0.6
# Towards the viewer, up, and to the picture's left: the lamp of anatomical plates.
_LIGHT = np.array([0.75, 0.5, 0.43], dtype=np.float32)
_AMBIENT = 0.45
# Voxels; takes the stairs out of the surface before its slope is read.
_SMOOTHING = 1.3
_RADIOGRAPH_HU = (-300.0, 700.0)
_RADIOGRAPH = 0.34

_HEIGHT, _DPI = 7.2, 130
_LEGEND_ROW, _LEGEND_COLUMN = 0.15, 1.5


def write_preview(path: str | Path, segmentation: Segmentation, scan: Volume, *, title: str) -> None:
    """Draw a case and write it as PNG, whole or not at all.

    Args:
        path: the file.
        segmentation: what was found.
        scan: the scan it was found in, on the same grid.
        title: stands above the picture.

    Raises:
        OutputError: the file cannot be written.
    """
    figure = draw_preview(segmentation, scan, title=title)
    with write_whole(path) as part:
        figure.savefig(part, format="png", dpi=_DPI, facecolor=PAPER)


def draw_preview(segmentation: Segmentation, scan: Volume, *, title: str) -> Figure:
    """Coronal and sagittal projection side by side, with a scale and the names of the bones.

    The views follow the radiological convention: the patient's right is on the picture's left, and the sagittal view
    is from the patient's left.

    Args:
        segmentation: what was found.
        scan: the scan it was found in, on the same grid.
        title: stands above the picture.

    Returns:
        A figure that belongs to no window.
    """
    pixel, labels, hu = on_picture_grid(segmentation.labels, scan)
    colors = {bone.id: bone.color for bone in segmentation.table}
    pictures = [project(labels, hu, colors=colors, view=view) for view in ("coronal", "sagittal")]
    return _compose(pictures, pixel=pixel, bones=segmentation.present, title=title)


def on_picture_grid(
    labels: Volume, scan: Volume, *, most_voxels: int = _MOST_VOXELS
) -> tuple[float, Integer[np.ndarray, "i j k"], Float[np.ndarray, "i j k"]]:
    """Labels and scan in RAS+ order on a grid of cubes that is fine enough to be drawn.

    Args:
        labels: class ids.
        scan: HU, where the labels lie.
        most_voxels: of the grid.

    Returns:
        Edge of a cube, mm; labels; HU.
    """
    extent = np.array(scan.shape) * np.array(scan.spacing)
    pixel = max(_FINEST_MM, float(np.prod(extent) / most_voxels) ** (1 / 3))
    shape, affine = grid_for(scan.shape, scan.affine, spacing=(pixel, pixel, pixel))
    ids = resample(labels.voxels, labels.affine, to_shape=shape, to_affine=affine, order=0)
    hu = resample(scan.voxels, scan.affine, to_shape=shape, to_affine=affine, order=1, antialias=True)
    return pixel, ids, hu.astype(np.float32, copy=False)


def color_table(colors: Mapping[int, str], *, highest: int) -> Float[np.ndarray, "id 3"]:
    """RGB from 0 to 1 by class id, black for ids without a colour.

    Args:
        colors: class id -> ``#rrggbb``.
        highest: the table reaches at least to this id.
    """
    lut = np.zeros((max([*colors, highest]) + 1, 3), dtype=np.float32)
    for label, color in colors.items():
        lut[label] = rgb(color)
    return lut


def rgb(color: str) -> tuple[float, float, float]:
    """``#rrggbb`` as three numbers from 0 to 1."""
    red, green, blue = (int(color[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return red, green, blue


def project(
    labels: Integer[np.ndarray, "i j k"],
    hu: Float[np.ndarray, "i j k"],
    *,
    colors: Mapping[int, str],
    view: View,
) -> Float[np.ndarray, "row column 3"]:
    """Look through a volume in RAS+ order.

    Args:
        labels: class ids.
        hu: the scan on the same grid, Hounsfield units.
        colors: class id -> ``#rrggbb``.
        view: ``coronal`` from the front, columns from the patient's right to the left; ``sagittal`` from the patient's
            left, columns from anterior to posterior.

    Returns:
        RGB from 0 to 1; row 0 is the lowest.
    """
    labels, hu = _seen_from(labels, view), _seen_from(hu, view)
    lut = color_table(colors, highest=int(labels.max(initial=0)))
    solid = gaussian_filter((labels > 0).astype(np.float32), _SMOOTHING)
    light = np.ones((*labels.shape[1:], 1), dtype=np.float32)  # what still comes through to the viewer
    picture = np.zeros((*labels.shape[1:], 3), dtype=np.float32)
    before = np.zeros_like(labels[0])
    for depth, plane in enumerate(labels):
        entered = (plane > 0) & (plane != before)
        before = plane
        if not entered.any():
            continue
        brightness = _shade(solid, depth)[entered] * (1 - (1 - _FAR) * depth / len(labels))
        picture[entered] += light[entered] * _OPACITY * lut[plane[entered]] * brightness[:, None]
        light[entered] *= 1 - _OPACITY
    picture += light * (np.array(rgb(PAPER), dtype=np.float32) + _radiograph(hu)[..., None])
    return picture.clip(0, 1)


def _seen_from(array: np.ndarray, view: View) -> np.ndarray:
    """Axes: depth away from the viewer, rows upwards, columns to the picture's right."""
    if view == "coronal":
        return array.transpose(1, 2, 0)[::-1, :, ::-1]
    return array.transpose(0, 2, 1)[:, :, ::-1]


def _shade(solid: Float[np.ndarray, "depth row column"], depth: int) -> Float[np.ndarray, "row column"]:
    """Brightness of a surface by how much it faces the light; its normal is the slope of the smoothed bone."""
    ahead, behind = solid[min(depth + 1, len(solid) - 1)], solid[max(depth - 1, 0)]
    away = (ahead - behind) / 2
    up, across = (np.gradient(solid[depth], axis=a) if solid.shape[a + 1] > 1 else 0 * away for a in (0, 1))
    length = np.sqrt(away**2 + up**2 + across**2) + 1e-6
    # The bone lies ahead, so its surface faces against the slope, towards the viewer.
    facing = (_LIGHT[0] * away - _LIGHT[1] * up + _LIGHT[2] * across) / length
    brightness: Float[np.ndarray, "row column"] = _AMBIENT + (1 - _AMBIENT) * facing.clip(0, 1)
    return brightness


def _radiograph(hu: Float[np.ndarray, "depth row column"]) -> Float[np.ndarray, "row column"]:
    low, high = _RADIOGRAPH_HU
    shadow = np.zeros(hu.shape[1:], dtype=np.float32)
    for plane in hu:
        shadow += (plane.clip(low, high) - low) / (high - low)
    darkest, brightest = np.percentile(shadow, [1, 99.7])
    grey: Float[np.ndarray, "row column"] = ((shadow - darkest) / max(float(brightest - darkest), 1e-6)).clip(0, 1)
    return _RADIOGRAPH * grey


def _compose(
    pictures: Sequence[Float[np.ndarray, "_ _ 3"]], *, pixel: float, bones: Sequence[Bone], title: str
) -> Figure:
    tall = max(picture.shape[0] for picture in pictures)
    top, foot, gap = 0.55, 0.3, 0.35  # inches
    scale = min(
        (_HEIGHT - top - foot) / tall, 2 * _HEIGHT / sum(p.shape[1] for p in pictures)
    )  # inches per pixel; a flat scan is as wide as it may be
    widths = [picture.shape[1] * scale for picture in pictures]
    high = max(tall * scale + top + foot, 3.0)
    rows = int((high - top - foot) / _LEGEND_ROW)
    wide = max(gap + sum(width + gap for width in widths) + -(-len(bones) // rows) * _LEGEND_COLUMN, 6.0)
    figure = Figure(figsize=(wide, high), facecolor=PAPER)
    figure.text(gap / wide, 1 - 0.3 / high, title, color=INK, fontsize=12, weight="bold", va="center", parse_math=False)
    left = gap
    for picture, width, (right_letter, left_letter) in zip(pictures, widths, (("L", "R"), ("P", "A")), strict=True):
        height = picture.shape[0] * scale
        axes = figure.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))
        axes.imshow(picture, origin="lower", interpolation="bicubic", aspect="auto")
        axes.set_axis_off()
        _letters(axes, left=left_letter, right=right_letter)
        left += width + gap
    _scale_bar(figure, at=gap, inches_per_mm=scale / pixel, size=(wide, high))
    _legend(figure, bones, rows=rows, corner=(left, top), size=(wide, high))
    return figure


def _letters(axes: Axes, *, left: str, right: str) -> None:
    places = {left: (0.015, 0.5), right: (0.985, 0.5), "H": (0.5, 0.985), "F": (0.5, 0.015)}
    align = {left: ("left", "center"), right: ("right", "center"), "H": ("center", "top"), "F": ("center", "bottom")}
    for letter, (x, y) in places.items():
        ha, va = align[letter]
        axes.text(x, y, letter, color=INK, fontsize=10, ha=ha, va=va, transform=axes.transAxes)


def _scale_bar(figure: Figure, *, at: float, inches_per_mm: float, size: tuple[float, float]) -> None:
    wide, high = size
    length = next((mm for mm in (100, 50, 20, 10, 5, 2) if mm * inches_per_mm < 2.0), 1)
    axes = figure.add_axes((at / wide, 0.1 / high, length * inches_per_mm / wide, 0.04 / high))
    axes.set_facecolor(INK)
    axes.set_xticks([])
    axes.set_yticks([])
    figure.text(
        (at + length * inches_per_mm + 0.08) / wide, 0.12 / high, f"{length} mm", color=FAINT, fontsize=8, va="center"
    )


def _legend(
    figure: Figure, bones: Sequence[Bone], *, rows: int, corner: tuple[float, float], size: tuple[float, float]
) -> None:
    wide, high = size
    left, top = corner
    if not bones:
        figure.text(1 - 0.2 / wide, 1 - 0.3 / high, "no bone found", color=FAINT, fontsize=9, va="center", ha="right")
    for n, bone in enumerate(bones):
        column, row = divmod(n, rows)
        x, y = (left + column * _LEGEND_COLUMN) / wide, 1 - (top + (row + 0.5) * _LEGEND_ROW) / high
        figure.text(x, y, "■", color=bone.color, fontsize=8, va="center")
        figure.text(x + 0.14 / wide, y, bone.name, color=FAINT, fontsize=6.5, va="center")
