"""One scan of a run: where its results go, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sneakynet.cohort.case_options import CaseOptions
from sneakynet.cohort.scans import case_name
from sneakynet.errors import SettingError
from sneakynet.export.dicom_labels import DicomKind
from sneakynet.viewer.scan_report.files import REPORT_ENDINGS

LabelFormat = Literal["nii.gz", "seg.nrrd", "dicom-seg", "dicom-labelmap", "dicom-rtstruct"]

_DICOM: dict[LabelFormat, DicomKind] = {
    "dicom-seg": "seg",
    "dicom-labelmap": "labelmap",
    "dicom-rtstruct": "rtstruct",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one scan, as plain JSON values.

    Args:
        case: its name.
        status: whether it was done now, was there already, or failed.
        labels: file.
        statistics: file.
        preview: file, if one was drawn.
        confidence: file, if it was asked for.
        report: files, if it was asked for.
        bones: how many were found.
        order: what was renamed to be in order, and what is doubtful, in a line, if anything.
        cleanup: what a clean-up did to the labels, in a line, if one was asked for.
        seconds: that reading, computing and writing took.
        error: why it failed.
    """

    case: str
    status: Literal["done", "skipped", "failed"]
    labels: str | None = None
    statistics: str | None = None
    preview: str | None = None
    confidence: str | None = None
    report: tuple[str, ...] = ()
    bones: int | None = None
    order: str | None = None
    cleanup: str | None = None
    seconds: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Case:
    """One scan and where its results go.

    Args:
        name: stands in every file name.
        input: file or DICOM folder.
        labels: file; written last, so that a case is complete where its labels are.
        statistics: file.
        preview: file; None for no picture.
        confidence: file; None where it is not asked for.
        report: files, HTML and PDF; none where it is not asked for.
        series: which DICOM series to take where there are several.
        dicom: which DICOM object the labels become; None for another kind of file.
        options: how it is segmented.
    """

    name: str
    input: Path
    labels: Path
    statistics: Path
    preview: Path | None = None
    confidence: Path | None = None
    report: tuple[Path, ...] = ()
    series: str | None = None
    dicom: DicomKind | None = None
    options: CaseOptions = field(default_factory=CaseOptions)

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that may be written."""
        names = self.labels.with_name(f"{self.name}.labels.json")
        asked = (file for file in (self.preview, self.confidence) if file is not None)
        return (self.labels, self.statistics, names, *asked, *self.report)

    def done(self, *, bones: int, seconds: float, order: str | None = None, cleanup: str | None = None) -> Outcome:
        """The outcome of a case whose files were written.

        Args:
            bones: how many were found.
            seconds: what it took.
            order: see `Outcome`.
            cleanup: see `Outcome`.
        """
        return Outcome(
            case=self.name,
            status="done",
            labels=str(self.labels),
            statistics=str(self.statistics),
            preview=None if self.preview is None else str(self.preview),
            confidence=None if self.confidence is None else str(self.confidence),
            report=tuple(map(str, self.report)),
            bones=bones,
            order=order,
            cleanup=cleanup,
            seconds=seconds,
        )

    def skipped(self) -> Outcome:
        """The outcome of a case whose labels were there already."""
        return Outcome(self.name, "skipped", labels=str(self.labels))

    def failed(self, reason: str) -> Outcome:
        """The outcome of a case that has no labels.

        Args:
            reason: what was wrong and what to do about it.
        """
        return Outcome(self.name, "failed", error=reason)


def plan_cases(
    scans: Iterable[Path],
    output: Path,
    *,
    format: LabelFormat,
    preview: bool = True,
    confidence: bool = False,
    report: bool = False,
    series: str | None = None,
    options: CaseOptions | None = None,
) -> tuple[Case, ...]:
    """Every scan's name and files; nothing is read or written.

    Args:
        scans: from `find_scans`.
        output: folder for the results.
        format: of the label files.
        preview: whether pictures are drawn.
        confidence: whether the probability of the labels is written too.
        report: whether a page about the bones is written too.
        series: see `Case`.
        options: of every scan.

    Raises:
        SettingError: no scan, two scans of one name, or a result that would take the place of a scan.
    """
    dicom = _DICOM.get(format)
    label_ending = format if dicom is None else f"{dicom}.dcm"
    cases = tuple(
        Case(
            name=name,
            input=path,
            labels=output / f"{name}.{label_ending}",
            statistics=output / f"{name}.json",
            preview=output / f"{name}.png" if preview else None,
            confidence=output / f"{name}.confidence.nii.gz" if confidence else None,
            report=tuple(output / f"{name}.report{ending}" for ending in REPORT_ENDINGS) if report else (),
            series=series,
            dicom=dicom,
            options=options or CaseOptions(),
        )
        for name, path in ((case_name(path), path) for path in scans)
    )
    if not cases:
        msg = "no scan was given; name at least one file or DICOM folder"
        raise SettingError(msg)
    _check_apart(cases)
    return cases


def _check_apart(cases: tuple[Case, ...]) -> None:
    inputs = {case.input.resolve() for case in cases}
    writers: dict[Path, Case] = {}
    for case in cases:
        for file in case.files:
            other = writers.setdefault(file, case)
            if other is not case:
                names = f"as {case.name!r}" if other.name == case.name else f"to {file.name}"
                msg = (
                    f"{other.input} and {case.input} would both be written {names}; rename one, "
                    "or run them into two folders"
                )
                raise SettingError(msg)
        if case.labels.resolve() in inputs:
            msg = f"the labels would overwrite the scan {case.labels}; choose another output folder"
            raise SettingError(msg)
