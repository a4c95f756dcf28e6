"""How fast we train beside nnU-Net's and MONAI's parts in the same run: on this machine's CPU, as a whole on a GPU too.

    .venv-bench/bin/python benchmarks/training.py [--quick] [--part losses ...] [--threads N] [--json]
    .venv-bench/bin/python benchmarks/training.py --part throughput --device cuda

``make .venv-bench/.installed`` installs the peers. Every method runs once per round, in turn, and the median over the
rounds counts; memory is the most held beyond what was held before, in a first round that is not timed.

- losses: cross-entropy + Dice over 126 classes with the linear head before it, forward and backward.
- patches: a target with three contexts, plain and augmented, beside the peers' augmentation of a target alone.
- steps: a whole step of the same U-Net, with our loss and with each peer's, as memory comes and with freed memory kept.
- table1: the paper's twelve networks, beside the seconds that it printed for its GPU.
- throughput: whole training on painted scans, ours and nnU-Net's trainer, on a CPU or a GPU; only when asked for.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path

import torch
from learning import losses, patches, steps, table1, throughput
from learning.contest import Row, say
from rich.console import Console
from rich.table import Table

from sneakynet.models.allocator import keep_freed_memory

# Memory is measured before the allocator is told to keep what is freed, as our training does: the parts that compare
# with peers' come first.
PARTS = {"losses": losses, "steps": steps, "patches": patches, "table1": table1, "throughput": throughput}
_KEEP_FROM = "patches"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=PARTS, help="this part alone; may be given again")
    parser.add_argument("--quick", action="store_true", help="small shapes and few rounds: 3 minutes")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--threads", type=int, help="of torch; by default all cores")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="of throughput; the rest is of the CPU"
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/training"), help="throughput's scans lie here")
    options = parser.parse_args()
    if options.device == "cuda" and options.part != ["throughput"]:
        parser.error("only --part throughput runs on a GPU")
    if options.threads:
        torch.set_num_threads(options.threads)
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        say(f"this machine is busy (load {load:.1f} on {cores} cores): ratios will be rough and seconds too many")
    rows: list[Row] = []
    chosen = options.part or [name for name in PARTS if name != "throughput"]
    for name in [name for name in PARTS if name in chosen]:
        if list(PARTS).index(name) >= list(PARTS).index(_KEEP_FROM):
            keep_freed_memory()
        if name == "throughput":
            with redirect_stdout(sys.stderr):  # nnU-Net prints
                rows += throughput.rows(quick=options.quick, device=torch.device(options.device), folder=options.folder)
        else:
            rows += PARTS[name].rows(quick=options.quick)
    machine = {
        "processor": platform.processor(),
        "cores": cores,
        "load": load,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    ratios = claims(rows)
    if options.json:
        print(json.dumps({"machine": machine, "rows": [asdict(row) for row in rows], "ratios": ratios}))
    else:
        show(rows, ratios)


def claims(rows: Sequence[Row]) -> dict[str, float]:
    """The ratios that are promised, by the clock and by CPU time; above 1 we are faster, but for those of D to D."""
    return _ratios(rows, "seconds", "") | _ratios(rows, "cpu_seconds", ", CPU time")


def _ratios(rows: Sequence[Row], figure: str, note: str) -> dict[str, float]:
    def of(what: str, shape: str | None = None) -> dict[str, float]:
        chosen = [row for row in rows if row.what.startswith(what) and shape in {None, row.shape}]
        return {row.method: getattr(row, figure) for row in chosen}

    found = {}
    for shape in dict.fromkeys(row.shape for row in rows if row.what.startswith("head and loss")):
        loss = of("head and loss", shape)
        found[f"nnU-Net head and loss / ours, {shape}{note}"] = loss["nnU-Net DC+CE"] / loss["fused (ours)"]
    for what in dict.fromkeys(row.what for row in rows if row.what.startswith("step of")):
        step = of(what)
        ours = next(row for row in reversed(rows) if row.what.startswith("step of") and row.method == "ours")
        best = min(seconds for name, seconds in step.items() if name != "ours")
        memory = what.rpartition(", ")[2]
        found[f"best peer-loss step, {memory}, / ours{note}"] = best / getattr(ours, figure)
    iteration = of("iteration")
    for one, three in (("D_32_64", "D_32_64_128_256"), ("D_64_128", "D_64_128_256")):
        if one in iteration and three in iteration:
            found[f"{three} / {one}{note}"] = iteration[three] / iteration[one]
    return found


def show(rows: Sequence[Row], ratios: dict[str, float]) -> None:
    table = Table("what", "method", "shape", "ms", "CPU ms", "GiB", "more")
    for row in rows:
        more = ", ".join(f"{key} {value}" for key, value in (row.more or {}).items())
        peak = "" if row.peak_gib is None else f"{row.peak_gib:.2f}"
        table.add_row(
            row.what,
            row.method,
            row.shape,
            *(f"{1000 * seconds:.1f}" for seconds in (row.seconds, row.cpu_seconds)),
            peak,
            more,
        )
    console = Console()
    if not console.is_terminal:
        console = Console(width=180)
    console.print(table)
    for name, ratio in ratios.items():
        console.print(f"{name}: {ratio:.2f}")


if __name__ == "__main__":
    sys.exit(main())
