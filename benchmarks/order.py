"""Slips planted into the reference labels of phantoms: how many are put right, and does anything right get renamed.

    python benchmarks/order.py [--json] [--seeds 38] [--spacing 3]

- Spine: in each phantom with four vertebrae or more the names slip from the middle of a random vertebra upwards, as a
  network's do whose count is off by one. Ribs keep their names.
- Ribs: on each side with three ribs or more, the front 20 to 70 % of every rib between two random ones takes the name
  of the one above, or all of them that of the one below. Vertebrae keep their names.

Needs no weights.
"""

import argparse
import json
import sys
from collections.abc import Sequence

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import ignored
from sneakynet.anatomy.spine import spine_levels
from sneakynet.inference.order.order import RIBS, order_names
from sneakynet.phantom.phantom import make_phantom
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()
LEVELS = [TABLE[level.name].id for level in spine_levels()]
SIDES = [[bone.id for bone in TABLE if bone.series == series] for series in RIBS]
THERE = {"spine": 100, "ribs": 30}
"""Voxels from which on a bone is there."""


def slipped_spine(labels: Volume, rng: np.random.Generator) -> Volume | None:
    """Names that are one level too high from the middle of a vertebra up; C1 and C2 keep theirs."""
    there = [n for n, label in enumerate(LEVELS) if np.count_nonzero(labels.voxels == label) > THERE["spine"]]
    if len(there) < 4:
        return None
    at = there[rng.integers(2, len(there) - 1)]
    voxels = labels.voxels.copy()
    for n in range(3, at):
        voxels[labels.voxels == LEVELS[n]] = LEVELS[n - 1]
    own = np.argwhere(labels.voxels == LEVELS[at])
    upper = own[own[:, 2] > np.median(own[:, 2])]
    voxels[tuple(upper.T)] = LEVELS[at - 1]
    return Volume(voxels, labels.affine)


def slipped_ribs(labels: Volume, rng: np.random.Generator) -> Volume | None:
    """Names of neighbours on the front parts of some ribs."""
    voxels, step = labels.voxels.copy(), int(rng.choice([-1, 1]))
    for side in SIDES:
        there = [n for n, label in enumerate(side) if np.count_nonzero(labels.voxels == label) > THERE["ribs"]]
        if len(there) < 3:
            continue
        first, last = sorted(rng.choice(there, 2, replace=False))
        for n in range(first, last + 1):
            share = rng.uniform(0.2, 0.7)
            if not 0 <= n + step < len(side) or n not in there:
                continue
            own = np.argwhere(labels.voxels == side[n])
            front = own[own[:, 1] > np.quantile(own[:, 1], 1 - share)]
            voxels[tuple(front.T)] = side[n + step]
    return Volume(voxels, labels.affine) if (voxels != labels.voxels).any() else None


def row(seed: int, labels: Volume, wrong: Volume, bones: Sequence[int]) -> dict[str, object]:
    ordered, report = order_names(wrong, table=TABLE)
    judged = np.isin(labels.voxels, bones)
    return {
        "seed": seed,
        "right_before": float((wrong.voxels == labels.voxels)[judged].mean()),
        "right_after": float((ordered.voxels == labels.voxels)[judged].mean()),
        "doubtful": list(report.doubtful),
    }


def figures(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    pairs = [(float(str(r["right_before"])), float(str(r["right_after"]))) for r in rows]
    return {
        "phantoms": len(rows),
        "put_right": sum(after > max(0.95, before) for before, after in pairs),
        "made_worse": sum(after < before for before, after in pairs),
        "median_right_before": float(np.median([before for before, _ in pairs])),
        "median_right_after": float(np.median([after for _, after in pairs])),
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--seeds", type=int, default=38)
    parser.add_argument("--spacing", type=float, default=3.0)
    options = parser.parse_args()
    spine_rng, rib_rng = np.random.default_rng(0), np.random.default_rng(0)
    rows: dict[str, list[dict[str, object]]] = {"spine": [], "ribs": []}
    renamed, judged = 0, 0
    for seed in range(options.seeds):
        labels = canonical(make_phantom(seed, spacing=options.spacing).labels)
        voxels = np.where(labels.voxels == ignored(labels.voxels.dtype), 0, labels.voxels)
        labels = Volume(voxels, labels.affine)
        planted = {
            "spine": (slipped_spine(labels, spine_rng), LEVELS),
            "ribs": (slipped_ribs(labels, rib_rng), [label for side in SIDES for label in side]),
        }
        for what, (wrong, bones) in planted.items():
            if wrong is not None:
                rows[what].append(row(seed, labels, wrong, bones))
                print(what, json.dumps(rows[what][-1]), file=sys.stderr)
        if any(wrong is not None for wrong, _ in planted.values()):
            judged += 1
            renamed += int((order_names(labels, table=TABLE)[0].voxels != voxels).any())
    found = {
        "renamed_without_a_slip": [renamed, judged],
        **{what: figures(each) for what, each in rows.items()},
    }
    print(json.dumps(found, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
