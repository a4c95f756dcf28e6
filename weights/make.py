"""Make the weights that come with the package, in pieces of any length.

    python weights/make.py [-o runs/weights] [--minutes 10] [--from default=FILE] [--carry FOLDER] [--shared FOLDER]

Reads ``recipe.yaml``: makes the bodies that are missing, then trains one stage after the other. Stopped by
``--minutes`` or Ctrl-C it goes on where it was when it is started again. On a machine that keeps nothing,
``--carry FOLDER`` leaves the stage under way there as one float16 weights file of some 9 MB (its header says at which
step), and takes it up again: the optimiser's memory starts afresh, rate and patches go on. ``--from STAGE=FILE`` takes
a stage as done.

Without ``--shared`` data nothing is painted from label maps, and the weights will be others.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml

from sneakynet.cli.main import main as cli
from sneakynet.models.weights import load_weights, save_weights

HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/weights"))
    parser.add_argument("--recipe", type=Path, default=HERE / "recipe.yaml")
    parser.add_argument("--minutes", type=float, help="stop training after so many; start again to go on")
    parser.add_argument("--from", dest="done", action="append", default=[], metavar="STAGE=FILE")
    parser.add_argument("--carry", type=Path, help="folder for the stage under way, on a machine that keeps nothing")
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"), help="folder with the label maps")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that make bodies")
    options = parser.parse_args(arguments)
    if not options.recipe.is_file():
        parser.error(f"there is no recipe {options.recipe}")
    recipe = yaml.safe_load(options.recipe.read_text(encoding="utf-8"))
    done = dict(each.partition("=")[::2] for each in options.done)
    unknown = sorted(done.keys() - {stage["name"] for stage in recipe["stages"]})
    if unknown:
        parser.error(f"--from names no stage of {options.recipe}: {', '.join(unknown)}")
    deadline = None if options.minutes is None else time.monotonic() + 60 * options.minutes
    first = max((n + 1 for n, stage in enumerate(recipe["stages"]) if stage["name"] in done), default=0)
    before = Path(done[recipe["stages"][first - 1]["name"]]) if first else None
    for stage in recipe["stages"][first:]:
        bodies = make_bodies(recipe, stage["spacing"], options)
        run = options.output / stage["name"]
        if not train(
            stage, recipe["common"], bodies=bodies, run=run, before=before, deadline=deadline, options=options
        ):
            say(f"stage {stage['name']} is not finished; start again to go on")
            return
        before = run / "model.safetensors"
        if "packaged" in stage:
            write_half(before, options.output / stage["packaged"])
            say(f"wrote {options.output / stage['packaged']}")


def make_bodies(recipe: dict[str, Any], spacing: float, options: argparse.Namespace) -> Path:
    """The folder of a spacing's bodies; what is there is not made again."""
    together = options.output / f"bodies_{spacing:g}mm"
    together.mkdir(parents=True, exist_ok=True)
    for number, source in enumerate(recipe["bodies"][spacing]):
        part = options.output / f"bodies_{spacing:g}mm_parts" / str(number)
        command = ["phantom"]
        if source["kind"] == "paint":
            labels = options.shared / source["labels"]
            if not labels.exists():
                say(f"without paintings of {source['labels']}: no such file in {options.shared}")
                continue
            stretch = [str(factor) for factor in source.get("stretch", (1.0, 1.0, 1.0))]
            command = ["paint", str(labels), "--scheme", source["scheme"], "--stretch", *stretch]
        elif "field" in source:
            command += ["--field", source["field"]]
        sneakynet(
            *command,
            *("-o", str(part), "--bodies", "--spacing", f"{spacing:g}", "--workers", str(options.workers)),
            *("--seed", str(source["seed"]), "--count", str(source["count"])),
        )
        for file in [*part.glob("*.npz"), part / "bodies.json"]:
            if not (together / file.name).exists():
                os.link(file, together / file.name)
    return together


def train(
    stage: dict[str, Any],
    common: dict[str, Any],
    *,
    bodies: Path,
    run: Path,
    before: Path | None,
    deadline: float | None,
    options: argparse.Namespace,
) -> Path | None:
    """Train a stage, or go on with it; its weights once it is finished."""
    steps = stage["settings"]["steps"]
    carried = None if options.carry is None else options.carry / f"{stage['name']}.safetensors"
    for finished in (run / "model.safetensors", carried):
        if finished is not None and steps_of(finished) >= steps:
            return finished
    limit = [] if deadline is None else ["--time-limit", f"{max(1e-4, (deadline - time.monotonic()) / 60):.4f}"]
    if (run / "checkpoint.pt").is_file():
        sneakynet("train", "-o", str(run), "--resume", *limit)
    else:
        settings = {**common, **stage["settings"]}
        if carried is not None and carried.is_file():
            settings |= {"init": str(carried), "first_step": steps_of(carried)}
        elif before is not None:
            settings |= {"init": str(before)}
        options.output.mkdir(parents=True, exist_ok=True)
        config = options.output / f"{stage['name']}.yaml"
        config.write_text(yaml.safe_dump({"dataset": str(bodies), **settings}), encoding="utf-8")
        sneakynet("train", "-o", str(run), "--config", str(config), *limit)
    if carried is not None:
        carried.parent.mkdir(parents=True, exist_ok=True)
        write_half(run / "model.safetensors", carried)
    return run / "model.safetensors" if steps_of(run / "model.safetensors") >= steps else None


def steps_of(weights: Path) -> int:
    """Steps that weights have behind them; 0 where there are none."""
    return int(load_weights(weights)[1].provenance.get("steps", 0)) if weights.is_file() else 0


def write_half(source: Path, target: Path) -> None:
    """The same weights in float16, with where they come from."""
    model, header = load_weights(source)
    provenance = {**header.provenance, "recipe": "weights/recipe.yaml"}
    save_weights(target, model, replace(header, provenance=provenance), dtype=torch.float16)


def sneakynet(*arguments: str) -> None:
    """Run a command; its own message says what went wrong."""
    if status := cli(arguments):
        sys.exit(status)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
