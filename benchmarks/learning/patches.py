"""Cutting a training patch: ours with three contexts, the peers' of the target alone."""

import warnings
from collections.abc import Callable

import numpy as np
import torch

from learning.contest import Row, contest
from sneakynet.data.case import Case
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.sampling import NO_AUGMENTATION, Augmentation, draw_batch, make_batch

_EDGE, _CLASSES, _VOLUME = 64, 126, 256
_ALWAYS = Augmentation(mirror=0.5, crop=0.0, warp=1.0, gain=0.1, offset=0.05, noise=0.06)


def rows(*, quick: bool) -> list[Row]:
    torch.manual_seed(0)
    scan = torch.randint(-500, 1300, (_VOLUME,) * 3, dtype=torch.int16)
    cells = torch.randint(0, 2 * _CLASSES, (_VOLUME // 8,) * 3)
    cells[cells >= _CLASSES] = 0
    labels = cells.repeat_interleave(8, 0).repeat_interleave(8, 1).repeat_interleave(8, 2).to(torch.uint8)
    rounds, shape = (5, f"{_EDGE}^3") if quick else (15, f"{_EDGE}^3")
    methods: dict[str, Callable[[], object]] = {}
    for contexts in ((1, 2, 3), ()):
        pyramid = build_pyramid(scan, labels, levels=contexts, n_classes=_CLASSES)
        case = Case(name="a", shape=(_VOLUME,) * 3, pyramid=pyramid, centres={})
        for name, augmentation in (("plain", NO_AUGMENTATION), ("augmented", _ALWAYS)):
            methods[f"ours, {len(contexts)} contexts, {name}"] = _ours(case, contexts, augmentation)
    methods |= _monai(scan, labels) | _batchgenerators(scan, labels)
    return contest("training patch", shape, methods, rounds=rounds)


def _ours(case: Case, contexts: tuple[int, ...], augmentation: Augmentation) -> Callable[[], object]:
    geometry = PatchGeometry(patch_size=_EDGE, contexts=contexts)
    lut = np.arange(_CLASSES)

    def run() -> None:
        draws = draw_batch([case], geometry, key=(1,), batch_size=1, balanced=0.0, augmentation=augmentation)
        make_batch([case], draws, geometry, hu_window=(-500.0, 1300.0), mirror_lut=lut)

    return run


def _monai(scan: torch.Tensor, labels: torch.Tensor) -> dict[str, Callable[[], object]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.transforms import Rand3DElasticd, RandAffined

    keys, modes = ("image", "label"), ("bilinear", "nearest")
    common = {"prob": 1.0, "spatial_size": (_EDGE,) * 3, "mode": modes}
    affine = RandAffined(keys, rotate_range=(0.2,) * 3, scale_range=(0.2,) * 3, **common)
    elastic = Rand3DElasticd(
        keys, sigma_range=(5, 7), magnitude_range=(50, 100), rotate_range=(0.2,) * 3, scale_range=(0.2,) * 3, **common
    )
    # A third more than the patch, so that turned corners have something to show.
    box = (slice(80, 80 + 88),) * 3

    def run(transform: Callable[..., object]) -> Callable[[], object]:
        return lambda: transform({"image": scan[box][None].float(), "label": labels[box][None].float()})

    return {"MONAI RandAffine, target alone": run(affine), "MONAI Rand3DElastic, target alone": run(elastic)}


def _batchgenerators(scan: torch.Tensor, labels: torch.Tensor) -> dict[str, Callable[[], object]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform

    transform = SpatialTransform(
        (_EDGE,) * 3, 0, random_crop=False, p_rotation=1, rotation=(-0.2, 0.2), p_scaling=1, scaling=(0.8, 1.2)
    )
    box = (slice(80, 80 + 88),) * 3
    few = (labels % 8)[box][None].to(torch.int16)
    many = labels[box][None].to(torch.int16)
    image = scan[box][None].float()
    return {
        f"batchgeneratorsv2 rotation and scaling, target alone, {count} labels": (
            lambda segmentation=segmentation: transform(image=image.clone(), segmentation=segmentation.clone())
        )
        for count, segmentation in ((8, few), (_CLASSES, many))
    }
