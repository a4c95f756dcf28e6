"""The page at the end: as Markdown, as HTML that needs nothing beside it, and as JSON."""

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sneakynet.evaluation.overlap import summarize
from sneakynet.reproduction.plan import Plan
from sneakynet.reproduction.pooled import RATES, Pooled, gap, median_interval
from sneakynet.reproduction.table import PageTable
from sneakynet.volumes.atomic import write_whole

NAME = "reproduction"
_TITLE = "SneakyNet's experiments, repeated"
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:.5em 0}td,th{padding:.25em .8em;text-align:right;border-top:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}th{border-top:0;border-bottom:2px solid #888}p{color:#555}"
)


def write_page(folder: Path, plan: Plan, results: Mapping[str, Pooled], tables: Sequence[PageTable]) -> None:
    """Write ``reproduction.md``, ``.html`` and ``.json``, all or none.

    Raises:
        OutputError: one cannot be written.
    """
    words = _words(plan, results)
    texts = {
        "md": "\n\n".join([f"# {_TITLE}", *words, *map(_markdown, tables)]) + "\n",
        "html": _html(words, tables),
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
    summary = summarize(scores, bone_dsc=[0.0]) if scores else None
    baseline = results.get(pooled.experiment.baseline)
    above = gap(pooled, baseline) if baseline is not None and baseline is not pooled else None
    return {
        "folds": list(pooled.folds),
        "cases": list(pooled.cases),
        "pairs": len(scores),
        "median_dsc": summary and summary.median_dsc,
        "plus_p84": summary and summary.plus_p84,
        "minus_p16": summary and summary.minus_p16,
        "median_interval": median_interval(pooled),
        "nonzero_share": summary and summary.nonzero_share,
        "gap_to_a": above and above[0],
        "gap_interval": above and above[1],
        "rates": {name: pooled.rate(name) for name in RATES},
        "parameters": pooled.parameters,
        "seconds_per_iteration": pooled.seconds_per_iteration,
        "seconds_per_scan": pooled.seconds_per_scan,
    }


def _words(plan: Plan, results: Mapping[str, Pooled]) -> list[str]:
    done = sum(len(pooled.folds) for pooled in results.values())
    everything = len(plan.experiments) * len(plan.folds)
    source = "phantoms" if plan.data == "phantoms" else "given scans"
    sizes = " / ".join(
        f"{len(part)}" for part in (plan.folds[0].training, plan.folds[0].validation, plan.folds[0].test)
    )
    words = [
        f"Scale `{plan.scale}`: {len(plan.cases)} {source} at {plan.spacing:g} mm in {len(plan.folds)} folds "
        f"({sizes} in the first), {plan.iterations} iterations for every network, seed {plan.seed}.",
        f"Done: {done} of {everything} trainings with their tests.",
    ]
    if done < everything:
        words.append("The figures below are of what is done so far; the same command goes on.")
    return words


def _markdown(table: PageTable) -> str:
    rule = ["---", *["---:"] * (len(table.header) - 1)]
    lines = [f"| {' | '.join(row)} |" for row in (table.header, rule, *table.rows)]
    return "\n".join([f"## {table.title}", "", *lines, "", table.note]).rstrip()


def _html(words: Sequence[str], tables: Sequence[PageTable]) -> str:
    body = [f"<h1>{html.escape(_TITLE)}</h1>", *(f"<p>{html.escape(text).replace('`', '')}</p>" for text in words)]
    for table in tables:
        head = "".join(f"<th>{html.escape(text)}</th>" for text in table.header)
        rows = ["".join(f"<td>{html.escape(text)}</td>" for text in row) for row in table.rows]
        body.append(f"<h2>{html.escape(table.title)}</h2>")
        body.append(f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>")
        body.append(f"<p>{html.escape(table.note)}</p>")
    head = f'<meta charset="utf-8"><title>{html.escape(_TITLE)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'
