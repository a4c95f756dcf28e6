"""Writing label maps and scans, whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from sneakynet.errors import SettingError, VolumeError
from sneakynet.types import Affine
from sneakynet.volumes.atomic import write_whole
from sneakynet.volumes.checks import as_labels
from sneakynet.volumes.label_extension import label_extension, rgb
from sneakynet.volumes.seg_nrrd import write_seg_nrrd
from sneakynet.volumes.volume import Volume

NIFTI_ENDINGS = (".nii.gz", ".nii")
SLICER_ENDING = ".seg.nrrd"


def write_labels(
    path: str | Path,
    labels: Volume,
    *,
    names: Mapping[int, str],
    colors: Mapping[int, str],
    sidecar: bool = True,
) -> None:
    """Write a label map with the names of its labels.

    Args:
        path: ending in `.nii.gz` or `.nii` (names of all labels in a header extension, as TotalSegmentator writes
            them) or `.seg.nrrd` (3D Slicer; the labels that occur become segments).
        labels: class ids; written as uint8, or uint16 where an id is above 255.
        names: class id -> name, for every label that occurs.
        colors: class id -> ``#rrggbb``, for every name.
        sidecar: beside a NIfTI file also write ``<case>.labels.json`` with ids, names and colours.

    Raises:
        SettingError: another ending, or a name without a colour.
        VolumeError: ids that are no whole numbers from 0 to 65535, or that have no name.
        OutputError: the file cannot be written there.
    """
    path = Path(path)
    ending = _ending(path, (*NIFTI_ENDINGS, SLICER_ENDING))
    names = {label: name for label, name in names.items() if label != 0}
    for label, name in names.items():
        if label not in colors:
            msg = f"label {label} ({name}) has no colour; give one as #rrggbb"
            raise SettingError(msg)
        rgb(colors[label])
    voxels = as_labels("labels", labels.voxels)
    found = enumerate(ndimage.find_objects(voxels), start=1)
    boxes = {label: (box[0], box[1], box[2]) for label, box in found if box is not None}
    unnamed = sorted(set(boxes) - set(names))
    if unnamed:
        msg = f"labels {unnamed} occur but have no name; the table ends at {max(names, default=0)}"
        raise VolumeError(msg)
    labels = Volume(voxels, labels.affine)
    if ending == SLICER_ENDING:
        with write_whole(path) as part:
            write_seg_nrrd(part, labels, boxes=boxes, names=names, colors=colors)
        return
    image = _nifti(voxels, labels.affine)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, label_extension(names, colors)))
    if sidecar:
        listed = [{"id": label, "name": name, "color": colors[label]} for label, name in names.items()]
        with write_whole(path.with_name(path.name[: -len(ending)] + ".labels.json")) as part:
            part.write_text(json.dumps({"format": "sneakynet-labels", "version": 1, "labels": listed}, indent=1))
    with write_whole(path) as part:
        nibabel.save(image, part)


def write_scan(path: str | Path, scan: Volume) -> None:
    """Write a scan as int16 NIfTI.

    Args:
        path: ending in `.nii.gz` or `.nii`.
        scan: HU; fractions are rounded.

    Raises:
        SettingError: another ending.
        VolumeError: NaN, or HU outside the range of int16.
        OutputError: the file cannot be written there.
    """
    path = Path(path)
    _ending(path, NIFTI_ENDINGS)
    voxels = scan.voxels
    if voxels.dtype != np.int16:
        limits = np.iinfo(np.int16)
        low, high = float(voxels.min()), float(voxels.max())
        if not (limits.min <= low and high <= limits.max):
            msg = f"{path}: HU from {low:g} to {high:g} do not fit into int16 ({limits.min} to {limits.max}); clip them"
            raise VolumeError(msg)
        voxels = np.rint(voxels).astype(np.int16)
    image = _nifti(voxels, scan.affine)
    with write_whole(path) as part:
        nibabel.save(image, part)


def _ending(path: Path, allowed: tuple[str, ...]) -> str:
    for ending in allowed:
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return ending
    msg = f"{path}: the name must end in {' or '.join(allowed)}, which chooses the format"
    raise SettingError(msg)


def _nifti(voxels: np.ndarray, affine: Affine) -> nibabel.Nifti1Image:
    """An image that gives the same affine when it is read, to the last bit where float32 headers can hold it."""
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, code="scanner")
    image.set_sform(affine, code="scanner")
    if np.array_equal(image.get_sform(), affine):
        # A quaternion holds no shear; where it would contradict the sform it is left out.
        if not np.allclose(image.get_qform(), affine, rtol=1e-5, atol=1e-4):
            image.set_qform(None, code="unknown")
    elif np.array_equal(image.get_qform(), affine):
        # Read from a header whose quaternion alone gives it.
        image.set_sform(None, code="unknown")
    elif not np.allclose(image.get_qform(), affine, rtol=1e-5, atol=1e-4):
        image.set_qform(None, code="unknown")
    return image
