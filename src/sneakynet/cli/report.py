"""``sneakynet report``: a page about the bones of a scan."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError, SneakyNetError
from sneakynet.evaluation.labelled_scan import read_labelled_scan
from sneakynet.evaluation.pairing import case_name, label_maps, scans_of
from sneakynet.evaluation.translation import foreign_labels, warn_of_unnamed
from sneakynet.viewer.scan_report.content import check_report_packages, report_content
from sneakynet.viewer.scan_report.files import REPORT_ENDINGS, write_reports
from sneakynet.volumes.atomic import make_folder


@dataclass(frozen=True)
class ReportSettings:
    """Whose bones to report on, and where."""

    labels: Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="LABELS [MORE ...]")]]
    """Label maps, or folders of them."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """One label map: a file that ends in .html or .pdf. Else a folder for CASE.report.html and CASE.report.pdf."""
    scan: Path | None = None
    """The scan that the labels were found in, or a folder of scans with the same case names."""
    labels_table: str | None = None
    """Whose labels they are: a scheme (totalsegmentator, verse) or a CSV file; by default the label names decide."""
    table: Path | None = None
    """CSV file of another bone table, instead of the package's own."""


def run(settings: ReportSettings) -> None:
    """Write the reports; a label map that cannot be used does not stop the others.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: a wrong option, before any work; or some of the label maps could not be reported on.
    """
    if not settings.labels:
        msg = "give label maps to report on, or folders of them: sneakynet report LABELS -o report.html"
        raise SettingError(msg)
    check_report_packages()
    table = BoneTable.default() if settings.table is None else BoneTable.read(settings.table)
    if settings.labels_table is not None:
        foreign_labels(settings.labels_table, table)  # told once, and not for every file
    files = label_maps(settings.labels)
    if settings.labels_table is None:
        warn_of_unnamed(files)
    scans = {} if settings.scan is None else scans_of(files, settings.scan)
    outputs = _outputs(files, settings.output)
    failed = []
    for path in files:
        try:
            one = read_labelled_scan(path, scans.get(path), table=table, labels_table=settings.labels_table)
            write_reports(outputs[path], report_content(one, table=table))
            print(f"{', '.join(map(str, outputs[path]))}", file=sys.stderr)
        except SneakyNetError as error:
            failed.append(str(path))
            if len(files) == 1:
                raise
            print(f"error: {error}", file=sys.stderr)
    if failed:
        msg = f"{len(failed)} of {len(files)} label maps could not be reported on: {', '.join(failed)}"
        raise SneakyNetError(msg)


def _outputs(files: tuple[Path, ...], output: Path) -> dict[Path, tuple[Path, ...]]:
    """What is written for each label map."""
    if output.suffix.lower() in REPORT_ENDINGS:
        if len(files) > 1:
            msg = f"{output} is one file for {len(files)} label maps; give a folder"
            raise SettingError(msg)
        make_folder(output.parent)
        return {files[0]: (output,)}
    if output.suffix:
        msg = f"{output}: a report ends in {' or '.join(REPORT_ENDINGS)}; give such a file, or a folder for both kinds"
        raise SettingError(msg)
    outputs = {file: tuple(output / f"{case_name(file)}.report{ending}" for ending in REPORT_ENDINGS) for file in files}
    if len(set(outputs.values())) < len(outputs):
        msg = "two label maps have the same name; rename one, or run them into two folders"
        raise SettingError(msg)
    make_folder(output)
    return outputs
