"""How long torch, ONNX Runtime and OpenVINO take for one tile, on this machine's CPU, and whether they agree.

    python benchmarks/engines.py [--json] [--model FILE] [--rounds 15] [--scan ../shared/data/.../ct.nii.gz]

The target network and a context run on one patch each; every engine once per round, so that what else happens on the
machine happens to all, and the median over the rounds counts. Where there is a scan, its tiles are labelled too: the
share of voxels that bear the label of torch in float32, of all and of those where either finds a bone.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d

from sneakynet.data.network_grid import on_network_grid
from sneakynet.export.equality import body
from sneakynet.export.network import export_network
from sneakynet.inference.device import Precision
from sneakynet.inference.engine import Engine, TorchEngine
from sneakynet.inference.exported import load_exported
from sneakynet.inference.openvino_graph import computes_bf16
from sneakynet.models.allocator import keep_freed_memory
from sneakynet.models.crop_skip import centre_crop
from sneakynet.models.late_fusion import upsampled_centre
from sneakynet.models.packaged import packaged_weights
from sneakynet.models.sneakynet import apply_head
from sneakynet.models.weights import WeightsHeader, load_weights
from sneakynet.volumes.read import read_volume

SCAN = Path("../shared/data/ct_abdomen_pelvis_3mm/ct.nii.gz")
REFERENCE = "torch f32"


def engines(model: Path, folder: Path) -> tuple[dict[str, Engine], WeightsHeader]:
    network, header = load_weights(model)
    for kind in ("onnx", "openvino"):
        print(f"exporting to {kind}", file=sys.stderr)
        export_network(network, header, folder / kind, kind=kind)

    def exported(kind: str, precision: Precision) -> Engine:
        return load_exported(folder / kind, device="cpu", precision=precision)[0]

    def native(dtype: torch.dtype) -> Engine:
        return TorchEngine(load_weights(model)[0], device=torch.device("cpu"), dtype=dtype)

    found = {
        REFERENCE: native(torch.float32),
        "torch bf16": native(torch.bfloat16),
        "onnx f32": exported("onnx", "f32"),
    }
    found["openvino f32"] = exported("openvino", "f32")
    if computes_bf16():
        found["openvino bf16"] = exported("openvino", "bf16")
    return found, header


def seconds(engines: dict[str, Engine], run: Callable[[Engine], object], *, rounds: int) -> dict[str, list[float]]:
    """Of each, in turn; the first round warms up."""
    taken: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds + 1):
        for name, engine in engines.items():
            started = time.perf_counter()
            run(engine)
            taken[name].append(time.perf_counter() - started)
    return {name: values[1:] for name, values in taken.items()}


def timed(engines: dict[str, Engine], *, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    reference = engines[REFERENCE]
    patch = body(1, (reference.architecture.patch_size,) * 3)
    crossed = crossings(reference, [patch] * len(reference.architecture.contexts))[0]
    parts: dict[str, Callable[[Engine], object]] = {"target": lambda engine: engine.target_features(patch, crossed)}
    if reference.architecture.contexts:
        parts["context"] = lambda engine: engine.context_maps(0, patch)
    figures = {}
    for part, run in parts.items():
        taken = seconds(engines, run, rounds=rounds)
        median = {name: statistics.median(values) for name, values in taken.items()}
        figures[part] = {
            name: {
                "median_ms": 1000 * median[name],
                "fastest_ms": 1000 * min(values),
                "times_faster_than_torch_f32": median[REFERENCE] / median[name],
            }
            for name, values in taken.items()
        }
    return figures


def crossings(engine: Engine, contexts: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """What crosses to the target, and what is scored beside it (variant E)."""
    architecture, crossed, beside = engine.architecture, [], []
    for context, (kappa, volume) in enumerate(zip(architecture.contexts, contexts, strict=True)):
        maps = engine.context_maps(context, volume)
        links = [link for link in engine.crop_skips if link.context == context]
        crossed += [centre_crop(m, kappa=link.kappa) for m, link in zip(maps, links, strict=False)]
        if architecture.variant == "E":
            beside.append(upsampled_centre(maps[-1], kappa=kappa))
    return crossed, beside


def labels(engine: Engine, patches: Sequence[Tensor]) -> Tensor:
    target, *contexts = patches
    crossed, beside = crossings(engine, contexts)
    features = torch.cat([each.float() for each in (engine.target_features(target, crossed), *beside)], dim=1)
    return apply_head(features, engine.head()).argmax(dim=1)


def agreement(engines: dict[str, Engine], tiles: list[list[Tensor]]) -> dict[str, dict[str, float]]:
    counts = {name: np.zeros(4) for name in engines}
    for number, patches in enumerate(tiles, start=1):
        print(f"tile {number} of {len(tiles)}", file=sys.stderr)
        right = labels(engines[REFERENCE], patches)
        for name, engine in engines.items():
            found = labels(engine, patches)
            bone, same = (found > 0) | (right > 0), found == right
            counts[name] += [int(n) for n in (same.sum(), same.numel(), (same & bone).sum(), bone.sum())]
    return {
        name: {"of_voxels": float(same / voxels), "of_bone": float(same_bone / max(1, bone))}
        for name, (same, voxels, same_bone, bone) in counts.items()
    }


def tiles_of(path: Path, header: WeightsHeader, *, size: int, contexts: Sequence[int]) -> list[list[Tensor]]:
    """Target patches side by side over the middle of a scan, each with its concentric contexts."""
    low, high = header.hu_window
    voxels = on_network_grid(read_volume(path), spacing=header.spacing).voxels.astype(np.float32).clip(low, high)
    scan = torch.from_numpy(np.ascontiguousarray(2 * (voxels - low) / (high - low) - 1))
    levels = {0: scan, **{kappa: avg_pool3d(scan[None], 2**kappa, ceil_mode=True)[0] for kappa in contexts}}
    middle = [edge // 2 // 8 * 8 for edge in scan.shape]
    tiles = []
    for along_i in (-size // 2, size // 2):
        for along_k in (-size // 2, size // 2):
            centre = (middle[0] + along_i, middle[1], middle[2] + along_k)
            tiles.append([cut(level, [c >> kappa for c in centre], size) for kappa, level in levels.items()])
    return tiles


def cut(level: Tensor, centre: Sequence[int], size: int) -> Tensor:
    for axis, at in enumerate(centre):
        inside = (torch.arange(size) + at - size // 2).clamp(0, level.shape[axis] - 1)
        level = level.index_select(axis, inside)
    return level[None, None]


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", type=Path, default=packaged_weights())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--scan", type=Path, default=SCAN)
    settings = parser.parse_args()
    keep_freed_memory()  # as the predictor does
    with tempfile.TemporaryDirectory() as folder:
        found, header = engines(settings.model, Path(folder))
        architecture = found[REFERENCE].architecture
        figures: dict[str, object] = {
            "model": settings.model.stem,
            "patch_size": architecture.patch_size,
            "threads": torch.get_num_threads(),
            "processor": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
            "versions": {name: version(name) for name in ("torch", "onnxruntime", "openvino")},
            "rounds": settings.rounds,
            "parts": timed(found, rounds=settings.rounds),
        }
        if settings.scan.exists():
            tiles = tiles_of(settings.scan, header, size=architecture.patch_size, contexts=architecture.contexts)
            figures["same_labels_as_torch_f32"] = agreement(found, tiles)
        else:
            print(f"no scan at {settings.scan}: labels are not compared", file=sys.stderr)
    if settings.json:
        print(json.dumps(figures, indent=2))
        return
    for part, rows in figures["parts"].items():
        for name, row in rows.items():
            ratio = row["times_faster_than_torch_f32"]
            print(f"{part:8s} {name:14s} {row['median_ms']:7.1f} ms (fastest {row['fastest_ms']:.1f})  {ratio:.2f}")
    for name, row in figures.get("same_labels_as_torch_f32", {}).items():
        print(f"{name:14s} same labels: {row['of_voxels']:.5f} of voxels, {row['of_bone']:.5f} of bone")


if __name__ == "__main__":
    main()
