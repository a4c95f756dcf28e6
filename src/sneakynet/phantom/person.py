"""A person in the scanner: closed surfaces of every bone, in RAS mm."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sneakynet.phantom.build import BuildSettings, draw_build
from sneakynet.phantom.injuries import Injuries, InjurySettings, draw_injuries, with_injuries
from sneakynet.phantom.pose import PoseSettings, draw_fitting_pose, with_open_jaw
from sneakynet.phantom.shape import ShapeSettings, draw_shape, placed, shaped
from sneakynet.phantom.skeleton import skeleton
from sneakynet.phantom.spine import SpineSettings, draw_spine
from sneakynet.phantom.surface import Surface
from sneakynet.phantom.variants import Variants, VariantSettings, draw_variants, with_variants
from sneakynet.phantom.vertebral_lesions import Lesions, LesionSettings, draw_lesions, with_lesions


@dataclass(frozen=True)
class PersonSettings:
    """Who is scanned, and how they lie."""

    build: BuildSettings = field(default_factory=BuildSettings)
    """Sex, age, stature and weight."""
    pose: PoseSettings = field(default_factory=PoseSettings)
    """How the limbs lie."""
    spine: SpineSettings = field(default_factory=SpineSettings)
    """Curvature, breathing, position of the head."""
    shape: ShapeSettings = field(default_factory=ShapeSettings)
    """Proportions, shapes of single bones, position on the table."""
    variants: VariantSettings = field(default_factory=VariantSettings)
    """Other numbers of bones."""
    lesions: LesionSettings = field(default_factory=LesionSettings)
    """Worn and broken vertebrae."""
    injuries: InjurySettings = field(default_factory=InjurySettings)
    """Broken limbs and ribs, missing parts."""


@dataclass(frozen=True, eq=False)
class Person:
    """The surfaces of one person as they lie in the scanner.

    Args:
        surfaces: closed surface by name, RAS mm: the bones of the table, ``costal_cartilage_left`` and ``_right``,
            the lower legs (``skeleton.LOWER_LEG``), and bones that have no class. Not every
            bone is there in every person: see ``facts``.
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
    """One person; the same state of ``rng`` and the same settings give the same person.

    Raises:
        SettingError: settings that ask for what a body cannot do.
    """
    build = draw_build(rng, settings.build)
    pose = draw_fitting_pose(rng, settings.pose)
    spine = draw_spine(rng, settings.spine, age=build.age)
    variants = draw_variants(rng, settings.variants)
    lesions = draw_lesions(rng, settings.lesions, age=build.age)
    injuries = draw_injuries(rng, settings.injuries)
    surfaces = with_open_jaw(skeleton().posed(pose.angles), pose.jaw)
    surfaces, unclassed = with_variants(surfaces, variants)
    shape = draw_shape(rng, sorted(surfaces), build, settings.shape)
    surfaces = shaped(with_lesions(surfaces, lesions), shape, spine)
    surfaces = placed(with_injuries(surfaces, injuries), shape)
    facts = {
        "pose": pose.name,
        "sex": build.sex,
        "age": round(build.age, 1),
        "stature": round(build.stature, 3),
        "weight": round(build.weight, 1),
        "bmi": round(build.bmi, 1),
        "curvature": {name: _plain(value) for name, value in asdict(spine).items()},
        "variants": _findings(variants, lesions, injuries),
    }
    return Person(surfaces, pose.name, unclassed, facts)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


def _findings(variants: Variants, lesions: Lesions, injuries: Injuries) -> dict[str, Any]:
    """What is unusual about a person, plain values."""
    findings = {
        "rib_pairs": variants.rib_pairs,
        "thirteenth_rib": list(variants.thirteenth),
        "short_last_ribs": variants.last_rib < 1,
        "cervical_ribs": list(variants.cervical_ribs),
        "lumbar": variants.lumbar,
        "fused": list(lesions.fused),
        "compressed": {c.vertebra: [c.kind, round(c.loss, 2)] for c in lesions.compressed},
        "osteophytes": round(max(lesions.osteophytes.values(), default=0.0), 1),
        "fractured": [fracture.bone for fracture in injuries.fractures],
        "cut": {bone: round(left, 2) for bone, left in injuries.cut.items()},
        "missing": list(injuries.missing),
    }
    usual = {"rib_pairs": 12, "lumbar": 5}
    return {name: value for name, value in findings.items() if value and value != usual.get(name)}
