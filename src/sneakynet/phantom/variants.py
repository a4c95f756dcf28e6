"""Skeletons with other numbers of bones: ribs, lumbar vertebrae; the labels stay true.

Vertebrae are numbered from the top, so that with four lumbar vertebrae there is no L5 and the sixth of six has no
class; no more do a cervical and a thirteenth rib.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from sneakynet.errors import SettingError
from sneakynet.phantom.limbs import SIDES, leg
from sneakynet.phantom.spine import PELVIS
from sneakynet.phantom.surface import Surface

SIXTH_LUMBAR = "vertebrae_L6"
_STEP, _STEPS = 2.0, 25  # mm; how a rib is moved out of a vertebra
_UNEVEN = 0.06  # of the twelfth ribs' lengths: left and right apart from their mean, as a logarithm
_OFF_HIP = 15.0  # mm between a long twelfth rib and the hip bone
_BESIDE = 4.0  # mm: half a process's thickness, so that no corner of the rib is within one


@dataclass(frozen=True)
class VariantSettings:
    """Shares of people whose bones differ in number, drawn more often than they occur, and how the last ribs vary."""

    eleven_ribs: float = 0.03
    """Share without twelfth ribs. A few per cent of adults (Wigh 1980; Bergman et al. 1988)."""
    thirteen_ribs: float = 0.04
    """Share with lumbar ribs, on one side or both. About 1 % (Wigh 1980; Bergman et al. 1988)."""
    short_twelfth: float = 0.2
    """Share with short twelfth ribs, 0.3 to 0.8 of the length; the twelfth varies from 2 to 20 cm (Gray's Anatomy)."""
    cervical_ribs: float = 0.02
    """Share with a rib at C7, on one side or both. 0.5 to 2 % (Brewin et al. 2009; Viertel et al. 2012)."""
    four_lumbar: float = 0.05
    """Share with a fifth lumbar vertebra taken into the sacrum. 4 to 8 % (Konin and Walz 2010)."""
    six_lumbar: float = 0.05
    """Share with a first sacral vertebra set free. 2 to 6 % (Konin and Walz 2010)."""
    twelfth_rib: tuple[float, float] = (1.0, 2.5)
    """Range of the length of other twelfth ribs, relative to the source's, which is a short one with its 6 cm."""
    floating_drop: tuple[float, float] = (-4.0, 18.0)
    """Degrees by which ribs 11 and 12 hang lower than the source's, which slope by 24 to 32 in half of all phantoms and
    by 36 to 45 in the real abdomen at hand."""

    def __post_init__(self) -> None:
        ranges = ("twelfth_rib", "floating_drop")
        rates = {name: value for name, value in vars(self).items() if name not in ranges and not 0 <= value <= 1}
        pairs = (("eleven_ribs", "thirteen_ribs"), ("four_lumbar", "six_lumbar"))
        both = [f"{a} + {b}" for a, b in pairs if getattr(self, a) + getattr(self, b) > 1]
        if rates or both:
            msg = f"rates of variants are shares from 0 to 1, exclusive ones together too; got {rates or both}"
            raise SettingError(msg)
        if not 0.3 <= self.twelfth_rib[0] <= self.twelfth_rib[1] <= 3.5:
            msg = f"twelfth_rib goes from one length to another, 0.3 to 3.5 of the source's; got {self.twelfth_rib}"
            raise SettingError(msg)
        if not -20 <= self.floating_drop[0] <= self.floating_drop[1] <= 30:
            msg = f"floating_drop goes from one angle to another, from -20 to 30 degrees; got {self.floating_drop}"
            raise SettingError(msg)


@dataclass(frozen=True)
class Variants:
    """Numbers of one person's bones.

    Args:
        rib_pairs: 11, 12 or 13.
        thirteenth: sides that have a thirteenth rib, where ``rib_pairs`` is 13.
        last_rib: length of the last ribs, relative to a full twelfth.
        cervical_ribs: sides that have one.
        cervical_rib: its length, relative to a first rib.
        lumbar: 4, 5 or 6 vertebrae.
        twelfth: length of a full right and left twelfth rib, relative to the source's.
        drop: degrees by which ribs 11 and 12 hang lower than the source's.
    """

    rib_pairs: int
    thirteenth: tuple[str, ...]
    last_rib: float
    cervical_ribs: tuple[str, ...]
    cervical_rib: float
    lumbar: int
    twelfth: tuple[float, float] = (1.0, 1.0)
    drop: float = 0.0


def draw_variants(rng: np.random.Generator, settings: VariantSettings) -> Variants:
    """The numbers of one person's bones."""
    ribs, lumbar, short, neck = rng.random(4)
    rib_pairs = _number(ribs, 11, settings.eleven_ribs, settings.thirteen_ribs)
    either = (("right",), ("left",), SIDES)
    thirteenth, cervical = (either[int(rng.choice(3, p=[0.3, 0.3, 0.4]))] for _ in range(2))
    shortened = rib_pairs == 13 or short < settings.short_twelfth
    last_rib, cervical_rib = rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.7)
    # From a stream of their own: all other numbers of a seed stay what they were.
    floating = rng.spawn(1)[0]
    twelfth, uneven = floating.uniform(*settings.twelfth_rib), np.exp(floating.normal(0, _UNEVEN))
    return Variants(
        rib_pairs=rib_pairs,
        thirteenth=thirteenth if rib_pairs == 13 else (),
        last_rib=float(last_rib) if shortened else 1.0,
        cervical_ribs=cervical if neck < settings.cervical_ribs else (),
        cervical_rib=float(cervical_rib),
        lumbar=_number(lumbar, 4, settings.four_lumbar, settings.six_lumbar),
        twelfth=(float(twelfth * uneven), float(twelfth / uneven)),
        drop=float(floating.uniform(*settings.floating_drop)),
    )


def _number(drawn: float, fewest: int, fewer: float, more: float) -> int:
    if drawn < fewer:
        return fewest
    return fewest + 2 if drawn > 1 - more else fewest + 1


def with_variants(surfaces: Mapping[str, Surface], variants: Variants) -> tuple[dict[str, Surface], frozenset[str]]:
    """A skeleton with other bones, and the names of those that have no class (trunk at rest; RAS mm)."""
    out = dict(surfaces)
    unclassed: set[str] = set()
    if variants.lumbar == 4:
        out = _without_fifth_lumbar(out)
    elif variants.lumbar == 6:
        out = _with_sixth_lumbar(out)
        unclassed.add(SIXTH_LUMBAR)
    for side, full in zip(SIDES, variants.twelfth, strict=True):
        twelfth, first = f"rib_{side}_12", f"rib_{side}_1"
        if side in variants.thirteenth:
            name = f"rib_{side}_13"
            out[name] = _rib_at(out, twelfth, "vertebrae_T12", "vertebrae_L1", variants.last_rib)
            unclassed.add(name)
        for n in (11, 12) if variants.drop else ():
            out[f"rib_{side}_{n}"] = _hanging(out[f"rib_{side}_{n}"], out[f"vertebrae_T{n}"], variants.drop)
        if variants.rib_pairs == 11:
            del out[twelfth]
        else:
            shortened = variants.last_rib if side not in variants.thirteenth else 1.0
            out[twelfth] = _twelfth(out, side, full * shortened)
        if side in variants.cervical_ribs:
            # A raised arm brings the clavicle up: the rib ends before it.
            clavicle = out[f"clavicula_{side}"].vertices
            for length in variants.cervical_rib * np.array([1.0, 0.75, 0.55, 0.4]):
                rib = _rib_at(out, first, "vertebrae_T1", "vertebrae_C7", float(length))
                if not _near(clavicle, rib.vertices, _BESIDE + 2):
                    name = f"rib_{side}_cervical"
                    out[name] = rib
                    unclassed.add(name)
                    break
    return out, frozenset(unclassed)


def _twelfth(surfaces: Mapping[str, Surface], side: str, length: float) -> Surface:
    """The twelfth rib, longer or shorter, and no longer than to the hip bone."""
    hip = surfaces[f"hip_{side}"].vertices
    for shorter in (1.0, 0.85, 0.7, 0.55):
        rib = f"rib_{side}_12"
        if length * shorter == 1:
            return surfaces[rib]
        made = _rib_at(surfaces, rib, "vertebrae_T12", "vertebrae_T12", length * shorter)
        if not _near(hip, made.vertices, _OFF_HIP):
            break
    return made


def _hanging(rib: Surface, vertebra: Surface, degrees: float) -> Surface:
    """A rib turned downwards about its head."""
    middle = vertebra.vertices.mean(0)
    distance = np.linalg.norm(rib.vertices - middle, axis=1)
    head, tip = rib.vertices[distance.argmin()], rib.vertices[distance.argmax()]
    outwards = (tip - head) * [1, 1, 0]
    axis = np.cross(outwards / np.linalg.norm(outwards), [0, 0, -1])
    turn = Rotation.from_rotvec(np.radians(degrees) * axis)
    return rib.moved(turn.apply(rib.vertices - head) + head)


def _rib_at(surfaces: Mapping[str, Surface], rib: str, of: str, to: str, length: float) -> Surface:
    """A rib moved from its vertebra to another, and made shorter or longer about its head."""
    vertices, vertebra = surfaces[rib].vertices, _centre(surfaces, of)
    distance = np.linalg.norm(vertices - vertebra, axis=1)
    head, tip = vertices[distance.argmin()], vertices[distance.argmax()]
    axis = (tip - head) / np.linalg.norm(tip - head)
    thickness = min(1.0, 0.6 + 0.4 * length)
    matrix = thickness * np.eye(3) + (length - thickness) * np.outer(axis, axis)
    moved = (vertices - head) @ matrix + head + _centre(surfaces, to) - vertebra
    # Beside the other vertebra's processes, not in them.
    outwards = np.array([_STEP if moved[:, 0].mean() > vertebra[0] else -_STEP, 0.0, 0.0])
    for _ in range(_STEPS):
        if to == of or not _near(surfaces[to].vertices, moved, _BESIDE):
            break
        moved = moved + outwards
    return surfaces[rib].moved(moved)


def _near(of: Float[np.ndarray, "vertex 3"], points: Float[np.ndarray, "point 3"], mm: float) -> bool:
    return bool(np.isfinite(cKDTree(of).query(points, distance_upper_bound=mm)[0]).any())


def _without_fifth_lumbar(surfaces: dict[str, Surface]) -> dict[str, Surface]:
    down = _centre(surfaces, "vertebrae_L5") - _centre(surfaces, "vertebrae_L4")
    tilt = _tilt(surfaces, "vertebrae_L3", "vertebrae_L5", "vertebrae_L4", "sacrum")
    out = {name: _shifted(s, down) if _is_above(name) else s for name, s in surfaces.items()}
    out["vertebrae_L4"] = _turned(out["vertebrae_L4"], tilt)
    del out["vertebrae_L5"]
    return out


def _with_sixth_lumbar(surfaces: dict[str, Surface]) -> dict[str, Surface]:
    up = _centre(surfaces, "vertebrae_L4") - _centre(surfaces, "vertebrae_L5")
    tilt = _tilt(surfaces, "vertebrae_L4", "sacrum", "vertebrae_L3", "vertebrae_L5")
    out = {name: _shifted(s, up) if _is_above(name) else s for name, s in surfaces.items()}
    out[SIXTH_LUMBAR] = surfaces["vertebrae_L5"]
    out["vertebrae_L5"] = _turned(out["vertebrae_L5"], tilt)
    return out


def _is_above(name: str) -> bool:
    """What the loin carries: everything but pelvis and legs."""
    return name not in PELVIS and not any(name in leg(side) for side in SIDES)


def _tilt(surfaces: Mapping[str, Surface], above: str, below: str, to_above: str, to_below: str) -> Rotation:
    """From the spine's direction between two bones to that between two others."""

    def direction(a: str, b: str) -> np.ndarray:
        end = _promontory(surfaces["sacrum"]) if b == "sacrum" else _centre(surfaces, b)
        along: np.ndarray = _centre(surfaces, a) - end
        return along

    turn, _ = Rotation.align_vectors(direction(to_above, to_below)[None], direction(above, below)[None])
    return turn


def _promontory(sacrum: Surface) -> Float[np.ndarray, " 3"]:
    height = sacrum.vertices[:, 2]
    top: np.ndarray = sacrum.vertices[height > height.max() - 12].mean(0)
    return top


def _centre(surfaces: Mapping[str, Surface], name: str) -> Float[np.ndarray, " 3"]:
    low, high = surfaces[name].vertices.min(0), surfaces[name].vertices.max(0)
    centre: np.ndarray = (low + high) / 2
    return centre


def _shifted(surface: Surface, by: Float[np.ndarray, " 3"]) -> Surface:
    return surface.moved(surface.vertices + by)


def _turned(surface: Surface, turn: Rotation) -> Surface:
    centre = surface.vertices.mean(0)
    return surface.moved(turn.apply(surface.vertices - centre) + centre)
