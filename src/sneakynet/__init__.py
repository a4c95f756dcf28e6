"""Distinct bone segmentation in upper-body CT with multi-resolution networks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sneakynet.anatomy.bone import Bone, BoneTable
    from sneakynet.errors import SneakyNetError
    from sneakynet.evaluation.bone_statistics import BoneStatistics, bone_statistics
    from sneakynet.inference.predictor import Predictor, segment
    from sneakynet.inference.segmentation import Segmentation
    from sneakynet.models.builders import build_sneakynet
    from sneakynet.models.packaged import packaged_weights
    from sneakynet.models.sneakynet import SneakyNet
    from sneakynet.models.weights import WeightsHeader, load_weights, save_weights
    from sneakynet.viewer.preview import write_preview
    from sneakynet.volumes.read import read_labels, read_volume
    from sneakynet.volumes.volume import Volume
    from sneakynet.volumes.write import write_labels, write_scan

# Each name's file is imported when the name is first used: torch alone takes two seconds, which neither
# `sneakynet --help` nor a look at the bone table should wait for.
_HOMES = {
    "Bone": "anatomy.bone",
    "BoneStatistics": "evaluation.bone_statistics",
    "BoneTable": "anatomy.bone",
    "Predictor": "inference.predictor",
    "Segmentation": "inference.segmentation",
    "SneakyNet": "models.sneakynet",
    "SneakyNetError": "errors",
    "Volume": "volumes.volume",
    "WeightsHeader": "models.weights",
    "bone_statistics": "evaluation.bone_statistics",
    "build_sneakynet": "models.builders",
    "packaged_weights": "models.packaged",
    "load_weights": "models.weights",
    "read_labels": "volumes.read",
    "read_volume": "volumes.read",
    "save_weights": "models.weights",
    "segment": "inference.predictor",
    "write_labels": "volumes.write",
    "write_preview": "viewer.preview",
    "write_scan": "volumes.write",
}

__all__ = [
    "Bone",
    "BoneStatistics",
    "BoneTable",
    "Predictor",
    "Segmentation",
    "SneakyNet",
    "SneakyNetError",
    "Volume",
    "WeightsHeader",
    "__version__",
    "bone_statistics",
    "build_sneakynet",
    "load_weights",
    "packaged_weights",
    "read_labels",
    "read_volume",
    "save_weights",
    "segment",
    "write_labels",
    "write_preview",
    "write_scan",
]

__version__: str


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("sneakynet")
    if name not in _HOMES:
        msg = f"module 'sneakynet' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"sneakynet.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
