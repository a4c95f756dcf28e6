"""The scores of one experiment over all folds, and how sure they are."""

import csv
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from sneakynet.evaluation.spread import spread_of
from sneakynet.reproduction.experiment import Experiment
from sneakynet.reproduction.plan import Plan
from sneakynet.reproduction.unit import SCORES, TIMES, TRAINED, unit_folder

RESAMPLES = 1000
RATES = ("identified", "side_swap", "neighbour_shift", "far")
"""Columns of ``per_class.csv``: whether more than half of a bone's voxels got its name, and shares of its voxels that
were given to another bone."""

Interval = tuple[float, float]

Values = Float64[np.ndarray, " value"]


@dataclass(frozen=True)
class PairScore:
    """One bone of one scan.

    Args:
        case: the scan.
        bone: its name.
        dsc: 0 to 1.
        rates: those of `RATES` that apply to the bone.
    """

    case: str
    bone: str
    dsc: float
    rates: dict[str, float]


@dataclass(frozen=True)
class Pooled:
    """What an experiment has reached so far.

    Args:
        experiment: which.
        folds: that are done.
        pairs: of all scans of those folds.
        parameters: of the network; None before the first training is done.
        seconds_per_iteration: median over the trained folds.
        seconds_per_scan: mean over the segmented scans.
    """

    experiment: Experiment
    folds: tuple[int, ...]
    pairs: tuple[PairScore, ...]
    parameters: int | None = None
    seconds_per_iteration: float | None = None
    seconds_per_scan: float | None = None

    @property
    def cases(self) -> tuple[str, ...]:
        """Scans that were tested, sorted."""
        return tuple(sorted({pair.case for pair in self.pairs}))

    def rate(self, name: str) -> float | None:
        """Mean share of the bones to which a kind of confusion applies, as in `Summary`; None where none does."""
        shares = [pair.rates[name] for pair in self.pairs if name in pair.rates]
        return statistics.fmean(shares) if shares else None


def collect(plan: Plan, folder: Path) -> dict[str, Pooled]:
    """Every experiment's scores by its name; only finished folds count."""
    return {experiment.name: _pooled(plan, folder, experiment) for experiment in plan.experiments}


def median_interval(pooled: Pooled) -> Interval | None:
    """95 % of the medians of resampled sets of scans."""
    return _interval([pooled], lambda medians: medians[0], value=_dsc, summary=_median_above_zero)


def gap(pooled: Pooled, baseline: Pooled) -> tuple[float, Interval] | None:
    """How much higher the median is than a baseline's on the same scans, and 95 % of it over resampled scans."""
    common = sorted({*pooled.cases} & {*baseline.cases})
    mine, theirs = _restricted(pooled, common), _restricted(baseline, common)
    medians = [spread_of([pair.dsc for pair in each.pairs]).median if each.pairs else None for each in (mine, theirs)]
    interval = _interval([mine, theirs], _difference, value=_dsc, summary=_median_above_zero)
    if medians[0] is None or medians[1] is None or interval is None:
        return None
    return medians[0] - medians[1], interval


def rate_gap(pooled: Pooled, baseline: Pooled, name: str) -> tuple[float, Interval] | None:
    """How much higher a rate is than a baseline's on the same scans, and 95 % of it over resampled scans."""
    common = sorted({*pooled.cases} & {*baseline.cases})
    mine, theirs = _restricted(pooled, common), _restricted(baseline, common)
    rates = mine.rate(name), theirs.rate(name)
    interval = _interval([mine, theirs], _difference, value=lambda pair: pair.rates.get(name), summary=_mean)
    if rates[0] is None or rates[1] is None or interval is None:
        return None
    return rates[0] - rates[1], interval


def _restricted(pooled: Pooled, cases: Sequence[str]) -> Pooled:
    pairs = tuple(pair for pair in pooled.pairs if pair.case in cases)
    return Pooled(pooled.experiment, pooled.folds, pairs)


def _interval(
    each: Sequence[Pooled],
    figure: Callable[[list[float]], float],
    *,
    value: Callable[[PairScore], float | None],
    summary: Callable[[Values], float | None],
) -> Interval | None:
    """Scans are drawn, not pairs: the bones of one scan succeed and fail together.

    Args:
        each: whose values are summed up.
        figure: of the summaries.
        value: of a pair; None where there is none.
        summary: of all drawn values.
    """
    cases = each[0].cases
    if len(cases) < 2:
        return None
    by_case = [[_values([p for p in one.pairs if p.case == case], value) for case in cases] for one in each]
    rng = np.random.default_rng(0)
    figures = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(cases), size=len(cases))
        found = [summary(np.concatenate([values[n] for n in drawn])) for values in by_case]
        if all(one is not None for one in found):
            figures.append(figure([one for one in found if one is not None]))
    if not figures:
        return None
    low, high = np.percentile(figures, [2.5, 97.5])
    return float(low), float(high)


def _values(pairs: Sequence[PairScore], value: Callable[[PairScore], float | None]) -> Values:
    return np.array([found for pair in pairs if (found := value(pair)) is not None], dtype=np.float64)


def _dsc(pair: PairScore) -> float:
    return pair.dsc


def _difference(found: list[float]) -> float:
    return found[0] - found[1]


def _mean(values: Values) -> float | None:
    return float(values.mean()) if len(values) else None


def _median_above_zero(scores: Values) -> float | None:
    """As in `Spread`, which is too slow to be taken a thousand times."""
    found = scores[scores > 0]
    return float(np.median(found)) if len(found) else None


def _pooled(plan: Plan, folder: Path, experiment: Experiment) -> Pooled:
    homes = [unit_folder(folder, experiment, fold) for fold in range(len(plan.folds))]
    done = tuple(fold for fold, home in enumerate(homes) if (home / SCORES / "summary.json").is_file())
    trained = [json.loads((home / TRAINED).read_text()) for home in homes if (home / TRAINED).is_file()]
    times = [json.loads((home / TIMES).read_text()) for home in homes if (home / TIMES).is_file()]
    seconds = [value for each in times for value in each.values()]
    return Pooled(
        experiment=experiment,
        folds=done,
        pairs=tuple(pair for fold in done for pair in _read(homes[fold] / SCORES / "per_class.csv")),
        parameters=trained[0]["parameters"] if trained else None,
        seconds_per_iteration=statistics.median(t["seconds_per_iteration"] for t in trained) if trained else None,
        seconds_per_scan=statistics.fmean(seconds) if seconds else None,
    )


def _read(path: Path) -> list[PairScore]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            PairScore(
                case=row["case"],
                bone=row["name"],
                dsc=float(row["dsc"]),
                rates={name: float(row[name]) for name in RATES if row.get(name)},
            )
            for row in csv.DictReader(file)
        ]
