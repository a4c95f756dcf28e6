"""A label map made ready: what each label means, sides told apart, depth below each bone's surface.

All of it at the map's own resolution, once for any number of bodies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cc3d
import edt
import numpy as np
from jaxtyping import Bool, Float, Integer, UInt8
from scipy import ndimage

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, VolumeError
from sneakynet.geometry.affine import spacing_of
from sneakynet.phantom.cortex import Cortex, shell_mm
from sneakynet.phantom.structure import Structure, structure
from sneakynet.phantom.surface import Surface
from sneakynet.phantom.surroundings import NOTHING
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.types import Affine, LabelArray
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.checks import as_labels
from sneakynet.volumes.volume import Volume

DEPTH_STEPS = 8
"""Depths and shells are kept in eighths of a mm."""

_FINEST_MM = 0.6  # a finer map is thinned out: nothing painted from it is as fine
_ALL_MUSCLES = 12  # a map that tells as many muscles of the trunk apart shows more than those beside the bones
_FRAGMENT = 0.1  # a component with more than this share on either side of the midline belongs to both sides

_SUBSTRUCTURES = {"sternum": ("manubrium", 1, 0.45), "skull": ("mandible", 0, 0.5), "sacrum": ("coccyx", 0, 0.25)}
"""Bones that other schemes do not part as the table does: a map that has the first and does not name the second may
hold the second within this share of the first's height, from its top (1) or bottom (0)."""

# Height from one vertebra to the next: mean heights of bodies and discs (Gilad 1986, Spine; Kunkel 2011, J Anat), with
# room for small and large adults and for bent spines.
_LEVEL_PITCH_MM = {"spine_cervical": (12.0, 24.0), "spine_thoracic": (16.0, 34.0), "spine_lumbar": (26.0, 48.0)}


@dataclass(frozen=True, eq=False)
class LabelMap:
    """A label map made ready: RAS+ order, one code per voxel.

    Codes are the table's ids for its bones, then those of ``Codes``.

    Args:
        codes: per voxel.
        depth: below the bone's surface, in eighths of a mm.
        shell: nominal thickness of the cortex there, in eighths of a mm.
        affine: voxel index -> RAS mm.
        table: the classes.
        bones: names of those that occur.
        tissues: names of those that occur.
        outlined: whether the map holds the body's outline.
        muscled: whether it shows most muscles, so that what lies between them is fat.
        notes: what in the map a user may want to mend.
    """

    codes: Integer[np.ndarray, "i j k"]
    depth: UInt8[np.ndarray, "i j k"]
    shell: UInt8[np.ndarray, "i j k"]
    affine: Affine
    table: BoneTable
    bones: tuple[str, ...]
    tissues: frozenset[str]
    outlined: bool
    muscled: bool
    notes: tuple[str, ...] = ()

    @property
    def extent(self) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
        """Lowest and highest RAS mm of the box around all voxel centres."""
        corners = np.array(np.meshgrid(*((0, n - 1) for n in self.codes.shape), indexing="ij")).reshape(3, -1)
        world = self.affine[:3, :3] @ corners + self.affine[:3, 3:]
        return world.min(1), world.max(1)


class Codes:
    """What a voxel may hold beside the table's bones."""

    def __init__(self, table: BoneTable) -> None:
        self.bones = len(table)
        self.background_bone = self.bones + 1
        self.ignored_bone = self.bones + 2
        self.unnamed = self.bones + 3
        self.outline = self.bones + 4
        self.tissue = self.bones + 5  # and up, in the order of their ids
        self.count = self.tissue + max(tissue_ids().values()) + 1
        self.dtype = np.dtype(np.uint8 if self.count <= 256 else np.uint16)
        self.labels = np.dtype(np.uint8 if table.n_classes <= 255 else np.int16)  # torch counts in these
        self.ignored = 255 if table.n_classes <= 255 else 32767  # see Body

    def is_bone(self, codes: np.ndarray) -> Bool[np.ndarray, "*any"]:
        """Which codes are bones, of the table or not."""
        return (codes > 0) & (codes <= self.ignored_bone)

    def label_lut(self) -> np.ndarray:
        """Class of each code; unlabelled voxels as background."""
        lut = np.zeros(self.count, self.labels)
        lut[: self.bones + 1] = np.arange(self.bones + 1)
        lut[[self.ignored_bone, self.unnamed]] = self.ignored
        return lut

    def tissue_lut(self) -> np.ndarray:
        """Tissue of each code, ``NOTHING`` where the map shows none."""
        lut = np.full(self.count, NOTHING, np.uint8)
        lut[self.unnamed] = tissue_ids()["organ"]
        lut[self.tissue :] = np.arange(self.count - self.tissue)
        return lut


def prepare(labels: Volume, *, names: Mapping[int, str], table: BoneTable | None = None) -> LabelMap:
    """Find out what a label map shows.

    Args:
        labels: whole numbers, any orientation, 0 where nothing is labelled.
        names: label -> name, as the table, one of its aliases or plain words have it (see ``structure``).
        table: the classes; the default table when not given.

    Raises:
        VolumeError: no label map, or one without any voxel of a named bone.
        BoneTableError: none of the names is a bone of the table.
    """
    bone_table = BoneTable.default() if table is None else table
    meanings = {int(label): structure(name, bone_table) for label, name in names.items() if label != 0}
    if not any(meaning.kind == "bone" for meaning in meanings.values()):
        shown = ", ".join(list(names.values())[:8]) or "none"
        msg = f"none of the label names is a bone of the table: {shown}; `sneakynet bones` lists those it knows"
        raise BoneTableError(msg)
    volume = canonical(Volume(as_labels("labels", labels.voxels), labels.affine))
    step = [max(1, int(_FINEST_MM / s + 1e-3)) for s in volume.spacing]
    voxels = np.ascontiguousarray(volume.voxels[:: step[0], :: step[1], :: step[2]])
    affine = volume.affine @ np.diag([*step, 1.0])
    codes = Codes(bone_table)
    present = [int(label) for label in np.flatnonzero(np.bincount(voxels.ravel())) if label]
    notes = _unknown(present, meanings, names)
    coded = _coded(voxels, affine, {label: meanings.get(label) for label in present}, codes)
    bone_codes = [int(c) for c in np.unique(coded) if 0 < c <= codes.bones]
    if not bone_codes:
        shown = ", ".join(map(str, present[:8])) + (" ..." if len(present) > 8 else "")
        msg = (
            f"the label map holds no voxel of a bone: its labels are {shown or 'all 0'}, and those of the named bones "
            "are others; check the names and that this is the right file"
        )
        raise VolumeError(msg)
    spacing = spacing_of(affine)
    only_bones = np.where(codes.is_bone(coded), coded, 0)
    # Bones end at their neighbours too, and go on beyond the faces of the map.
    depth = edt.edt(only_bones, anisotropy=spacing, black_border=False) - min(spacing) / 2
    shell = _nominal_shell(only_bones, affine, bone_table)
    named = {bone.name for meaning in meanings.values() for bone in meaning.bones}
    notes += _ignore_unparted(coded, named, codes, bone_table)
    found = [m.tissue for label, m in meanings.items() if label in present and m.kind == "tissue"]
    return LabelMap(
        codes=coded,
        depth=_eighths(depth),
        shell=shell,
        affine=affine,
        table=bone_table,
        bones=tuple(bone_table.by_id(c).name for c in bone_codes),
        tissues=frozenset(found),
        outlined=bool((coded == codes.outline).any()),
        muscled=found.count("muscle") >= _ALL_MUSCLES,
        notes=tuple(notes),
    )


def level_faults(source: LabelMap, *, stretch: tuple[float, float, float]) -> list[str]:
    """What says that the map's voxels have another size than its file states: vertebrae too close or too far apart."""
    places: dict[str, dict[int, float]] = {}
    for name in source.bones:
        bone = source.table[name]
        if bone.series == "vertebra" and bone.index is not None:
            i, j, k = (axis.mean() for axis in np.nonzero(source.codes == bone.id))
            height = float(source.affine[2, :3] @ np.array([i, j, k])) * stretch[2]
            places.setdefault(bone.group, {})[bone.index] = height
    faults = []
    for group, heights in places.items():
        low, high = _LEVEL_PITCH_MM.get(group, (0.0, np.inf))
        steps = [heights[n] - heights[n + 1] for n in heights if n + 1 in heights]
        if steps and not low <= (pitch := float(np.mean(steps))) <= high:
            faults.append(
                f"neighbouring vertebrae ({group}) lie {pitch:.1f} mm apart, in adults {low:g} to {high:g} mm; if the "
                "file states a wrong voxel size, mend it with --stretch"
            )
    return faults


def _unknown(present: list[int], meanings: Mapping[int, Structure], names: Mapping[int, str]) -> list[str]:
    notes = []
    unnamed = [label for label in present if label not in meanings]
    if unnamed:
        notes.append(f"labels without a name: {_shown(unnamed)}; what they mark is soft tissue and counts nowhere")
    unknown = [names[label] for label in present if label in meanings and not meanings[label].known]
    if unknown:
        notes.append(f"names that are neither bone nor known tissue: {_shown(unknown)}; painted as soft tissue")
    return notes


def _shown(items: list[Any]) -> str:
    return ", ".join(map(str, items[:8])) + (" ..." if len(items) > 8 else "")


def _coded(
    voxels: LabelArray, affine: Affine, meanings: Mapping[int, Structure | None], codes: Codes
) -> Integer[np.ndarray, "i j k"]:
    """Codes in place of labels; labels of both sides are told apart."""
    lut = np.zeros(int(voxels.max()) + 1, codes.dtype)
    both: list[tuple[int, tuple[Bone, ...]]] = []
    for label, meaning in meanings.items():
        if meaning is None:
            lut[label] = codes.unnamed
        elif meaning.kind == "bone" and len(meaning.bones) == 1:
            lut[label] = meaning.bones[0].id
        elif meaning.kind == "bone":
            both.append((label, meaning.bones))
        elif meaning.kind == "tissue":
            lut[label] = codes.tissue + tissue_ids()[meaning.tissue]
        else:
            lut[label] = {
                "background_bone": codes.background_bone,
                "ignored_bone": codes.ignored_bone,
                "body": codes.outline,
            }[meaning.kind]
    coded: np.ndarray = lut[voxels]
    if both:
        midline = _midline(voxels, affine, meanings, [label for label, _ in both])
        for label, bones in both:
            _split(coded, voxels == label, bones, affine=affine, midline=midline)
    return coded


def _midline(
    voxels: LabelArray, affine: Affine, meanings: Mapping[int, Structure | None], paired: list[int]
) -> Float[np.ndarray, " k"]:
    """World x of the midline at each k: through unpaired bones, else amid the paired ones."""
    unpaired = [
        label
        for label, m in meanings.items()
        if m is not None and m.kind == "bone" and len(m.bones) == 1 and m.bones[0].side is None
    ]
    lut = np.zeros(int(voxels.max()) + 1, bool)
    lut[unpaired or paired] = True
    i, j, k = np.nonzero(lut[voxels])
    x = affine[0, :3] @ np.stack([i, j, k]) + affine[0, 3]
    size = voxels.shape[2]
    count = np.bincount(k, minlength=size)
    at = np.flatnonzero(count)
    if not unpaired:
        return np.full(size, (x.min() + x.max()) / 2)
    mean = np.bincount(k, x, size)[at] / count[at]
    smooth = ndimage.gaussian_filter1d(np.interp(np.arange(size), at, mean), 20 / spacing_of(affine)[2], mode="nearest")
    line: np.ndarray = smooth
    return line


def _split(
    coded: np.ndarray,
    mask: Bool[np.ndarray, "i j k"],
    bones: tuple[Bone, ...],
    *,
    affine: Affine,
    midline: Float[np.ndarray, " k"],
) -> None:
    """Give each connected part of a mask its side; a part that lies on both is cut at the midline."""
    by_side = {bone.side: bone.id for bone in bones}
    parts = cc3d.connected_components(mask)
    for part, box in enumerate(ndimage.find_objects(parts), start=1):
        if box is None:
            continue
        inside = parts[box] == part
        i, j, k = np.nonzero(inside)
        at = np.stack([i, j, k]) + np.array([s.start for s in box])[:, None]
        right = affine[0, :3] @ at + affine[0, 3] > midline[at[2]]
        share = float(right.mean())
        if not _FRAGMENT < share < 1 - _FRAGMENT:
            right[:] = share > 0.5
        coded[box][inside] = np.where(right, by_side["right"], by_side["left"])


def _ignore_unparted(coded: np.ndarray, named: set[str], codes: Codes, table: BoneTable) -> list[str]:
    notes = []
    for host, (part, top, share) in _SUBSTRUCTURES.items():
        if host not in named or part in named or part not in table:
            continue
        mask = coded == table[host].id
        layers = np.flatnonzero(mask.any((0, 1)))
        if not len(layers):
            continue
        low, high = int(layers[0]), int(layers[-1]) + 1
        cut = round(share * (high - low))
        at = slice(high - cut, high) if top else slice(low, low + cut)
        coded[:, :, at][mask[:, :, at]] = codes.ignored_bone
        notes.append(f"the map names {host} but no {part}, which it may hold: {share:.0%} of its height counts nowhere")
    return notes


def _nominal_shell(bones: np.ndarray, affine: Affine, table: BoneTable) -> UInt8[np.ndarray, "i j k"]:
    """Shell thickness in eighths of a mm, before a body's own factors."""
    shell = np.zeros(bones.shape, np.uint8)
    for code, box in enumerate(ndimage.find_objects(bones), start=1):
        if box is None:
            continue
        inside = bones[box] == code
        name = table.by_id(code).name if code <= len(table) else "other"
        points = np.argwhere(inside) + np.array([s.start for s in box])
        world = points @ affine[:3, :3].T + affine[:3, 3]
        thickness = shell_mm(name, Surface(world, np.zeros((0, 3), np.int64)), Cortex(1.0, {}))
        shell[box][inside] = _eighths(thickness)
    return shell


def _eighths(mm: np.ndarray) -> UInt8[np.ndarray, "*any"]:
    eighths: np.ndarray = np.clip(np.rint(mm * DEPTH_STEPS), 0, 255).astype(np.uint8)
    return eighths
