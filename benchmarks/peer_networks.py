"""Networks of other projects on the folds of a reproduction: same scans, steps, loss and evaluation, another network.

    sneakynet reproduce --scale small -o OUT ...          first: it makes scans and folds, and trains ours
    python benchmarks/peer_networks.py OUT [--peer monai nnunet] [--folds 0] [--beside A_16] [--threads 1]

MONAI's UNet and nnU-Net's PlainConvUNet get as many parameters as our plain U-Net, as many levels, the same patches in
the same order, and MONAI's sliding window for whole scans. A peer that is not installed is left out with a word
(see benchmarks/peers.txt). Scores lie under OUT/peers as those of ours do under OUT/runs; a finished fold is not done
again. It prints medians over (scan, bone) pairs, as the paper takes them, beside ours on the same folds.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.dataset import CaseFiles
from sneakynet.data.network_grid import on_network_grid
from sneakynet.evaluation.case import compare
from sneakynet.evaluation.report import FILES, Evaluation, write_files
from sneakynet.evaluation.spread import spread_of
from sneakynet.evaluation.summary import summary_of
from sneakynet.models.builders import count_parameters
from sneakynet.reproduction.experiment import Experiment
from sneakynet.reproduction.plan import PLAN, Plan, make_plan
from sneakynet.reproduction.run import DATA
from sneakynet.reproduction.scans import open_scans
from sneakynet.reproduction.unit import SCORES, unit_folder
from sneakynet.training.loss import logits_loss
from sneakynet.training.material import open_material
from sneakynet.training.settings import TrainSettings
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume

Build = Callable[[int, int, int], nn.Module]
"""Width, levels, classes -> network."""


def monai(width: int, levels: int, n_classes: int) -> nn.Module:
    from monai.networks.nets import UNet

    channels = [width * 2**level for level in range(levels)]
    return UNet(3, 1, n_classes, channels, [2] * (levels - 1), num_res_units=2)


def nnunet(width: int, levels: int, n_classes: int) -> nn.Module:
    from dynamic_network_architectures.architectures.unet import PlainConvUNet

    return PlainConvUNet(
        input_channels=1,
        n_stages=levels,
        features_per_stage=[min(320, width * 2**level) for level in range(levels)],
        conv_op=nn.Conv3d,
        kernel_sizes=3,
        strides=[1, *[2] * (levels - 1)],
        n_conv_per_stage=2,
        num_classes=n_classes,
        n_conv_per_stage_decoder=2,
        conv_bias=True,
        norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
    )


PEERS: dict[str, Build] = {"monai": monai, "nnunet": nnunet}


def matched(build: Build, budget: int, *, levels: int, n_classes: int) -> nn.Module:
    """The width whose parameters come nearest to the budget."""

    def size(width: int) -> int:
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in build(width, levels, n_classes).parameters())

    width = min(range(2, 65), key=lambda width: abs(size(width) - budget))
    return build(width, levels, n_classes)


def read_plan(folder: Path) -> Plan:
    there = yaml.safe_load((folder / PLAN).read_text())
    cases = sorted(name for fold in there["folds"] for name in fold["test"])
    plan = make_plan(
        there["scale"],
        cases=cases,
        data=there["data"],
        seed=there["seed"],
        iterations=there["iterations"],
        spacing=there["spacing"],
    )
    if plan.differences(there):
        sys.exit(f"{folder} was made by another version: {'; '.join(plan.differences(there)[:3])}")
    return plan


def train(network: nn.Module, settings: TrainSettings, data: Path) -> float:
    """The loop of ours with the peer's network; seconds per iteration."""
    device, table = torch.device(settings.device), BoneTable.default()
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)
    network.train()
    started = time.monotonic()
    assert settings.cache is not None
    with open_material(data, settings, table, device=device, cache=settings.cache, quiet=True) as material:
        for step in range(settings.steps):
            patches = material.data.training_batch(settings, step)
            optimiser.zero_grad(set_to_none=True)
            logits = network(patches.images[0].to(device))
            logits_loss(logits, patches.labels[0].to(device), dice=settings.dice).total.backward()
            optimiser.step()
    return (time.monotonic() - started) / settings.steps


@torch.inference_mode()
def segment(network: nn.Module, case: CaseFiles, settings: TrainSettings) -> Volume:
    """Labels on the grid that the network is trained on."""
    from monai.inferers import sliding_window_inference

    assert settings.spacing is not None
    grid = on_network_grid(read_volume(case.scan), spacing=(settings.spacing,) * 3)
    low, high = settings.hu_window
    image = torch.from_numpy(np.clip(grid.voxels.astype(np.float32), low, high))
    image = (image - (low + high) / 2) / ((high - low) / 2)
    edge = (settings.patch_size,) * 3
    logits: Tensor = sliding_window_inference(
        image[None, None].to(settings.device), edge, 4, network.eval(), overlap=0.25, mode="gaussian"
    )
    return Volume(logits[0].argmax(0).to(torch.uint8).cpu().numpy(), grid.affine)


def score(network: nn.Module, settings: TrainSettings, data: Path, *, test: tuple[str, ...], home: Path) -> None:
    table = BoneTable.default()
    cases = [case for case in open_scans(data).cases if case.name in test]
    results = [
        compare(segment(network, case, settings), read_labels(case.labels), table=table, case=case.name, surface=False)
        for case in cases
    ]
    (home / SCORES).mkdir(parents=True, exist_ok=True)
    write_files(home / SCORES, Evaluation(results, summary_of(results, table), table), FILES)


def line(name: str, homes: list[Path]) -> str:
    scores = []
    for path in (home / SCORES / "per_class.csv" for home in homes):
        if path.is_file():
            with path.open(newline="") as file:
                scores += [float(row["dsc"]) for row in csv.DictReader(file)]
    if not scores:
        return f"{name:<14} not done"
    found = spread_of(scores)
    median = "-" if found.median is None else f"{found.median:.3f} +{found.plus:.3f} -{found.minus:.3f}"
    return f"{name:<14} {len(scores):>5} pairs  median DSC > 0 {median}  share > 0 {found.nonzero:.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer", nargs="+", choices=[*PEERS], default=[*PEERS])
    parser.add_argument("--folds", nargs="+", type=int, default=[0])
    parser.add_argument("--beside", help="our experiment whose patches and parameters they get; by default the first")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    plan = read_plan(args.folder)
    ours = next(e for e in plan.experiments if args.beside in {None, e.name})
    plain = Experiment("A", ours.patch_size, (), ours.width, ours.batch_size)
    data = args.folder / DATA if plan.data == "phantoms" else Path(plan.data)
    n_classes = BoneTable.default().n_classes
    budget = count_parameters(ours.architecture(n_classes=n_classes, levels=plan.levels))
    for name in args.peer:
        for fold in args.folds:
            home = args.folder / "peers" / name / f"fold_{fold}"
            if (home / SCORES / "summary.json").is_file():
                continue
            settings = plan.settings(plain, fold, folder=args.folder, device=args.device, threads=args.threads)
            torch.manual_seed(settings.seed)
            try:
                network = matched(PEERS[name], budget, levels=plan.levels, n_classes=n_classes).to(args.device)
            except ImportError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                break
            seconds = train(network, settings, data)
            score(network, settings, data, test=plan.folds[fold].test, home=home)
            facts = {
                "parameters": sum(parameter.numel() for parameter in network.parameters()),
                "seconds_per_iteration": seconds,
            }
            (home / "trained.json").write_text(json.dumps(facts, indent=1))
            print(f"{name} fold {fold}: {facts}", file=sys.stderr)
    for name in args.peer:
        print(line(name, [args.folder / "peers" / name / f"fold_{fold}" for fold in args.folds]))
    for experiment in plan.experiments:
        print(line(experiment.name, [unit_folder(args.folder, experiment, fold) for fold in args.folds]))


if __name__ == "__main__":
    main()
