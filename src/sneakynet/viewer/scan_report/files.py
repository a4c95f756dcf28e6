"""The files of a scan's report."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from sneakynet.errors import SettingError
from sneakynet.viewer.scan_report.content import ReportContent
from sneakynet.viewer.scan_report.page import scan_page
from sneakynet.viewer.scan_report.pdf import write_pdf
from sneakynet.volumes.atomic import write_whole

REPORT_ENDINGS = (".html", ".pdf")


def write_reports(paths: Iterable[Path], content: ReportContent) -> None:
    """Write a report, all files or none.

    Args:
        paths: files whose endings say which kind each is.
        content: of the report.

    Raises:
        SettingError: another ending.
        OutputError: a file cannot be written.
    """
    with ExitStack() as stack:
        for path in paths:
            ending = path.suffix.lower()
            if ending not in REPORT_ENDINGS:
                msg = f"{path}: a report ends in {' or '.join(REPORT_ENDINGS)}"
                raise SettingError(msg)
            part = stack.enter_context(write_whole(path))
            if ending == ".pdf":
                write_pdf(part, content)
            else:
                part.write_text(scan_page(content), encoding="utf-8")
