"""What names of vertebrae and ribs hang on: parts of the real abdomen are taken away, and the names looked at again.

    python benchmarks/cues.py [--model NAME_OR_FILE] [--only CUE ...] [--shared ../shared/data] [--json]

The scan is ``ct_abdomen_pelvis_3mm``, the names those of the network, before they are put in order. A cue whose loss
sets wrong names right is one that misleads; what the training data show there is then worth a look.

- nothing: the scan as it is.
- lungs: air within the body from the lower end of T12 upwards becomes soft tissue (40 HU).
- bowel gas: air within the body below it becomes soft tissue.
- soft tissue: all within the body that is neither bone nor air becomes 40 HU.
- ribs: all ribs become soft tissue.
- above L1, above L2: the scan ends at the upper end of that vertebra.
- below L4: the scan begins at its lower end.
- shorter, longer: the scan becomes shorter or longer by a tenth.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from default_model import LABELLED, SHARED, reference_of
from scipy import ndimage

from sneakynet.anatomy.bone import BoneTable
from sneakynet.inference.predictor import Predictor
from sneakynet.volumes.read import read_volume
from sneakynet.volumes.volume import Volume

CUES = (
    *("nothing", "lungs", "bowel gas", "soft tissue", "ribs"),
    *("above L1", "above L2", "below L4", "shorter", "longer"),
)
NAMES = (
    *(f"vertebrae_{level}" for level in ("T12", "L1", "L2", "L3", "L4", "L5")),
    *(f"rib_{side}_{n}" for side in ("left", "right") for n in (11, 12)),
)
SOFT = 40.0  # HU


def without(cue: str, scan: Volume, reference: Volume, table: BoneTable) -> tuple[Volume, np.ndarray]:
    """The scan without a cue, and the labels that are left."""
    hu, labels = scan.voxels.astype(np.float32), reference.voxels.copy()

    def ends(level: str) -> tuple[int, int]:
        slices = np.flatnonzero((labels == table[f"vertebrae_{level}"].id).any((0, 1)))
        return int(slices[0]), int(slices[-1]) + 1

    height, affine = np.arange(hu.shape[2])[None, None], scan.affine.copy()
    bone = (labels > 0) & (labels < np.iinfo(labels.dtype).max)
    if cue == "lungs":
        hu[air_inside(hu) & (height >= ends("T12")[0])] = SOFT
    elif cue == "bowel gas":
        hu[air_inside(hu) & (height < ends("T12")[0])] = SOFT
    elif cue == "soft tissue":
        air = ndimage.binary_dilation(hu < -300, iterations=2)
        hu[~ndimage.binary_dilation(bone, iterations=2) & ~air] = SOFT
    elif cue == "ribs":
        ribs = np.isin(labels, [bone.id for bone in table if bone.group == "ribs"])
        hu[ndimage.binary_dilation(ribs) & (hu > SOFT)] = SOFT
        labels[ribs] = 0
    elif cue.startswith("above"):
        top = ends(cue.split()[1])[1]
        hu, labels = hu[:, :, :top], labels[:, :, :top]
    elif cue.startswith("below"):
        bottom = ends(cue.split()[1])[0]
        affine[:3, 3] += affine[:3, 2] * bottom
        hu, labels = hu[:, :, bottom:], labels[:, :, bottom:]
    elif cue in {"shorter", "longer"}:
        affine[:, 2] *= 0.9 if cue == "shorter" else 1.1
    return Volume(hu, affine), labels


def air_inside(hu: np.ndarray) -> np.ndarray:
    """Air that does not reach the sides of the scan."""
    air = hu < -300
    parts, _ = ndimage.label(air)
    sides = np.concatenate([parts[[0, -1]].ravel(), parts[:, [0, -1]].ravel()])
    return air & ~np.isin(parts, np.unique(sides[sides > 0]))


def names_of(found: np.ndarray, labels: np.ndarray, table: BoneTable) -> dict[str, tuple[str, float]]:
    """For every bone the name that most of its voxels get, and their share."""
    names = {}
    for name in NAMES:
        voxels = found[labels == table[name].id]
        if len(voxels):
            counts = np.bincount(voxels, minlength=table.n_classes)
            counts[0] = 0
            most = int(counts.argmax())
            names[name] = (table.by_id(most).name if most else "-", round(float(counts[most] / len(voxels)), 3))
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--only", nargs="+", choices=CUES, default=CUES, help="what to take away or change")
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    options = parser.parse_args()
    predictor = Predictor.load(options.model if "/" not in options.model else Path(options.model))
    table, folder = predictor.header.table, options.shared / LABELLED
    scan, reference = read_volume(folder / "ct.nii.gz"), reference_of(folder / "labels.nii.gz", table)
    figures = {}
    for cue in options.only:
        changed, labels = without(cue, scan, reference, table)
        found = predictor.segment(changed).labels.voxels
        figures[cue] = names_of(found, labels, table)
        if not options.json:
            right = [f"{name} {share:.0%}" for name, (own, share) in figures[cue].items() if own == name]
            wrong = [f"{name} as {own} {share:.0%}" for name, (own, share) in figures[cue].items() if own != name]
            print(f"{cue}: right: {', '.join(right) or '-'}; wrong: {', '.join(wrong) or '-'}", flush=True)
    if options.json:
        print(json.dumps({"model": predictor.name, "names": figures}))


if __name__ == "__main__":
    main()
