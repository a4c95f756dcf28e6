"""Bodies from real label maps: true shapes of bones and organs, with everything between them made up.

A label map is prepared once (what each label means, sides told apart, depth below each bone's surface at the map's own
resolution) and then gives any number of bodies, each of another size and bent another way.

A label map rarely says where *no* bone is. A voxel without label is background where a labelled structure is near
enough to have drawn the labeller's eye to it, and counts nowhere farther away.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cc3d
import edt
import numpy as np
import torch
from jaxtyping import Bool, Float, Integer, UInt8
from scipy import ndimage
from torch.nn.functional import interpolate

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, SettingError, VolumeError
from sneakynet.geometry.affine import spacing_of
from sneakynet.phantom.body import WHOLE, Body
from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.cortex import Cortex, draw_cortex, shell_mm
from sneakynet.phantom.structure import Structure, structure
from sneakynet.phantom.surface import Surface
from sneakynet.phantom.surroundings import NOTHING, surround
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.types import Affine, LabelArray
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.checks import as_labels
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)

SPACINGS = (0.5, 12.0)
"""Mm per voxel that a body may have."""

_FINEST_MM = 0.6  # a finer map is thinned out: nothing painted from it is as fine
_FACE_MM = 12.0  # a map is continued by its border voxels this far, where a turn looks beyond it
_LATTICE_MM = 16.0
_OVERSAMPLING = 2
_DEPTH_STEPS = 8  # depths and shells are kept in eighths of a mm
_ALL_MUSCLES = 12  # a map that tells as many muscles of the trunk apart shows more than those beside the bones
_SLAB_VOXELS = 1 << 22
_FRAGMENT = 0.1  # a component with more than this share on either side of the midline belongs to both sides
# Height from one vertebra to the next: mean heights of bodies and discs (Gilad 1986, Spine; Kunkel 2011, J Anat), with
# room for small and large adults and for bent spines.
_LEVEL_PITCH_MM = {"spine_cervical": (12.0, 24.0), "spine_thoracic": (16.0, 34.0), "spine_lumbar": (26.0, 48.0)}
_SUBSTRUCTURES = {"sternum": ("manubrium", 1, 0.45), "skull": ("mandible", 0, 0.5), "sacrum": ("coccyx", 0, 0.25)}
"""Bones that other schemes do not part as the table does: a map that has the first and does not name the second may
hold the second within this share of the first's height, from its top (1) or bottom (0)."""


@dataclass(frozen=True)
class LabelMapSettings:
    """How bodies made from one label map differ. Ranges without a source are choices."""

    size: float = 0.06
    """Standard deviation of the common size factor. Adult stature has 4 % within a sex and 5 % over both (NCD-RisC
    2016, eLife); bones of equal stature differ by about as much again."""
    proportions: float = 0.03
    """Standard deviation of a further factor along each axis."""
    rotation: float = 4.0
    """Standard deviation of the turn about each axis, degrees; positioning errors in CT are of this order (Kaasalainen
    2019, Phys Med)."""
    warp_mm: float = 3.0
    """Standard deviation of the smooth displacement, mm: shapes change, a level stays recognisable."""
    warp_scale_mm: float = 55.0
    """Distance over which the displacement changes, mm: somewhat more than the height of a vertebra with its disc, so
    that borders of neighbours stay smooth."""
    cortex: tuple[float, float] = (0.6, 1.3)
    """Range of the common factor of shell thickness; low in osteoporosis (Ritzel 1997, JBMR, finds 30 to 40 % less)."""
    cortex_spread: float = 0.12
    """Relative standard deviation of shell thickness from bone to bone."""
    fat_mm: tuple[float, float] = (6.0, 40.0)
    """Range of the fat under the skin, mm, where the map does not show it (abdominal wall: Storchle 2018, Sci Rep)."""
    margin_mm: tuple[float, float] = (0.0, 130.0)
    """Range of what is added beyond each face of a map that holds bones alone, where no bone reaches that face."""
    background_mm: float = 15.0
    """A voxel without label nearer than this to a labelled structure is background, one farther away counts nowhere:
    who labelled a vertebra saw what lies beside it."""
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors of the map's extent along right, front and up, for files that state a wrong voxel size."""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """A label map made ready: RAS+ order, one code per voxel.

    Codes are the table's ids for its bones, then those of ``_Codes``.

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


class _Codes:
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
        return (codes > 0) & (codes <= self.ignored_bone)

    def label_lut(self) -> np.ndarray:
        """Class of each code; unlabelled voxels as background."""
        lut = np.zeros(self.count, self.labels)
        lut[: self.bones + 1] = np.arange(self.bones + 1)
        lut[[self.ignored_bone, self.unnamed]] = self.ignored
        return lut

    def tissue_lut(self) -> np.ndarray:
        lut = np.full(self.count, NOTHING, np.uint8)
        lut[self.unnamed] = tissue_ids()["organ"]
        lut[self.tissue :] = np.arange(self.count - self.tissue)
        return lut


def body_from_labels(
    labels: Volume,
    *,
    names: Mapping[int, str],
    spacing: float,
    settings: LabelMapSettings,
    rng: np.random.Generator,
    table: BoneTable | None = None,
) -> Body:
    """One body with the bones and organs of a label map (see ``prepare`` and ``draw_body``, which it joins)."""
    source = prepare(labels, names=names, table=table)
    for note in source.notes:
        _LOG.warning(note)
    return draw_body(source, spacing=spacing, settings=settings, rng=rng)


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
    step = [max(1, int(_FINEST_MM / s)) for s in volume.spacing]
    voxels = np.ascontiguousarray(volume.voxels[:: step[0], :: step[1], :: step[2]])
    affine = volume.affine @ np.diag([*step, 1.0])
    codes = _Codes(bone_table)
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


def draw_body(source: LabelMap, *, spacing: float, settings: LabelMapSettings, rng: np.random.Generator) -> Body:
    """One body: the map turned, scaled and bent, and what it does not show made up.

    Args:
        source: from ``prepare``.
        spacing: mm per voxel, isotropic, 0.5 to 12.
        settings: how far bodies differ.
        rng: source of all randomness.

    Raises:
        SettingError: a value outside what is allowed.
    """
    check_settings(settings, spacing=spacing)
    codes = _Codes(source.table)
    pull, facts = _Pull.drawn(source, spacing=spacing, settings=settings, rng=rng)
    cortex = draw_cortex(rng, list(source.bones), factor=settings.cortex, spread=settings.cortex_spread)
    found = _sampled(source, pull, cortex, codes)
    labels = codes.label_lut()[found.bone_code]
    given = codes.tissue_lut()[found.other_code]
    labelled = (found.bone > 0) | (given != NOTHING)
    near = _distance_to(labelled, spacing)
    labels[(found.other_code == codes.unnamed) & (found.bone_code == 0)] = codes.ignored
    labels[(near > settings.background_mm) & ~labelled] = codes.ignored
    tissues = surround(
        given,
        np.where(found.bone_code <= codes.bones, found.bone_code, 0),
        near=near,
        muscled=source.muscled,
        outline=(found.other_code == codes.outline) | labelled if source.outlined else None,
        grid=pull.grid,
        table=source.table,
        fat_mm=float(rng.uniform(*settings.fat_mm)),
        rng=rng,
    )
    return Body(
        labels=labels,
        tissues=tissues,
        bone=found.bone,
        cortex=found.cortex,
        metal=np.zeros(labels.shape, np.uint8),
        affine=pull.grid.affine,
        facts={"source": "label map", "bones": list(source.bones), **facts},
    )


def check_settings(settings: LabelMapSettings, *, spacing: float) -> None:
    """Refuse what no body can be made with; every fault in one message.

    Raises:
        SettingError: a value outside what is allowed.
    """
    faults = []
    if not SPACINGS[0] <= spacing <= SPACINGS[1]:
        faults.append(f"spacing must be {SPACINGS[0]:g} to {SPACINGS[1]:g} mm, got {spacing:g}")
    for name in ("size", "proportions", "rotation", "warp_mm", "cortex_spread", "background_mm"):
        if not getattr(settings, name) >= 0:
            faults.append(f"{name} must be 0 or more, got {getattr(settings, name):g}")
    for name in ("cortex", "fat_mm", "margin_mm"):
        low, high = getattr(settings, name)
        if not 0 <= low <= high:
            faults.append(f"{name} must be a range from 0 up, its lower end first, got {low:g} {high:g}")
    if not settings.warp_scale_mm > 0:
        faults.append(f"warp_scale_mm must be above 0, got {settings.warp_scale_mm:g}")
    if not min(settings.stretch) > 0:
        faults.append(f"stretch must be three factors above 0, got {' '.join(f'{s:g}' for s in settings.stretch)}")
    if faults:
        msg = "; ".join(faults)
        raise SettingError(msg)


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
    voxels: LabelArray, affine: Affine, meanings: Mapping[int, Structure | None], codes: _Codes
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


def _ignore_unparted(coded: np.ndarray, named: set[str], codes: _Codes, table: BoneTable) -> list[str]:
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
    eighths: np.ndarray = np.clip(np.rint(mm * _DEPTH_STEPS), 0, 255).astype(np.uint8)
    return eighths


@dataclass(frozen=True, eq=False)
class _Pull:
    """Where in the map each voxel of a body looks: voxel indices at the nodes of a lattice over the fine grid."""

    grid: Grid
    lattice: Float[np.ndarray, "3 l m n"]

    @classmethod
    def drawn(
        cls, source: LabelMap, *, spacing: float, settings: LabelMapSettings, rng: np.random.Generator
    ) -> tuple["_Pull", dict[str, Any]]:
        size = float(np.exp(settings.size * rng.standard_normal()))
        axes = np.exp(settings.proportions * rng.standard_normal(3))
        angles = np.deg2rad(settings.rotation) * np.clip(rng.standard_normal(3), -2.5, 2.5)
        margins = rng.uniform(*settings.margin_mm, size=(2, 3)) * _free_faces(source)
        factor = size * axes * np.array(settings.stretch)
        low, high = source.extent
        centre = (low + high) / 2
        first = centre + (low - centre) * factor - margins[0]
        last = centre + (high - centre) * factor + margins[1]
        shape = np.maximum(1, np.rint((last - first) / spacing).astype(int) + 1)
        grid = Grid(
            (float(first[0]), float(first[1]), float(first[2])), (int(shape[0]), int(shape[1]), int(shape[2])), spacing
        )
        nodes = [int(np.ceil(n * spacing / _LATTICE_MM)) + 2 for n in shape]
        fine = spacing / _OVERSAMPLING
        at = np.stack(
            np.meshgrid(
                *(
                    np.linspace(f - (spacing - fine) / 2, f + spacing * (n - 1) + (spacing - fine) / 2, m)
                    for f, n, m in zip(first, shape, nodes, strict=True)
                ),
                indexing="ij",
            )
        ).reshape(3, -1)
        inner = centre[:, None] + (_rotation(angles).T @ (at - centre[:, None])) / factor[:, None]
        bend = _smooth(rng, nodes, [n * spacing for n in shape], settings.warp_scale_mm) * settings.warp_mm
        inner += bend.reshape(3, -1)
        to_map = np.linalg.inv(source.affine)
        lattice = (to_map[:3, :3] @ inner + to_map[:3, 3:]).reshape(3, *nodes).astype(np.float32)
        facts = {
            "size": round(size, 4),
            "proportions": [round(float(a), 4) for a in axes],
            "rotation": [round(float(np.rad2deg(a)), 2) for a in angles],
        }
        return cls(grid, lattice), facts

    def indices(self, rows: slice) -> Float[np.ndarray, "r 3 j k"]:
        """Map indices of the fine voxels of some rows of the body's voxels."""
        n, fine_rows = self.lattice.shape[1], self.grid.shape[0] * _OVERSAMPLING
        at = np.arange(rows.start * _OVERSAMPLING, rows.stop * _OVERSAMPLING) * (n - 1) / max(1, fine_rows - 1)
        low = np.minimum(at.astype(int), n - 2)
        share = (at - low).astype(np.float32)[:, None, None, None]
        planes = self.lattice.transpose(1, 0, 2, 3)
        between = planes[low] * (1 - share) + planes[low + 1] * share
        size = [m * _OVERSAMPLING for m in self.grid.shape[1:]]
        return interpolate(torch.from_numpy(between), size, mode="bilinear", align_corners=True).numpy()


def _free_faces(source: LabelMap) -> Bool[np.ndarray, "2 3"]:
    """Faces (low, high) that a map of bones alone may be continued beyond: no bone reaches them."""
    free = np.zeros((2, 3), bool)
    if source.tissues or source.outlined:
        return free
    for axis, step in enumerate(spacing_of(source.affine)):
        layers = np.asarray(source.codes.any(tuple(a for a in range(3) if a != axis)))
        edge = max(1, round(3.0 / step))
        free[:, axis] = not layers[:edge].any(), not layers[-edge:].any()
    return free


def _rotation(angles: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    turn: np.ndarray = np.eye(3)
    for axis, angle in enumerate(angles):
        c, s = np.cos(angle), np.sin(angle)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one = np.eye(3)
        one[a, a], one[a, b], one[b, a], one[b, b] = c, -s, s, c
        turn = one @ turn
    return turn


def _smooth(
    rng: np.random.Generator, nodes: list[int], extent: list[float], scale: float
) -> Float[np.ndarray, "3 l m n"]:
    """Three random fields of unit deviation that vary over ``scale`` mm."""
    coarse = [max(2, int(np.ceil(e / scale)) + 1) for e in extent]
    where = np.meshgrid(*(np.linspace(0, c - 1, n) for c, n in zip(coarse, nodes, strict=True)), indexing="ij")
    return np.stack(
        [ndimage.map_coordinates(rng.standard_normal(coarse), where, order=2, mode="nearest") * 1.4 for _ in range(3)]
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """What the map holds in each voxel of the body: codes of the bone and of anything else that fills most of it."""

    bone_code: Integer[np.ndarray, "i j k"]
    other_code: Integer[np.ndarray, "i j k"]
    bone: UInt8[np.ndarray, "i j k"]
    cortex: UInt8[np.ndarray, "i j k"]


def _sampled(source: LabelMap, pull: _Pull, cortex: Cortex, codes: _Codes) -> _Found:
    shape = pull.grid.shape
    found = _Found(
        np.zeros(shape, codes.dtype), np.zeros(shape, codes.dtype), np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    )
    factor = np.full(codes.count, cortex.factor, np.float32)
    for name in source.bones:
        factor[source.table[name].id] *= cortex.of_bone.get(name, 1.0)
    fine = pull.grid.spacing / _OVERSAMPLING
    rows = max(1, _SLAB_VOXELS // (_OVERSAMPLING**3 * shape[1] * shape[2]))
    for start in range(0, shape[0], rows):
        slab = slice(start, min(start + rows, shape[0]))
        code, depth, shell = _looked_up(source, pull.indices(slab))
        bony = codes.is_bone(code)
        share = np.zeros(code.shape, np.float32)
        at = code[bony]
        share[bony] = np.clip((shell[bony] * factor[at] - depth[bony]) / (_DEPTH_STEPS * fine) + 0.5, 0, 1)
        filled = _mean(bony)
        found.bone[slab] = np.rint(filled * WHOLE)
        found.cortex[slab] = np.minimum(np.rint(_mean(share) * WHOLE), found.bone[slab])
        vote, _ = _vote(np.where(bony, code, 0))
        found.bone_code[slab] = np.where(filled >= 0.5, vote, 0)
        other, count = _vote(np.where(bony, 0, code))
        empty = _OVERSAMPLING**3 * (1 - _mean(code > 0))
        found.other_code[slab] = np.where(count >= empty, other, 0)
    return found


def _looked_up(source: LabelMap, at: Float[np.ndarray, "r 3 j k"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Code, depth and shell at map indices; unlabelled far beyond the map, its border voxels just beyond."""
    shape = source.codes.shape
    flat = np.zeros((at.shape[0], *at.shape[2:]), np.int64)
    beyond = np.zeros(flat.shape, bool)
    for axis, step in enumerate(spacing_of(source.affine)):
        index = np.rint(at[:, axis]).astype(np.int64)
        reach = _FACE_MM / step
        beyond |= (index < -reach) | (index > shape[axis] - 1 + reach)
        flat = flat * shape[axis] + np.clip(index, 0, shape[axis] - 1)
    code = source.codes.ravel()[flat]
    code[beyond] = 0
    return code, source.depth.ravel()[flat], source.shell.ravel()[flat]


def _corners(fine: np.ndarray) -> list[np.ndarray]:
    n = _OVERSAMPLING
    return [fine[i::n, j::n, k::n] for i in range(n) for j in range(n) for k in range(n)]


def _mean(fine: np.ndarray) -> Float[np.ndarray, "i j k"]:
    corners = _corners(fine)
    total = np.zeros(corners[0].shape, np.float32)
    for corner in corners:
        total += corner
    return total / len(corners)


def _vote(fine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent code other than 0 of each voxel, and how often it occurs."""
    corners = _corners(fine)
    winner = corners[0].copy()
    count = np.where(winner > 0, len(corners), 0)
    mixed = np.zeros(winner.shape, bool)
    for corner in corners[1:]:
        mixed |= corner != winner
    members = np.stack([corner[mixed] for corner in corners])
    votes = np.stack([((members == member) & (member > 0)).sum(0) for member in members])
    best = votes.argmax(0)[None]
    winner[mixed] = np.take_along_axis(members, best, axis=0)[0]
    count[mixed] = np.take_along_axis(votes, best, axis=0)[0]
    return winner, count


def _distance_to(mask: Bool[np.ndarray, "i j k"], spacing: float) -> Float[np.ndarray, "i j k"]:
    """Mm to the nearest voxel of a mask; 0 inside."""
    distance: np.ndarray = edt.edt(~mask, anisotropy=(spacing,) * 3, black_border=False)
    finite: np.ndarray = np.minimum(distance, np.float32(1e6))  # infinite where the mask is empty
    return finite
