"""What was found in a scan, in numbers: one record per bone, one JSON file per case."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from sneakynet.errors import DatasetError
from sneakynet.evaluation.measures.bone_measures import BoneMeasures, measure_bones
from sneakynet.inference.cleanup_report import CleanupReport
from sneakynet.inference.segmentation import Segmentation
from sneakynet.volumes.atomic import write_whole
from sneakynet.volumes.volume import Volume

FORMAT = "sneakynet statistics"
FORMAT_VERSION = 2


def case_record(
    segmentation: Segmentation, scan: Volume, *, case: str, cleanup: CleanupReport | None = None
) -> dict[str, object]:
    """Everything that the statistics file of a case says, as plain JSON values.

    Args:
        segmentation: the labels, cleaned up if they were, and the model that gave them.
        scan: the scan they were found in.
        case: the case's name.
        cleanup: what a clean-up has done to the labels; None if there was none.
    """
    bones = measure_bones(segmentation.labels, scan, table=segmentation.table, confidence=segmentation.confidence)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "software": f"sneakynet {version('sneakynet')}",
        "case": case,
        "scan": {
            "shape": list(scan.shape),
            "spacing_mm": [round(s, 6) for s in scan.spacing],
            "affine": scan.affine.tolist(),
        },
        "model": dict(segmentation.model),
        "inference": dict(segmentation.work),
        "world": "mm, RAS+: x grows to the patient's right, y to anterior, z to superior",
        "order": None if segmentation.order is None else segmentation.order.to_dict(),
        "cleanup": None if cleanup is None else cleanup.to_dict(),
        "bones": [asdict(bone) for bone in bones],
    }


def write_record(path: str | Path, record: Mapping[str, object]) -> None:
    """Write a case's record as JSON, whole or not at all.

    Args:
        path: the file.
        record: from `case_record`.

    Raises:
        OutputError: the file cannot be written.
    """
    with write_whole(path) as part:
        part.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def read_bones(path: str | Path) -> tuple[BoneMeasures, ...]:
    """The bones of a statistics file.

    Args:
        path: the file.

    Raises:
        DatasetError: it is missing, or not a statistics file of this version.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        if (record["format"], record["format_version"]) != (FORMAT, FORMAT_VERSION):
            msg = f"it is {record['format']!r} of version {record['format_version']}"
            raise ValueError(msg)
        return tuple(BoneMeasures.from_record(bone) for bone in record["bones"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"{error}"
        msg = (
            f"cannot use the statistics {path} ({reason}); this sneakynet reads {FORMAT!r} of version "
            f"{FORMAT_VERSION}: `segment --overwrite` writes them anew, `measure` measures labels that are there"
        )
        raise DatasetError(msg) from error
