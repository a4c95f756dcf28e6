"""A DICOM CT series as one straight, even volume."""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sneakynet.errors import VolumeError
from sneakynet.geometry.affine import LPS_TO_RAS
from sneakynet.geometry.stack import Stack, measure_stack, straighten
from sneakynet.types import Affine
from sneakynet.volumes.dicom_slices import Opener, Series, Slice, ct_series, dicom_files, stored_pixels

_LOG = logging.getLogger(__name__)

# HU of air, for the corners that a tilted stack does not reach.
_AIR = -1024
# Slices whose axes differ by more than 1 degree are another view (a scout in the same series).
_SAME_DIRECTION = np.cos(np.radians(1.0))
_MOST_OUTLIERS = 3
_GIVE_FOLDERS = "\n  or give the folder of each: they lie in folders of their own"


def read_dicom(path: Path, *, series: str | None) -> tuple[np.ndarray, Affine]:
    """Read one CT series.

    Slices are sorted by where they lie, never by name or number. A tilted gantry, uneven or missing slices are
    brought onto a straight, even grid by linear interpolation, with a warning (limits: `sneakynet.geometry.stack`).

    Args:
        path: a folder (searched through all its folders), a zip, or a multi-frame file.
        series: the UID or number (as listed in the message) of the series, where there are several.

    Returns:
        HU ``[column, row, slice]``, slices ascending along the normal, and the affine (RAS+).

    Raises:
        VolumeError: no CT series or several, or one that cannot be made a volume.
    """
    with dicom_files(path) as files:
        slices, stack = stacked_slices(path, files, series=series)
        return _assemble(path, slices, stack)


def stacked_slices(path: Path, files: Mapping[str, Opener], *, series: str | None) -> tuple[tuple[Slice, ...], Stack]:
    """The slices that make the volume of a series.

    Args:
        path: for the messages.
        files: from `dicom_files`.
        series: see `read_dicom`.

    Returns:
        The slices, ascending along their normal, and how they lie.

    Raises:
        VolumeError: see `read_dicom`.
    """
    chosen = _choose(path, ct_series(path, files), series)
    slices = _of_one_kind(path, _without_copies(path, chosen.slices))
    try:
        stack = measure_stack(np.array([one.position for one in slices]), slices[0].in_plane)
    except VolumeError as error:
        msg = f"{path}: {error}"
        raise VolumeError(msg) from error
    return tuple(slices[index] for index in stack.order), stack


def stack_affine(first: Slice, *, start: tuple[int, int], step: float) -> Affine:
    """Column, row and slice index -> world mm (RAS+).

    Args:
        first: the first slice along the normal; its directions and pixels are those of all.
        start: column and row of that slice at which the volume begins.
        step: mm from slice to slice, along the normal.
    """
    affine = np.eye(4)
    affine[:3, 0] = first.in_plane[0] * first.pixel[0]
    affine[:3, 1] = first.in_plane[1] * first.pixel[1]
    affine[:3, 2] = np.cross(*first.in_plane) * step
    affine[:3, 3] = first.position + affine[:3, 0] * start[0] + affine[:3, 1] * start[1]
    return LPS_TO_RAS @ affine


def _choose(path: Path, found: list[Series], wanted: str | None) -> Series:
    if wanted is not None:
        for number, one in enumerate(found, start=1):
            if wanted in {str(number), one.uid}:
                return one
        msg = f"{path}: no series {wanted!r}; choose by number or UID:\n{_listing(found)}"
        raise VolumeError(msg)
    volumes = [one for one in found if len(one.slices) > 1]
    if not volumes:
        msg = (
            f"{path}: a single CT slice ({len(found)} series); give the folder that holds all slices of the series "
            "or a multi-frame file"
        )
        raise VolumeError(msg)
    if len(volumes) > 1:
        apart = len({Path(one.slices[0].name).parent for one in volumes}) == len(volumes)
        msg = (
            f"{path}: {len(volumes)} CT series; say which with --series (in Python series=..., for `sneakynet dicom` "
            "--which), by number or UID:\n"
            f"{_listing(found)}{_GIVE_FOLDERS * apart}"
        )
        raise VolumeError(msg)
    return volumes[0]


def _listing(found: list[Series]) -> str:
    lines = []
    for number, one in enumerate(found, start=1):
        columns, rows = one.slices[0].size
        count = len(one.slices)
        lines.append(
            f"  {number}: {count} slice{'s' * (count > 1)} of {columns}x{rows}, {one.description!r}, UID {one.uid}"
        )
    return "\n".join(lines)


def _without_copies(path: Path, slices: tuple[Slice, ...]) -> list[Slice]:
    """Leave out files that are there twice, byte for byte; UIDs do not tell, as some anonymisers give all files one."""
    by_place: dict[tuple[float, ...], list[Slice]] = {}
    for one in slices:
        by_place.setdefault((*one.position, one.frame or 0), []).append(one)
    unique: list[Slice] = []
    for rivals in by_place.values():
        contents = {_content(one) if len(rivals) > 1 else b"": one for one in reversed(rivals)}
        unique.extend(contents.values())
    if len(unique) < len(slices):
        _LOG.info("%s: %d files are copies of others and were left out", path, len(slices) - len(unique))
    return unique


def _content(one: Slice) -> bytes:
    with one.open() as file:
        return hashlib.sha256(file.read()).digest()


def _of_one_kind(path: Path, slices: list[Slice]) -> list[Slice]:
    """The slices that share direction and size; a few scouts may be left out, a mixture is refused."""
    middle = np.median([one.in_plane for one in slices], axis=0)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True) + 1e-12
    kept = [one for one in slices if (one.in_plane * middle).sum(axis=1).min() >= _SAME_DIRECTION]
    outliers = len(slices) - len(kept)
    if outliers > _MOST_OUTLIERS or len(kept) < 2:
        msg = f"{path}: {outliers} of {len(slices)} slices face another way; put each view in a folder of its own"
        raise VolumeError(msg)
    if outliers:
        _LOG.warning("%s: %d of %d slices face another way (scouts?) and were left out", path, outliers, len(slices))
    kinds = Counter((one.size, tuple(round(step, 4) for step in one.pixel)) for one in kept)
    if len(kinds) > 1:
        listed = "; ".join(
            f"{count} of {size[0]}x{size[1]} pixels of {pixel[0]:g}x{pixel[1]:g} mm"
            for (size, pixel), count in kinds.most_common()
        )
        msg = f"{path}: the slices differ in size ({listed}); put each kind in a folder of its own"
        raise VolumeError(msg)
    if min(kept[0].pixel) <= 0:
        msg = f"{path}: voxel spacing must be positive along every axis, got pixels of {kept[0].pixel} mm"
        raise VolumeError(msg)
    return kept


def _assemble(path: Path, slices: tuple[Slice, ...], stack: Stack) -> tuple[np.ndarray, Affine]:
    first = slices[0]
    _warn(path, stack, pixel=first.pixel)
    voxels, start, step = straighten(_load(path, slices), stack, pixel=first.pixel, fill=_AIR)
    return voxels, stack_affine(first, start=start, step=step)


def _warn(path: Path, stack: Stack, *, pixel: tuple[float, float]) -> None:
    if not stack.straight(pixel):
        _LOG.warning(
            "%s: the slices lean by %.1f degrees (gantry tilt); resampled onto a straight grid", path, stack.tilt
        )
    if not stack.even:
        steps = np.diff(stack.depths)
        _LOG.warning(
            "%s: the slices lie unevenly (%.2f to %.2f mm apart; some may be missing); resampled onto an even grid "
            "of about %.2f mm",
            path,
            steps.min(),
            steps.max(),
            stack.step,
        )


def _load(path: Path, slices: tuple[Slice, ...]) -> np.ndarray:
    """All slices as ``[column, row, slice]``: int16 as long as the values allow, else float32."""
    columns, rows = slices[0].size
    voxels = np.empty((len(slices), rows, columns), dtype=np.int16)
    limits = np.iinfo(np.int16)
    for k, pixels in enumerate(stored_pixels(path, slices)):
        whole = np.issubdtype(pixels.dtype, np.integer)
        if voxels.dtype == np.int16 and not (whole and limits.min <= pixels.min() and pixels.max() <= limits.max):
            voxels = voxels.astype(np.float32)
        voxels[k] = pixels
    return voxels.transpose(2, 1, 0)
