"""How fast a whole scan is segmented, and in how much memory, beside MONAI and nnU-Net in the same run.

    python benchmarks/whole_scan.py [--quick] [--part peers ...] [--device cpu] [--repeats 3]
        [--contexts 0 ...] [--folder runs/whole_scan] [--json | --markdown] [--from RESULTS.json]

``make bench`` installs the peers into an environment of their own and runs it.

- peers: one network, the same tiles, half of their edge in common, Gaussian weights, no test-time augmentation, labels
  at twice the network's resolution. MONAI's ``sliding_window_inference`` + interpolation + argmax; nnU-Net's predictor
  and export, by default and with its torch resampler; ours. Networks with 1 to 3 contexts, which peers cannot run,
  against our own plain method. Agreement is with MONAI in f32, or with the plain method in f32.
- contexts: 0 to 3 contexts on a grid of 250 x 250 x 400.
- linear: four sizes.
- large: 512 x 512 x 600 voxels through ``sneakynet segment``.
- chest: a real CT through ``sneakynet segment``, stage by stage.

Every repetition of every method is a process of its own, the methods in turn; medians are reported. A process loads the
network and the scan and runs one tile before the clock starts, and the clock stops when the labels are in memory. Peers
get the scan on the network's grid; ours gets it at twice that resolution and brings it there itself, which is booked
apart (``resample_seconds``). The peak is of the whole process; ``before_gib`` is what it held when the clock started.
On a GPU (``--device cuda``) one process runs everything and each method three times (nnU-Net once), since it starts so
much longer than it runs; ``gpu_gib`` is the most that torch had reserved there, and the process's peak says nothing.
Float32 is TensorFloat-32 for peers, as torch has it by default, and float32 for ours.

The networks are made from the default weights (``inference/networks.py``), because shortcuts and agreement mean nothing
on a random network's noise; scans are phantoms (``inference/scans.py``).
"""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from inference.parts import chest, contexts, large, linear, peers
from inference.report import markdown, show
from inference.row import Row
from inference.runner import Workshop, say
from rich.console import Console

PARTS = {"peers": peers, "contexts": contexts, "linear": linear, "large": large, "chest": chest}
_WIDTH = 140
CHEST = Path("../shared/data/ct_chest_3.27mm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=PARTS, help="this part alone; may be given again")
    parser.add_argument("--quick", action="store_true", help="a small scan of each network, once: minutes")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where everything runs")
    parser.add_argument("--contexts", type=int, nargs="+", default=(), help="networks with so many contexts alone")
    parser.add_argument("--repeats", type=int, help="of every method; 3, or 1 with --quick or on a GPU")
    parser.add_argument(
        "--folder", type=Path, default=Path("runs/whole_scan"), help="phantoms and results.json go here"
    )
    parser.add_argument("--chest", type=Path, default=CHEST, help="folder with a real chest CT, ct.nii.gz")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown alone")
    parser.add_argument("--from", type=Path, dest="source", help="show what an earlier run printed with --json")
    options = parser.parse_args()
    results = read(options.source) if options.source else measure(options)
    rows = [Row(**{**row, "shape": tuple(row["shape"])}) for row in results["rows"]]
    if options.json:
        print(json.dumps(results))
    elif options.markdown:
        print(markdown(rows))
    else:
        # Where there is no terminal to fit, columns need not be cut.
        console = Console()
        show(rows, console if console.is_terminal else Console(width=_WIDTH))


def measure(options: argparse.Namespace) -> dict[str, object]:
    _warn_of_load()
    repeats = options.repeats or (1 if options.quick or options.device == "cuda" else 3)
    workshop = Workshop(
        folder=options.folder.resolve(),
        repeats=repeats,
        quick=options.quick,
        chest=options.chest,
        device=options.device,
        contexts=tuple(options.contexts),
    )
    workshop.folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, object] = {"machine": machine(), "repeats": repeats}
    rows: list[Row] = []
    for part in options.part or (["peers"] if options.quick else PARTS):
        rows += PARTS[part].rows(workshop)
        results["rows"] = [asdict(row) for row in rows]
        # What takes hours should not be lost with the last part.
        (workshop.folder / "results.json").write_text(json.dumps(results))
    return results


def _warn_of_load() -> None:
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        say(f"this machine is busy (load {load:.1f} on {cores} cores): ratios will be rough and seconds too many")


def read(path: Path) -> dict[str, object]:
    return json.loads(path.read_text())


def machine() -> dict[str, object]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.system(),
        "versions": {name: found for name in ("torch", "monai", "nnunetv2", "sneakynet") if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
