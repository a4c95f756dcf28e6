"""What the labels of a foreign label map are called."""

import csv
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from sneakynet.errors import SettingError
from sneakynet.volumes.label_names import read_label_names

Scheme = Literal["total", "verse", "atlas"]
"""``total``: TotalSegmentator's task of that name; ``verse``: the VerSe challenge; ``atlas``: what an
``atlasStructure.json`` beside the file says, as the Open Anatomy Project writes it."""

_ATLAS = "atlasStructure.json"


def label_names(labels: Path, *, names: Path | None = None, scheme: Scheme | None = None) -> dict[int, str]:
    """Label -> name.

    Args:
        labels: the label map. Without further arguments its own names count (NIfTI with names, ``.seg.nrrd``), else
            those of an ``atlasStructure.json`` beside it, else those of the ``dataset.json`` of its dataset.
        names: a file with the names: JSON (label to name, name to label, nnU-Net's ``dataset.json``, or an atlas's
            structures), or CSV with the columns ``id`` (or ``label``) and ``name``.
        scheme: whose labels they are.

    Raises:
        SettingError: names and scheme together, or nothing tells the names, or the file does not.
        VolumeError: the label map cannot be read.
    """
    if names is not None and scheme is not None:
        msg = f"give the names of labels or their scheme, not both (--names {names}, --scheme {scheme})"
        raise SettingError(msg)
    beside = labels.parent / _ATLAS
    if scheme == "atlas":
        return _from_file(beside)
    if scheme is not None:
        return _of_scheme(scheme)
    if names is not None:
        return _from_file(names)
    dataset = labels.resolve().parent.parent / "dataset.json"
    found = read_label_names(labels)
    if found is None and beside.is_file():
        found = _from_file(beside)
    if found is None and dataset.is_file():
        found = _from_file(dataset)
    if found is None:
        msg = (
            f"{labels} names no labels; say what they are with --scheme (total, verse or atlas) or --names FILE "
            "(JSON or CSV)"
        )
        raise SettingError(msg)
    return found


def _of_scheme(scheme: str) -> dict[int, str]:
    with resources.files("sneakynet.data").joinpath("label_schemes.csv").open(encoding="utf-8") as file:
        return {int(row["label"]): row["name"] for row in csv.DictReader(file) if row["scheme"] == scheme}


def _from_file(path: Path) -> dict[int, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = _from_csv(text) if path.suffix.lower() == ".csv" else _from_json(json.loads(text))
    except OSError as error:
        msg = f"cannot read the label names {path}: {error.strerror}; give a JSON or CSV file"
        raise SettingError(msg) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        msg = (
            f"cannot take label names from {path} ({type(error).__name__}: {error}); give JSON that maps each label to "
            "its name, or CSV with the columns id and name"
        )
        raise SettingError(msg) from error
    return {label: name for label, name in found.items() if label != 0}


def _from_csv(text: str) -> dict[int, str]:
    rows = list(csv.DictReader(text.splitlines()))
    column = "id" if rows and "id" in rows[0] else "label"
    return {int(row[column]): row["name"].strip() for row in rows}


def _from_json(content: Any) -> dict[int, str]:
    if isinstance(content, list):
        return dict(pair for entry in content for pair in _atlas_labels(entry))
    if isinstance(content.get("labels"), Mapping):
        content = content["labels"]
    if all(type(value) is int for value in content.values()):
        return {value: str(name) for name, value in content.items()}
    return {int(label): str(name) for label, name in content.items()}


def _atlas_labels(entry: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Label and name of an atlas's structure; other entries (groups, files) have none."""
    selectors = [one for one in entry.get("sourceSelector", ()) if isinstance(one, Mapping) and "dataKey" in one]
    return [(int(one["dataKey"]), str(entry["annotation"]["name"])) for one in selectors]
