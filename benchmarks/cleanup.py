"""What the clean-up does to the labels of the default weights, and what it costs.

    python benchmarks/cleanup.py [--json] [--model FILE] [--seeds 3] [--real FOLDER] [--chest FOLDER]

- Real CT: FOLDER (see default_model.py) with ``ct.nii.gz`` and ``labels.nii.gz``, and one with ``ct.nii.gz`` alone.
- Phantoms: seeds 0 to 2 at 3 mm.
- Cost: the labels that name most bones, on 512 x 512 x 600 voxels, with specks and holes strewn in; each mode in a
  fresh process (Linux).
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from data_engine import CHEST, REAL

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.case import compare
from sneakynet.evaluation.translation import translate, translation_for
from sneakynet.inference.cleanup import clean
from sneakynet.inference.cleanup_settings import CleanupSettings
from sneakynet.inference.predictor import Predictor
from sneakynet.phantom.phantom import make_phantom
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume

MODES = {
    "off": CleanupSettings(),
    "largest": CleanupSettings(keep="largest"),
    "near": CleanupSettings(keep="near"),
    "near, no-same-face": CleanupSettings(keep="near", same_face=False),
    "fill-voids": CleanupSettings(fill_voids=True),
    "near, fill-voids": CleanupSettings(keep="near", fill_voids=True),
}
LARGE = (512, 512, 600)
SPECKS, HOLES = 3000, 5000


@dataclass(frozen=True)
class Case:
    name: str
    labels: Volume
    reference: Volume | None


def cases(predictor: Predictor, options: argparse.Namespace) -> list[Case]:
    found = []
    if options.real.is_dir():
        path, table = options.real / "labels.nii.gz", predictor.header.table
        labels = read_labels(path)
        reference = translate(labels.voxels, translation_for(path, table, source=None), path=path)
        scan = read_volume(options.real / "ct.nii.gz")
        found.append(Case(options.real.name, predictor.segment(scan).labels, Volume(reference, labels.affine)))
    if options.chest.is_dir():
        scan = read_volume(options.chest / "ct.nii.gz")
        found.append(Case(options.chest.name, predictor.segment(scan).labels, None))
    for seed in range(options.seeds):
        phantom = make_phantom(seed, spacing=3.0)
        found.append(Case(f"phantom_{seed:05d}", predictor.segment(phantom.scan).labels, phantom.labels))
    return found


def figures(case: Case, table: BoneTable) -> dict[str, object]:
    before, rows = None, {}
    for mode, settings in MODES.items():
        labels, report = clean(case.labels, table=table, settings=settings)
        told = report.to_dict()
        row = {
            name: told[name] for name in ("components", "components_removed", "removed_ml", "bones_removed", "voids_ml")
        }
        if case.reference is not None:
            result = compare(labels, case.reference, table=table, case=case.name)
            dsc = {score.name: score.dsc for score in result.scores}
            before = before or dsc
            change = {name: round(dsc[name] - before[name], 4) for name in dsc if abs(dsc[name] - before[name]) >= 5e-4}
            row |= {"mean_dsc": float(np.mean(list(dsc.values()))), "any_bone_dsc": result.bone_dsc, "change": change}
        rows[mode] = row
    return rows


def cost(labels: Volume, mode: str) -> dict[str, float]:
    """Seconds and memory for a large map. Run it in a process of its own."""
    rng = np.random.default_rng(0)
    voxels = labels.voxels
    for axis, n in enumerate(LARGE):
        voxels = voxels.take(np.arange(n) * voxels.shape[axis] // n, axis=axis)
    bone = np.flatnonzero(voxels)
    voxels.reshape(-1)[bone[rng.integers(0, len(bone), HOLES)]] = 0
    for corner in rng.integers(0, np.array(LARGE) - 6, (SPECKS, 3)):
        voxels[tuple(slice(a, a + n) for a, n in zip(corner, rng.integers(1, 6, 3), strict=True))] = rng.integers(
            1, 126
        )
    del bone
    large = Volume(voxels, np.diag([0.7, 0.7, 0.7, 1.0]))
    before = memory("VmRSS")
    started = time.perf_counter()
    clean(large, table=BoneTable.default(), settings=MODES[mode])
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "gib_beside_the_labels": memory("VmHWM") - before}


def memory(what: str) -> float:
    """Of this process, GiB: now (VmRSS) or at most (VmHWM). getrusage's maximum holds the parent's too."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--model", type=Path, help="weights file; by default the package's own")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--real", type=Path, default=REAL)
    parser.add_argument("--chest", type=Path, default=CHEST)
    options = parser.parse_args()
    predictor = Predictor.load(options.model)
    there = cases(predictor, options)
    told: dict[str, object] = {"model": predictor.name}
    for case in there:
        told[case.name] = figures(case, predictor.header.table)
    richest = max((case.labels for case in there), key=lambda labels: len(np.unique(labels.voxels)))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        told["cost_512x512x600"] = {mode: pool.submit(cost, richest, mode).result() for mode in MODES}
    print(json.dumps(told, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
