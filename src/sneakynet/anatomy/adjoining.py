"""Groups of bones that meet in joints: at such a border a voxel on the wrong side is no confusion of bones."""

import csv
from importlib.resources import files


def adjoining_groups() -> frozenset[frozenset[str]]:
    """Pairs of groups of the package's bone table; a table with groups of other names has none."""
    text = files("sneakynet.anatomy").joinpath("adjoining_groups.csv").read_text(encoding="utf-8")
    return frozenset(frozenset((row["one"], row["other"])) for row in csv.DictReader(text.splitlines()))
