"""Which of several methods is better on the same cases, and how sure that is."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sneakynet.counted import counted
from sneakynet.errors import DatasetError, SettingError
from sneakynet.evaluation.metric import BY_KEY, METRICS
from sneakynet.evaluation.paired import bootstrap_interval, cases_needed, holm, signed_rank
from sneakynet.evaluation.scores import Scores

_LOG = logging.getLogger(__name__)

ALL = "all"
"""Stands for the bones of all groups."""

_SHOWN = 8


@dataclass(frozen=True)
class Difference:
    """Two methods by one metric, over one group of bones.

    The unit is the case: its value is the mean over its bones of the group, and every figure but the medians comes
    from these values. Bones for which a method has no value are left out for every method.

    Args:
        metric: key of ``METRICS``.
        group: of bones, or ``ALL``.
        first: a method.
        second: another.
        cases: how many have a bone of the group.
        bones: (case, bone) pairs compared.
        left_out: (case, bone) pairs that a method has no value for, though another has.
        mean_first: mean over cases.
        mean_second: the same of the second method.
        median_first: median over (case, bone) pairs.
        median_second: the same of the second method.
        difference: ``mean_second - mean_first``.
        low: lower end of the difference's 95% interval; None for a single case.
        high: upper end.
        second_better: cases in which the second is better.
        first_better: cases in which the first is.
        p: of Wilcoxon's signed-rank test over cases; None where there are too few for any p below 0.05.
        p_holm: the same corrected for the number of pairs of methods.
        note: what to beware of, or empty.
    """

    metric: str
    group: str
    first: str
    second: str
    cases: int
    bones: int
    left_out: int
    mean_first: float
    mean_second: float
    median_first: float
    median_second: float
    difference: float
    low: float | None
    high: float | None
    second_better: int
    first_better: int
    p: float | None
    p_holm: float | None
    note: str


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Args:
        methods: names, in the order given.
        cases: that were compared.
        cases_left_out: that not all methods have.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        differences: by metric, group and pair of methods.
    """

    methods: tuple[str, ...]
    cases: tuple[str, ...]
    cases_left_out: tuple[str, ...]
    seed: int
    resamples: int
    differences: tuple[Difference, ...]

    def notes(self) -> tuple[str, ...]:
        """What to beware of in the figures over all bones, each with the metrics that it is about."""
        about: dict[str, list[str]] = {}
        rows = [row for row in self.differences if row.group == ALL]
        for row in rows:
            if row.note and BY_KEY[row.metric].label not in about.setdefault(row.note, []):
                about[row.note].append(BY_KEY[row.metric].label)
        everything = {row.metric for row in rows}
        return tuple(
            note if len(labels) == len(everything) else f"{', '.join(labels)}: {note}" for note, labels in about.items()
        )


def compare_methods(methods: Sequence[Scores], *, common: bool, resamples: int, seed: int) -> Comparison:
    """Compare every two of several methods.

    Args:
        methods: scores against the same references; names all differ.
        common: compare the cases and bones that all have, where they do not have the same.
        resamples: of the bootstrap, 100 or more.
        seed: of the bootstrap, 0 or more.

    Returns:
        The differences.

    Raises:
        SettingError: fewer than two methods, two of one name, or too few resamples.
        DatasetError: they have different cases or bones, or nothing in common.
    """
    _check_settings(methods, resamples=resamples, seed=seed)
    keys, left_out = _common_keys(methods, common=common)
    _warn_of_other_references(methods, keys)
    metrics = _common_metrics(methods)
    cases = tuple(dict.fromkeys(case for case, _ in keys))
    place = {case: n for n, case in enumerate(cases)}
    places = np.array([place[case] for case, _ in keys])
    groups = np.array([methods[0].rows[key].group for key in keys])
    found: list[Difference] = []
    for metric in metrics:
        values = np.array([[method.rows[key].values[metric] for key in keys] for method in methods])
        for group in (ALL, *methods[0].groups):
            chosen = np.ones(len(keys), dtype=bool) if group == ALL else groups == group
            found += _differences(
                [method.name for method in methods],
                values[:, chosen],
                places[chosen],
                of=(metric, group),
                resamples=resamples,
                seed=seed,
            )
    return Comparison(tuple(method.name for method in methods), cases, left_out, seed, resamples, tuple(found))


def _check_settings(methods: Sequence[Scores], *, resamples: int, seed: int) -> None:
    if len(methods) < 2:
        msg = f"a comparison needs at least two methods, got {len(methods)}; give two or more folders of scores"
        raise SettingError(msg)
    names = [method.name for method in methods]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"several methods are named {', '.join(twice)}; give --names with one name for each of the {len(names)}"
        raise SettingError(msg)
    if resamples < 100 or seed < 0:
        msg = f"resamples must be at least 100 and seed at least 0, got {resamples} and {seed}"
        raise SettingError(msg)


def _common_keys(methods: Sequence[Scores], *, common: bool) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """(case, bone) pairs that all methods have, in the first one's order; and cases that not all have."""
    shared_cases = set.intersection(*(set(method.cases) for method in methods))
    every_case = dict.fromkeys(case for method in methods for case in method.cases)
    left_out = tuple(case for case in every_case if case not in shared_cases)
    if not shared_cases:
        msg = f"{', '.join(method.name for method in methods)} have no case in common; their cases must bear one name"
        raise DatasetError(msg)
    remedy = "score them on the same cases and references, or add --common to compare what all have"
    if left_out and not common:
        lacking = "; ".join(
            f"{method.name} lacks {_shown([case for case in left_out if case not in method.cases])}"
            for method in methods
            if not set(left_out) <= set(method.cases)
        )
        msg = f"the methods were scored on different cases: {lacking}; {remedy}"
        raise DatasetError(msg)
    shared = [key for key in methods[0].rows if all(key in method.rows for method in methods)]
    lacking_bones = [
        f"{method.name} lacks {_shown(lacks)}"
        for method in methods
        if (
            lacks := [
                f"{bone} of {case}"
                for case, bone in dict.fromkeys(key for other in methods for key in other.rows)
                if case in shared_cases and (case, bone) not in method.rows
            ]
        )
    ]
    if lacking_bones and not common:
        msg = f"the references of the methods hold different bones: {'; '.join(lacking_bones)}; {remedy}"
        raise DatasetError(msg)
    if not shared:
        msg = "the methods' cases have no bone in common; were they scored with other bone tables?"
        raise DatasetError(msg)
    return shared, left_out


def _warn_of_other_references(methods: Sequence[Scores], keys: Sequence[tuple[str, str]]) -> None:
    other = {case for case, bone in keys if len({method.rows[case, bone].voxels_reference for method in methods}) > 1}
    if other:
        _LOG.warning(
            "the bones of %s have other numbers of reference voxels from method to method, so they were scored "
            "against other references or on other grids: %s",
            counted(len(other), "case"),
            _shown(sorted(other)),
        )


def _common_metrics(methods: Sequence[Scores]) -> tuple[str, ...]:
    """Metrics that all have; those that only some have are left out with a warning."""
    had = {metric.key: [metric.key in method.metrics for method in methods] for metric in METRICS}
    partly = [key for key, by in had.items() if any(by) and not all(by)]
    if partly:
        _LOG.warning("not compared, since not all methods have values of them: %s", ", ".join(partly))
    metrics = tuple(key for key, by in had.items() if all(by))
    if not metrics:
        msg = f"{', '.join(method.name for method in methods)} have values of no metric in common"
        raise DatasetError(msg)
    return metrics


def _differences(
    names: Sequence[str],
    values: Float64[np.ndarray, "method pair"],
    cases: Int64[np.ndarray, " pair"],
    *,
    of: tuple[str, str],
    resamples: int,
    seed: int,
) -> Iterator[Difference]:
    """Differences of every two methods, by one metric over one group."""
    has = np.isfinite(values)
    complete: Bool[np.ndarray, " pair"] = has.all(axis=0)
    if not complete.any():
        return
    left_out = int((has.any(axis=0) & ~complete).sum())
    values, cases = values[:, complete], cases[complete]
    present, index = np.unique(cases, return_inverse=True)
    means = np.array([np.bincount(index, weights=row) / np.bincount(index) for row in values])
    medians = np.median(values, axis=1)
    pairs = list(combinations(range(len(names)), 2))
    testable = len(present) >= cases_needed(1)
    p_values = [signed_rank(means[b] - means[a]) if testable else None for a, b in pairs]
    tested = [p for p in p_values if p is not None]
    corrected = holm(tested) if tested else [None] * len(pairs)
    metric = BY_KEY[of[0]]
    for (a, b), p, p_holm in zip(pairs, p_values, corrected, strict=True):
        each = means[b] - means[a]
        low, high = bootstrap_interval(each, resamples=resamples, seed=seed) or (None, None)
        gains = np.round([metric.gain(float(d)) for d in each], 9)
        yield Difference(
            *of,
            first=names[a],
            second=names[b],
            cases=len(present),
            bones=int(complete.sum()),
            left_out=left_out,
            mean_first=float(means[a].mean()),
            mean_second=float(means[b].mean()),
            median_first=float(medians[a]),
            median_second=float(medians[b]),
            difference=float(each.mean()),
            low=low,
            high=high,
            second_better=int((gains > 0).sum()),
            first_better=int((gains < 0).sum()),
            p=p,
            p_holm=p_holm,
            note=_note(len(present), int((gains != 0).sum()), tests=len(pairs)),
        )


def _note(cases: int, differing: int, *, tests: int) -> str:
    """What the number of cases does not allow."""
    if cases == 1:
        return "one case: no interval, no test"
    if cases < cases_needed(1):
        return (
            f"{cases} cases are too few: a signed-rank test needs {cases_needed(1)} for p < 0.05, "
            "and the interval is likely too narrow"
        )
    if differing < cases_needed(tests):
        among = f" with {tests} pairs of methods" if tests > 1 else ""
        return f"{differing} of {cases} cases differ: p < 0.05 needs {cases_needed(tests)}{among}"
    return ""


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
