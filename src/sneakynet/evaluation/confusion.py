"""Where the voxels of a bone went that were not found.

What a prediction says of a bone's voxel is one of these, and no two at once: the bone itself; background; the bone's
mirror partner (**side swap**); another index of the bone's series, on the same side (**neighbour shift**); a bone of
a group that does not adjoin its own (**far**); another bone nearby.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64

from sneakynet.anatomy.adjoining import adjoining_groups
from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.contingency import Contingency

Shares = Float64[np.ndarray, " n_classes"]
"""Of each bone's reference voxels, 0 to 1 by label; NaN for bones that the reference lacks, and for those that cannot
be confused so."""

Pairs = Bool[np.ndarray, "n_classes n_classes"]
"""Which labels of a prediction are an error of a kind for each label of the reference."""


@dataclass(frozen=True)
class Kinds:
    """The kinds of confusion that a bone table allows.

    Args:
        table: groups, series and mirror partners.
    """

    table: BoneTable

    @cached_property
    def steps(self) -> Int64[np.ndarray, "n_classes n_classes"]:
        """Steps along a series from a bone to another of the same series; 0 where they share none."""
        bones = list(self.table)
        steps = np.zeros((self.table.n_classes,) * 2, dtype=np.int64)
        for one in bones:
            for other in bones:
                if one.series is not None and one.series == other.series:
                    assert one.index is not None
                    assert other.index is not None
                    steps[one.id, other.id] = other.index - one.index
        return steps

    @cached_property
    def mirrored(self) -> Pairs:
        """A bone and its mirror partner."""
        partner = self.table.mirror_lut()
        pairs = np.zeros((len(partner),) * 2, dtype=bool)
        pairs[np.arange(len(partner)), partner] = True
        np.fill_diagonal(pairs, val=False)
        return pairs

    @cached_property
    def shifted(self) -> Pairs:
        """Two bones of a series."""
        return np.asarray(self.steps != 0)

    @cached_property
    def far(self) -> Pairs:
        """Two bones of different groups that do not adjoin, unless they are partners or of one series."""
        near = adjoining_groups()
        pairs = np.zeros((self.table.n_classes,) * 2, dtype=bool)
        for one in self.table:
            for other in self.table:
                pairs[one.id, other.id] = one.group != other.group and frozenset((one.group, other.group)) not in near
        return np.asarray(pairs & ~self.mirrored & ~self.shifted)


def share(counts: Contingency, pairs: Pairs) -> Shares:
    """Share of each bone's reference voxels that went to labels of a kind.

    Args:
        counts: of one case, or summed over cases.
        pairs: of `Kinds`.
    """
    reference = counts.sum(axis=1).astype(np.float64)
    able = pairs.any(axis=1) & (reference > 0)
    out = np.full(len(counts), np.nan)
    out[able] = (counts * pairs).sum(axis=1)[able] / reference[able]
    return out


def shifted_by(counts: Contingency, kinds: Kinds) -> dict[int, Shares]:
    """The neighbour shift by its number of steps, whichever way: 1, 2, ... as far as the longest series allows.

    The shares of all steps sum to ``share(counts, kinds.shifted)``.
    """
    steps = np.abs(kinds.steps)
    able = kinds.shifted.any(axis=1)
    found = {}
    for step in range(1, int(steps.max()) + 1):
        by_step = share(counts, steps == step)
        by_step[able & np.isnan(by_step) & (counts.sum(axis=1) > 0)] = 0.0
        found[step] = by_step
    return found


def identified(counts: Contingency) -> Bool[np.ndarray, " n_classes"]:
    """Whether more than half of a bone's reference voxels bear its own label."""
    return np.asarray(2 * np.diagonal(counts) > counts.sum(axis=1))


def named_as(counts: Contingency) -> Int64[np.ndarray, " n_classes"]:
    """The label that the most of a bone's reference voxels bear, background included; of equals the lower one."""
    return np.asarray(counts.argmax(axis=1))
