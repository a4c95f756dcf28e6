"""nnU-Net's own trainer on cases of ours: its files, loaders, augmentation, loss and optimiser, its U-Net at our width.

Cases are written as its preprocessing would write them (blosc2 arrays and where each class lies), so that what is timed
is training alone. Settings beside width, levels, patch and batch are those of its default planner and trainer.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.case import Case

_NAME, _PLANS, _CONFIGURATION = "Dataset001_phantoms", "nnUNetPlans", "3d_fullres"


def trainer_step(
    folder: Path,
    cases: Sequence[Case],
    table: BoneTable,
    *,
    device: torch.device,
    edge: int,
    width: int,
    levels: int,
    batch: int,
) -> Callable[[int], float]:
    """A function that trains one step, with the next batch of its loader; it returns 0.

    Args:
        folder: for its files.
        cases: to learn from; one of them is held out, which costs nothing.
        table: the classes.
        device: that trains.
        edge: of patches.
        width: channels of the first level.
        levels: of the U-Net.
        batch: patches per step.
    """
    os.environ.setdefault("nnUNet_compile", "f")
    for name in ("raw", "preprocessed", "results"):
        os.environ[f"nnUNet_{name}"] = str((folder / name).resolve())  # read when nnU-Net is imported
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    data = folder / "preprocessed" / _NAME / f"{_PLANS}_{_CONFIGURATION}"
    data.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(cases):
        _write(data / f"case_{number:03d}", case, edge=edge)
    description = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **{bone.name: bone.id for bone in table}},
        "numTraining": len(cases),
        "file_ending": ".nii.gz",
    }
    plans = {**_plans(edge=edge, width=width, levels=levels, batch=batch), "continue_training": False}
    trainer = nnUNetTrainer(plans, _CONFIGURATION, "all", description, device=device)
    trainer.initialize()
    trainer.dataloader_train, trainer.dataloader_val = trainer.get_dataloaders()
    trainer.network.train()

    def run(_step: int) -> float:
        trainer.train_step(next(trainer.dataloader_train))
        return 0.0

    return run


def _write(stem: Path, case: Case, *, edge: int) -> None:
    from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params, nnUNetDatasetBlosc2

    scan, labels = case.pyramid.scan[0][:].cpu().numpy(), case.pyramid.labels[0][:].cpu().numpy()
    labels = np.where(labels == np.iinfo(labels.dtype).max, 0, labels).astype(np.int16)  # its ignore label costs more
    centres = {bone: np.concatenate([np.zeros((len(at), 1), int), at], 1) for bone, at in case.centres.items()}
    blocks, chunks = comp_blosc2_params((1, *scan.shape), (edge,) * 3)
    nnUNetDatasetBlosc2.save_case(
        (scan[None] / 900.0 - 0.44).astype(np.float32),
        labels[None],
        {"class_locations": centres, "spacing": (1.0, 1.0, 1.0)},
        str(stem),
        chunks=chunks,
        blocks=blocks,
        chunks_seg=chunks,
        blocks_seg=blocks,
    )


def _plans(*, edge: int, width: int, levels: int, batch: int) -> dict[str, object]:
    return {
        "dataset_name": _NAME,
        "plans_name": _PLANS,
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {
            _CONFIGURATION: {
                "data_identifier": f"{_PLANS}_{_CONFIGURATION}",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": batch,
                "patch_size": [edge] * 3,
                "spacing": [1.0] * 3,
                "normalization_schemes": ["CTNormalization"],
                "use_mask_for_norm": [False],
                "batch_dice": False,
                "architecture": {
                    "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
                    "arch_kwargs": {
                        "n_stages": levels,
                        "features_per_stage": [width * 2**level for level in range(levels)],
                        "conv_op": "torch.nn.modules.conv.Conv3d",
                        "kernel_sizes": [[3, 3, 3]] * levels,
                        "strides": [[1, 1, 1], *[[2, 2, 2]] * (levels - 1)],
                        "n_conv_per_stage": [2] * levels,
                        "n_conv_per_stage_decoder": [2] * (levels - 1),
                        "conv_bias": True,
                        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                        "dropout_op": None,
                        "dropout_op_kwargs": None,
                        "nonlin": "torch.nn.LeakyReLU",
                        "nonlin_kwargs": {"inplace": True},
                    },
                    "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
                },
            }
        },
    }
