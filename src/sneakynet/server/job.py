"""One scan that the server was given, from its upload to its results."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from sneakynet.volumes.atomic import write_whole

ScanKind = Literal["nii", "nii.gz", "nrrd", "mha", "dicom"]
"""What a scan is, by its content. DICOM lies in a folder, the others are a file with this ending."""

State = Literal["waiting", "running", "done", "failed"]
Delivery = Literal["none", "waiting", "sent", "failed"]

_FORMAT = "sneakynet job"
_FORMAT_VERSION = 1
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Job:
    """What is known of a scan, as plain JSON values; nothing of it is the patient's.

    Args:
        id: 32 hexadecimal digits by chance.
        kind: of the scan.
        state: where it stands.
        created: when it came, seconds since 1970.
        queued: its place in the queue: the smallest goes first.
        started: when its work began.
        finished: when it was done or failed.
        series: which series to take, where a DICOM folder holds several.
        deaths: how many workers have died over it.
        bones: how many were found.
        order: what was renamed to be in order, and what is doubtful, in a line, if anything.
        seconds: that the work took.
        error: why it failed.
        notes: warnings, and results that could not be made.
        delivery: what became of sending its DICOM SEG to an archive.
    """

    id: str
    kind: ScanKind
    state: State
    created: float
    queued: float
    started: float | None = None
    finished: float | None = None
    series: str | None = None
    deaths: int = 0
    bones: int | None = None
    order: str | None = None
    seconds: float | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()
    delivery: Delivery = "none"

    @property
    def open(self) -> bool:
        """Whether there is still work to do."""
        return self.state in {"waiting", "running"}

    def write(self, path: Path) -> None:
        """Write the record, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        record = {"format": _FORMAT, "format_version": _FORMAT_VERSION, **asdict(self)}
        with write_whole(path) as part:
            part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Job":
        """Read a record.

        Raises:
            ValueError: it is missing, damaged, or of another version.
        """
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if record.pop("format") != _FORMAT or record.pop("format_version") != _FORMAT_VERSION:
                msg = f"{path}: not a record of version {_FORMAT_VERSION}"
                raise ValueError(msg)
            job = cls(**{**record, "notes": tuple(record["notes"])})
        except (OSError, TypeError, KeyError, AttributeError) as error:
            msg = f"{path}: a damaged record ({type(error).__name__})"
            raise ValueError(msg) from error
        known = job.state in get_args(State) and job.kind in get_args(ScanKind) and job.delivery in get_args(Delivery)
        if not known or not _ID.fullmatch(job.id) or job.id != path.parent.name:
            msg = f"{path}: a damaged record"
            raise ValueError(msg)
        return job


@dataclass(frozen=True)
class Place:
    """Where the files of a job lie.

    Args:
        folder: the job's own.
        job: which.
    """

    folder: Path
    job: Job

    @property
    def scan(self) -> Path:
        """What is segmented: a file, or a folder of DICOM slices."""
        return scan_in(self.folder, self.job.kind)

    @property
    def results(self) -> Path:
        """The folder of what was found."""
        return self.folder / "results"

    @property
    def view(self) -> Path:
        """The folder of what the viewer shows."""
        return self.results / "view"

    def result(self, ending: str) -> Path:
        """A file of the results.

        Args:
            ending: such as ``nii.gz``, ``json``, ``png``, ``seg.dcm``, ``glb``, ``report.html``.
        """
        return self.results / f"{self.job.id}.{ending}"


def scan_in(folder: Path, kind: ScanKind) -> Path:
    """Where a scan lies in the folder of its job; no name that came from outside is used.

    Args:
        folder: the job's.
        kind: of the scan.
    """
    return folder / ("scan" if kind == "dicom" else f"scan.{kind}")
