"""``sneakynet export``: write a model for ONNX Runtime or OpenVINO."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from sneakynet.export.network import TOLERANCE, export_network
from sneakynet.inference.exported_folder import Kind
from sneakynet.models.packaged import model_path
from sneakynet.models.weights import load_weights


@dataclass(frozen=True)
class ExportSettings:
    """Which model to export, for what, and where to."""

    to: Kind
    """What shall run it."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the exported model; made."""
    model: Annotated[Path, tyro.conf.arg(metavar="{default,fine}|PATH")] = Path("default")
    """What comes with sneakynet, or a weights file."""
    overwrite: bool = False
    """Replace an exported model that is there already."""
    json: bool = False
    """Print what was written, and how far it is from torch, as JSON."""


def run(settings: ExportSettings) -> None:
    """Export a model, and check that it computes what torch does.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: see ``sneakynet.export.network.export_network``; or the weights cannot be read.
    """
    network, header = load_weights(model_path(settings.model))
    exported = export_network(network, header, settings.output, kind=settings.to, overwrite=settings.overwrite)
    compared = exported.comparison
    print(f"{settings.output}: {', '.join(exported.files)}", file=sys.stderr)
    print(
        f"{compared.runs} runs of them and of torch are equal to {compared.deviation:.1e} of the largest value "
        f"(at most {TOLERANCE:.0e} is allowed)",
        file=sys.stderr,
    )
    if settings.json:
        record = {
            "folder": str(exported.folder),
            "kind": exported.kind,
            "files": exported.files,
            "runs": compared.runs,
            "deviation": compared.deviation,
            "tolerance": TOLERANCE,
        }
        print(json.dumps(record, indent=2))
