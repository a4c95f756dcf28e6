"""Measure the bones of many phantoms: how large they are, and how far apart vertebrae lie.

    python benchmarks/bone_ranges.py --bodies 40 > src/sneakynet/evaluation/plausibility/bone_ranges.csv

writes the ranges that `sneakynet inspect` judges single bones by. Persons differ in sex, stature, shape and pose; each
takes about 15 s. A range is the least and the largest volume seen, with a margin of a third: all persons come from
one skeleton, and real ones differ more.
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.bone_statistics import BoneStatistics, bone_statistics
from sneakynet.phantom.bone_voxels import Grid, voxelise_bones
from sneakynet.phantom.cortex import draw_cortex
from sneakynet.phantom.person import draw_person
from sneakynet.phantom.settings import PhantomSettings
from sneakynet.phantom.skeleton import LOWER_LEG
from sneakynet.volumes.volume import Volume

MARGIN = 1.5
SPACING = 2.0  # mm


def body(seed: int) -> Volume:
    """The labels of one whole person."""
    settings, table = PhantomSettings(), BoneTable.default()
    person = draw_person(np.random.default_rng([seed, 0]), settings.person)
    surfaces = {name: s for name, s in person.surfaces.items() if name not in LOWER_LEG}
    points = np.concatenate([surface.vertices for surface in surfaces.values()])
    low, high = points.min(0) - 3 * SPACING, points.max(0) + 3 * SPACING
    x, y, z = (float(c) for c in low)
    i, j, k = (int(n) for n in np.ceil((high - low) / SPACING))
    grid = Grid((x, y, z), (i, j, k), SPACING)
    rng = np.random.default_rng([seed, 3])
    cortex = draw_cortex(rng, sorted(surfaces), factor=settings.cortex, spread=settings.cortex_spread, age=50.0)
    skull_mm = float(rng.uniform(*settings.skull_mm))
    ids = {bone.name: bone.id for bone in table}
    voxels = voxelise_bones(
        surfaces, grid=grid, ids=ids, cortex=cortex, skull_mm=skull_mm, ignore=person.unclassed
    ).labels
    return Volume(np.where(voxels == 255, 0, voxels), grid.affine)


def rows(bodies: Iterable[Volume]) -> list[list[object]]:
    """One row per bone of the table."""
    table = BoneTable.default()
    volumes, steps = defaultdict(list), defaultdict(list)
    next_below = {b.index: b.name for b in table if b.series == "vertebra"}
    for labels in bodies:
        bones: dict[str, BoneStatistics] = {b.name: b for b in bone_statistics(labels, None, table=table)}
        for name, bone in bones.items():
            partner = table[name].mirror or name
            volumes[name].append(bone.volume_ml)
            if partner != name:
                volumes[partner].append(bone.volume_ml)  # one range for both sides
            if table[name].series == "vertebra" and (below := bones.get(next_below.get(table[name].index + 1, ""))):
                steps[name].append(np.linalg.norm(np.subtract(below.centroid_mm, bone.centroid_mm)))
    return [
        [
            bone.name,
            len(volumes[bone.name]),
            # The smallest of all may be broken or worn: the 2nd percentile, of both sides together.
            f"{np.percentile(volumes[bone.name], 2) / MARGIN:.3g}",
            f"{np.median(volumes[bone.name]):.3g}",
            f"{np.percentile(volumes[bone.name], 98) * MARGIN:.3g}",
            f"{np.median(steps[bone.name]):.3g}" if bone.name in steps else "",
        ]
        for bone in table
        if bone.name in volumes
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=40)
    count = parser.parse_args().bodies
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "bones", "low_ml", "median_ml", "high_ml", "step_mm"])
    writer.writerows(rows(map(body, range(count))))
