"""A scan's report as PDF, A4."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from sneakynet.viewer.preview import INK, PAPER
from sneakynet.viewer.scan_report.bone_table import Column, bone_columns, bone_groups, table_notes
from sneakynet.viewer.scan_report.content import ReportContent
from sneakynet.viewer.scan_report.notices import Notice

_WIDE, _HIGH = 8.27, 11.69  # inches
_LEFT, _TOP, _FOOT = 0.55, 0.7, 0.6
_TEXT, _FAINT, _LINE = "#1b2330", "#566070", "#d5dae2"
_KIND = {"look": "#a83c00", "unsure": "#d98200", "cut": "#566070", "metal": "#566070"}
_ROW = 0.185
_COLUMNS = 100  # letters of a line of text
_TITLE_COLUMNS = 44
_FOOT_COLUMNS = 70  # beside what stands on the left


class _Sheet:
    """A page that is filled from the top; inches from its left and top edges."""

    def __init__(self, pages: PdfPages, title: str) -> None:
        self._pages, self._number = pages, 0
        # The foot of a page has room for some of a long name.
        self._title = title if len(title) <= _FOOT_COLUMNS else f"{title[:_FOOT_COLUMNS]} ..."
        self._begin()

    def _begin(self) -> None:
        self._number += 1
        self.figure = Figure(figsize=(_WIDE, _HIGH), facecolor="white")
        self.y = _TOP
        self.text(_LEFT, _HIGH - 0.35, f"SneakyNet {version('sneakynet')}. Not for clinical use.", size=7, color=_FAINT)
        self.text(_WIDE - _LEFT, _HIGH - 0.35, f"{self._title}, page {self._number}", size=7, color=_FAINT, ha="right")

    def room(self, height: float) -> None:
        """Go on to the next page where this one has less than a height left."""
        if self.y + height > _HIGH - _FOOT:
            self.end()
            self._begin()

    def end(self) -> None:
        """Put the page into the file."""
        self._pages.savefig(self.figure)  # type: ignore[no-untyped-call]

    def text(self, x: float, y: float, words: str, *, size: float | int = 9, color: str = _TEXT, **how: object) -> None:
        """Write words; how is matplotlib's."""
        self.figure.text(x / _WIDE, 1 - y / _HIGH, words, fontsize=size, color=color, parse_math=False, **how)  # type: ignore[arg-type]

    def heading(self, words: str, *, room: float) -> None:
        """Write a heading that has some room beneath it."""
        self.room(room + 0.5)
        self.y += 0.42
        self.rule(self.y - 0.3)
        self.text(_LEFT, self.y, words, size=12, weight="bold")
        self.y += 0.14

    def rule(self, y: float) -> None:
        """Draw a line from margin to margin."""
        self.box(_LEFT, y, _WIDE - 2 * _LEFT, 0.008, _LINE)

    def box(self, x: float, y: float, wide: float, high: float, color: str) -> None:
        """Fill a rectangle, given by its upper left corner."""
        axes = self.figure.add_axes((x / _WIDE, 1 - (y + high) / _HIGH, wide / _WIDE, high / _HIGH))
        axes.set_facecolor(color)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)

    def picture(
        self, picture: np.ndarray, letters: Sequence[str], *, x: float, wide: float, high: float, ink: str
    ) -> None:
        """Show a picture below the line reached, in a frame: left, right, and if there are, top and bottom letters."""
        axes = self.figure.add_axes((x / _WIDE, 1 - (self.y + high) / _HIGH, wide / _WIDE, high / _HIGH))
        axes.imshow(picture, interpolation="antialiased")
        axes.set_axis_off()
        places = ((0.02, 0.5), (0.98, 0.5), (0.5, 0.98), (0.5, 0.02))
        sides = (("left", "center"), ("right", "center"), ("center", "top"), ("center", "bottom"))
        for letter, place, (ha, va) in zip(letters, places, sides, strict=False):
            axes.text(*place, letter, color=ink, fontsize=7, weight="bold", ha=ha, va=va, transform=axes.transAxes)


def write_pdf(path: str | Path, content: ReportContent) -> None:
    """Write the report.

    Args:
        path: the file, whose folder is there.
        content: of the report.
    """
    about = {"Title": f"{content.case}: bones", "Creator": f"SneakyNet {version('sneakynet')}"}
    with PdfPages(path, metadata=about) as pages:
        sheet = _Sheet(pages, content.case)
        _head(sheet, content)
        _overview(sheet, content)
        _skeleton(sheet, content)
        _joints(sheet, content)
        _bones(sheet, content)
        _further(sheet, content)
        sheet.end()


def _head(sheet: _Sheet, content: ReportContent) -> None:
    for line in wrap(content.case, _TITLE_COLUMNS):
        sheet.text(_LEFT, sheet.y, line, size=16, weight="bold")
        sheet.y += 0.3
    sheet.y -= 0.2
    for heading, words in content.facts.items():
        sheet.text(_LEFT, sheet.y + _ROW, heading, size=8, color=_FAINT)
        for line in wrap(words, _COLUMNS):
            sheet.y += _ROW
            sheet.text(_LEFT + 0.9, sheet.y, line, size=8)
    sheet.heading("What to look at", room=0.3)
    if not content.notices:
        sheet.y += _ROW
        told = "Nothing implausible was seen, and no bone is cut." if content.bones else "No bone was found."
        sheet.text(_LEFT, sheet.y, told, size=8.5)
    _list(sheet, content.foremost)
    if content.further:
        sheet.room(_ROW)
        sheet.y += _ROW
        told = f"{len(content.further)} less striking ones are listed at the end."
        sheet.text(_LEFT, sheet.y, told, size=8, color=_FAINT)


def _list(sheet: _Sheet, notices: Sequence[Notice]) -> None:
    for notice in notices:
        lines = wrap(f"{notice.text}.", _COLUMNS)
        sheet.room(_ROW * len(lines))
        sheet.box(_LEFT, sheet.y + 0.05, 0.04, _ROW * len(lines), _KIND[notice.kind])
        sheet.text(_LEFT + 0.12, sheet.y + 0.05 + 0.13, notice.topic, size=8, weight="bold")
        for line in lines:
            sheet.text(_LEFT + 1.05, sheet.y + 0.05 + 0.13, line, size=8)
            sheet.y += _ROW
        sheet.y += 0.06


def _further(sheet: _Sheet, content: ReportContent) -> None:
    if content.further:
        sheet.heading("Less striking, but to look at", room=0.3)
        _list(sheet, content.further)


def _overview(sheet: _Sheet, content: ReportContent) -> None:
    gap = 0.12
    wide = (_WIDE - 2 * _LEFT - gap) / 2
    tallest = max(each.picture.shape[0] / each.picture.shape[1] for each in content.projections)
    high = min(4.6, wide * tallest)
    sheet.heading("Overview", room=high + 0.3)
    for n, projection in enumerate(content.projections):
        x = _LEFT + n * (wide + gap)
        sheet.box(x, sheet.y, wide, high, PAPER)
        letters = (*projection.letters, "H", "F")
        sheet.picture(projection.picture, letters, x=x, wide=wide, high=high, ink=INK)
        sheet.text(
            x, sheet.y + high + 0.16, f"From the {projection.side}; {projection.size_cm}", size=7.5, color=_FAINT
        )
    sheet.y += high + 0.2


def _skeleton(sheet: _Sheet, content: ReportContent) -> None:
    if not content.views:
        return
    gap = 0.1
    pixels = sum(view.picture.shape[1] for view in content.views)
    scale = (_WIDE - 2 * _LEFT - gap * (len(content.views) - 1)) / pixels
    high = min(scale * content.views[0].picture.shape[0], 4.6)
    sheet.heading("Skeleton", room=high + 0.3)
    x = _LEFT
    for view in content.views:
        wide = scale * view.picture.shape[1]
        sheet.picture(view.picture, view.letters, x=x, wide=wide, high=high, ink=_FAINT)
        sheet.text(x, sheet.y + high + 0.16, f"From the {view.side}; {view.size_cm}", size=7.5, color=_FAINT)
        x += wide + gap
    sheet.y += high + 0.2


def _joints(sheet: _Sheet, content: ReportContent) -> None:
    if not content.joints:
        return
    gap, between = 0.06, 0.3
    edge = (_WIDE - 2 * _LEFT - between - 2 * gap) / 4
    high = edge + 0.42
    sheet.heading("Joints", room=high)
    for n, (joint, slices) in enumerate(content.joints):
        if n % 2 == 0:
            sheet.room(high)
            sheet.y += 0.17
        x = _LEFT + n % 2 * (2 * edge + gap + between)
        sheet.text(x, sheet.y, joint.name, size=8.5, weight="bold")
        sheet.y += 0.06
        for m, one in enumerate(slices):
            at = x + m * (edge + gap)
            sheet.picture(one.picture, one.letters, x=at, wide=edge, high=edge, ink=INK)
        caption = f"{', '.join(joint.bones)}; {slices[0].field_mm:.0f} mm wide"
        sheet.text(x, sheet.y + edge + 0.14, caption, size=6.5, color=_FAINT)
        sheet.y -= 0.06
        if n % 2 or n == len(content.joints) - 1:
            sheet.y += high - 0.17


def _bones(sheet: _Sheet, content: ReportContent) -> None:
    if not content.bones:
        return
    columns = bone_columns(content.bones)
    edges = _edges(columns)
    sheet.heading("Bones", room=1.0)
    _headings(sheet, columns, edges)
    page = sheet.figure
    for group, bones in bone_groups(content.bones).items():
        sheet.room(3 * _ROW)
        if sheet.figure is not page:
            _headings(sheet, columns, edges)
            page = sheet.figure
        sheet.y += _ROW + 0.05
        sheet.text(_LEFT, sheet.y, group, size=7.5, color=_FAINT, weight="bold")
        for bone in bones:
            sheet.room(_ROW)
            if sheet.figure is not page:
                _headings(sheet, columns, edges)
                page = sheet.figure
            sheet.y += _ROW
            sheet.text(_LEFT, sheet.y, "■", size=7, color=content.colors[bone.name])
            sheet.text(_LEFT + 0.13, sheet.y, bone.name, size=7.2)
            for column, edge in zip(columns, edges, strict=True):
                sheet.text(edge, sheet.y, column.text(bone), size=7.2, ha="right" if column.numeric else "left")
    for note in table_notes(content.bones):
        for line in wrap(note, 125):
            sheet.room(_ROW)
            sheet.y += 0.16
            sheet.text(_LEFT, sheet.y, line, size=6.5, color=_FAINT)


def _edges(columns: Sequence[Column]) -> list[float]:
    """Where each column ends if it is of figures, else where it begins."""
    first, gap = _LEFT + 1.35, 0.12
    unit = (_WIDE - _LEFT - gap - first) / sum(column.width for column in columns)
    edges, at = [], first
    for column in columns:
        edges.append(at + (unit * column.width if column.numeric else gap))
        at += unit * column.width
    return edges


def _headings(sheet: _Sheet, columns: Sequence[Column], edges: Sequence[float]) -> None:
    sheet.y += _ROW
    for column, edge in zip(columns, edges, strict=True):
        align = "right" if column.numeric else "left"
        sheet.text(edge, sheet.y, column.heading, size=6.5, weight="bold", ha=align)
        sheet.text(edge, sheet.y + 0.12, column.unit, size=6.5, color=_FAINT, ha=align)
    sheet.text(_LEFT, sheet.y, "Bone", size=6.8, weight="bold")
    sheet.y += 0.17
    sheet.rule(sheet.y)
