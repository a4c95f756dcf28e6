"""Which prediction belongs to which reference."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sneakynet.counted import counted
from sneakynet.errors import DatasetError
from sneakynet.volumes.read import VOLUME_ENDINGS

_LOG = logging.getLogger(__name__)

# Longest first: a name ending in .seg.nrrd ends in .nrrd too.
_ENDINGS = tuple(sorted((".seg.nrrd", *VOLUME_ENDINGS), key=len, reverse=True))

CONFIDENCE = ".confidence"
"""Before the ending of the file in which `segment` says how sure it is of a case's labels."""


@dataclass(frozen=True)
class Pair:
    """One case's two label maps.

    Args:
        case: the case's name.
        prediction: file to be judged.
        reference: file to judge it by.
    """

    case: str
    prediction: Path
    reference: Path


def case_name(path: Path) -> str:
    """A file's name without its ending, and without the channel number that nnU-Net gives to scans."""
    ending = next((ending for ending in _ENDINGS if path.name.lower().endswith(ending)), path.suffix)
    return path.name[: len(path.name) - len(ending)].removesuffix("_0000")


def case_names(paths: Sequence[Path]) -> dict[Path, str]:
    """Name of each file's case; those of files that share one begin with their folders."""
    count = Counter(map(case_name, paths))
    return {
        path: str(path.parent / case_name(path)) if count[case_name(path)] > 1 else case_name(path) for path in paths
    }


def pair_cases(prediction: Path, reference: Path) -> tuple[Pair, ...]:
    """Pair two files, or the files of two folders by their case names.

    A prediction without a reference is left out with a warning; a reference without a prediction is an error, since
    leaving it out would raise the scores.

    Args:
        prediction: a label map or a folder of them.
        reference: the same kind of thing.

    Returns:
        Pairs sorted by case name, at least one.

    Raises:
        DatasetError: a path is missing, one is a file and the other a folder, or the folders do not match.
    """
    for name, path in (("prediction", prediction), ("reference", reference)):
        if not path.exists():
            msg = f"there is no {name} {path}; give a label map or a folder of label maps"
            raise DatasetError(msg)
    if prediction.is_dir() != reference.is_dir():
        folder, file = (prediction, reference) if prediction.is_dir() else (reference, prediction)
        msg = f"{folder} is a folder and {file} is a file; give two files or two folders"
        raise DatasetError(msg)
    if prediction.is_file():
        return (Pair(case_name(prediction), prediction, reference),)
    predictions, references = _by_case(prediction), _by_case(reference)
    missing = sorted(references.keys() - predictions.keys())
    if missing:
        msg = (
            f"{prediction} has no prediction for {len(missing)} of the {counted(len(references), 'case')} in "
            f"{reference}: {_shown(missing)}; predict them too, or take their references out"
        )
        raise DatasetError(msg)
    extra = sorted(predictions.keys() - references.keys())
    if extra:
        _LOG.warning(
            "left out %s without a reference in %s: %s", counted(len(extra), "prediction"), reference, _shown(extra)
        )
    return tuple(Pair(case, predictions[case], references[case]) for case in sorted(references))


def label_maps(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files that are meant by label maps and folders of them, in order; a folder's by case name.

    Raises:
        DatasetError: a path is missing, or a folder holds no label map.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        msg = f"there is no {', '.join(missing)}; give label maps or folders of label maps"
        raise DatasetError(msg)
    files: list[Path] = []
    for path in paths:
        cases = _by_case(path) if path.is_dir() else {"": path}
        # `segment` lays how probable the labels are beside them.
        files += [file for name, file in cases.items() if name.removesuffix(CONFIDENCE) not in cases.keys() - {name}]
    return tuple(dict.fromkeys(files))


def scans_of(labels: Sequence[Path], scan: Path) -> dict[Path, Path]:
    """The scan of each label map.

    Args:
        labels: the label maps.
        scan: the scan of the only one, of any kind that can be read; or a folder of files with their case names.

    Raises:
        DatasetError: it is missing, or some label map has no scan there.
    """
    if not scan.exists():
        msg = f"there is no scan {scan}; give a scan, or a folder of scans"
        raise DatasetError(msg)
    holds_files = scan.is_dir() and any(path.name.lower().endswith(_ENDINGS) for path in scan.iterdir())
    if len(labels) == 1 and not holds_files:
        return {labels[0]: scan}
    if not scan.is_dir():
        msg = f"{scan} is one scan for {len(labels)} label maps; give a folder of scans with their case names"
        raise DatasetError(msg)
    scans = _by_case(scan)
    missing = sorted({case_name(path) for path in labels} - scans.keys())
    if missing:
        msg = (
            f"{scan} has no scan for {len(missing)} of the {counted(len(labels), 'label map')}: {_shown(missing)}; "
            "scans bear the case names of their label maps"
        )
        raise DatasetError(msg)
    return {path: scans[case_name(path)] for path in labels}


def _by_case(folder: Path) -> dict[str, Path]:
    """Volume files of a folder by case name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.name.lower().endswith(_ENDINGS):
            continue
        name = case_name(path)
        if name in found:
            msg = f"{folder} holds two files of the case {name}: {found[name].name} and {path.name}; remove one"
            raise DatasetError(msg)
        found[name] = path
    if not found:
        inside = folder / "labelsTr"
        hint = f"its label maps are in {inside}" if inside.is_dir() else f"label maps end in {', '.join(_ENDINGS)}"
        msg = f"{folder} holds no label map; {hint}"
        raise DatasetError(msg)
    return found


def _shown(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
