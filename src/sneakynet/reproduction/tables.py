"""Our figures beside the paper's, table by table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from sneakynet.evaluation.spread import spread_of
from sneakynet.reproduction.experiment import Experiment
from sneakynet.reproduction.paper import paper, printed
from sneakynet.reproduction.pooled import RATES, Pooled, gap, median_interval, rate_gap
from sneakynet.reproduction.table import PageTable, between, number, share

TableName = Literal["1", "2", "3", "4", "confusion"]
TABLES: tuple[TableName, ...] = ("1", "2", "3", "4", "confusion")

_LOST = "lost"
_NOBODY = "not in the paper"


def experiments_of(table: TableName, experiments: Sequence[Experiment]) -> list[Experiment]:
    """Those that a table needs."""
    wanted: Callable[[Experiment], bool] = {
        "1": lambda e: True,
        "2": lambda e: e.contexts == (1,) or (e.variant == "A" and e.patch_size < 128),
        "3": lambda e: e.variant in {"A", "D"},
        "4": lambda e: e == _best(experiments),
        "confusion": lambda e: True,
    }[table]
    return [experiment for experiment in experiments if wanted(experiment)]


def page_tables(names: Sequence[TableName], results: Mapping[str, Pooled], *, spacing: float) -> list[PageTable]:
    """The tables that were asked for, of what there is so far.

    Args:
        names: of the tables.
        results: by the experiments' names, in the order of the rows.
        spacing: of our scans, mm.
    """
    experiments = [pooled.experiment for pooled in results.values()]
    tables = []
    for name in names:
        rows = [results[experiment.name] for experiment in experiments_of(name, experiments)]
        if name == "1":
            tables.append(_speed(rows, spacing))
        elif name in {"2", "3"}:
            tables.append(_scores(name, rows, results, spacing))
        elif name == "4":
            tables.append(_bones(rows[0], spacing))
        else:
            tables.append(_confusion(rows, results, spacing))
    return tables


def label(experiment: Experiment, *, spacing: float) -> str:
    """How a row is called, by what the networks see: ``D SneakyNet, 128 + 256 mm``."""
    names = {"A": "3D U-Net", "B": "HookNet", "C": "MRN", "D": "SneakyNet", "E": "with late fusion"}
    views = " + ".join(f"{experiment.patch_size * 2**n * spacing:g}" for n in (0, *experiment.contexts))
    return f"{experiment.variant} {names[experiment.variant]}, {views} mm"


def _best(experiments: Sequence[Experiment]) -> Experiment:
    """The paper's best, or what comes nearest to it: the largest patch with the widest view of variant D."""
    named = [experiment for experiment in experiments if experiment.name == "D_64_128"]
    return named[0] if named else max(experiments, key=lambda e: (e.variant, e.patch_size, e.contexts))


def _speed(rows: Sequence[Pooled], spacing: float) -> PageTable:
    body = []
    for pooled in rows:
        theirs = printed("table_1", pooled.experiment, spacing=spacing)
        body.append(
            (
                label(pooled.experiment, spacing=spacing),
                str(pooled.experiment.width),
                "-" if pooled.parameters is None else f"{pooled.parameters / 1e6:.2f} M",
                _LOST if theirs else _NOBODY,
                number(pooled.seconds_per_iteration, digits=3),
                number(theirs.get("seconds_per_iteration"), none=_NOBODY),
            )
        )
    header = ("network, fields of view", "width", "parameters", "paper", "s per iteration", "paper")
    note = (
        "The paper's parameters are lost in its text, which calls them about the same for A to D; its seconds "
        "are of a Quadro RTX 6000."
    )
    return PageTable("Table 1: size and speed", header, tuple(body), note)


def _scores(name: str, rows: Sequence[Pooled], results: Mapping[str, Pooled], spacing: float) -> PageTable:
    body = []
    for pooled in rows:
        theirs = printed(f"table_{name}", pooled.experiment, spacing=spacing)
        median = theirs.get("median")
        spread = f"{number(median, none=_LOST)} +{number(theirs['plus'])} -{number(theirs['minus'])}" if theirs else ""
        plain = None if pooled.experiment.variant == "A" else results.get(pooled.experiment.baseline)
        above = None if plain is None else gap(pooled, plain)
        below = {} if plain is None else printed(f"table_{name}", plain.experiment, spacing=spacing)
        body.append(
            (
                label(pooled.experiment, spacing=spacing),
                str(len(pooled.cases)),
                _median(pooled),
                spread or _NOBODY,
                _nonzero(pooled),
                share(theirs.get("nonzero"), none=_NOBODY),
                "" if above is None else f"{above[0]:+.2f}{between(above[1], sign='+')}",
                _paper_gap(theirs, below),
            )
        )
    title = {"2": "Table 2: four networks at equal parameters", "3": "Table 3: how far the contexts see"}[name]
    header = ("network, fields of view", "scans", "median DSC > 0", "paper", "share > 0", "paper", "gap to A", "paper")
    note = (
        "Medians over (scan, bone) pairs with a DSC above 0, + to the 84th and - to the 16th percentile; in "
        "brackets 95 % of the medians, or gaps, over resampled scans."
    )
    return PageTable(title, header, tuple(body), note)


def _median(pooled: Pooled) -> str:
    if not pooled.pairs:
        return "-"
    spread = spread_of([pair.dsc for pair in pooled.pairs])
    if spread.median is None:
        return "none found"
    return f"{spread.median:.2f} +{spread.plus:.2f} -{spread.minus:.2f}" + between(median_interval(pooled))


def _nonzero(pooled: Pooled) -> str:
    return share(spread_of([pair.dsc for pair in pooled.pairs]).nonzero if pooled.pairs else None)


def _paper_gap(mine: Mapping[str, float | None], baseline: Mapping[str, float | None]) -> str:
    above, below = mine.get("median"), baseline.get("median")
    return "" if above is None or below is None else f"{above - below:+.2f}"


def _bones(pooled: Pooled, spacing: float) -> PageTable:
    body = []
    for name, theirs in paper()["table_4"].items():
        if name == "seconds_per_scan":
            continue
        scores = [pair.dsc for pair in pooled.pairs if pair.bone in theirs["bones"]]
        found = sum(score > 0 for score in scores)
        ours = number(spread_of(scores).median if scores else None)
        body.append((name, f"{found} of {len(scores)}", ours, number(theirs["median"])))
    body.append(("seconds per scan", "", number(pooled.seconds_per_scan, digits=1), _LOST))
    title = f"Table 4: single bones, {label(pooled.experiment, spacing=spacing)}"
    note = (
        "The paper compares with Lindgren Belal 2019 (L3 0.85, sacrum 0.88, rib 0.84) and Fu 2017 (means: L3 "
        "0.91, clavicula 0.87, femur 0.92, pelvis 0.86), on other scans."
    )
    return PageTable(title, ("bone", "found", "median DSC > 0", "paper"), tuple(body), note)


def _confusion(rows: Sequence[Pooled], results: Mapping[str, Pooled], spacing: float) -> PageTable:
    body = tuple(
        (label(pooled.experiment, spacing=spacing), *(_rate(pooled, results, name) for name in RATES))
        for pooled in rows
    )
    header = (
        "network, fields of view",
        "bones named right",
        "given to the other side",
        "to a neighbour in the series",
        "to a far bone",
    )
    note = (
        "First the share of bones of whose voxels more than half got their name; then the share of a bone's voxels, "
        "mean over the bones to which it can happen. Behind each the gap to A in points, in brackets 95 % of it over "
        "resampled scans. The paper shows matrices: "
        "without context, humeri are called femora and left is confused with right; with context almost none "
        "of it is left."
    )
    return PageTable("Confusion", header, body, note)


def _rate(pooled: Pooled, results: Mapping[str, Pooled], name: str) -> str:
    """A rate and, for networks with contexts, its gap to the plain one."""
    baseline = results.get(pooled.experiment.baseline)
    above = None if baseline is None or baseline is pooled else rate_gap(pooled, baseline, name)
    if above is None:
        return share(pooled.rate(name))
    difference, (low, high) = above
    return f"{share(pooled.rate(name))}, {100 * difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
