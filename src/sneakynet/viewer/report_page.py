"""An evaluation as one HTML page."""

from collections.abc import Container, Mapping, Sequence
from importlib.metadata import version

from sneakynet.anatomy.bone import BoneTable
from sneakynet.counted import counted
from sneakynet.evaluation.contingency import Contingency
from sneakynet.evaluation.metric import BY_KEY
from sneakynet.evaluation.scores import Scores
from sneakynet.viewer.box_plot import boxes
from sneakynet.viewer.case_pictures import SlicePictures
from sneakynet.viewer.confusion_matrix import BACKGROUND, KINDS, Cell, cells, matrix_data
from sneakynet.viewer.page import number, percent, render
from sneakynet.viewer.score_tables import MEAN_METRICS, bone_lines, case_lines, rows_data, table_metrics

REPORT = "report.html"

WORST = 6
"""Cases that are shown in pictures."""

_BOX_PLOTS = ("dsc", "nsd_3mm")
_LARGEST = 40  # confusions


def report_page(
    scores: Scores,
    counts: Contingency,
    *,
    table: BoneTable,
    pictures: Mapping[str, Sequence[SlicePictures]],
) -> str:
    """The page.

    Args:
        scores: of every bone of every case, DSC among them.
        counts: voxels by (reference, prediction), summed over cases.
        table: the bones behind the labels.
        pictures: case -> its slices, of some of the worst cases.

    Returns:
        HTML that loads nothing.
    """
    found = cells(counts, table)
    lines = bone_lines(scores)
    held = {line.name for line in lines}
    return render(
        "report.html.j2",
        name=scores.name,
        version=version("sneakynet"),
        words=summary_words(scores, found),
        plots=[(BY_KEY[key], boxes(scores, key)) for key in _BOX_PLOTS if key in scores.metrics],
        matrix=matrix_data(found, table),
        largest=[
            (_name(cell.reference, table), _name(cell.prediction, table), cell, KINDS[cell.kind])
            for cell in found
            if cell.kind not in {"correct", "missed", "invented"}
        ][:_LARGEST],
        kinds=KINDS,
        cases=case_lines(scores),
        pictures=pictures,
        faultless=counts.trace() == counts.sum(),
        bones=lines,
        absent=[bone.name for bone in table if bone.name not in held],
        metrics=table_metrics(scores),
        mean_metrics=MEAN_METRICS,
        rows=rows_data(scores),
        groups=scores.groups,
    )


def worst_cases(scores: Scores, *, erring: Container[str]) -> tuple[str, ...]:
    """The cases to show in pictures, the worst first.

    Args:
        scores: of every bone of every case.
        erring: the cases in which any voxel is wrong; of the others there is nothing to see.
    """
    return tuple(line.case for line in case_lines(scores) if line.case in erring)[:WORST]


def summary_words(scores: Scores, found: Sequence[Cell]) -> tuple[str, ...]:
    """What the scores say, in sentences."""
    rows = list(scores.rows.values())
    dsc = boxes(scores, "dsc")[0]
    missed = sum(row.values["dsc"] == 0 for row in rows)
    words = [
        f"{counted(len(rows), 'bone')} in {counted(len(scores.cases), 'case')} {'was' if len(rows) == 1 else 'were'} "
        f"looked for. Half of them have a DSC of {number(dsc.p50)} or more, three quarters of {number(dsc.p25)} or "
        f"more, and 95 in 100 of {number(dsc.p5)} or more.",
        f"Not one voxel named right: {counted(missed, 'bone')} ({percent(missed / len(rows))}).",
    ]
    if any(row.named_as for row in rows):
        renamed = sum(row.named_as not in {"", row.name, BACKGROUND} for row in rows)
        share = percent(renamed / len(rows))
        words.append(f"The most of {counted(renamed, 'bone')} ({share}) was given another bone's name.")
    bone = sum(cell.voxels for cell in found if cell.reference)
    if bone:
        shares = {k: percent(sum(c.voxels for c in found if c.kind == k and c.reference) / bone) for k in KINDS}
        words.append(
            f"Of all voxels of bone, {shares['correct']} were named right, {shares['missed']} were called background, "
            f"{shares['side']} were given to the bone of the other side, {shares['neighbour']} to another bone of "
            f"their series, {shares['group']} to another bone nearby and {shares['far']} to a bone far away."
        )
    return tuple(words)


def _name(label: int, table: BoneTable) -> str:
    return table.by_id(label).name if label else BACKGROUND
