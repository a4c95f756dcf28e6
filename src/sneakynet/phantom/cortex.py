"""How thick the cortical shell of each bone is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sneakynet.phantom.surface import Surface

# Adult means in mm, in the middle of the bone and at its ends, by the beginning of the name. Femoral shaft: Treece 2010
# (Med Image Anal); humerus: Tingart 2003 (JBJS Br); radius: Webber 2015 (J Biomech); metacarpals: Haara 2006 (Bone);
# vertebrae: Ritzel 1997 (JBMR); ribs: Kemper 2007 (J Biomech); skull tables: Lillie 2016 (J Anat); hip: Anderson 2005
# (J Biomech Eng). The others are set between their neighbours.
_MEAN_MM: Mapping[str, tuple[float, float]] = {
    "femur": (5.5, 0.9),
    "humerus": (4.0, 0.9),
    "radius": (2.8, 0.7),
    "ulna": (2.8, 0.7),
    "r_tibia": (5.0, 1.0),
    "l_tibia": (5.0, 1.0),
    "r_fibula": (2.5, 0.8),
    "l_fibula": (2.5, 0.8),
    "clavicula": (2.2, 0.8),
    "metacarpal": (1.8, 0.6),
    "phalanx": (1.3, 0.5),
    "mandible": (2.2, 2.0),
    "skull": (1.7, 1.7),
    "hip": (1.4, 1.2),
    "scapula": (1.2, 1.0),
    "rib": (0.8, 0.8),
    "vertebrae": (0.6, 0.6),
    "sacrum": (0.8, 0.8),
}
_OTHER_MM = (0.8, 0.8)
# Shells of the hip lose a third to a half from 40 to 90 years, more in women (Poole 2010, JBMR; Mayhew 2005, Lancet).
_YOUNG = 40.0
_LOSS_PER_YEAR = 0.008
# Shares of a bone's length at each end up to which the shell is as thin as there, and from which it is full: femoral
# necks and trochanters have 1 to 2 mm, and it takes the upper third to reach the shaft's (Treece 2010).
_END, _SHAFT = 0.1, 0.4
# Pedicles, laminae and processes are mostly cortex, 1 to 2 mm (Xu et al. 1999, J Spinal Disord), behind this share of a
# vertebra's depth.
_POSTERIOR_MM = 1.5
_BODY, _ARCH = 0.38, 0.5
# Along one bone, shells differ from place to place: deviation and wavelengths in mm (Treece 2010's maps of femora).
_LOCAL = 0.3
_WAVES_MM = (20.0, 70.0)
_WAVES = 8


@dataclass(frozen=True)
class Cortex:
    """One person's shells.

    Args:
        factor: of every bone; below 1 in osteoporosis.
        of_bone: further factor by name.
    """

    factor: float
    of_bone: Mapping[str, float]
    seed: int | None = None
    """Of the deviations along each bone; None: without."""


def draw_cortex(
    rng: np.random.Generator, names: list[str], *, factor: tuple[float, float], spread: float, age: float = _YOUNG
) -> Cortex:
    """One person.

    Args:
        rng: source of randomness.
        names: of all bones.
        factor: range of the common factor in young adults.
        spread: standard deviation from bone to bone, relative.
        age: years; shells thin out from 40 on.
    """
    old = 1 - _LOSS_PER_YEAR * max(0.0, age - _YOUNG)
    return Cortex(
        old * float(rng.uniform(*factor)),
        {name: float(np.clip(rng.normal(1, spread), 0.4, 1.8)) for name in sorted(names)},
        int(rng.integers(2**31)),
    )


def shell_mm(name: str, surface: Surface, cortex: Cortex) -> Float[np.ndarray, " vertex"]:
    """Thickness of the shell under each vertex, mm."""
    middle, end = next((mean for start, mean in _MEAN_MM.items() if name.startswith(start)), _OTHER_MM)
    scale = cortex.factor * cortex.of_bone.get(name, 1.0) * _local(name, surface.vertices, cortex.seed)
    if name.startswith("vertebrae"):
        # Patients face the front: the arch is what lies behind.
        y = surface.vertices[:, 1]
        back = (y.max() - y) / max(float(np.ptp(y)), 1e-6)
        arch: np.ndarray = np.interp(back, [_BODY, _ARCH], [middle, _POSTERIOR_MM]) * scale
        return arch
    if middle == end:
        return middle * scale
    centred = surface.vertices - surface.vertices.mean(0)
    # The axis of largest extent: the shells of long bones thin out towards their ends.
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    along = centred @ axis
    position = (along - along.min()) / max(float(np.ptp(along)), 1e-6)
    thickness: np.ndarray = (
        np.interp(position, [_END, _SHAFT, 1 - _SHAFT, 1 - _END], [end, middle, middle, end]) * scale
    )
    return thickness


def _local(name: str, vertices: Float[np.ndarray, "vertex 3"], seed: int | None) -> Float[np.ndarray, " vertex"]:
    """Factor at each vertex: a few waves of random direction, length and phase."""
    if seed is None:
        return np.ones(len(vertices))
    rng = np.random.default_rng([seed, *name.encode()])
    ways = rng.normal(0, 1, (3, _WAVES))
    low, high = np.log(_WAVES_MM)
    lengths = np.exp(rng.uniform(float(low), float(high), _WAVES))
    ways *= 2 * np.pi / (np.linalg.norm(ways, axis=0) * lengths)
    waves = np.cos(vertices @ ways + rng.uniform(0, 2 * np.pi, _WAVES)).sum(1) * (2 / _WAVES) ** 0.5
    factor: np.ndarray = np.exp(_LOCAL * np.clip(waves, -2.5, 2.0))
    return factor
