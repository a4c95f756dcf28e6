"""The labelled scans of a reproduction: phantoms that show every bone, or a dataset that was given."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.dataset import Dataset, read_dataset
from sneakynet.data.phantom_dataset import Recipe, write_phantoms
from sneakynet.phantom.injuries import InjurySettings
from sneakynet.phantom.person import PersonSettings
from sneakynet.phantom.pose import PoseSettings
from sneakynet.phantom.settings import PhantomSettings
from sneakynet.phantom.variants import VariantSettings

FIRST_SEED = 90_000
"""Phantoms of a reproduction lie far from the seeds that the default weights were trained on."""


def phantom_names(count: int, *, seed: int) -> tuple[str, ...]:
    """Names of the phantoms before they are made."""
    return tuple(f"phantom_{number:05d}" for number in phantom_seeds(count, seed=seed))


def phantom_seeds(count: int, *, seed: int) -> Sequence[int]:
    """Seeds of the phantoms; those of two reproductions never overlap."""
    first = FIRST_SEED + 100 * seed
    return range(first, first + count)


def whole_bodies() -> PhantomSettings:
    """Persons who differ in everything but the number of their bones, with both hands in the field of view."""
    return PhantomSettings(
        person=PersonSettings(
            pose=PoseSettings(arms_up=0, arms_down=0, hands_on_belly=1, one_arm_up=0),
            variants=VariantSettings(
                eleven_ribs=0, thirteen_ribs=0, short_twelfth=0, cervical_ribs=0, four_lumbar=0, six_lumbar=0
            ),
            injuries=InjurySettings(missing_arm=0, missing_leg=0, missing_fingers=0),
        )
    )


def make_scans(
    folder: Path,
    *,
    count: int,
    seed: int,
    spacing: float,
    workers: int,
    late: Callable[[], bool],
    report: Callable[[str], None],
) -> bool:
    """Make the phantoms that are not there yet.

    Args:
        folder: of the dataset.
        count: how many.
        seed: of the reproduction.
        spacing: mm.
        workers: processes.
        late: asked after each one; True stops.
        report: told each one's name.

    Returns:
        Whether all are there.

    Raises:
        SettingError: the folder holds phantoms of other settings.
        OutputError: the folder cannot be written.
    """
    first = phantom_seeds(count, seed=seed)[0]
    recipe = Recipe(spacing=spacing, field="whole", settings=whole_bodies())
    for case in write_phantoms(folder, recipe, count=count, seed=first, workers=workers):
        if case.made:
            report(case.name)
            if late():
                return False
    return True


def open_scans(folder: Path) -> Dataset:
    """The dataset, phantoms or given; its labels are the bone table's.

    Raises:
        DatasetError: there is none.
    """
    return read_dataset(folder, table=BoneTable.default())
