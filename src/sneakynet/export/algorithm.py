"""What made a label map, as DICOM objects state it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sneakynet.export.statistics import FORMAT


@dataclass(frozen=True)
class Algorithm:
    """What made a label map.

    Args:
        name: of the program.
        version: of the program.
        model: name of the network's weights; empty where there is none.
        automatic: whether no human drew or corrected the labels.
    """

    name: str
    version: str
    model: str = ""
    automatic: bool = True

    @classmethod
    def sneakynet(cls, model: Mapping[str, Any]) -> "Algorithm":
        """This program.

        Args:
            model: as a segmentation describes it.
        """
        return cls("SneakyNet", version("sneakynet"), model=str(model.get("name") or ""))

    @property
    def type(self) -> str:
        """DICOM's word for the degree of automation."""
        return "AUTOMATIC" if self.automatic else "MANUAL"


def recorded_algorithm(path: Path) -> Algorithm | None:
    """What the statistics that `sneakynet segment` wrote beside its labels say.

    Args:
        path: the JSON file, which may be missing.

    Returns:
        What made the labels; None where there is no such file, or it is another program's.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            return None
        program = str(record["software"]).removeprefix("sneakynet ")
        return Algorithm("SneakyNet", program, model=str(record["model"].get("name") or ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
