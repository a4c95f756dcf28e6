"""How good the default weights are: unseen phantoms, and a real scan where one is at hand.

    python benchmarks/default_model.py [--json] [--model FILE] [--seeds 10] [--spacing 3] [--real FOLDER]

- Phantoms: seeds 0 to 9 (training uses seeds from 1000 on), fields of view drawn as in training.
- Real CT: FOLDER (by default ``../shared/data/ct_abdomen_pelvis_3mm``) with ``ct.nii.gz`` and ``labels.nii.gz``: labels
  that are TotalSegmentator's own predictions, not a human's. A bare HU > 150 threshold is scored beside the model.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from sneakynet.anatomy.ignored import ignored
from sneakynet.evaluation.case import CaseResult, compare
from sneakynet.evaluation.contingency import contingency
from sneakynet.evaluation.overlap import bone_dice
from sneakynet.evaluation.summary import summary_of
from sneakynet.evaluation.translation import translate, translation_for
from sneakynet.inference.predictor import Predictor
from sneakynet.phantom.phantom import make_phantom
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume

REAL = Path("../shared/data/ct_abdomen_pelvis_3mm")
REAL_BONES = ("hip_left", "hip_right", "femur_left", "femur_right", "sacrum", *(f"vertebrae_L{n}" for n in range(1, 6)))
THRESHOLD = 150


def phantom_figures(predictor: Predictor, *, seeds: range, spacing: float) -> dict[str, object]:
    table = predictor.header.table
    results, seconds = [], []
    for seed in seeds:
        phantom = make_phantom(seed, spacing=spacing)
        started = time.perf_counter()
        found = predictor.segment(phantom.scan)
        seconds.append(time.perf_counter() - started)
        result = compare(found.labels, phantom.labels, table=table, case=f"phantom_{seed:05d}", surface=False)
        results.append(result)
        print(
            f"seed {seed}: {phantom.facts['field']}, {phantom.facts['pose']}, any-bone {result.bone_dsc:.2f}",
            file=sys.stderr,
        )
    return {
        "seeds": [seeds.start, seeds.stop - 1],
        "spacing_mm": spacing,
        "summary": asdict(summary_of(results, table)),
        "groups": groups(results),
        "bones": bones(results),
        "classes_above_0.3": classes_above(results, 0.3),
        "classes_above_0.5": classes_above(results, 0.5),
        "median_seconds_per_scan": float(np.median(seconds)),
    }


def groups(results: list[CaseResult]) -> dict[str, dict[str, float]]:
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for result in results:
        for score in result.scores:
            rows.setdefault(score.group, []).append((score.dsc, score.side_swap or 0.0, score.identified))
    figures = {}
    for group, values in rows.items():
        dsc, swap, right = np.array(values).T
        figures[group] = {
            "bones": len(dsc),
            "median_dsc": float(np.median(dsc)),
            "identified": float(right.mean()),
            "side_swapped_bones": int((swap > 0.5).sum()),
        }
    return figures


def bones(results: list[CaseResult]) -> dict[str, dict[str, float]]:
    """Median and lowest DSC of every class over the cases that hold it."""
    scores: dict[str, list[float]] = {}
    for result in results:
        for score in result.scores:
            scores.setdefault(score.name, []).append(score.dsc)
    return {
        name: {"cases": len(values), "median_dsc": float(np.median(values)), "lowest_dsc": min(values)}
        for name, values in scores.items()
    }


def classes_above(results: list[CaseResult], limit: float) -> dict[str, float]:
    """Classes (over all that any case holds) whose mean DSC over the cases that hold them is above a limit."""
    scores: dict[str, list[float]] = {}
    for result in results:
        for score in result.scores:
            scores.setdefault(score.name, []).append(score.dsc)
    above = [name for name, values in scores.items() if np.mean(values) > limit]
    return {"classes": len(scores), "above": len(above), "share": len(above) / len(scores)}


def real_figures(predictor: Predictor, folder: Path) -> dict[str, object]:
    table = predictor.header.table
    scan, path = read_volume(folder / "ct.nii.gz"), folder / "labels.nii.gz"
    labels = read_labels(path)
    reference = Volume(translate(labels.voxels, translation_for(path, table, source=None), path=path), labels.affine)
    result = compare(predictor.segment(scan).labels, reference, table=table, case=folder.name)
    dsc = {score.name: score.dsc for score in result.scores}
    bone = (reference.voxels > 0).astype(np.uint8)
    bone[reference.voxels == ignored(reference.voxels.dtype)] = ignored(bone.dtype)
    thresholded = contingency(bone, (scan.voxels > THRESHOLD).astype(np.uint8), n_classes=2)
    return {
        "any_bone_dsc": result.bone_dsc,
        f"any_bone_dsc_of_hu_above_{THRESHOLD}": bone_dice(thresholded),
        "dsc": {name: dsc[name] for name in REAL_BONES},
        "summary": asdict(summary_of([result], table)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--model", type=Path, help="weights file; by default the package's own")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--spacing", type=float, default=3.0)
    parser.add_argument("--real", type=Path, default=REAL)
    options = parser.parse_args()
    predictor = Predictor.load(options.model)
    figures: dict[str, object] = {"model": predictor.name}
    figures["phantoms"] = phantom_figures(predictor, seeds=range(options.seeds), spacing=options.spacing)
    if options.real.is_dir():
        figures["real"] = real_figures(predictor, options.real)
    print(json.dumps(figures, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
