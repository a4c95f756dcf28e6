"""How long a phantom takes and how much memory: person, body, tissue and scan, everything but writing it.

    python benchmarks/phantom_speed.py [--spacing 3 2] [--field whole] [--persons 5] [--json]

Every phantom is made in a process of its own (Linux), which has made a small one before: libraries are loaded and the
skeleton has been read. Memory is the largest that the process ever held, libraries included.
"""

import argparse
import json
import subprocess
import sys
import time
from statistics import median

from inference.clock import peak_gib
from rich.console import Console
from rich.table import Table

from sneakynet.phantom.phantom import make_phantom

_WARM_UP_SPACING, _WARM_UP_SEED = 8.0, 999


def child(spacing: float, field: str, seed: int) -> None:
    make_phantom(_WARM_UP_SEED, spacing=_WARM_UP_SPACING, field=field)
    started = time.perf_counter()
    made = make_phantom(seed, spacing=spacing, field=field)
    seconds = time.perf_counter() - started
    print(
        json.dumps({"seconds": seconds, "peak_gib": peak_gib(), "shape": made.labels.shape, "pose": made.facts["pose"]})
    )


def rows(options: argparse.Namespace) -> list[dict[str, object]]:
    found = []
    for spacing in options.spacing:
        runs = []
        for seed in range(options.persons):
            command = [sys.executable, __file__, "--child", str(spacing), options.field, str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{spacing:g} mm, seed {seed}: {runs[-1]['seconds']:.1f} s", file=sys.stderr)
        seconds = [run["seconds"] for run in runs]
        found.append(
            {
                "spacing": spacing,
                "field": options.field,
                "persons": len(runs),
                "seconds": median(seconds),
                "slowest": max(seconds),
                "peak_gib": max(run["peak_gib"] for run in runs),
                "shapes": [run["shape"] for run in runs],
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spacing", type=float, nargs="+", default=[3.0, 2.0], help="mm")
    parser.add_argument("--field", default="whole")
    parser.add_argument("--persons", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(float(options.child[0]), options.child[1], int(options.child[2]))
        return
    figures = rows(options)
    if options.json:
        print(json.dumps(figures))
        return
    table = Table("mm", "field", "persons", "s, median", "s, slowest", "GiB")
    for row in figures:
        table.add_row(
            f"{row['spacing']:g}",
            str(row["field"]),
            str(row["persons"]),
            *(f"{row[name]:.1f}" for name in ("seconds", "slowest", "peak_gib")),
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
