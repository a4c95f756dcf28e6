"""A plan, and scores as units leave them."""

import csv
import json

import pytest

from sneakynet.reproduction.plan import make_plan
from sneakynet.reproduction.unit import unit_folder

CASES = tuple(f"case_{n:02d}" for n in range(16))


@pytest.fixture(scope="session")
def plan():
    return make_plan("small", cases=CASES, iterations=5)


@pytest.fixture
def write_unit():
    """Write the files of a finished unit: ``scores`` holds (case, bone, DSC) or these and a dict of rates."""

    def write(plan, folder, name, fold, scores, *, seconds=2.0):
        experiment = next(each for each in plan.experiments if each.name == name)
        home = unit_folder(folder, experiment, fold)
        (home / "scores").mkdir(parents=True)
        rows = [
            {"case": case, "name": bone, "dsc": dsc, "voxels_reference": 10, **(rates[0] if rates else {})}
            for case, bone, dsc, *rates in scores
        ]
        names = dict.fromkeys(key for row in rows for key in row)
        with (home / "scores" / "per_class.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, [*names])
            writer.writeheader()
            writer.writerows(rows)
        (home / "scores" / "summary.json").write_text("{}")
        (home / "trained.json").write_text(json.dumps({"parameters": 1_000_000, "seconds_per_iteration": 0.25}))
        (home / "seconds.json").write_text(json.dumps({case: seconds for case, *_ in scores}))

    return write
