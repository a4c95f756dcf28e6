"""A network for other runtimes: its graphs and everything around them, proved equal to torch before they are left."""

import copy
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from sneakynet.errors import OutputError, WeightsError
from sneakynet.export.equality import Comparison, compare
from sneakynet.export.graphs import OPSET, traced, write_graphs
from sneakynet.inference.engine import TorchEngine
from sneakynet.inference.exported import load_exported
from sneakynet.inference.exported_folder import DESCRIPTION, Kind, describe
from sneakynet.inference.openvino_graph import import_openvino
from sneakynet.inference.optional_package import optional_package
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader
from sneakynet.volumes.atomic import write_whole_folder

TOLERANCE = 2e-3
"""Largest deviation that is let pass, as a share of a map's largest value. Float32 rounded in another order makes some
1e-6 of it, the means of instance normalisation as OpenVINO sums them up 5e-4, bfloat16 5e-3, and a wrong graph more."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Args:
        folder: where.
        kind: of the graphs.
        files: their names, in order.
        comparison: with torch.
    """

    folder: Path
    kind: Kind
    files: tuple[str, ...]
    comparison: Comparison


def export_network(
    network: SneakyNet, header: WeightsHeader, folder: str | Path, *, kind: Kind, overwrite: bool = False
) -> Exported:
    """Write a network as graphs, run them beside torch, and leave the folder only if both compute the same.

    Args:
        network: stays as it is.
        header: how to feed it and what its classes mean; its architecture must be the network's.
        folder: where to, whole or not at all.
        kind: ``onnx`` or ``openvino``.
        overwrite: replace an exported model that is there.

    Raises:
        SettingError: a package is not installed, or the network is too large for a graph.
        WeightsError: the header is of another network, or the graphs compute something else than torch.
        OutputError: the folder is there already or cannot be written.
    """
    _check_packages(kind)
    if dict(header.architecture) != network.architecture.to_dict():
        msg = (
            f"the header's architecture {dict(header.architecture)} is not the network's "
            f"{network.architecture.to_dict()}: take network.architecture.to_dict()"
        )
        raise WeightsError(msg)
    folder = Path(folder)
    if overwrite and folder.is_dir() and any(folder.iterdir()) and not (folder / DESCRIPTION).is_file():
        msg = f"cannot overwrite {folder}: it holds something else than an exported model; choose another folder"
        raise OutputError(msg)
    network = copy.deepcopy(network).float().cpu().eval()
    with write_whole_folder(folder, overwrite=overwrite) as part:
        write_graphs(traced(network), part, kind=kind)
        exported = {"sneakynet": version("sneakynet"), "torch": torch.__version__, "onnx_opset": OPSET}
        describe(part, kind=kind, header=header, head=network.target_head(), exported=exported)
        comparison = _compared(network, part)
        # NaN is refused, too.
        if not comparison.deviation <= TOLERANCE:
            msg = (
                f"nothing was written: the graphs for {kind} deviate from torch by {comparison.deviation:.1e} of a "
                f"map's largest value, at most {TOLERANCE:.0e} is allowed; try other versions of {kind} and torch"
            )
            raise WeightsError(msg)
        files = tuple(sorted(path.name for path in part.iterdir()))
    return Exported(folder=folder, kind=kind, files=files, comparison=comparison)


def _compared(network: SneakyNet, folder: Path) -> Comparison:
    engine, _ = load_exported(folder, device="cpu", precision="f32")
    return compare(engine, TorchEngine(network, device=torch.device("cpu"), dtype=torch.float32))


def _check_packages(kind: Kind) -> None:
    """Refuse before any work what would be refused after it."""
    for package in ("onnx", "onnxscript"):
        optional_package(package, extra=kind)
    if kind == "openvino":
        import_openvino()
    else:
        optional_package("onnxruntime", extra="onnx")
