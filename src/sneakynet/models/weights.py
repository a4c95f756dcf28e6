"""The weights file: everything needed to rebuild a network, to feed it and to name its classes.

It is a safetensors file: plain numbers behind a JSON header, so that reading one runs nothing from it. Every tensor
of the network is in it once. The safetensors metadata has one entry, ``sneakynet-weights``, a JSON object with the
fields of :class:`WeightsHeader`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import BoneTableError, SettingError, WeightsError
from sneakynet.models.architecture import Architecture
from sneakynet.models.builders import build_from
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.volumes.atomic import write_whole

FORMAT = "sneakynet-weights"
FORMAT_VERSION = 1

_SHOWN = 3
"""How many wrong tensors a message names."""


@dataclass(frozen=True, kw_only=True)
class WeightsHeader:
    """What a weights file says about its network.

    Args:
        architecture: the builder's arguments, as :meth:`Architecture.to_dict` gives them.
        spacing: mm per voxel of the target network's input along i, j, k (RAS+).
        hu_window: Hounsfield units (low, high) that intensities are clipped to and scaled to [-1, 1] from.
        table: the classes.
        provenance: where the weights come from (data, steps, dates, figures): any JSON values.
        format_version: of the file.

    Raises:
        WeightsError: a value that no network can be fed by; all faults in one message.
    """

    architecture: Mapping[str, Any]
    spacing: tuple[float, float, float]
    hu_window: tuple[float, float]
    table: BoneTable
    provenance: Mapping[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        faults = []
        if not all(math.isfinite(step) and step > 0 for step in self.spacing):
            faults.append(f"spacing is three positive numbers (mm), got {self.spacing}")
        low, high = self.hu_window
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            faults.append(f"hu_window is two numbers, the lower first, got {self.hu_window}")
        if self.architecture.get("n_classes") != self.table.n_classes:
            faults.append(
                f"the network has {self.architecture.get('n_classes')} classes, but the bone table "
                f"{self.table.n_classes} (background included)"
            )
        if faults:
            msg = "this weights header is not sound: " + "; ".join(faults)
            raise WeightsError(msg)


def save_weights(
    path: str | Path, model: SneakyNet, header: WeightsHeader, *, dtype: torch.dtype = torch.float32
) -> None:
    """Write a weights file, whole or not at all.

    Args:
        path: the file; its folder must exist.
        model: the network.
        header: what else the file says; its architecture must be the model's.
        dtype: float16 halves the file. It rounds the trained parameters to 11 bits; running statistics of batch
            normalisation, which may lie outside float16's range, stay float32.

    Raises:
        WeightsError: the header is of another network or not JSON, or a weight is not finite (in that ``dtype``).
        OutputError: the file cannot be written.
    """
    if dict(header.architecture) != model.architecture.to_dict():
        msg = (
            f"the header's architecture {dict(header.architecture)} is not the model's "
            f"{model.architecture.to_dict()}: take model.architecture.to_dict()"
        )
        raise WeightsError(msg)
    parameters = {name for name, _ in model.named_parameters()}
    tensors = {
        name: tensor.detach().to(device="cpu", dtype=dtype if name in parameters else None).contiguous()
        for name, tensor in model.state_dict().items()
    }
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        msg = (
            f"weights with values that are not finite in {dtype} would label nothing: {_some(broken)}; "
            f"did the training diverge?"
        )
        raise WeightsError(msg)
    # Made in memory first: safetensors' own file writer hides why a disk refuses.
    data = save(tensors, metadata={FORMAT: header_to_json(header)})
    with write_whole(path) as part:
        part.write_bytes(data)


def load_weights(path: str | Path) -> tuple[SneakyNet, WeightsHeader]:
    """Read a weights file. Nothing in it is executed.

    Args:
        path: the file.

    Returns:
        The network (float32, on the CPU, in evaluation mode) and the header.

    Raises:
        WeightsError: there is no such file, it is damaged, of another kind or of a newer version, or its tensors are
            not those of its architecture.
    """
    source = Path(path)
    try:
        with safe_open(source, framework="pt") as file:
            header = _header_from(file.metadata() or {}, source)
            model = _build_empty(header, source)
            names = file.keys()
            _check_tensors(model, {name: file.get_slice(name).get_shape() for name in names}, source)
            tensors = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise WeightsError(_unreadable(source, error)) from error
    except OSError as error:
        reason = "there is no such file" if not source.exists() else "it is a folder" if source.is_dir() else str(error)
        msg = f"cannot read the weights file {source}: {reason}"
        raise WeightsError(msg) from error
    # As the network's own types: float32, and whole numbers where it counts.
    state = {name: tensors[name].to(like.dtype) for name, like in model.state_dict().items()}
    model.load_state_dict(state, assign=True)
    return model.eval(), header


def header_to_json(header: WeightsHeader) -> str:
    """The header as JSON text; :func:`header_from_json` reads it.

    Raises:
        WeightsError: the provenance holds what is not JSON.
    """
    fields = {
        "format_version": header.format_version,
        "architecture": dict(header.architecture),
        "spacing": header.spacing,
        "hu_window": header.hu_window,
        "bone_table": json.loads(header.table.to_json()),
        "provenance": dict(header.provenance),
    }
    try:
        return json.dumps(fields, allow_nan=False)
    except (TypeError, ValueError) as error:
        msg = f"the provenance of a weights file holds JSON values only (text, finite numbers, lists, ...): {error}"
        raise WeightsError(msg) from error


def header_from_json(text: str, source: Path) -> WeightsHeader:
    """Read what :func:`header_to_json` made, newer versions refused before anything else is looked at.

    Args:
        text: the JSON.
        source: the file that it comes from, for messages.

    Raises:
        WeightsError: the header is of a newer version, damaged, or not sound.
    """
    try:
        fields = json.loads(text)
        version = int(fields["format_version"])
        if version > FORMAT_VERSION:
            msg = (
                f"{source} has weights format {version}, this sneakynet reads up to {FORMAT_VERSION}: upgrade sneakynet"
            )
            raise WeightsError(msg)
        i, j, k = (float(step) for step in fields["spacing"])
        low, high = (float(bound) for bound in fields["hu_window"])
        return WeightsHeader(
            architecture=dict(fields["architecture"]),
            spacing=(i, j, k),
            hu_window=(low, high),
            table=BoneTable.from_json(json.dumps(fields["bone_table"])),
            provenance=dict(fields["provenance"]),
            format_version=version,
        )
    except WeightsError as error:
        msg = str(error) if str(source) in str(error) else f"{source}: {error}"
        raise WeightsError(msg) from error
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, BoneTableError) as error:
        msg = f"the header of {source} is damaged ({type(error).__name__}: {error}); fetch the file again"
        raise WeightsError(msg) from error


def _header_from(metadata: Mapping[str, str], source: Path) -> WeightsHeader:
    if FORMAT not in metadata:
        msg = f"{source} is a safetensors file, but of another kind: its metadata has no entry {FORMAT!r}"
        raise WeightsError(msg)
    return header_from_json(metadata[FORMAT], source)


def _build_empty(header: WeightsHeader, source: Path) -> SneakyNet:
    """Build the network without memory: a damaged header may ask for any size."""
    try:
        with torch.device("meta"):
            return build_from(Architecture.from_dict(header.architecture))
    except SettingError as error:
        msg = f"{source} describes a network that cannot be built: {error}"
        raise WeightsError(msg) from error


def _check_tensors(model: SneakyNet, shapes: Mapping[str, list[int]], source: Path) -> None:
    expected = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    missing, extra = sorted(expected.keys() - shapes.keys()), sorted(shapes.keys() - expected.keys())
    resized = [
        f"{name} is {shapes[name]} where {expected[name]} is expected"
        for name in sorted(expected.keys() & shapes.keys())
        if shapes[name] != expected[name]
    ]
    faults = [
        f"{len(names)} {what}: {_some(names)}"
        for what, names in (("missing", missing), ("unknown", extra), ("of another shape", resized))
        if names
    ]
    if faults:
        msg = f"the tensors of {source} are not those of its architecture; " + "; ".join(faults)
        raise WeightsError(msg)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")


def _unreadable(source: Path, error: SafetensorError) -> str:
    """Say what a file is that safetensors cannot read."""
    with source.open("rb") as file:
        start = file.read(9)
    if not start:
        return f"{source} is empty, no weights file"
    if start.startswith((b"PK", b"\x80")):
        return (
            f"{source} looks like a PyTorch pickle or checkpoint, no weights file; it is not opened, because that "
            f"can run code from it: give the weights file (.safetensors) that training wrote beside it"
        )
    if start[8:9] == b"{":
        return f"{source} is cut short or damaged ({error}); fetch or copy it again ({source.stat().st_size} bytes)"
    return f"{source} is no weights file (safetensors): {error}"
