"""A person in the scanner: closed surfaces of every bone, in RAS mm."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sneakynet.phantom.pose import PoseSettings, draw_fitting_pose, with_open_jaw
from sneakynet.phantom.shape import draw_shape, shaped
from sneakynet.phantom.skeleton import skeleton
from sneakynet.phantom.surface import Surface


@dataclass(frozen=True)
class PersonSettings:
    """Who is scanned, and how they lie."""

    pose: PoseSettings = field(default_factory=PoseSettings)
    """How people lie."""


@dataclass(frozen=True, eq=False)
class Person:
    """The surfaces of one person as they lie in the scanner.

    Args:
        surfaces: closed surface by name, RAS mm: the bones of the table, ``costal_cartilage_left`` and ``_right``,
            the lower legs (``skeleton.LOWER_LEG``), and bones that have no class.
        pose: how the arms lie, one of ``pose.POSES``.
        unclassed: names of bones that have no class (a thirteenth rib, a cervical rib, a sixth lumbar vertebra).
            The lower legs are not among them: they are background.
        facts: how the person was made, plain values.
    """

    surfaces: Mapping[str, Surface]
    pose: str
    unclassed: frozenset[str]
    facts: dict[str, Any]


def draw_person(rng: np.random.Generator, settings: PersonSettings) -> Person:
    """One person; the same state of ``rng`` and the same settings give the same person."""
    pose = draw_fitting_pose(rng, settings.pose)
    surfaces = with_open_jaw(skeleton().posed(pose.angles), pose.jaw)
    return Person(shaped(surfaces, draw_shape(rng, sorted(surfaces))), pose.name, frozenset(), {"pose": pose.name})
