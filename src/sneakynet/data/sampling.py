"""Random concentric patches: drawn first, applied after.

A draw is a small record of numbers that can be printed and repeated; making patches from it is a pure function. The
draws of training step ``n`` depend on the seed and on ``n`` alone, so a resumed run needs no stored random state.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, Integer
from torch import Tensor

from sneakynet.data.case import Case
from sneakynet.data.patches import Box, PatchGeometry, cut
from sneakynet.data.warp import Warp, WarpedViews, draw_warp, on_device


@dataclass(frozen=True)
class Augmentation:
    """How far the draws may go.

    Args:
        mirror: probability of swapping left and right, in the image and in the labels.
        crop: probability, for each axis, that the scan is cut to a random part of itself: real scans end anywhere.
        gain: standard deviation of the contrast factor (around 1).
        offset: standard deviation of the brightness shift, in units of half the HU window.
        noise: largest standard deviation of white noise, in the same units.
        warp: probability of turning, scaling and bending the space around the patch, target and contexts together.
    """

    mirror: float = 0.5
    crop: float = 0.4
    warp: float = 0.6
    gain: float = 0.1
    offset: float = 0.05
    noise: float = 0.06


NO_AUGMENTATION = Augmentation(mirror=0.0, crop=0.0, warp=0.0, gain=0.0, offset=0.0, noise=0.0)


@dataclass(frozen=True)
class Draw:
    """Everything random about one training patch.

    Args:
        case: index of the case.
        origin: first voxel of the target patch, full resolution; may be negative (beyond the scan).
        inside: the part of the scan that is seen; beyond it its edge values are repeated.
        mirror: swap left and right.
        gain: contrast factor.
        offset: brightness shift, normalised intensity.
        noise: standard deviation of the noise, normalised intensity.
        noise_seed: of the noise; a batch takes its first draw's.
        warp: of the space around the patch's centre, if any.
    """

    case: int
    origin: tuple[int, int, int]
    inside: Box
    mirror: bool = False
    gain: float = 1.0
    offset: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0
    warp: Warp | None = None


@dataclass(frozen=True)
class Patches:
    """A target and its contexts, or a batch of them.

    Args:
        images: normalised intensity of the target, then of every context, each ``[batch 1 i j k]``.
        labels: class ids, in the same order, each ``[batch i j k]``.
    """

    images: tuple[Float[Tensor, "batch 1 i j k"], ...]
    labels: tuple[Integer[Tensor, "batch i j k"], ...]

    def parts(self, count: int) -> "Iterator[Patches]":
        """The batch in so many parts of equal size."""
        size = len(self.labels[0]) // count
        for first in range(0, size * count, size):
            part = slice(first, first + size)
            yield Patches(tuple(image[part] for image in self.images), tuple(label[part] for label in self.labels))


def draw_patch(
    cases: Sequence[Case],
    geometry: PatchGeometry,
    rng: np.random.Generator,
    *,
    balanced: float = 0.5,
    augmentation: Augmentation = NO_AUGMENTATION,
) -> Draw:
    """Draw a case, a patch centre and the augmentation.

    Args:
        cases: the training cases.
        geometry: of the patches.
        rng: source of randomness.
        balanced: probability of centring on a voxel of a class drawn uniformly from the case's own bones; else the
            centre is uniform over the scan (0 is the paper's recipe).
        augmentation: limits of what is drawn beside the position.
    """
    index = int(rng.integers(len(cases)))
    case = cases[index]
    if rng.random() < balanced and len(case.centres) > 0:
        voxels = case.centres[sorted(case.centres)[int(rng.integers(len(case.centres)))]]
        centre = voxels[int(rng.integers(len(voxels)))].astype(np.int64)
    else:
        centre = rng.integers(np.zeros(3, dtype=np.int64), np.array(case.shape))
    grid = geometry.grid
    # Rounding to the grid with a random phase keeps the centre anywhere within a grid step of the chosen voxel.
    origin = (centre - geometry.patch_size // 2 + rng.integers(0, grid, size=3)) // grid * grid
    inside = tuple(
        _crop(edge, int(c), rng, probability=augmentation.crop, grid=grid)
        for edge, c in zip(case.pyramid.shape, centre, strict=True)
    )
    return Draw(
        case=index,
        origin=(int(origin[0]), int(origin[1]), int(origin[2])),
        inside=(inside[0], inside[1], inside[2]),
        mirror=bool(rng.random() < augmentation.mirror),
        gain=float(1 + augmentation.gain * np.clip(rng.standard_normal(), -2.5, 2.5)),
        offset=float(augmentation.offset * rng.standard_normal()),
        noise=float(augmentation.noise * rng.random()),
        noise_seed=int(rng.integers(2**31)),
        warp=draw_warp(rng) if rng.random() < augmentation.warp else None,
    )


def _crop(edge: int, centre: int, rng: np.random.Generator, *, probability: float, grid: int) -> tuple[int, int]:
    """A random stretch of an axis, on the coarsest grid, that holds the centre."""
    cut, before, after = rng.random(), rng.random(), rng.random()
    if cut >= probability:
        return 0, edge
    first = int(before * centre) // grid * grid
    last = -int(-(centre + 1 + after * (edge - centre - 1)) // grid) * grid
    return first, min(max(last, first + grid), edge)


def make_batch(
    cases: Sequence[Case],
    draws: Sequence[Draw],
    geometry: PatchGeometry,
    *,
    hu_window: tuple[float, float],
    mirror_lut: Int64[np.ndarray, " class"] | None = None,
    ignore_padding: bool = False,
) -> Patches:
    """Cut the patches of draws out of their cases, on the device on which the cases lie.

    Args:
        cases: that the draws name by index.
        draws: what to cut.
        geometry: of the patches.
        hu_window: HU that become -1 and 1.
        mirror_lut: label of the mirrored bone for every label; needed where a draw mirrors.
        ignore_padding: whether voxels beyond the scan get the label ``ignored`` in place of the repeated edge's.
    """
    bent = [n for n, draw in enumerate(draws) if draw.warp is not None]
    views = _warped_views(cases, [draws[n] for n in bent], geometry) if bent else None
    images, labels = [], []
    for kappa in (0, *geometry.contexts):
        seen = {
            n: _plain(cases[draw.case], draw, geometry, kappa, ignore_padding=ignore_padding)
            for n, draw in enumerate(draws)
            if draw.warp is None
        }
        if views is not None:
            of = [cases[draws[n].case].pyramid for n in bent]
            mark = torch.iinfo(of[0].labels[kappa].dtype).max if ignore_padding else None
            image, label = views.at(
                [pyramid.scan[kappa] for pyramid in of],
                [pyramid.labels[kappa] for pyramid in of],
                edge=geometry.patch_size,
                scale=2**kappa,
                inside=[_cells(draws[n], kappa) for n in bent],
                ignore=mark,
            )
            seen |= {n: (image[place], label[place]) for place, n in enumerate(bent)}
        if kappa == 0 and any(draw.mirror for draw in draws):
            table = _mirror_table(mirror_lut, seen[0][1])
        batch = [
            (seen[n][0].flip(0), table[seen[n][1].flip(0).long()]) if draw.mirror else seen[n]
            for n, draw in enumerate(draws)
        ]
        images.append(_intensity(torch.stack([image for image, _ in batch]), draws, kappa, hu_window)[:, None])
        labels.append(torch.stack([label for _, label in batch]))
    return Patches(images=tuple(images), labels=tuple(labels))


def _cells(draw: Draw, kappa: int) -> Box:
    """The cells of a level that a draw may see."""
    i, j, k = ((first // 2**kappa, last // 2**kappa) for first, last in draw.inside)
    return i, j, k


def _warped_views(cases: Sequence[Case], draws: Sequence[Draw], geometry: PatchGeometry) -> WarpedViews:
    half = (geometry.patch_size - 1) / 2
    return WarpedViews(
        [draw.warp for draw in draws if draw.warp is not None],
        [(draw.origin[0] + half, draw.origin[1] + half, draw.origin[2] + half) for draw in draws],
        widest=2 ** max(geometry.contexts, default=0) * geometry.patch_size,
        device=cases[draws[0].case].pyramid.scan[0].device,
    )


def _plain(
    case: Case, draw: Draw, geometry: PatchGeometry, kappa: int, *, ignore_padding: bool
) -> tuple[Float[Tensor, "edge edge edge"], Integer[Tensor, "edge edge edge"]]:
    """HU and labels of one network's patch without deformation."""
    inside, origin = _cells(draw, kappa), geometry.context_origin(draw.origin, kappa)
    image = cut(case.pyramid.scan[kappa], origin, geometry.patch_size, inside=inside).float()
    label = cut(case.pyramid.labels[kappa], origin, geometry.patch_size, inside=inside)
    if ignore_padding:
        _ignore_beyond(label, origin, inside=inside)
    return image, label


def _mirror_table(lut: Int64[np.ndarray, " class"] | None, like: Tensor) -> Tensor:
    """Label of the mirrored bone for every value the labels' type holds, on their device."""
    highest = torch.iinfo(like.dtype).max
    table = np.full(highest + 1, highest)
    table[:highest] = np.arange(highest)
    if lut is not None:
        table[: len(lut)] = lut
    return on_device(like.device, table)[0].to(like.dtype)


def _intensity(
    images: Float[Tensor, "batch edge edge edge"], draws: Sequence[Draw], kappa: int, hu_window: tuple[float, float]
) -> Float[Tensor, "batch edge edge edge"]:
    """HU scaled to the window, with each draw's contrast, brightness and noise."""
    low, high = hu_window
    # White noise shrinks when it is averaged over a cell of 8**kappa voxels.
    drawn = np.array([[draw.gain, draw.offset, draw.noise / 8 ** (kappa / 2)] for draw in draws])
    gain, offset, noise = on_device(images.device, drawn)[0].t()[:, :, None, None, None]
    images.sub_((low + high) / 2).mul_(gain * (2 / (high - low))).add_(offset)
    if drawn[:, 2].any():
        source = torch.Generator(images.device).manual_seed(draws[0].noise_seed + kappa)
        images.addcmul_(torch.randn(images.shape, generator=source, device=images.device), noise)
    return images.clamp_(-1, 1)


def _ignore_beyond(label: Tensor, origin: tuple[int, int, int], *, inside: Box) -> None:
    edge, mark = label.shape[0], torch.iinfo(label.dtype).max
    for axis, (first, (low, high)) in enumerate(zip(origin, inside, strict=True)):
        before, after = min(edge, max(0, low - first)), min(edge, max(0, high - first))
        label.narrow(axis, 0, before).fill_(mark)
        label.narrow(axis, after, edge - after).fill_(mark)


def draw_batch(
    cases: Sequence[Case],
    geometry: PatchGeometry,
    *,
    key: Sequence[int],
    batch_size: int,
    balanced: float,
    augmentation: Augmentation,
) -> tuple[Draw, ...]:
    """The draws of one step; ``key`` (for instance seed and step) decides them completely."""
    rng = np.random.default_rng(list(key))
    return tuple(
        draw_patch(cases, geometry, rng, balanced=balanced, augmentation=augmentation) for _ in range(batch_size)
    )
