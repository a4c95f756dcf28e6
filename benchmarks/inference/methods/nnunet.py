"""nnU-Net's own predictor and export around our network, with its default resampling or its torch one.

The plans and the dataset description are what nnU-Net's planner writes, as far as prediction reads them. Left out, in
its favour: writing to disk, and handing the class volume to another process, as ``nnUNetv2_predict`` does.
"""

import numpy as np
import torch
from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from inference.clock import Clock
from inference.methods.method import Method, Scores, normalised
from inference.scans import FINER
from inference.trial import Trial
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader

_RESAMPLING = {
    "nnunet": (
        "resample_data_or_seg_to_shape",
        {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
    ),
    "nnunet_torch": (
        "resample_torch_fornnunet",
        {"is_seg": False, "force_separate_z": False, "memefficient_seg_resampling": False},
    ),
}
"""As nnU-Net's default planner and its ``torchres`` planners have it."""


class NnUNet(Method):
    """``nnUNetPredictor`` and its export; on a CPU it computes in float32 only, on a GPU in float16 only."""

    def __init__(self, trial: Trial, network: SneakyNet, header: WeightsHeader, clock: Clock) -> None:
        super().__init__(trial, network, header, clock)
        self._scores = Scores(network, device=self.device, dtype=self.dtype)
        clock.wrap(self._scores, "forward", name="network")
        plans = PlansManager(_plans(trial, self.edge))
        self._predictor = nnUNetPredictor(
            tile_step_size=1 - trial.overlap,
            use_gaussian=True,
            use_mirroring=False,
            device=self.device,
            allow_tqdm=False,
        )
        self._predictor.manual_initialization(
            self._scores,
            plans,
            plans.get_configuration("3d_fullres"),
            [self._scores.state_dict()],
            {"labels": {"background": 0, **{bone.name: bone.id for bone in header.table}}},
            "nnUNetTrainer",
            None,
        )

    def warm_up(self) -> None:
        self._scores.warm_up()

    def labels(self, scan: np.ndarray) -> np.ndarray:
        predictor = self._predictor
        logits = predictor.predict_logits_from_preprocessed_data(normalised(scan, self.header.hu_window)[None])
        self.tiles = self._scores.tiles
        fine = tuple(FINER * edge for edge in scan.shape)
        labels: np.ndarray = convert_predicted_logits_to_segmentation_with_correct_shape(
            logits,
            predictor.plans_manager,
            predictor.configuration_manager,
            predictor.label_manager,
            {
                "spacing": [self.trial.spacing / FINER] * 3,
                "shape_before_cropping": fine,
                "shape_after_cropping_and_before_resampling": fine,
                "bbox_used_for_cropping": [[0, edge] for edge in fine],
            },
            num_threads_torch=torch.get_num_threads(),
        )
        return labels


def _plans(trial: Trial, edge: int) -> dict[str, object]:
    function, arguments = _RESAMPLING[trial.method]
    if trial.method == "nnunet_torch":
        arguments = {**arguments, "num_threads": torch.get_num_threads()}  # 4 by default, whatever the machine
    return {
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {
            "3d_fullres": {
                "patch_size": [edge] * 3,
                "spacing": [trial.spacing] * 3,
                "resampling_fn_probabilities": function,
                "resampling_fn_probabilities_kwargs": arguments,
                "architecture": {},
            }
        },
    }
