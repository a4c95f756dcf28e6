"""What a label map does not show: skin, fat, muscle, and the organs that lie where the labelled bones say they would.

Levels of the trunk are told by the bones that are labelled, whichever they are. Everything the map shows itself stays.
"""

from dataclasses import dataclass

import edt
import numpy as np
from jaxtyping import Bool, Float, Integer, UInt8
from scipy import ndimage

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.fields import smooth_noise
from sneakynet.phantom.tissue_ids import tissue_ids

NOTHING = 255
"""Tissue id where a label map shows none."""

_LEVEL_MM = 30.0  # mean height of a level, where only one is known
_AXIAL = ("skull", "spine_cervical", "spine_thoracic", "spine_lumbar", "sacrum", "ribs", "sternum", "pelvis")

# Level of bones beside the column, counted like vertebrae: C1 is 1, T1 8, L1 20, L5 24.
_LEVELS = {"skull": -1.0, "mandible": 2.5, "hyoid": 3.5, "manubrium": 9.5, "sternum": 13.0, "sacrum": 26.0}
_GROUP_LEVELS = {"pelvis": 26.0, "shoulder": 10.0}

# The trunk's section at some levels: half its width, half its depth, and how far its middle lies before the column's,
# mm. Adult means after the breadths and depths of Gordon 2014 (ANSUR II), without the fat under the skin.
_SECTIONS = np.array([
    (-2.0, 72.0, 90.0, 12.0),
    (3.0, 58.0, 60.0, 12.0),
    (6.0, 58.0, 62.0, 14.0),
    (8.5, 135.0, 75.0, 18.0),
    (11.0, 150.0, 95.0, 42.0),
    (17.0, 145.0, 100.0, 48.0),
    (22.0, 135.0, 92.0, 50.0),
    (26.0, 160.0, 95.0, 32.0),
    (31.0, 175.0, 92.0, 5.0),
])  # fmt: skip

# Organs of the belly: level, place from the column's middle, half axes, mm. Sizes after Standring, Gray's Anatomy.
_ORGANS = (
    ("liver", 18.2, (65.0, 40.0, 0.0), (75.0, 70.0, 68.0)),
    ("spleen", 18.5, (-85.0, 5.0, 0.0), (32.0, 42.0, 50.0)),
    ("stomach", 19.0, (-45.0, 60.0, 0.0), (45.0, 38.0, 42.0)),
    ("kidney", 20.5, (60.0, 2.0, 0.0), (26.0, 26.0, 52.0)),
    ("kidney", 20.0, (-60.0, 2.0, 0.0), (26.0, 26.0, 52.0)),
    ("bladder", 28.0, (0.0, 70.0, 0.0), (38.0, 32.0, 32.0)),
)


@dataclass(frozen=True, eq=False)
class _Frame:
    """Where the column runs, by height.

    Args:
        x, y: of the vertebral bodies' middle at each k, mm.
        level: at each k; falls upwards.
    """

    x: Float[np.ndarray, " k"]
    y: Float[np.ndarray, " k"]
    level: Float[np.ndarray, " k"]

    def at(self, level: float) -> int:
        """The k nearest to a level."""
        return int(np.abs(self.level - level).argmin())

    def height(self, level: float, z: Float[np.ndarray, " k"]) -> float:
        """Height of a level, mm, also where it lies beyond the grid."""
        k = self.at(level)
        return float(z[k] + (self.level[k] - level) * _LEVEL_MM)


class _Paint:
    """Tissue ids, painted over each other where the map shows nothing."""

    def __init__(self, given: UInt8[np.ndarray, "i j k"]) -> None:
        self.ids = tissue_ids()
        self.given = given
        self.tissues = np.zeros(given.shape, np.uint8)

    def put(self, name: str, where: Bool[np.ndarray, "i j k"]) -> None:
        self.tissues[where] = self.ids[name]

    def shows(self, *names: str) -> bool:
        return any(bool((self.given == self.ids[name]).any()) for name in names)

    def done(self) -> UInt8[np.ndarray, "i j k"]:
        return np.where(self.given == NOTHING, self.tissues, self.given)


def surround(
    given: UInt8[np.ndarray, "i j k"],
    bones: Integer[np.ndarray, "i j k"],
    *,
    near: Float[np.ndarray, "i j k"],
    muscled: bool,
    outline: Bool[np.ndarray, "i j k"] | None,
    grid: Grid,
    table: BoneTable,
    fat_mm: float,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "i j k"]:
    """Tissue of every voxel, also of those that bone fills.

    Args:
        given: tissue ids that the map shows, else ``NOTHING``.
        bones: class ids.
        near: mm to the nearest labelled voxel.
        muscled: whether the map shows most muscles.
        outline: the patient, where the map says so.
        grid: of the arrays.
        table: the classes.
        fat_mm: thickness of the fat under the skin.
        rng: source of randomness.
    """
    paint = _Paint(given)
    frame = _frame(bones, grid, table)
    rich = muscled or len(np.unique(given)) > 6
    skin = _skin(near, outline, frame, grid, fat_mm=fat_mm, rng=rng, rich=rich)
    fat = fat_mm * np.exp(0.3 * smooth_noise(rng, grid, scale=130.0))
    paint.put("fat", skin < 0)
    streaks = smooth_noise(rng, grid, scale=14.0) > 1.5
    if muscled:
        # What is left between the muscles is fat, but for small ones on bones.
        paint.put("muscle", (near < 6) & (skin < -4) & (smooth_noise(rng, grid, scale=20.0) > 0))
    else:
        paint.put("muscle", (skin < -fat) & ~streaks)
    paint.put("skin", (skin < 0) & (skin > -max(2.0, grid.spacing * 0.7)))
    if frame is not None:
        _trunk(paint, frame, grid, near=near, under_fat=skin + fat, rng=rng, rich=rich)
    _fill_hollow(paint, grid, rng)
    _table(paint, skin, grid, rng)
    return paint.done()


def _frame(bones: np.ndarray, grid: Grid, table: BoneTable) -> _Frame | None:
    """The column's line; None where only limbs are labelled."""
    levels, places = [], []
    column = []
    boxes = ndimage.find_objects(bones)
    for code, box in enumerate(boxes, start=1):
        if box is None:
            continue
        bone = table.by_id(code)
        at = np.argwhere(bones[box] == code) + np.array([s.start for s in box])
        world = at * grid.spacing + np.array(grid.origin)
        if bone.series == "vertebra" and bone.index is not None:
            # The body is the front half of a vertebra.
            column.append((world[:, 0].mean(), np.percentile(world[:, 1], 72), world[:, 2].mean()))
            levels.append(float(bone.index))
            places.append(world[:, 2].mean())
            continue
        level = _LEVELS.get(bone.name, _GROUP_LEVELS.get(bone.group))
        if bone.group == "ribs" and bone.index is not None:
            level = bone.index + 8.0
        if level is not None and bone.group in (*_AXIAL, "shoulder"):
            levels.append(level)
            places.append(world[:, 2].mean())
    if not levels:
        return None
    z = grid.origin[2] + grid.spacing * np.arange(grid.shape[2])
    if not column:
        middle = np.argwhere(bones > 0) * grid.spacing + np.array(grid.origin)
        column = [(middle[:, 0].mean(), np.percentile(middle[:, 1], 25), middle[:, 2].mean())]
    path = np.array(sorted(column, key=lambda p: p[2]))
    x, y = (
        ndimage.gaussian_filter1d(np.interp(z, path[:, 2], path[:, n]), 15 / grid.spacing, mode="nearest")
        for n in (0, 1)
    )
    return _Frame(x, y, _levels(z, np.array(levels), np.array(places)))


def _levels(z: np.ndarray, levels: np.ndarray, places: np.ndarray) -> Float[np.ndarray, " k"]:
    """Level at each height: between labelled bones by interpolation, beyond them at a mean height per level."""
    order = np.argsort(places)
    known, at = np.minimum.accumulate(levels[order]), places[order]
    inner = np.interp(z, at, known)
    beyond = np.clip(z - at[-1], 0, None) - np.clip(at[0] - z, 0, None)
    result: np.ndarray = inner - beyond / _LEVEL_MM
    return result


def _skin(
    near: np.ndarray,
    outline: np.ndarray | None,
    frame: _Frame | None,
    grid: Grid,
    *,
    fat_mm: float,
    rng: np.random.Generator,
    rich: bool,
) -> Float[np.ndarray, "i j k"]:
    """Distance to the skin, mm, negative inside."""
    if outline is not None:
        step = (grid.spacing,) * 3
        signed: np.ndarray = edt.edt(~outline, anisotropy=step) - edt.edt(outline, anisotropy=step)
        return signed
    bump = smooth_noise(rng, grid, scale=110.0) * 4
    skin = near - np.float32(8 + 0.9 * fat_mm if rich or frame is None else 12 + 0.5 * fat_mm)
    if frame is not None:
        section = np.stack([np.interp(frame.level, _SECTIONS[:, 0], _SECTIONS[:, n]) for n in (1, 2, 3)])
        section[:2] = section[:2] * rng.uniform(0.85, 1.15) + fat_mm
        section = ndimage.gaussian_filter1d(section, 12 / grid.spacing, axis=1, mode="nearest")
        if rich:
            # The labelled organs fill the trunk: it is as wide as they are.
            section = _fitted(section, near, frame, grid, fat_mm=fat_mm)
        width, depth, forward = (s.astype(np.float32) for s in section)
        x, y, _ = grid.axes()
        across = np.abs(x - frame.x).astype(np.float32) / width
        along = np.abs(y - frame.y - forward).astype(np.float32) / depth
        power = np.float32(rng.uniform(2.1, 2.7))
        oval = ((across**power + along**power) ** (1 / power) - 1) * np.minimum(width, depth)
        skin = np.minimum(skin, oval)
    skin += bump
    return skin


def _fitted(section: np.ndarray, near: np.ndarray, frame: _Frame, grid: Grid, *, fat_mm: float) -> np.ndarray:
    """Half width, half depth and middle of the trunk from what is labelled around each height."""
    x, y, _ = (axis.ravel() for axis in grid.axes())
    labelled = near <= 0
    fitted = section.copy()
    for k in range(grid.shape[2]):
        columns, rows = np.flatnonzero(labelled[:, :, k].any(1)), np.flatnonzero(labelled[:, :, k].any(0))
        if len(columns) and len(rows):
            half = max(abs(x[columns[[0, -1]]] - frame.x[k]))
            front, back = y[rows[-1]], y[rows[0]]
            fitted[:, k] = half + fat_mm, (front - back) / 2 + fat_mm, (front + back) / 2 - frame.y[k]
    smooth: np.ndarray = ndimage.gaussian_filter1d(fitted, 8 / grid.spacing, axis=1, mode="nearest")
    return smooth


def _trunk(
    paint: _Paint,
    frame: _Frame,
    grid: Grid,
    *,
    near: np.ndarray,
    under_fat: np.ndarray,
    rng: np.random.Generator,
    rich: bool,
) -> None:
    """Cavities of chest and belly with their organs, vessels, discs and the canal."""
    x, y, z = (axis.astype(np.float32) for axis in grid.axes())
    fx, fy = frame.x.astype(np.float32), frame.y.astype(np.float32)
    level = frame.level[None, None, :]
    dx, dy = x - fx, y - fy
    wall = np.float32(rng.uniform(12, 22))
    # Beside the column the cavity reaches farther back.
    back = np.interp(np.abs(dx), [18, 52], [6, -42]).astype(np.float32) + smooth_noise(rng, grid, scale=40.0) * 4
    cavity = (under_fat < -wall) & (dy > back) & (level > 8.2) & (level < 27.5)
    half = np.float32(max(60.0, float(np.interp(15, _SECTIONS[:, 0], _SECTIONS[:, 1]))))
    dome = np.zeros((grid.shape[0], grid.shape[1], grid.shape[2]), np.float32)
    for side, height in ((1.0, rng.uniform(60, 100)), (-1.0, rng.uniform(50, 85))):
        reach = ((dx - side * half / 2) / (half * 0.62)) ** 2 + ((dy - 45) / 95) ** 2
        np.maximum(dome, height * np.clip(1 - reach, 0, 1), out=dome)
    # Behind, lungs end about the twelfth thoracic vertebra, as phantoms' do.
    base = frame.height(19.0, z.ravel()) + np.float32(rng.uniform(-35, 15))
    above = z - base - dome + smooth_noise(rng, grid, scale=70.0) * 4 > 0
    chest, belly = cavity & above, cavity & ~above
    paint.put("visceral_fat", belly)
    if not paint.shows("lung"):
        _chest(paint, frame, grid, chest, dx=dx, dy=dy, level=level, rng=rng)
    if not paint.shows("bowel", "liver", "stomach"):
        _belly(paint, frame, grid, belly, dy=dy, rng=rng)
    elif rich and not paint.shows("bowel"):
        _bowel(paint, belly, dy, grid, rng)
    if not paint.shows("artery"):
        aorta = (dx + 14) ** 2 + (dy - 28) ** 2 < rng.uniform(8, 13) ** 2
        paint.put("artery", aorta & (level > 11.5) & (level < 23.3))
        for side in (-1.0, 1.0):
            neck = (dx - side * 26) ** 2 + (dy - 22) ** 2
            paint.put("artery", (neck < rng.uniform(3, 4.5) ** 2) & (level < 9) & (level > 2))
    if not paint.shows("vein"):
        cava = (dx - 18) ** 2 + (dy - 28) ** 2 < rng.uniform(8, 12) ** 2
        paint.put("vein", cava & (level > 17) & (level < 23.3))
        for side in (-1.0, 1.0):
            neck = (dx - side * 36) ** 2 + (dy - 18) ** 2
            paint.put("vein", (neck < rng.uniform(4, 8) ** 2) & (level < 9) & (level > 2))
    if not paint.shows("muscle"):  # the psoas
        for side in (-1.0, 1.0):
            spread = np.interp(frame.level, [19, 24.5, 27], [24, 44, 62]).astype(np.float32)
            size = np.interp(frame.level, [18.5, 20, 24], [0, 11, rng.uniform(18, 24)]).astype(np.float32)
            paint.put("muscle", (dx - side * spread) ** 2 + (dy - 2) ** 2 < size**2)
    if not paint.shows("airway"):
        radius = np.float32(rng.uniform(7, 9.5))
        front = np.interp(frame.level, [3, 7, 12], [20, 30, 26]).astype(np.float32)
        paint.put("airway", (dx**2 + (dy - front) ** 2 < radius**2) & (level > 1) & (level < 12.3))
    body = np.interp(frame.level, [1, 7, 8, 19, 24], [8, 9, 13, 19, 23]).astype(np.float32)
    column = (level < 25.5) & (level > 1.5) & ((dx / (1.25 * body)) ** 2 + (dy / body) ** 2 < 1)
    paint.put("disc", column & (near < 10))
    behind = (body + 8).astype(np.float32)
    paint.put("spinal_canal", (dx**2 + (dy + behind) ** 2 < 8.5**2) & (level < 26))


def _chest(
    paint: _Paint,
    frame: _Frame,
    grid: Grid,
    chest: np.ndarray,
    *,
    dx: np.ndarray,
    dy: np.ndarray,
    level: np.ndarray,
    rng: np.random.Generator,
) -> None:
    paint.put("visceral_fat", chest)
    size = (rng.uniform(42, 56), rng.uniform(36, 48), rng.uniform(42, 58))
    heart = _ball(grid, frame, 15.5, offset=(-22.0, 58.0, 0.0), radii=size, rng=rng)
    middle = (np.abs(dx) < rng.uniform(20, 34)) & (dy > 0)
    lung = chest & ~heart & ~(middle & (smooth_noise(rng, grid, scale=40.0) > -1.2))
    paint.put("lung", lung)
    paint.put("vein", lung & (smooth_noise(rng, grid, scale=max(9.0, 2.2 * grid.spacing)) > 2.1))
    paint.put("heart", heart & chest)
    great = (dx**2 + (dy - 45) ** 2 < rng.uniform(12, 17) ** 2) & (level > 9.5) & (level < 13.5)
    paint.put("artery", great & chest)


def _belly(
    paint: _Paint, frame: _Frame, grid: Grid, belly: np.ndarray, *, dy: np.ndarray, rng: np.random.Generator
) -> None:
    _bowel(paint, belly, dy, grid, rng)
    for name, at, offset, radii in _ORGANS:
        if not paint.shows(name):
            paint.put(name, belly & _ball(grid, frame, at, offset=offset, radii=radii, rng=rng))


def _bowel(paint: _Paint, where: np.ndarray, dy: np.ndarray, grid: Grid, rng: np.random.Generator) -> None:
    loops = smooth_noise(rng, grid, scale=32.0) + 0.5 * smooth_noise(rng, grid, scale=15.0) > rng.uniform(-0.5, 0.6)
    paint.put("bowel", where & loops)
    _contents(paint, paint.tissues, where & loops, grid, rng, dy=dy)


def _contents(
    paint: _Paint,
    target: np.ndarray,
    where: np.ndarray,
    grid: Grid,
    rng: np.random.Generator,
    *,
    dy: np.ndarray | float = 0.0,
) -> None:
    """Gas and, in some, contrast agent within a hollow organ; gas rises to the front."""
    gas = smooth_noise(rng, grid, scale=30.0) + np.clip(dy, -80, 80) / 130 > rng.uniform(1.0, 1.9)
    agent = smooth_noise(rng, grid, scale=38.0) > rng.uniform(0.3, 1.5)
    if rng.random() < 0.3:
        target[where & agent] = paint.ids["bowel_contrast"]
    target[where & gas] = paint.ids["gas"]


def _fill_hollow(paint: _Paint, grid: Grid, rng: np.random.Generator) -> None:
    """Contents of the bowel and vessels of the lung that the map shows as one."""
    hollow = np.isin(paint.given, [paint.ids["bowel"], paint.ids["stomach"]])
    if hollow.any():
        deep = edt.edt(hollow, anisotropy=(grid.spacing,) * 3, black_border=False) > max(2.5, 1.01 * grid.spacing)
        _, y, _ = grid.axes()
        paint.given = paint.given.copy()
        _contents(paint, paint.given, deep, grid, rng, dy=(y - y.mean()).astype(np.float32))
    lung = paint.given == paint.ids["lung"]
    if lung.any():
        paint.given = paint.given.copy()
        paint.given[lung & (smooth_noise(rng, grid, scale=max(9.0, 2.2 * grid.spacing)) > 2.1)] = paint.ids["vein"]


def _ball(
    grid: Grid,
    frame: _Frame,
    level: float,
    *,
    offset: tuple[float, float, float],
    radii: tuple[float, float, float],
    rng: np.random.Generator,
) -> Bool[np.ndarray, "i j k"]:
    """An uneven ellipsoid, placed from the column's middle at a level."""
    k = frame.at(level)
    centre = np.array([frame.x[k], frame.y[k], frame.height(level, grid.axes()[2].ravel())])
    centre = centre + np.array(offset) + rng.normal(0, 6, 3)
    size = np.array(radii) * rng.uniform(0.8, 1.2, 3)
    x, y, z = (((axis - c) / r).astype(np.float32) for axis, c, r in zip(grid.axes(), centre, size, strict=True))
    rough = smooth_noise(rng, grid, scale=35.0) * np.float32(0.12)
    ball: np.ndarray = x**2 + y**2 + z**2 < (1 + rough) ** 2
    return ball


def _table(paint: _Paint, skin: np.ndarray, grid: Grid, rng: np.random.Generator) -> None:
    """A table under the patient, where the back lies inside the grid."""
    gap, thickness, shell = rng.uniform(0, 15), rng.uniform(20, 60), rng.uniform(2, 5)
    sag, there = rng.uniform(0, 0.0012), rng.random() < 0.85
    inside = np.asarray((skin < 0).any((0, 2)))
    if not there or not inside.any() or inside[0]:
        return
    x, y, _ = grid.axes()
    back = float(y.ravel()[int(inside.argmax())]) - gap
    below = np.broadcast_to(back + sag * (x - x.mean()) ** 2 - y, grid.shape)
    free = skin > 0
    paint.put("table_core", free & (below > 0) & (below < thickness))
    rim = max(shell, grid.spacing) / 2
    paint.put("table_shell", free & ((np.abs(below) < rim) | (np.abs(below - thickness) < rim)))
