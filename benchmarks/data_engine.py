"""What training data is worth on real CT: the same small network, trained equally long on each, judged on real scans.

    python benchmarks/data_engine.py --arm simple=DIR --arm engine=DIR --arm painted=DIR -o OUT [--json]
        [--steps 800] [--batch-size 16] [--patch-size 32] [--seed 0] [--device auto] [--threads N] [--real DIR]
        [--chest DIR]

An arm is a name and a folder that ``sneakynet train`` takes: scans in nnU-Net's layout, or bodies (``sneakynet phantom
--bodies``, ``sneakynet paint --bodies``). Every arm trains variant D (two contexts, 4 levels, width 16) with the same
settings, seed and number of steps. An arm whose weights lie in OUT already is judged without training again.

Every network is judged as it is (D) and with its contexts' class scores added to the target's (the same weights read
out as variant E): the contexts learn names long before the target does.

Judged on ``ct_abdomen_pelvis_3mm`` (DSC against TotalSegmentator's predictions) and, without labels, on
``ct_chest_3.27mm``: how many ribs and vertebrae are found, whether they stand in order and on their side of the spine,
and how much of what is bright there is called bone.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from default_model import LABELLED, SHARED, labelled_figures

from sneakynet.anatomy.bone import BoneTable
from sneakynet.inference.device import resolve_device
from sneakynet.inference.predictor import Predictor
from sneakynet.models.bf16 import has_bf16
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.weights import load_weights
from sneakynet.training.run import train
from sneakynet.training.settings import TrainSettings
from sneakynet.volumes.read import read_volume
from sneakynet.volumes.volume import Volume

REAL, CHEST = SHARED / LABELLED, SHARED / "ct_chest_3.27mm"
FOUND_ML = 0.5  # a bone counts as found from this volume on
BRIGHT_HU = 250


def settings(options: argparse.Namespace) -> TrainSettings:
    return TrainSettings(
        variant="D",
        contexts=(1, 2),
        patch_size=options.patch_size,
        levels=4,
        width=16,
        norm="batch",
        hook_source="decoder",
        context_labels="bone",
        steps=options.steps,
        context_steps=options.steps // 3,
        batch_size=options.batch_size,
        learning_rate=2e-3,
        background_weight=0.1,
        balanced=0.8,
        ema=0.99,
        precision="bf16" if has_bf16(resolve_device(options.device)) else "f32",
        validate_every=options.steps,
        seed=options.seed,
        threads=options.threads,
        pool=24,
        repaint_every=2,
    )


def readouts(path: Path) -> dict[str, Predictor]:
    """The trained network as it is (D), and the same weights read out as variant E: the contexts' own class scores
    added to the target's. Names are learnt by the contexts first; E shows them before the target has learnt them too.
    """
    plain = Predictor.load(path)
    network, header = load_weights(path)
    architecture = replace(network.architecture, variant="E")
    fused = build_sneakynet(**asdict(architecture))
    fused.load_state_dict(network.state_dict())
    header = replace(header, architecture=architecture.to_dict())
    return {"D": plain, "E": Predictor(fused, header, name=path.parent.name)}


def abdomen_figures(predictor: Predictor, folder: Path) -> dict[str, object]:
    """DSC of the network's own names, before they are put in order."""
    found = labelled_figures(predictor, folder)
    dsc, own = found["dsc"], found["dsc_as_the_network_names"]
    assert isinstance(dsc, dict)
    assert isinstance(own, dict)
    right = found["right_names_of_all_bone"]
    assert isinstance(right, dict)
    return {"any_bone_dsc": found["any_bone_dsc"], "right_names_of_all_bone": right["network"], "dsc": dsc | own}


def chest_figures(predictor: Predictor, folder: Path) -> dict[str, object]:
    """What can be said without labels."""
    table = predictor.header.table
    scan = read_volume(next(iter(sorted(folder.glob("*.nii.gz")))))
    labels = predictor.segment(scan).labels
    centres = _centres(labels, table)
    spine = [centres[f"vertebrae_{level}"] for level in _levels() if f"vertebrae_{level}" in centres]
    ribs = {
        side: [(n, centres[f"rib_{side}_{n}"]) for n in range(1, 13) if f"rib_{side}_{n}" in centres]
        for side in ("left", "right")
    }
    middle = (
        float(np.median([c[0] for c in spine])) if spine else float(np.mean([c[0] for c in centres.values()] or [0]))
    )
    on_side = [(c[0] > middle) == (side == "right") for side, own in ribs.items() for _, c in own]
    bright, bone = scan.voxels > BRIGHT_HU, labels.voxels > 0
    return {
        "vertebrae_found": len(spine),
        "ribs_found": sum(map(len, ribs.values())),
        "vertebrae_in_order": _in_order([c[2] for c in spine]),
        "ribs_in_order": [_in_order([c[2] for _, c in own]) for own in ribs.values()],
        "ribs_on_their_side": [int(sum(on_side)), len(on_side)],
        "bright_called_bone": float((bright & bone).sum() / max(1, bright.sum())),
        "bone_median_hu": float(np.median(scan.voxels[bone])) if bone.any() else None,
    }


def _levels() -> list[str]:
    return [f"{part}{n}" for part, count in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, count + 1)]


def _in_order(heights: list[float]) -> list[int]:
    """Neighbours in the series that stand one below the other, of how many."""
    return [int(sum(a > b for a, b in pairwise(heights))), max(0, len(heights) - 1)]


def _centres(labels: Volume, table: BoneTable) -> dict[str, np.ndarray]:
    ml = float(np.prod(labels.spacing)) / 1000
    counts = np.bincount(labels.voxels.ravel(), minlength=table.n_classes)
    centres = {}
    for bone in table:
        if counts[bone.id] * ml >= FOUND_ML:
            voxels = np.argwhere(labels.voxels == bone.id).mean(0)
            centres[bone.name] = (labels.affine @ [*voxels, 1.0])[:3]
    return centres


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arm", action="append", required=True, metavar="NAME=DIR")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--patch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--real", type=Path, default=REAL)
    parser.add_argument("--chest", type=Path, default=CHEST)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    options = parser.parse_args()
    figures = {}
    for name, folder in (arm.split("=", 1) for arm in options.arm):
        run = options.output / name
        if not (run / "model.safetensors").is_file():
            print(f"training {name} on {folder}", file=sys.stderr)
            train(Path(folder), run, settings(options), device=resolve_device(options.device))
        row: dict[str, object] = {}
        for readout, predictor in readouts(run / "model.safetensors").items():
            row["provenance"] = predictor.header.provenance
            if options.real.is_dir():
                row[f"abdomen_pelvis_{readout}"] = abdomen_figures(predictor, options.real)
            if options.chest.is_dir():
                row[f"chest_{readout}"] = chest_figures(predictor, options.chest)
        figures[name] = row
    print(json.dumps(figures, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
