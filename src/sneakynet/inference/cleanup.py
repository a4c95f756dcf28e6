"""Clean-up after the winner of every voxel is known: stray components go, cavities are filled, all is reported."""

import numpy as np
from jaxtyping import Bool, Int64

from sneakynet.anatomy.bone import BoneTable
from sneakynet.geometry.affine import to_world
from sneakynet.geometry.components import Components, find_components
from sneakynet.inference.cleanup_report import LISTED, BoneCleanup, CleanupReport, RemovedComponent
from sneakynet.inference.cleanup_settings import CleanupSettings, check_cleanup_settings
from sneakynet.inference.kept_components import kept_components
from sneakynet.inference.voids import enclosed, up_to_size
from sneakynet.types import Affine, LabelArray
from sneakynet.volumes.volume import Volume


def clean(labels: Volume, *, table: BoneTable, settings: CleanupSettings) -> tuple[Volume, CleanupReport]:
    """Remove stray components of bones and fill cavities.

    Components go first, so that a speck of one bone inside another gives way to the bone around it. Cleaning twice is
    the same as cleaning once.

    Args:
        labels: class ids on any grid; left as they are.
        table: the bones behind the ids.
        settings: what to remove and what to fill.

    Returns:
        New labels on the same grid, and what was done.

    Raises:
        SettingError: a setting is outside what is allowed.
        BoneTableError: a label is not in the table.
    """
    check_cleanup_settings(settings)
    # Work along the axes as they lie in memory: first the slowest.
    order = [int(axis) for axis in np.argsort(-np.abs(labels.voxels.strides), kind="stable")]
    affine = labels.affine[:, [*order, 3]]
    components = find_components(labels.voxels.transpose(order))
    present = [table.by_id(int(label)) for label in np.unique(components.label)]
    stays = kept_components(components, settings, affine=affine)
    voxels = labels.voxels.copy(order="K")
    for box, mask in components.masks(~stays):
        voxels.transpose(order)[box][mask] = 0
    filled = np.zeros(len(table) + 1, dtype=np.int64)
    if settings.fill_voids:
        largest = settings.largest_void_mm3 / (1000 * _voxel_ml(affine)) * (1 + 1e-9)  # the limit itself, rounded
        filled = _fill(voxels.transpose(order), components, stays, n_classes=len(table) + 1, largest=largest)
    changed = (
        _bone_cleanup(bone.id, bone.name, components, stays, int(filled[bone.id]), affine=affine) for bone in present
    )
    report = CleanupReport(
        settings=settings,
        bones=len(present),
        components=len(components),
        changed=tuple(bone for bone in changed if bone.components_removed or bone.void_voxels_filled),
        voxel_ml=_voxel_ml(affine),
    )
    return Volume(voxels, labels.affine), report


def _fill(
    voxels: LabelArray,
    components: Components,
    stays: Bool[np.ndarray, " component"],
    *,
    n_classes: int,
    largest: float,
) -> Int64[np.ndarray, " class"]:
    """Fill the cavities of the components that stay, in place.

    Only what lies in a component's box can be enclosed by it. Small boxes come first: where one bone encloses another,
    a cavity of the inner one is the inner one's.

    Returns:
        Voxels that became bone, per label.
    """
    filled = np.zeros(n_classes, dtype=np.int64)
    # A cavity needs walls on both sides.
    hollow = np.flatnonzero(stays & (components.edges.min(1) > 2))
    for n in hollow[np.lexsort((components.label[hollow], components.edges[hollow].prod(1)))]:
        part, label = voxels[components.box(int(n))], components.label[n]
        cavities = enclosed(part == label)
        if cavities.any():
            new = up_to_size(cavities, voxels=largest) & (part == 0)
            part[new] = label
            filled[label] += np.count_nonzero(new)
    return filled


def _bone_cleanup(
    label: int,
    name: str,
    components: Components,
    stays: Bool[np.ndarray, " component"],
    filled: int,
    *,
    affine: Affine,
) -> BoneCleanup:
    own = components.label == label
    gone = np.flatnonzero(own & ~stays)
    voxel_ml = _voxel_ml(affine)
    removed = [
        RemovedComponent(
            voxels=int(components.voxels[n]),
            volume_ml=round(int(components.voxels[n]) * voxel_ml, 4),
            centroid_mm=(round(float(x), 2), round(float(y), 2), round(float(z), 2)),
        )
        for n, (x, y, z) in zip(gone, to_world(affine, components.centroid[gone]), strict=True)
    ]
    voxels = int(components.voxels[gone].sum())
    return BoneCleanup(
        id=label,
        name=name,
        components=int(own.sum()),
        components_removed=len(gone),
        voxels_removed=voxels,
        removed_ml=round(voxels * voxel_ml, 4),
        void_voxels_filled=filled,
        voids_ml=round(filled * voxel_ml, 4),
        removed=tuple(sorted(removed, key=lambda one: (-one.voxels, one.centroid_mm))[:LISTED]),
    )


def _voxel_ml(affine: Affine) -> float:
    return abs(float(np.linalg.det(affine[:3, :3]))) / 1000
