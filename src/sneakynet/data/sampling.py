"""Random concentric patches: drawn first, applied after.

A draw is a small record of numbers that can be printed and repeated; making patches from it is a pure function. The
draws of training step ``n`` depend on the seed and on ``n`` alone, so a resumed run needs no stored random state.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int64, Integer
from torch import Tensor

from sneakynet.data.case import Case
from sneakynet.data.draw import Draw
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.views import Looks, View
from sneakynet.data.warp import draw_warp
from sneakynet.geometry.context_block import Place


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
        gamma: probability of an exponent of the intensity between 0.7 and 1.5.
        blur: probability of blurring by half a voxel to one.
        coarse: probability of slices 1.5 to 3 voxels thick, across an axis drawn evenly.
    """

    mirror: float = 0.5
    crop: float = 0.4
    warp: float = 0.6
    gain: float = 0.1
    offset: float = 0.05
    noise: float = 0.06
    gamma: float = 0.15
    blur: float = 0.15
    coarse: float = 0.15


NO_AUGMENTATION = Augmentation(
    mirror=0.0, crop=0.0, warp=0.0, gain=0.0, offset=0.0, noise=0.0, gamma=0.0, blur=0.0, coarse=0.0
)

_GAMMA, _BLUR, _COARSE = (0.7, 1.5), (0.5, 1.0), (1.5, 3.0)


@dataclass(frozen=True)
class Patches:
    """A target and its contexts, or a batch of them.

    Args:
        images: normalised intensity of the targets, then of every context, each ``[batch 1 i j k]``.
        labels: class ids, in the same order, each ``[batch i j k]``.
        places: where contexts are shared: for each of them the place of every target. The contexts' images and labels
            are then of blocks, fewer than the targets.
    """

    images: tuple[Float[Tensor, "_ 1 _ _ _"], ...]
    labels: tuple[Integer[Tensor, "_ _ _ _"], ...]
    places: tuple[tuple[Place, ...], ...] = ()

    def parts(self, count: int) -> "Iterator[Patches]":
        """The batch in so many parts of equal size."""
        for number in range(count):
            own = [slice(number * len(each) // count, (number + 1) * len(each) // count) for each in self.labels]
            yield Patches(
                tuple(image[part] for image, part in zip(self.images, own, strict=True)),
                tuple(label[part] for label, part in zip(self.labels, own, strict=True)),
                tuple(
                    tuple(Place(place.block - blocks.start, place.first) for place in places[own[0]])
                    for places, blocks in zip(self.places, own[1:], strict=False)
                ),
            )


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
    drawn = Draw(
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
    return replace(drawn, **_sharpness(augmentation, seed=drawn.noise_seed))


def _sharpness(augmentation: Augmentation, *, seed: int) -> dict[str, Any]:
    """Gamma, blur and thick slices, from a source of their own: all other numbers of a seed stay what they were."""
    rng = np.random.default_rng([seed, 1])
    uses, values, axis = rng.random(3), rng.random(3), int(rng.integers(3))
    gamma, blur, coarse = (
        low * (high / low) ** value for (low, high), value in zip((_GAMMA, _BLUR, _COARSE), values, strict=True)
    )
    thick = [1.0, 1.0, 1.0]
    thick[axis] = float(coarse)
    return {
        "gamma": float(gamma) if uses[0] < augmentation.gamma else 1.0,
        "blur": float(blur) if uses[1] < augmentation.blur else 0.0,
        "coarse": tuple(thick) if uses[2] < augmentation.coarse else (1.0, 1.0, 1.0),
    }


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
    looks = Looks(geometry.patch_size, hu_window, mirror_lut, ignore_padding)
    widest = geometry.grid * geometry.patch_size
    seen = [
        looks.at(
            cases,
            [View(draw, geometry.context_origin(draw.origin, kappa), widest) for draw in draws],
            kappa,
            (geometry.patch_size,) * 3,
        )
        for kappa in (0, *geometry.contexts)
    ]
    return Patches(images=tuple(image for image, _ in seen), labels=tuple(label for _, label in seen))


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
