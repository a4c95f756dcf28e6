"""How long an evaluation takes and how much memory, beside nnU-Net's and MONAI's, on one pair of label maps.

    python benchmarks/evaluation.py [--shape 512 512 600] [--repeats 1] [--method NAME ...] [--json]

The pair is a phantom's labels, repeated to fill the shape, and the same moved by two voxels, with all left ribs named
one too low. Each method is a process of its own that reads both files: ours without and with surfaces, nnU-Net's
``compute_metrics`` (Dice and IoU per class), MONAI's ``DiceHelper`` on label maps (Dice per class, class by class).
``apart`` is the largest difference of a DSC from the first method's, ours unless others are chosen. Peers that are not
installed are left out; ``make bench`` installs them.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import nibabel
import numpy as np
from rich.console import Console
from rich.table import Table

from sneakynet.anatomy.bone import BoneTable

GIB = 2**30
METHODS = {
    "sneakynet, no surfaces": "sneakynet",
    "sneakynet": "sneakynet",
    "nnU-Net compute_metrics": "nnunetv2",
    "MONAI DiceHelper": "monai",
}


def make_pair(folder: Path, shape: tuple[int, int, int]) -> None:
    from sneakynet.phantom.phantom import make_phantom

    labels = make_phantom(0, spacing=2.0, field="whole").labels.voxels
    times = [-(-want // have) for want, have in zip(shape, labels.shape, strict=True)]
    reference = np.tile(np.where(labels == 255, 0, labels), times)[tuple(map(slice, shape))].astype(np.uint8)
    lut = np.arange(256, dtype=np.uint8)
    table = BoneTable.default()
    for n in range(1, 12):
        lut[table[f"rib_left_{n}"].id] = table[f"rib_left_{n + 1}"].id
    for name, voxels in (("reference", reference), ("prediction", lut[np.roll(reference, 2, axis=0)])):
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([0.9, 0.9, 0.9, 1.0])), folder / f"{name}.nii.gz")


def ours(prediction: Path, reference: Path, *, surface: bool) -> dict[int, float]:
    from sneakynet.evaluation.case import Comparison, compare_files
    from sneakynet.evaluation.pairing import Pair

    result = compare_files(Pair("pair", prediction, reference), Comparison(BoneTable.default(), surface=surface))
    return {score.id: score.dsc for score in result.scores}


def nnunet(prediction: Path, reference: Path) -> dict[int, float]:
    from nnunetv2.evaluation.evaluate_predictions import compute_metrics
    from nnunetv2.imageio.nibabel_reader_writer import NibabelIO

    labels = [bone.id for bone in BoneTable.default()]
    found = compute_metrics(str(reference), str(prediction), NibabelIO(), labels)
    return {label: float(found["metrics"][label]["Dice"]) for label in labels}


def monai(prediction: Path, reference: Path) -> dict[int, float]:
    import torch
    from monai.metrics import DiceHelper

    maps = [torch.from_numpy(np.asarray(nibabel.load(path).dataobj)) for path in (prediction, reference)]
    n = BoneTable.default().n_classes
    helper = DiceHelper(include_background=True, num_classes=n, softmax=False, get_not_nans=False, reduction="none")
    scores = helper(maps[0][None, None].long(), maps[1][None, None].long())
    return {label: float(scores[0, label]) for label in range(1, n)}


def child(method: str, folder: Path) -> None:
    paths = folder / "prediction.nii.gz", folder / "reference.nii.gz"
    started = time.perf_counter()
    match method:
        case "nnU-Net compute_metrics":
            dsc = nnunet(*paths)
        case "MONAI DiceHelper":
            dsc = monai(*paths)
        case _:
            dsc = ours(*paths, surface=method == "sneakynet")
    seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"seconds": seconds, "peak_gib": peak / GIB, "dsc": dsc}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=(512, 512, 600))
    parser.add_argument("--repeats", type=int, default=1, help="of every method, in turn; medians are shown")
    parser.add_argument("--method", action="append", choices=METHODS, help="this one alone; may be given again")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.folder)
        return
    methods = [name for name in options.method or METHODS if importlib.util.find_spec(METHODS[name])]
    with tempfile.TemporaryDirectory() as folder:
        make_pair(Path(folder), tuple(options.shape))
        runs: dict[str, list[dict]] = {name: [] for name in methods}
        for _ in range(options.repeats):
            for name in methods:
                print(name, file=sys.stderr)
                command = [sys.executable, "-W", "ignore", __file__, "--child", name, "--folder", folder]
                found = subprocess.run(command, capture_output=True, text=True)
                if found.returncode:
                    print(f"{name} failed: {found.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                    continue
                runs[name].append(json.loads(found.stdout.splitlines()[-1]))
                print(f"  {runs[name][-1]['seconds']:.1f} s", file=sys.stderr)  # peers take minutes
    own = next(each[0]["dsc"] for each in runs.values() if each)
    rows = [
        {
            "method": name,
            "shape": options.shape,
            "seconds": median(run["seconds"] for run in each),
            "peak_gib": median(run["peak_gib"] for run in each),
            "apart": max(abs(each[0]["dsc"][label] - own[label]) for label in own),
        }
        for name, each in runs.items()
        if each
    ]
    if options.json:
        print(json.dumps({"rows": rows}))
        return
    table = Table("method", "seconds", "peak GiB", "DSC apart by")
    for row in rows:
        table.add_row(row["method"], f"{row['seconds']:.1f}", f"{row['peak_gib']:.2f}", f"{row['apart']:.1e}")
    Console().print(table)


if __name__ == "__main__":
    main()
