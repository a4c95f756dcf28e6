"""What the viewer's page shows: a folder of files, and ``view.json``, which tells the page of them.

The page (``web/index.html`` and what lies beside it) is static. It asks for ``niivue.js`` beside itself and for
``data/view.json``, or for the address on its own site that its query names: ``index.html?data=../cases/7/view.json``.
Addresses within ``view.json`` count from the place of ``view.json`` itself, so that a folder from `write_view` can be
served from anywhere as it is.

``view.json``::

    {"format": "sneakynet view", "format_version": 1, "title": "ct",
     "notices": ["the scan is shown at ..."],
     "scan": {"url": "scan.nii", "name": "ct.nii.gz", "averaged": [2, 2, 1], "hu": [-1024, 3071]},
     "layers": [{"key": "labels", "title": "Labels", "name": "ct_labels.nii.gz", "url": "labels.nii",
                 "meshes": {"state": "making", "done": 3, "total": 24},
                 "glb": null,
                 "bones": [{"id": 1, "name": "skull", "side": null, "group": "skull", "color": "#d0b060",
                            "voxels": 4711, "volume_ml": 31.2, "centroid_mm": [x, y, z], "focus_mm": [x, y, z],
                            "touches_edge": false, "mesh": null, "stl": null}]}]}

World mm are RAS+. ``focus_mm`` is the voxel of the bone nearest to its centroid, which may lie outside. ``state`` of
the surfaces is ``none`` (nobody makes them), ``waiting``, ``making`` (the page asks again every second), ``ready`` or
``failed`` (with ``why``).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.anatomy.ignored import ignored
from sneakynet.errors import VolumeError
from sneakynet.evaluation.bone_statistics import BoneStatistics, bone_statistics
from sneakynet.evaluation.same_grid import same_grid
from sneakynet.geometry.affine import to_world
from sneakynet.viewer.browser.reduced import factors_for, reduced_labels, reduced_scan
from sneakynet.volumes.atomic import make_folder, write_whole
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels, write_scan

MANIFEST = "view.json"
LIMIT = 64_000_000
"""Voxels that are shown at once: NiiVue holds 4 bytes of each, twice, on the graphics card."""

FULL_LABELS = "{key}_full.nii"
"""Labels that surfaces are made of, where those that are shown were reduced."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A label map to show.

    Args:
        key: names its files: ``labels`` or ``reference``.
        title: what the page calls it.
        name: of the file it comes from.
        labels: ids of the bone table (see ``evaluation.translation``), on any grid; voxels that count nowhere are not
            shown.
    """

    key: str
    title: str
    name: str
    labels: Volume


def write_view(
    folder: str | Path,
    scan: Volume,
    layers: Sequence[Layer] = (),
    *,
    table: BoneTable,
    name: str,
    limit: int | None = LIMIT,
    compress: bool = False,
    surfaces: bool = True,
    remedy: str | None = None,
) -> dict[str, Any]:
    """Write what the page needs for its first picture. Surfaces come later, from `write_view_meshes`.

    Args:
        folder: made if it is not there; files of an earlier view in it are replaced.
        scan: Hounsfield units, as `read_volume` gives it.
        layers: label maps of the same patient; each may lie on a grid of its own.
        table: the bones behind their ids.
        name: of the scan, shown as the page's title.
        limit: voxels of a volume that are shown; what has more is averaged, or of labels every n-th voxel is taken,
            and ``notices`` says so. None shows everything.
        compress: write ``.nii.gz``, for pages that are read over a network.
        surfaces: whether `write_view_meshes` will follow; the page waits for it.
        remedy: how to see everything, a sentence for ``notices``.

    Returns:
        The content of ``view.json``.

    Raises:
        VolumeError: a label map lies nowhere near the scan.
        BoneTableError: a label is not in the table.
        OutputError: the folder cannot be written.
    """
    folder = Path(folder)
    make_folder(folder)
    ending = ".nii.gz" if compress else ".nii"
    scan = canonical(scan)
    factors = (1, 1, 1) if limit is None else factors_for(scan.shape, scan.spacing, limit=limit)
    notices = []
    if factors != (1, 1, 1):
        notices.append(
            f"The scan has {_shape(scan)} voxels and is shown at {_shape(scan, factors)}: averages over "
            f"{' x '.join(map(str, factors))} voxels. {'' if remedy is None else remedy + ' '}"
            "Surfaces and volumes are of all voxels."
        )
    described = []
    for layer in layers:
        labels = canonical(layer.labels)
        _check_place(labels, scan, name=layer.name)
        if not same_grid(labels, scan):
            notices.append(f"{layer.name} lies on another grid than the scan and is shown where its voxels lie.")
        described.append(_write_layer(folder, layer, labels, table=table, limit=limit, ending=ending))
        described[-1]["meshes"] = {"state": "waiting" if surfaces else "none"}
    shown = reduced_scan(scan, factors)
    write_scan(folder / f"scan{ending}", shown)
    span = [int(shown.voxels.min()), int(shown.voxels.max())]
    manifest: dict[str, Any] = {
        "format": "sneakynet view",
        "format_version": 1,
        "title": name,
        "notices": notices,
        "scan": {"url": f"scan{ending}", "name": name, "averaged": list(factors), "hu": span},
        "layers": described,
    }
    write_manifest(folder, manifest)
    return manifest


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write ``view.json``, whole: a page may be reading it.

    Args:
        folder: of the view.
        manifest: its content.

    Raises:
        OutputError: the folder cannot be written.
    """
    with write_whole(folder / MANIFEST) as part:
        part.write_text(json.dumps(manifest), encoding="utf-8")


def _write_layer(
    folder: Path, layer: Layer, labels: Volume, *, table: BoneTable, limit: int | None, ending: str
) -> dict[str, Any]:
    bones = bone_statistics(labels, None, table=table)
    labels = Volume(_without_ignored(labels.voxels, table), labels.affine)
    factors = (1, 1, 1) if limit is None else factors_for(labels.shape, labels.spacing, limit=limit)
    shown = reduced_labels(labels, factors)
    names, colors = {bone.id: bone.name for bone in table}, {bone.id: bone.color for bone in table}
    full = folder / FULL_LABELS.format(key=layer.key)
    full.unlink(missing_ok=True)
    if factors != (1, 1, 1):
        write_labels(full, labels, names=names, colors=colors, sidecar=False)
    write_labels(folder / f"{layer.key}{ending}", shown, names=names, colors=colors, sidecar=False)
    boxes = ndimage.find_objects(shown.voxels, max_label=max((bone.id for bone in bones), default=0))
    return {
        "key": layer.key,
        "title": layer.title,
        "name": layer.name,
        "url": f"{layer.key}{ending}",
        "glb": None,
        "bones": [_described(bone, table.by_id(bone.id), shown, boxes[bone.id - 1]) for bone in bones],
    }


def _described(found: BoneStatistics, bone: Bone, shown: Volume, box: tuple[slice, ...] | None) -> dict[str, Any]:
    return {
        "id": bone.id,
        "name": bone.name,
        "side": bone.side,
        "group": bone.group or "other",
        "color": bone.color,
        "voxels": found.voxels,
        "volume_ml": found.volume_ml,
        "centroid_mm": list(found.centroid_mm),
        "focus_mm": list(found.centroid_mm) if box is None else _focus(found, shown, box),
        "touches_edge": found.touches_edge,
        "mesh": None,
        "stl": None,
    }


def _focus(found: BoneStatistics, shown: Volume, box: tuple[slice, ...]) -> list[float]:
    """The centre of the bone's voxel nearest to its centroid."""
    there = np.argwhere(shown.voxels[box] == found.id) + [part.start for part in box]
    points = to_world(shown.affine, there.astype(np.float64))
    nearest = points[np.square(points - found.centroid_mm).sum(axis=1).argmin()]
    return [round(float(x), 2) for x in nearest]


def _without_ignored(labels: np.ndarray, table: BoneTable) -> np.ndarray:
    """A copy, in as small a type as holds the table, in which what counts nowhere is background."""
    unknown = ignored(labels.dtype)
    lut = np.arange(unknown + 1, dtype=np.uint16)
    if unknown >= table.n_classes:
        lut[unknown] = 0
    if table.n_classes <= 256:
        lut = lut.astype(np.uint8)  # what lies above was refused
    known: np.ndarray = lut[labels]
    return known


def _check_place(labels: Volume, scan: Volume, *, name: str) -> None:
    """Refuse labels of another patient's place: the boxes of the two do not meet."""

    def box(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
        corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(volume.shape) - 1.0)
        points = to_world(volume.affine, corners)
        return points.min(axis=0), points.max(axis=0)

    (low, high), (scan_low, scan_high) = box(labels), box(scan)
    if (low > scan_high).any() or (scan_low > high).any():
        msg = (
            f"{name} lies from {_mm(low)} to {_mm(high)} mm and the scan from {_mm(scan_low)} to {_mm(scan_high)}: "
            "they do not meet; give the label map of this scan"
        )
        raise VolumeError(msg)


def _shape(volume: Volume, factors: tuple[int, int, int] = (1, 1, 1)) -> str:
    return " x ".join(str(-(-n // f)) for n, f in zip(volume.shape, factors, strict=True))


def _mm(point: np.ndarray) -> str:
    return "(" + ", ".join(f"{x:.0f}" for x in point) + ")"
