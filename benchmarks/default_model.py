"""The yardstick of the default weights, in minutes: unseen phantoms, paintings of a real spine, real scans.

    python benchmarks/default_model.py [--json] [--model FILE] [--seeds 10] [--spacing 3] [--shared ../shared/data]

- Phantoms: seeds 0 to 9 (training uses seeds from 1000 on), fields of view drawn as in training.
- Paintings of ``labels_spine_verse/sub-gl003`` (C1 to T5 of a real person, whom no training saw), seeds 0 to 3.
- Real CT with labels, ``ct_abdomen_pelvis_3mm``: TotalSegmentator's own predictions, not a human's. A bare HU > 150
  threshold is scored beside the model.
- Real CT without labels, ``ct_chest_3.27mm`` and ``ct_neck_5mm``: bones found, what `sneakynet inspect` says of spine,
  ribs and sides, and the share of bone-bright voxels that bear a name.

Everything is segmented as `sneakynet segment` does. ``order`` tells what putting names in order changed: the share of
bone voxels that bear the right name before and after, case by case.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import ignored
from sneakynet.data.label_scheme import label_names
from sneakynet.data.painted_dataset import Template, write_paintings
from sneakynet.evaluation.case import CaseResult, compare
from sneakynet.evaluation.contingency import contingency
from sneakynet.evaluation.overlap import bone_dice
from sneakynet.evaluation.plausibility.inspection import inspect
from sneakynet.evaluation.summary import summary_of
from sneakynet.evaluation.translation import translate, translation_for
from sneakynet.inference.order.order import order_names
from sneakynet.inference.predictor import Predictor
from sneakynet.phantom.label_map_settings import LabelMapSettings
from sneakynet.phantom.phantom import make_phantom
from sneakynet.phantom.scan import ScanSettings
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume

SHARED = Path("../shared/data")
LABELLED = "ct_abdomen_pelvis_3mm"
UNLABELLED = ("ct_chest_3.27mm", "ct_neck_5mm")
SPINE = "labels_spine_verse/sub-gl003_dir-ax_seg-vert_msk.nii.gz"
REAL_BONES = (
    *("hip_left", "hip_right", "femur_left", "femur_right", "sacrum"),
    *(f"vertebrae_{level}" for level in ("T12", "L1", "L2", "L3", "L4", "L5")),
    *(f"rib_{side}_{n}" for side in ("left", "right") for n in (9, 10, 11, 12)),
)
THRESHOLD = 150


@dataclass(frozen=True, eq=False)
class Found:
    """A scan's bones.

    Args:
        labels: as `sneakynet segment` writes them.
        plain: as the network named them.
        renamed: what was put in order, in a line; None if nothing was.
        seconds: in all.
    """

    labels: Volume
    plain: Volume
    renamed: str | None
    seconds: float


def segment(predictor: Predictor, scan: Volume) -> Found:
    started = time.perf_counter()
    plain = predictor.segment(scan).labels
    labels, report = order_names(plain, table=predictor.header.table)
    return Found(labels, plain, report.summary if report.told else None, time.perf_counter() - started)


def right_names(found: Volume, reference: Volume, *, missed: bool = False) -> float:
    """Share of the reference's bone voxels, where any bone was found, that bear the right name.

    Args:
        found: labels.
        reference: of the scan.
        missed: whether those count, as wrong, where no bone was found.
    """
    there = (reference.voxels > 0) & (reference.voxels != ignored(reference.voxels.dtype))
    if not missed:
        there &= found.voxels > 0
    return float((found.voxels == reference.voxels)[there].mean()) if there.any() else 1.0


def order_figures(cases: dict[str, tuple[Found, Volume]]) -> dict[str, object]:
    """What putting names in order did."""
    shares = {name: (right_names(f.plain, ref), right_names(f.labels, ref)) for name, (f, ref) in cases.items()}
    return {
        "better": [name for name, (before, after) in shares.items() if after > before],
        "worse": [name for name, (before, after) in shares.items() if after < before],
        "same": sum(before == after for before, after in shares.values()),
        "right_names": {name: [round(share, 4) for share in pair] for name, pair in shares.items()},
        "said": {name: found.renamed for name, (found, _) in cases.items() if found.renamed is not None},
    }


def phantom_figures(predictor: Predictor, *, seeds: range, spacing: float) -> dict[str, object]:
    table = predictor.header.table
    results, cases = [], {}
    for seed in seeds:
        phantom, case = make_phantom(seed, spacing=spacing), f"phantom_{seed:05d}"
        found = segment(predictor, phantom.scan)
        result = compare(found.labels, phantom.labels, table=table, case=case, surface=False)
        results.append(result)
        cases[case] = found, phantom.labels
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
        "order": order_figures(cases),
        "median_seconds_per_scan": float(np.median([found.seconds for found, _ in cases.values()])),
    }


def reference_of(path: Path, table: BoneTable) -> Volume:
    """A label map in the table's own labels."""
    labels = read_labels(path)
    return Volume(translate(labels.voxels, translation_for(path, table, source=None), path=path), labels.affine)


def painted_figures(predictor: Predictor, labels: Path, *, count: int, spacing: float) -> dict[str, object]:
    table = predictor.header.table
    template = Template(
        labels=labels,
        names=tuple(sorted(label_names(labels, names=None, scheme="verse").items())),
        spacing=spacing,
        shape=LabelMapSettings(),
        scan=ScanSettings(),
    )
    results, cases = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for case in write_paintings(Path(folder), template, count=count, seed=0, bodies=False, workers=1):
            name = case.name
            scan = read_volume(Path(folder) / "imagesTr" / f"{name}_0000.nii.gz")
            reference = reference_of(Path(folder) / "labelsTr" / f"{name}.nii.gz", table)
            found = segment(predictor, scan)
            results.append(compare(found.labels, reference, table=table, case=name, surface=False))
            cases[name] = found, reference
    return {
        "count": count,
        "summary": asdict(summary_of(results, table)),
        "groups": groups(results),
        "bones": bones(results),
        "order": order_figures(cases),
    }


def groups(results: list[CaseResult]) -> dict[str, dict[str, float]]:
    rows: dict[str, list[tuple[float, float, float, float]]] = {}
    for result in results:
        for score in result.scores:
            row = (score.dsc, score.side_swap or 0.0, score.neighbour_shift or 0.0, score.identified)
            rows.setdefault(score.group, []).append(row)
    figures = {}
    for group, values in rows.items():
        dsc, swap, shift, right = np.array(values).T
        figures[group] = {
            "bones": len(dsc),
            "median_dsc": float(np.median(dsc)),
            "identified": float(right.mean()),
            "side_swapped_bones": int((swap > 0.5).sum()),
            "shifted_bones": int((shift > 0.5).sum()),
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


def labelled_figures(predictor: Predictor, folder: Path) -> dict[str, object]:
    table = predictor.header.table
    scan, reference = read_volume(folder / "ct.nii.gz"), reference_of(folder / "labels.nii.gz", table)
    found = segment(predictor, scan)
    result = compare(found.labels, reference, table=table, case=folder.name)
    plain = compare(found.plain, reference, table=table, case=folder.name, surface=False)
    dsc, before = ({score.name: score.dsc for score in each.scores} for each in (result, plain))
    bone = (reference.voxels > 0).astype(np.uint8)
    bone[reference.voxels == ignored(reference.voxels.dtype)] = ignored(bone.dtype)
    thresholded = contingency(bone, (scan.voxels > THRESHOLD).astype(np.uint8), n_classes=2)
    return {
        "any_bone_dsc": result.bone_dsc,
        f"any_bone_dsc_of_hu_above_{THRESHOLD}": bone_dice(thresholded),
        "right_names_of_all_bone": {
            "network": right_names(found.plain, reference, missed=True),
            "in_order": right_names(found.labels, reference, missed=True),
        },
        "dsc": {name: dsc[name] for name in REAL_BONES},
        "dsc_as_the_network_names": {name: before[name] for name in REAL_BONES if before[name] != dsc[name]},
        "summary": asdict(summary_of([result], table)),
        "order": order_figures({folder.name: (found, reference)}),
    }


def unlabelled_figures(predictor: Predictor, folder: Path) -> dict[str, object]:
    table: BoneTable = predictor.header.table
    scan = read_volume(folder / "ct.nii.gz")
    found = segment(predictor, scan)
    inspection = inspect(found.labels, scan, table=table, case=folder.name)
    present = [table.by_id(int(label)) for label in np.unique(found.labels.voxels) if label]
    bright = scan.voxels > 300
    return {
        "vertebrae": sum(bone.series == "vertebra" for bone in present),
        "ribs": sum(bone.group == "ribs" for bone in present),
        "scores": {part.name: part.score for part in inspection.parts},
        "flags_of_spine_ribs_sides": [
            flag.evidence for name, flag in inspection.flags if name in {"spine", "ribs", "sides"}
        ],
        "bright_voxels_named": float((found.labels.voxels > 0)[bright].mean()),
        "renamed": found.renamed,
        "seconds": found.seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--model", type=Path, help="weights file; by default the package's own")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--spacing", type=float, default=3.0)
    parser.add_argument("--shared", type=Path, default=SHARED)
    options = parser.parse_args()
    predictor = Predictor.load(options.model)
    figures: dict[str, object] = {"model": predictor.name}
    figures["phantoms"] = phantom_figures(predictor, seeds=range(options.seeds), spacing=options.spacing)
    if (options.shared / SPINE).exists():
        figures["painted"] = painted_figures(predictor, options.shared / SPINE, count=4, spacing=options.spacing)
    if (options.shared / LABELLED).is_dir():
        figures[LABELLED] = labelled_figures(predictor, options.shared / LABELLED)
    for name in UNLABELLED:
        if (options.shared / name).is_dir():
            figures[name] = unlabelled_figures(predictor, options.shared / name)
    print(json.dumps(figures, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
