"""All bones of a label map as surfaces."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkDoubleArray
from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import SettingError
from sneakynet.evaluation.bone_statistics import BoneStatistics, bone_statistics
from sneakynet.evaluation.slabs import slabs
from sneakynet.export.meshes.bone_mesh import BoneMesh
from sneakynet.export.meshes.borders import Borders, find_borders
from sneakynet.export.meshes.closed import closed_surface
from sneakynet.export.meshes.fitted import fitted, vertex_normals
from sneakynet.export.meshes.simplified import simplified
from sneakynet.export.meshes.smoothing import smoothed
from sneakynet.geometry.affine import to_world
from sneakynet.phantom.surface import Surface, to_vtk
from sneakynet.types import Affine, LabelArray
from sneakynet.volumes.volume import Volume

_OFF = 0.01
"""Of a bone's volume, that its surface may enclose more or less."""

_SHARES = (1.0, 0.5, 0.25, 0.0)
"""Of the smoothing (and of the error), until the volume is right: a bone of a few voxels would be smoothed away."""

_SAMPLE = 500
"""Points of a bone that its deviation is measured at."""


@dataclass(frozen=True)
class MeshSettings:
    """How surfaces are made of voxels."""

    smooth: float = 0.65
    """How much of the voxels' stairs is taken away: 0 nothing, 1 the most."""
    error: float = 0.2
    """Mm that a surface may move by, about, so that it needs fewer triangles; 0 keeps all."""


def check_mesh_settings(settings: MeshSettings) -> None:
    """Refuse what no surface can be made with.

    Raises:
        SettingError: a value outside what is allowed.
    """
    if not 0 <= settings.smooth <= 1:
        msg = f"--smooth is 0 (the voxels' stairs) to 1, got {settings.smooth:g}"
        raise SettingError(msg)
    if not 0 <= settings.error <= 10:
        msg = f"--error is 0 (every triangle) to 10 mm, got {settings.error:g}"
        raise SettingError(msg)


def bone_meshes(
    labels: Volume,
    *,
    table: BoneTable,
    bones: Collection[str] | None = None,
    settings: MeshSettings | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[BoneMesh, ...]:
    """Make a surface of every bone that a label map holds.

    Args:
        labels: ids of the table, on any grid.
        table: the bones behind the ids.
        bones: names of those that are wanted, all by default; the others are background.
        settings: how; the defaults when not given.
        progress: told how many bones are done, and of how many.

    Returns:
        One mesh per bone that is there, in the order of the ids. Where two bones touch, both have the same triangles.

    Raises:
        SettingError: a setting outside what is allowed.
        BoneTableError: a label is not in the table.
    """
    settings = MeshSettings() if settings is None else settings
    check_mesh_settings(settings)
    found = [b for b in bone_statistics(labels, None, table=table) if bones is None or b.name in bones]
    if not found:
        return ()
    voxels, affine = _cropped(labels, [bone.id for bone in found])
    spacing = labels.spacing
    borders = find_borders(voxels)
    del voxels
    points = smoothed(borders, spacing=spacing, smooth=settings.smooth)
    # Points are in mm along the voxels' axes: what is left of the affine turns (and perhaps mirrors or shears) them.
    affine = affine @ np.diag([*(1 / step for step in spacing), 1.0])
    meshes = []
    # One after the other: Manifold holds the interpreter's lock, and threads gained nothing.
    for n, bone in enumerate(found):
        progress(n, len(found))
        of = table.by_id(bone.id)
        meshes.append(_bone_mesh(bone, of, borders, points, affine, settings=settings, spacing=spacing))
    progress(len(found), len(found))
    return tuple(meshes)


def _cropped(labels: Volume, ids: list[int]) -> tuple[LabelArray, Affine]:
    """The box of the wanted labels, the others 0, as small a type as holds them; and its affine."""
    lut = np.zeros(int(labels.voxels.max()) + 1, dtype=np.uint8 if max(ids) <= 255 else np.uint16)
    lut[ids] = ids
    low, high = np.array(labels.shape), np.zeros(3, dtype=np.int64)
    for slab in slabs(labels.voxels):
        wanted: np.ndarray = lut[labels.voxels[slab]].astype(bool)
        for axis in range(3):
            there = np.flatnonzero(wanted.any(axis=tuple({0, 1, 2} - {axis}))) + (slab[axis].start or 0)
            if len(there):
                low[axis], high[axis] = min(low[axis], there[0]), max(high[axis], there[-1] + 1)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    affine = labels.affine.copy()
    affine[:3, 3] = to_world(affine, low[None].astype(np.float64))[0]
    return lut[labels.voxels[i, j, k]], affine


def _bone_mesh(
    found: BoneStatistics,
    bone: Bone,
    borders: Borders,
    points: Float[np.ndarray, "point 3"],
    affine: Affine,
    *,
    settings: MeshSettings,
    spacing: tuple[float, float, float],
) -> BoneMesh:
    """The surface of one bone; ``affine`` takes ``points`` to the world."""
    start = borders.points * np.array(spacing)
    volume = found.voxels * float(np.prod(spacing))
    for share in _SHARES:
        closed = closed_surface(borders, _less_smooth(borders, start, points, share), label=bone.id)
        dense = closed.surface
        surface, origin = simplified(dense, error=settings.error * share, kept=closed.shared)
        # Of all the triangles there were: those that are left are long and thin, and would shade so.
        normals = vertex_normals(dense)[origin]
        free = np.ones(len(dense.vertices), dtype=bool)
        free[dense.faces[closed.shared].ravel()] = False
        final = fitted(surface, normals, volume=volume, free=free[origin], step=min(spacing))
        if abs(final.signed_volume - volume) <= _OFF * volume:
            break
    world_normals = normals @ np.linalg.inv(affine[:3, :3])
    length = np.linalg.norm(world_normals, axis=1, keepdims=True)
    return BoneMesh(
        bone=bone,
        vertices=to_world(affine, final.vertices),
        faces=final.faces if np.linalg.det(affine[:3, :3]) > 0 else final.faces[:, ::-1].copy(),
        normals=np.divide(world_normals, length, out=np.tile([0.0, 0.0, 1.0], (len(length), 1)), where=length > 0.5),
        voxels_ml=found.volume_ml,
        cut=found.touches_edge,
        pinches=closed.pinches,
        deviation_mm=0.0 if settings.error == 0 else _deviation(dense, surface),
    )


def _less_smooth(
    borders: Borders, start: Float[np.ndarray, "point 3"], points: Float[np.ndarray, "point 3"], share: float
) -> Float[np.ndarray, "point 3"]:
    """Points part of the way from where they were to where smoothing put them; what two bones share stays there."""
    if share == 1:
        return points
    less: np.ndarray = start + share * (points - start)
    shared = borders.quads[borders.sides[:, 1] > 0]
    less[shared] = points[shared]
    return less


def _deviation(before: Surface, after: Surface) -> float:
    """The largest distance of a sample of a surface's vertices from another surface."""
    sample = before.vertices[:: max(1, len(before.vertices) // _SAMPLE)]
    distance, values = vtkImplicitPolyDataDistance(), vtkDoubleArray()
    distance.SetInput(to_vtk(after))
    distance.FunctionValue(numpy_to_vtk(np.ascontiguousarray(sample)), values)
    return float(np.abs(vtk_to_numpy(values)).max())
