"""Memory that a scan is said to take, beside what it takes.

    python benchmarks/memory.py [--json] [--quick]

Each row is a process of its own: a network (untrained but for `default`; its weights do not matter here), a scan of
that many voxels, mostly air so that it is quick, with a body in a corner and a sheet in the middle so that every stage
runs, labels on disk. `forecast_gib` is what `Predictor.segment` announces before any work, `measured_gib` the largest
resident size
that the operating system saw of the process, `ratio` the first over the second. The constants in
`sneakynet/inference/memory.py` come from here.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from sneakynet.anatomy.bone import BoneTable
from sneakynet.inference.memory import Forecast
from sneakynet.inference.predictor import Predictor
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.weights import WeightsHeader
from sneakynet.volumes.volume import Volume

GIB = 2**30
# (model, precision, voxels of the scan, mm per voxel); the networks' grid has 3 mm.
CASES = (
    ("default", "bf16", (200, 200, 200), 2.0),
    ("default", "f32", (200, 200, 200), 2.0),
    ("default", "bf16", (512, 512, 600), 0.8),
    ("default", "f32", (512, 512, 600), 0.8),
    ("default", "bf16", (250, 250, 400), 3.0),
    ("A", "bf16", (250, 250, 400), 3.0),
    ("A", "f32", (512, 512, 300), 1.0),
    ("D 1", "f32", (250, 250, 300), 2.0),
    ("D 1 2 3", "bf16", (250, 250, 400), 3.0),
    ("E 1 2 3", "bf16", (250, 250, 300), 2.0),
)


def predictor_of(model: str, precision: str) -> Predictor:
    if model == "default":
        return Predictor.load(device="cpu", precision=precision)
    table = BoneTable.default()
    variant, *contexts = model.split()
    network = build_sneakynet(
        variant=variant,
        n_classes=table.n_classes,
        patch_size=64,
        contexts=tuple(map(int, contexts)),
        norm="batch",
        hook_source="decoder" if variant == "E" else "encoder",
    )
    header = WeightsHeader(
        architecture=network.architecture.to_dict(), spacing=(3.0,) * 3, hu_window=(-1000.0, 1500.0), table=table
    )
    return Predictor(network, header, name=model, device="cpu", precision=precision)


def child(model: str, precision: str, shape: tuple[int, int, int], spacing: float) -> None:
    torch.manual_seed(0)
    predictor = predictor_of(model, precision)
    voxels = np.full(shape, -1000, np.int16)
    i, j, k = (int(40 * 3 / spacing),) * 3
    for part in (np.s_[:i, :j, :k], np.s_[shape[0] // 2 :, shape[1] // 2 :, shape[2] // 2 : shape[2] // 2 + 2]):
        corner = voxels[part]
        corner[:] = np.random.default_rng(0).integers(-200, 1200, corner.shape, dtype=np.int16)
    announced: list[Forecast] = []
    with tempfile.TemporaryDirectory() as folder:
        predictor.segment(Volume(voxels, np.diag([spacing] * 3 + [1.0])), folder=Path(folder), planned=announced.append)
    # Not getrusage: a child process begins with its parent's peak there.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    row = {
        "model": model,
        "precision": precision,
        "shape": shape,
        "forecast_gib": round(announced[0].peak / GIB, 3),
        "measured_gib": round(peak / GIB, 3),
        "ratio": round(announced[0].peak / peak, 3),
        "stages_gib": {name: round(size / GIB, 3) for name, size in announced[0].stages.items()},
    }
    print(json.dumps(row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="the first two rows")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        child(*CASES[options.case])
        return
    rows = []
    for n, case in enumerate(CASES[:2] if options.quick else CASES):
        print(*case, file=sys.stderr)
        command = [sys.executable, __file__, "--case", str(n)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    if options.json:
        print(json.dumps({"rows": rows}))
        return
    table = Table("model", "precision", "voxels", "forecast GiB", "measured GiB", "ratio")
    for row in rows:
        cells = (row["forecast_gib"], row["measured_gib"], row["ratio"])
        table.add_row(row["model"], row["precision"], "x".join(map(str, row["shape"])), *map(str, cells))
    Console().print(table)


if __name__ == "__main__":
    main()
