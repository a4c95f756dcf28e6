"""Ribs of full section whose heads and tubercles meet their vertebrae.

The source's ribs are prisms of some 100 corners, thinner than an adult's and up to 7 mm off the spine.
"""

import numpy as np
from jaxtyping import Float

from sneakynet.phantom.surface import Surface, grown, subdivided
from sneakynet.phantom.vertebral_column import Vertebra

_THICKER = 1.25
"""Mm added all round: 12 to 13 mm tall and 7 mm thick in the middle ribs after it (Mohr et al., J Biomech 40:3389,
2007; Kindig & Kent, Stapp Car Crash J 57:275, 2013)."""
_HEAD_GAP = 1.5  # mm of cartilage between head and vertebra
_HALF_HEAD = 4.5  # mm from the head's tip to the middle of its section
_REACH = 110.0  # mm from the tubercle at which a rib lies where the source has it
_SINGLE = (1, 11, 12)  # these heads meet one vertebra, the others two
_FLOATING = (11, 12)  # no tubercle


def fitted_rib(rib: Surface, number: int, *, vertebra: Vertebra) -> Surface:
    """A rib, closed, RAS mm, moved at its back end so that it meets its vertebra.

    Args:
        rib: the source's.
        number: 1 to 12.
        vertebra: of the same number.
    """
    rib = grown(subdivided(rib), _THICKER)
    middle, shape = vertebra.origin[0], vertebra.shape
    sign = float(np.sign(rib.vertices[:, 0].mean() - middle))
    head = _end(rib.vertices, rib.vertices[np.abs(rib.vertices[:, 0] - middle).argmin()], 0.0)

    if number in _SINGLE:  # at the body's side, in front of the pedicle
        edge, ahead, height = 0.95, 7.0, 0.05 * shape.height
    else:  # beside the disc, behind the body's greatest width
        edge, ahead, height = 0.86, 3.5, shape.height / 2 + shape.disc / 2 - 1.0
    places = [(sign * (edge * shape.width_up / 2 + _HEAD_GAP + _HALF_HEAD), -shape.depth / 2 + ahead, height)]
    if number not in _FLOATING:
        tip = shape.transverse_width / 2 - 3.0
        places.append((sign * tip, -shape.depth / 2 - shape.transverse_back + 11.5, shape.transverse_up + 0.5))
    targets = vertebra.to_world(np.array(places))

    moves = [targets[0] - head]
    stops = [0.0]
    if len(targets) > 1:
        stops.append(float(np.linalg.norm(targets[1] - targets[0])))
        moves.append(targets[1] - _end(rib.vertices, head, stops[1]))
    away = np.linalg.norm(rib.vertices - head, axis=1)
    return rib.moved(rib.vertices + _interpolated(away, stops, moves))


def _end(vertices: Float[np.ndarray, "vertex 3"], head: Float[np.ndarray, " 3"], away: float) -> np.ndarray:
    """Middle of the section at a distance from the head."""
    distance = np.linalg.norm(vertices - head, axis=1)
    near = np.abs(distance - away) < 7.0
    section = vertices[near] if near.any() else vertices[[np.abs(distance - away).argmin()]]
    middle: np.ndarray = (section.min(0) + section.max(0)) / 2
    return middle


def _interpolated(away: Float[np.ndarray, " vertex"], stops: list[float], moves: list[np.ndarray]) -> np.ndarray:
    """Displacement by distance from the head: as asked at the stops, smoothly none at the end of its reach."""
    ends, values = [*stops, stops[-1] + _REACH], [*moves, np.zeros(3)]
    at = np.searchsorted(ends, away, side="right").clip(1, len(ends) - 1)
    low, high = np.array(ends)[at - 1], np.array(ends)[at]
    t = np.clip((away - low) / (high - low), 0, 1)
    share = (t * t * (3 - 2 * t))[:, None]
    result: np.ndarray = np.array(values)[at - 1] * (1 - share) + np.array(values)[at] * share
    return result
