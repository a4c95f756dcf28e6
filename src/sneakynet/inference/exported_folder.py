"""The folder of an exported model: graphs, and a description of everything that they do not hold.

``model.json`` says what the model is and how to feed it, ``head.safetensors`` is what scores the classes, and there is
one graph per part: ``target`` and ``context_1``, ``context_2`` ... The checksum of every file stands in ``model.json``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from sneakynet.errors import SettingError, WeightsError
from sneakynet.models.architecture import Architecture
from sneakynet.models.parts import MapShape, context_outputs, head_channels, target_inputs, target_output
from sneakynet.models.sneakynet import Head
from sneakynet.models.weights import WeightsHeader, header_from_json, header_to_json

FORMAT = "sneakynet-exported-model"
FORMAT_VERSION = 1

DESCRIPTION = "model.json"
HEAD = "head.safetensors"

Kind = Literal["onnx", "openvino"]
"""Who runs the graphs."""

_ENDINGS: Mapping[Kind, tuple[str, ...]] = {"onnx": (".onnx",), "openvino": (".xml", ".bin")}


@dataclass(frozen=True)
class Part:
    """One graph.

    Args:
        name: ``target``, ``context_1`` ...
        inputs: in order.
        outputs: likewise.
        edges: of the patch that it reads, for people: numbers, or letters where any are allowed.
    """

    name: str
    inputs: tuple[MapShape, ...]
    outputs: tuple[MapShape, ...]
    edges: tuple[int, int, int] | None

    def described(self) -> dict[str, Any]:
        """Names and shapes, as plain values."""
        return {
            "inputs": {shape.name: self.axes(shape) for shape in self.inputs},
            "outputs": {shape.name: self.axes(shape) for shape in self.outputs},
        }

    def axes(self, shape: MapShape) -> list[str | int]:
        """The axes of a map: numbers where they are fixed, otherwise names."""
        if self.edges is not None:
            return ["batch", *shape.shape(1, self.edges)[1:]]
        return ["batch", shape.channels, *(f"{axis}/{2**shape.level}" if shape.level else axis for axis in "ijk")]


def parts_of(architecture: Architecture) -> tuple[Part, ...]:
    """The target and then every context of a network."""
    size = architecture.patch_size
    target = Part("target", target_inputs(architecture), (target_output(architecture),), edges=(size, size, size))
    contexts = [
        Part(f"context_{n + 1}", (MapShape("context", 1, 0),), context_outputs(architecture, n), edges=None)
        for n in range(len(architecture.contexts))
    ]
    return (target, *contexts)


@dataclass(frozen=True, eq=False)
class ExportedFolder:
    """What stands in the folder of an exported model.

    Args:
        path: of the folder.
        kind: of the graphs.
        header: as the weights file's.
        architecture: of the network.
        head: see ``Engine.head``.
    """

    path: Path
    kind: Kind
    header: WeightsHeader
    architecture: Architecture
    head: Head

    def graph(self, part: Part) -> Path:
        """The file to open of a part."""
        return self.path / f"{part.name}{_ENDINGS[self.kind][0]}"


def describe(
    folder: Path, *, kind: Kind, header: WeightsHeader, head: Head, exported: Mapping[str, Any]
) -> ExportedFolder:
    """Write the head and the description of a folder whose graphs are there.

    Args:
        folder: with the graphs.
        kind: of the graphs.
        header: of the weights.
        head: see ``Engine.head``.
        exported: how and by what, any JSON values.

    Raises:
        WeightsError: the header does not go into JSON.
    """
    architecture = Architecture.from_dict(header.architecture)
    weight, bias = (tensor.detach().float().cpu().contiguous() for tensor in head)
    # Made in memory first: safetensors' own file writer hides why a disk refuses.
    (folder / HEAD).write_bytes(save({"weight": weight, "bias": bias}))
    description = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "header": json.loads(header_to_json(header)),
        "graphs": {part.name: part.described() for part in parts_of(architecture)},
        "exported": dict(exported),
        "sha256": {name: _digest(folder / name) for name in _files(kind, architecture)},
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return ExportedFolder(folder, kind, header, architecture, (weight, bias))


def read_exported(folder: Path) -> ExportedFolder:
    """Read what :func:`describe` wrote, and check every file.

    Raises:
        WeightsError: the folder is no exported model, of a newer version, damaged, or files are missing.
    """
    source = folder / DESCRIPTION
    fields = _fields(source)
    kind = _kind(fields, source)
    header = header_from_json(json.dumps(fields.get("header")), source)
    try:
        architecture = Architecture.from_dict(header.architecture)
    except SettingError as error:
        msg = f"{source} describes a network that cannot be built: {error}"
        raise WeightsError(msg) from error
    _check_files(folder, kind, architecture, fields.get("sha256"))
    return ExportedFolder(folder, kind, header, architecture, _read_head(folder / HEAD, architecture))


def _fields(source: Path) -> dict[str, Any]:
    try:
        fields = json.loads(source.read_text("utf-8"))
    except OSError as error:
        if not source.parent.is_dir():
            reason = "there is no such folder"
        elif not source.exists():
            reason = f"it has no file {source.name}"
        else:
            reason = str(error)
        msg = f"{source.parent} is no exported model: {reason}; give a folder that `sneakynet export` wrote"
        raise WeightsError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{source} is damaged ({error}); export the model again"
        raise WeightsError(msg) from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        msg = f"{source} is of another kind than {FORMAT}; give a folder that `sneakynet export` wrote"
        raise WeightsError(msg)
    version = fields.get("format_version")
    if type(version) is not int or version > FORMAT_VERSION:
        msg = f"{source} has format {version}, this sneakynet reads up to {FORMAT_VERSION}: upgrade sneakynet"
        raise WeightsError(msg)
    return fields


def _kind(fields: Mapping[str, Any], source: Path) -> Kind:
    for kind in _ENDINGS:
        if fields.get("kind") == kind:
            return kind
    msg = f"{source} is for {fields.get('kind')!r}, this sneakynet runs {' and '.join(_ENDINGS)}: upgrade sneakynet"
    raise WeightsError(msg)


def _files(kind: Kind, architecture: Architecture) -> list[str]:
    return [HEAD, *(part.name + ending for part in parts_of(architecture) for ending in _ENDINGS[kind])]


def _check_files(folder: Path, kind: Kind, architecture: Architecture, digests: object) -> None:
    faults = []
    for name in _files(kind, architecture):
        if not (folder / name).is_file():
            faults.append(f"{name} is missing")
        elif not isinstance(digests, dict) or digests.get(name) != _digest(folder / name):
            faults.append(f"{name} is not the file that was written (cut short, damaged or changed)")
    if faults:
        msg = f"the exported model {folder} is damaged: {'; '.join(faults)}; copy it or export it again"
        raise WeightsError(msg)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_head(path: Path, architecture: Architecture) -> Head:
    expected = {"weight": (architecture.n_classes, head_channels(architecture)), "bias": (architecture.n_classes,)}
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        msg = f"{path} is damaged ({error}); export the model again"
        raise WeightsError(msg) from error
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if shapes != expected:
        msg = f"{path} holds {shapes} where its network has {expected}; export the model again"
        raise WeightsError(msg)
    return tensors["weight"].to(torch.float32), tensors["bias"].to(torch.float32)
