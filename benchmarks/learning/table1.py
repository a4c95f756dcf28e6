"""The paper's table 1 on this machine: parameters, voxels and seconds per iteration of its twelve networks.

An iteration is here a batch of one: the paper does not say its own. It cuts its patches, plainly, from a scan with a
pyramid, and learns from them. The networks are those of ``sneakynet reproduce``, all with the parameters of a plain
U-Net of width 16 but the slim one.
"""

from dataclasses import replace

import torch

from learning.contest import Row, contest
from sneakynet.data.case import Case
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.sampling import NO_AUGMENTATION, draw_batch, make_batch
from sneakynet.models.bf16 import has_bf16
from sneakynet.models.builders import build_from, count_parameters
from sneakynet.reproduction.experiment import Experiment
from sneakynet.reproduction.paper import paper
from sneakynet.reproduction.plan import make_plan
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import Trainer

_CLASSES, _VOLUME = 126, 256


def rows(*, quick: bool) -> list[Row]:
    precision = "bf16" if has_bf16(torch.device("cpu")) else "f32"
    experiments = make_plan("full", cases=[f"case_{n}" for n in range(16)]).experiments
    chosen = [one for one in experiments if not quick or one.patch_size == 32]
    torch.manual_seed(0)
    scan = torch.randint(-500, 1300, (_VOLUME,) * 3, dtype=torch.int16)
    labels = torch.randint(0, _CLASSES, (_VOLUME // 8,) * 3, dtype=torch.uint8)
    for axis in range(3):
        labels = labels.repeat_interleave(8, axis)
    pyramid = build_pyramid(scan, labels, levels=(1, 2, 3), n_classes=_CLASSES)
    case = Case(name="a", shape=(_VOLUME,) * 3, pyramid=pyramid, centres={})
    methods = {one.name: _iteration(one, case, precision) for one in chosen}
    found = contest(f"iteration of table 1, batch 1, {precision}", "by name", methods, rounds=2 if quick else 5)
    printed = paper()["table_1"]
    by_name = {one.name: one for one in chosen}
    return [
        replace(
            row,
            shape=f"{1 + len(by_name[row.method].contexts)} x {by_name[row.method].patch_size}^3",
            more={
                "parameters": _parameters(by_name[row.method]),
                "voxels": (1 + len(by_name[row.method].contexts)) * by_name[row.method].patch_size ** 3,
                "paper_seconds": printed[row.method]["seconds_per_iteration"],
            },
        )
        for row in found
    ]


def _parameters(experiment: Experiment) -> int:
    return count_parameters(experiment.architecture(n_classes=_CLASSES, levels=5))


def _iteration(experiment: Experiment, case: Case, precision: str):
    torch.manual_seed(0)
    settings = TrainSettings(
        variant=experiment.variant,
        contexts=experiment.contexts or (1,),
        patch_size=experiment.patch_size,
        precision=precision,
        dice="all",
    )
    geometry = PatchGeometry(patch_size=experiment.patch_size, contexts=experiment.contexts)
    trainer = Trainer(build_from(experiment.architecture(n_classes=_CLASSES, levels=5)), settings)

    def run() -> None:
        key = (1, trainer.step)
        draws = draw_batch([case], geometry, key=key, batch_size=1, balanced=0.0, augmentation=NO_AUGMENTATION)
        trainer.train_step(make_batch([case], draws, geometry, hu_window=settings.hu_window))

    return run
