"""Slips planted into the reference labels of phantoms: how many are put right, and does anything right get renamed.

    python benchmarks/order.py [--json] [--seeds 38] [--spacing 3]

In each phantom with four vertebrae or more the names slip from the middle of a random vertebra upwards, as a network's
do whose count is off by one. Ribs keep their names. Needs no weights.
"""

import argparse
import json
import sys

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import ignored
from sneakynet.anatomy.spine import spine_levels
from sneakynet.inference.order.order import order_names
from sneakynet.phantom.phantom import make_phantom
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()
LEVELS = [TABLE[level.name].id for level in spine_levels()]


def slipped(labels: Volume, at: int) -> Volume:
    """Names that are one level too high from the middle of a vertebra up; C1 and C2 keep theirs."""
    voxels = labels.voxels.copy()
    for n in range(3, at):
        voxels[labels.voxels == LEVELS[n]] = LEVELS[n - 1]
    own = np.argwhere(labels.voxels == LEVELS[at])
    upper = own[own[:, 2] > np.median(own[:, 2])]
    voxels[tuple(upper.T)] = LEVELS[at - 1]
    return Volume(voxels, labels.affine)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--seeds", type=int, default=38)
    parser.add_argument("--spacing", type=float, default=3.0)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(options.seeds):
        labels = canonical(make_phantom(seed, spacing=options.spacing).labels)
        voxels = np.where(labels.voxels == ignored(labels.voxels.dtype), 0, labels.voxels)
        labels = Volume(voxels, labels.affine)
        there = [n for n, label in enumerate(LEVELS) if np.count_nonzero(voxels == label) > 100]
        if len(there) < 4:
            continue
        at = there[rng.integers(2, len(there) - 1)]
        wrong = slipped(labels, at)
        spine = np.isin(voxels, LEVELS)
        untouched, _ = order_names(labels, table=TABLE)
        ordered, report = order_names(wrong, table=TABLE)
        rows.append(
            {
                "seed": seed,
                "from": spine_levels()[at].name,
                "renamed_without_a_slip": int(np.count_nonzero(untouched.voxels != voxels)),
                "right_before": float((wrong.voxels == voxels)[spine].mean()),
                "right_after": float((ordered.voxels == voxels)[spine].mean()),
                "doubtful": list(report.doubtful),
            }
        )
        print(json.dumps(rows[-1]), file=sys.stderr)
    figures = {
        "phantoms": len(rows),
        "put_right": sum(r["right_after"] > max(0.95, r["right_before"]) for r in rows),
        "made_worse": sum(r["right_after"] < r["right_before"] for r in rows),
        "renamed_without_a_slip": sum(r["renamed_without_a_slip"] > 0 for r in rows),
        "median_right_before": float(np.median([r["right_before"] for r in rows])),
        "median_right_after": float(np.median([r["right_after"] for r in rows])),
        "rows": rows,
    }
    print(json.dumps(figures, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
