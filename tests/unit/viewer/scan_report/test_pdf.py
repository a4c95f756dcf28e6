from dataclasses import replace

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages

from sneakynet.anatomy.bone import BoneTable
from sneakynet.viewer.scan_report.content import report_content
from sneakynet.viewer.scan_report.pdf import write_pdf


@pytest.fixture
def figures(monkeypatch):
    """The pages that go into a file."""
    kept, save = [], PdfPages.savefig

    def savefig(pages, figure):
        kept.append(figure)
        save(pages, figure)

    monkeypatch.setattr(PdfPages, "savefig", savefig)
    return kept


def test_no_line_leaves_the_page(trunk, figures, tmp_path):
    renamed = ", ".join(f"vertebrae_T{n} -> vertebrae_T{n + 1} (48.7 ml)" for n in range(1, 12))
    facts = {"Model": "tiny", "Names": f"renamed {renamed}"}
    content = report_content(trunk, table=BoneTable.default(), facts=facts)
    write_pdf(tmp_path / "a.pdf", replace(content, case="_".join(["a_long_name"] * 14)))
    said = []
    for figure in figures:
        canvas = FigureCanvasAgg(figure)
        for text in figure.texts:
            box = text.get_window_extent(canvas.get_renderer())
            assert box.x0 >= 0, text.get_text()
            assert box.x1 <= figure.bbox.x1, text.get_text()
            said.append(text.get_text())
    assert "vertebrae_T11 -> vertebrae_T12 (48.7 ml)" in " ".join(said)
