"""The ids of ``tissues.csv`` by name."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType


@cache
def tissue_ids() -> Mapping[str, int]:
    """Id of each tissue, by name, in the order of the file."""
    with resources.files("sneakynet.phantom").joinpath("tissues.csv").open(encoding="utf-8") as file:
        return MappingProxyType({row["name"]: int(row["id"]) for row in csv.DictReader(file)})
