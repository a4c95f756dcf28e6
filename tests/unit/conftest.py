"""Exported models. To trace a network takes seconds, so each is traced once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import torch

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.export.graphs import traced, write_graphs
from sneakynet.inference.exported_folder import Kind, describe
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader

GOLDEN = Path(__file__).parents[1] / "golden"

# Between them every norm, both hook sources, a context cut short (C). K = 2 and variant E: GOLDEN.
NETWORKS = {
    "A": {"variant": "A", "contexts": (), "norm": "instance"},
    "C": {"variant": "C", "contexts": (1,), "norm": "group"},
    "D": {"variant": "D", "contexts": (1,), "norm": "batch", "hook_source": "decoder"},
}


@dataclass(frozen=True)
class TinyNetwork:
    """A network of random weights, how to feed it, and its parts as ONNX."""

    network: SneakyNet
    header: WeightsHeader
    graphs: dict[str, bytes]


@pytest.fixture(scope="session")
def tiny() -> Callable[[str], TinyNetwork]:
    """One of ``NETWORKS``, by name."""

    @cache
    def make(name: str) -> TinyNetwork:
        torch.manual_seed(0)
        network = build_sneakynet(n_classes=4, patch_size=8, width=2, levels=2, **NETWORKS[name]).eval()
        for buffer_name, buffer in network.named_buffers():  # fresh statistics would change nothing
            if buffer_name.endswith("running_mean"):
                torch.nn.init.uniform_(buffer, -0.3, 0.1)  # any larger, and no value would be left above 0
            elif buffer_name.endswith("running_var"):
                torch.nn.init.uniform_(buffer, 0.5, 1.5)
        header = WeightsHeader(
            architecture=network.architecture.to_dict(),
            spacing=(3.0, 3.0, 4.0),
            hu_window=(-500.0, 1300.0),
            table=BoneTable(tuple(Bone(id=n, name=f"bone_{n}") for n in (1, 2, 3))),
            provenance={"steps": 3},
        )
        return TinyNetwork(network, header, traced(network))

    return make


@pytest.fixture(scope="session")
def exported(tiny, tmp_path_factory) -> Callable[[str, Kind], Path]:
    """Folder of the exported model of one of ``NETWORKS``."""

    @cache
    def make(name: str, kind: Kind) -> Path:
        folder = tmp_path_factory.mktemp(f"{name}_{kind}")
        write_graphs(tiny(name).graphs, folder, kind=kind)
        head = tiny(name).network.target_head()
        describe(folder, kind=kind, header=tiny(name).header, head=head, exported={})
        return folder

    return make


@pytest.fixture(params=["onnx", "openvino"])
def kind(request) -> Kind:
    """Each kind of graphs."""
    return request.param


@pytest.fixture
def golden(kind, tmp_path) -> Path:
    """A copy of an exported model, to be damaged: variant E, two contexts, 4 classes, patches of 16."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (GOLDEN / f"exported_{kind}_v1").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder
