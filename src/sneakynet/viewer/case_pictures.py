"""A case's labels beside its reference, as small pictures that a page can carry."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer
from PIL import Image

from sneakynet.anatomy.bone import BoneTable
from sneakynet.geometry.resample import resample
from sneakynet.viewer.preview import PAPER, color_table, rgb
from sneakynet.viewer.slice import ACROSS, Plane, busiest, covered, facing, windowed
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

PLANES: tuple[Plane, ...] = ("coronal", "axial")

# Longer edge in pixels, and mm around the labels.
_EDGE, _MARGIN_MM = 320, 20.0
_COVER = 0.7  # of a label over the scan
_JPEG_QUALITY = 82
_FOUND, _WRONG = "#4a5261", "#ff7a1a"  # told apart by brightness, too


@dataclass(frozen=True)
class SlicePictures:
    """A slice of one case, thrice.

    Args:
        plane: of the slice.
        reference: the reference's labels in their colours, as a ``data:`` address.
        prediction: the prediction's.
        difference: voxels of a bone that were called something else, bright, and those called right, dark.
        wrong: voxels of the slice that were called something else.
        width: of the pictures, pixels.
        height: of the pictures, pixels.
    """

    plane: Plane
    reference: str
    prediction: str
    difference: str
    wrong: int
    width: int
    height: int


def case_pictures(
    prediction: Volume, reference: Volume, *, scan: Volume | None, table: BoneTable
) -> tuple[SlicePictures, ...]:
    """Draw the slices in which the most is wrong.

    Args:
        prediction: labels of the table.
        reference: labels of the table on the same grid; labels that it does not hold are not known, and not wrong.
        scan: HU on any grid, to lie beneath; None shows the labels alone.
        table: gives the labels their colours.

    Returns:
        One per plane of ``PLANES``; the patient's right is on the picture's left.
    """
    prediction, reference = canonical(prediction), canonical(reference)
    unknown = reference.voxels > len(table)
    truth = np.where(unknown, 0, reference.voxels)
    wrong = (prediction.voxels != truth) & ~unknown
    hu = None if scan is None else _on_grid(canonical(scan), reference)
    found = prediction.voxels
    lut = color_table({bone.id: bone.color for bone in table}, highest=int(found.max(initial=0)))
    drawn = []
    for plane in PLANES:
        # Where nothing is wrong, the slice with the most bone says more than one at the edge.
        at = busiest(wrong if wrong.any() else truth, plane)
        labels = (facing(array, plane, at) for array in (truth, found, wrong))
        ground = None if hu is None else facing(hu, plane, at)
        drawn.append(_drawn(plane, *labels, hu=ground, lut=lut, steps=_steps(reference, plane)))
    return tuple(drawn)


def _on_grid(scan: Volume, reference: Volume) -> Float[np.ndarray, "i j k"]:
    """The scan where the reference's voxels lie."""
    if scan.shape == reference.shape and np.allclose(scan.affine, reference.affine, atol=1e-3):
        return scan.voxels.astype(np.float32)
    there = resample(scan.voxels, scan.affine, to_shape=reference.shape, to_affine=reference.affine, order=1)
    return there.astype(np.float32, copy=False)


def _steps(grid: Volume, plane: Plane) -> tuple[float, float]:
    """Mm per row and per column of a slice."""
    across, up = (step for axis, step in enumerate(grid.spacing) if axis != ACROSS[plane])
    return up, across


def _drawn(
    plane: Plane,
    truth: Integer[np.ndarray, "row column"],
    found: Integer[np.ndarray, "row column"],
    wrong: Bool[np.ndarray, "row column"],
    *,
    hu: Float[np.ndarray, "row column"] | None,
    lut: Float[np.ndarray, "id 3"],
    steps: tuple[float, float],
) -> SlicePictures:
    """Draw one slice, as much of it as holds labels and a little more.

    Args:
        plane: of the slice.
        truth: the reference's labels.
        found: the prediction's.
        wrong: what is wrong.
        hu: what lies beneath, if anything.
        lut: colours of the labels.
        steps: mm per row and column.
    """
    part = _part((truth > 0) | (found > 0), steps)
    truth, found, wrong = truth[part], found[part], wrong[part]
    high, wide = (n * step for n, step in zip(truth.shape, steps, strict=True))
    size = max(1, round(_EDGE * wide / max(high, wide))), max(1, round(_EDGE * high / max(high, wide)))
    if hu is not None:
        beneath = Image.fromarray(np.ascontiguousarray(hu[part][::-1])).resize(size, Image.Resampling.BILINEAR)
        ground = windowed(np.asarray(beneath))
    else:
        ground = np.full((size[1], size[0], 3), rgb(PAPER), dtype=np.float32)

    def picture(ids: Integer[np.ndarray, "row column"], colors: Float[np.ndarray, "id 3"]) -> str:
        image = Image.fromarray(ids.astype(np.int32)[::-1]).resize(size, Image.Resampling.NEAREST)
        shown = covered(ground, np.asarray(image), colors, cover=1.0 if hu is None else _COVER)
        return _address(shown, lossless=hu is None)

    marked = np.where(wrong, 2, truth > 0).astype(np.uint8)
    marks = color_table({1: _FOUND, 2: _WRONG}, highest=2)
    return SlicePictures(
        plane,
        reference=picture(truth, lut),
        prediction=picture(found, lut),
        difference=picture(marked, marks),
        wrong=int(wrong.sum()),
        width=size[0],
        height=size[1],
    )


def _part(mask: Bool[np.ndarray, "row column"], steps: tuple[float, float]) -> tuple[slice, slice]:
    """Rows and columns around what is true; all of them where nothing is."""
    sides = []
    for axis, step in enumerate(steps):
        along = np.flatnonzero(mask.any(1 - axis))
        margin = round(_MARGIN_MM / step)
        sides.append(slice(max(0, int(along[0]) - margin), int(along[-1]) + 1 + margin) if along.size else slice(None))
    rows, columns = sides
    return rows, columns


def _address(picture: Float[np.ndarray, "row column 3"], *, lossless: bool) -> str:
    """The picture as text that a page can hold."""
    image = Image.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8))
    file = io.BytesIO()
    if lossless:
        image.quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    else:
        image.save(file, "JPEG", quality=_JPEG_QUALITY)
    kind = "png" if lossless else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
