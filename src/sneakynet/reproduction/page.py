"""The page at the end: as Markdown, as HTML that needs nothing beside it, and as JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sneakynet.counted import counted
from sneakynet.evaluation.spread import spread_of
from sneakynet.reproduction.plan import Plan
from sneakynet.reproduction.pooled import RATES, Pooled, gap, median_interval, rate_gap
from sneakynet.reproduction.table import PageTable
from sneakynet.viewer.page import render
from sneakynet.volumes.atomic import write_whole

NAME = "reproduction"
_TITLE = "SneakyNet's experiments, repeated"


def write_page(folder: Path, plan: Plan, results: Mapping[str, Pooled], tables: Sequence[PageTable]) -> None:
    """Write ``reproduction.md``, ``.html`` and ``.json``, all or none.

    Raises:
        OutputError: one cannot be written.
    """
    words = _words(plan, results)
    texts = {
        "md": "\n\n".join([f"# {_TITLE}", *words, *map(_markdown, tables)]) + "\n",
        "html": render("reproduction.html.j2", title=_TITLE, words=words, tables=tables),
        "json": json.dumps(facts(plan, results), indent=1) + "\n",
    }
    paths = {ending: folder / f"{NAME}.{ending}" for ending in texts}
    with write_whole(paths["md"]) as md, write_whole(paths["html"]) as page, write_whole(paths["json"]) as data:
        for part, text in zip((md, page, data), texts.values(), strict=True):
            part.write_text(text, encoding="utf-8")


def facts(plan: Plan, results: Mapping[str, Pooled]) -> dict[str, Any]:
    """Every figure, unrounded enough to be worked with."""
    return {
        "plan": plan.to_dict(),
        "experiments": {name: _facts(pooled, results) for name, pooled in results.items()},
    }


def _facts(pooled: Pooled, results: Mapping[str, Pooled]) -> dict[str, Any]:
    scores = [pair.dsc for pair in pooled.pairs]
    spread = spread_of(scores) if scores else None
    baseline = results.get(pooled.experiment.baseline)
    above = gap(pooled, baseline) if baseline is not None and baseline is not pooled else None
    return {
        "folds": list(pooled.folds),
        "cases": list(pooled.cases),
        "pairs": len(scores),
        "median_dsc": spread and spread.median,
        "plus_p84": spread and spread.plus,
        "minus_p16": spread and spread.minus,
        "median_interval": median_interval(pooled),
        "nonzero_share": spread and spread.nonzero,
        "gap_to_a": above and above[0],
        "gap_interval": above and above[1],
        "rates": {name: pooled.rate(name) for name in RATES},
        "rate_gaps_to_a": {
            name: None if above is None or baseline is None else rate_gap(pooled, baseline, name) for name in RATES
        },
        "parameters": pooled.parameters,
        "seconds_per_iteration": pooled.seconds_per_iteration,
        "seconds_per_scan": pooled.seconds_per_scan,
    }


def _words(plan: Plan, results: Mapping[str, Pooled]) -> list[str]:
    done = sum(len(pooled.folds) for pooled in results.values())
    everything = len(plan.experiments) * len(plan.folds)
    scans = counted(len(plan.cases), "phantom" if plan.data == "phantoms" else "given scan")
    sizes = " / ".join(
        f"{len(part)}" for part in (plan.folds[0].training, plan.folds[0].validation, plan.folds[0].test)
    )
    words = [
        f"Scale `{plan.scale}`: {scans} at {plan.spacing:g} mm in {counted(len(plan.folds), 'fold')} "
        f"({sizes} in the first), {counted(plan.iterations, 'iteration')} for every network, seed {plan.seed}.",
        f"Done: {done} of {counted(everything, 'training')} with tests.",
    ]
    if done < everything:
        words.append("The figures below are of what is done so far; the same command goes on.")
    return words


def _markdown(table: PageTable) -> str:
    rule = ["---", *["---:"] * (len(table.header) - 1)]
    lines = [f"| {' | '.join(row)} |" for row in (table.header, rule, *table.rows)]
    return "\n".join([f"## {table.title}", "", *lines, "", table.note]).rstrip()
