"""Whole-scan scores of a network under training: held-out cases go through the predictor that segments scans."""

import copy

import numpy as np
from jaxtyping import Float64

from sneakynet.data.case import Case
from sneakynet.evaluation.contingency import contingency
from sneakynet.evaluation.overlap import dice
from sneakynet.inference.contexts import shared_contexts
from sneakynet.inference.device import Precision
from sneakynet.inference.predictor import Predictor
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader
from sneakynet.volumes.volume import Volume


def score_scan(
    network: SneakyNet, header: WeightsHeader, case: Case, *, precision: Precision = "f32"
) -> Float64[np.ndarray, " class"]:
    """DSC of every class of a case that lies on the network's grid; voxels with the ignored label count nowhere.

    Args:
        network: left as it is.
        header: its own.
        case: prepared for training.
        precision: of the convolutions.

    Returns:
        NaN where neither answer nor reference holds a class.
    """
    device = next(network.parameters()).device
    i, j, k = case.shape
    scan = case.pyramid.scan[0][:i, :j, :k].cpu().numpy()
    labels = case.pyramid.labels[0][:i, :j, :k].cpu().numpy()
    # The predictor may change the network's layout and precision.
    predictor = Predictor(
        copy.deepcopy(network).eval(),
        header,
        name="training",
        device=str(device),
        precision=precision,
        share_contexts=any(shared_contexts(network.architecture)),  # else it warns, at every validation
    )
    answer = predictor.segment(Volume(scan, np.diag([*header.spacing, 1.0]))).labels.voxels
    return dice(contingency(labels, answer, n_classes=header.table.n_classes))
