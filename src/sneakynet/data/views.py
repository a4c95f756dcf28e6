"""What a draw shows of its case: boxes of the pyramid's levels, deformed, mirrored and of changed intensity."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, Integer
from torch import Tensor

from sneakynet.data.case import Case
from sneakynet.data.draw import Draw
from sneakynet.data.patches import Box, cut
from sneakynet.data.softening import softened
from sneakynet.data.warp import WarpedViews, on_device


@dataclass(frozen=True)
class View:
    """A box of a level.

    Args:
        draw: of the patch, or of all patches that are to show one deformed space.
        origin: first cell, possibly beyond the scan.
        widest: edge, in voxels, of a cube around the middle of the draw's own patch that holds all views of the draw.
    """

    draw: Draw
    origin: tuple[int, int, int]
    widest: int


@dataclass(frozen=True)
class Looks:
    """How views become inputs and labels of a network.

    Args:
        patch_size: edge of a draw's own patch; the deformation is about its middle.
        hu_window: HU that become -1 and 1.
        mirror_lut: label of the mirrored bone for every label; needed where a draw mirrors.
        ignore_padding: whether voxels beyond the scan get the label ``ignored`` in place of the repeated edge's.
    """

    patch_size: int
    hu_window: tuple[float, float]
    mirror_lut: Int64[np.ndarray, " class"] | None = None
    ignore_padding: bool = False

    def at(
        self, cases: Sequence[Case], views: Sequence[View], kappa: int, shape: tuple[int, int, int]
    ) -> tuple[Float[Tensor, "view 1 i j k"], Integer[Tensor, "view i j k"]]:
        """Views of one level, on the device on which the cases lie.

        Args:
            cases: that the draws name by index.
            views: what to cut.
            kappa: of the level, which is pooled by ``2**kappa``.
            shape: of every view, in cells.

        Returns:
            Normalised intensities and class ids.
        """
        first = cases[views[0].draw.case].pyramid
        device, dtype = first.scan[kappa].device, first.labels[kappa].dtype
        images = torch.empty((len(views), *shape), device=device)
        labels = torch.empty((len(views), *shape), dtype=dtype, device=device)
        for view, image, label in zip(views, images, labels, strict=True):
            if view.draw.warp is None:
                self._plain(cases[view.draw.case], view, kappa, image, label)
        if bent := [n for n, view in enumerate(views) if view.draw.warp is not None]:
            images[bent], labels[bent] = self._warped(cases, [views[n] for n in bent], kappa, shape)
        if mirrored := [n for n, view in enumerate(views) if view.draw.mirror]:
            table = _mirror_table(self.mirror_lut, labels)
            for n in mirrored:
                images[n] = images[n].flip(0)
                labels[n] = table[labels[n].flip(0).long()]
        return self._intensity(images, [view.draw for view in views], kappa)[:, None], labels

    def _plain(
        self,
        case: Case,
        view: View,
        kappa: int,
        image: Float[Tensor, "i j k"],
        label: Integer[Tensor, "i j k"],
    ) -> None:
        """Fill in HU and labels without deformation."""
        inside = _cells(view.draw, kappa)
        cut(case.pyramid.scan[kappa], view.origin, inside=inside, out=image)
        cut(case.pyramid.labels[kappa], view.origin, inside=inside, out=label)
        if self.ignore_padding:
            _ignore_beyond(label, view.origin, inside=inside)

    def _warped(
        self, cases: Sequence[Case], views: Sequence[View], kappa: int, shape: tuple[int, int, int]
    ) -> tuple[Float[Tensor, "view i j k"], Integer[Tensor, "view i j k"]]:
        of, scale = [cases[view.draw.case].pyramid for view in views], 2**kappa
        middles = [[first + (self.patch_size - 1) / 2 for first in view.draw.origin] for view in views]
        own = [
            [(first + edge / 2) * scale - 0.5 for first, edge in zip(view.origin, shape, strict=True)] for view in views
        ]
        warped = WarpedViews(
            [view.draw.warp for view in views if view.draw.warp is not None],
            middles,
            widest=[view.widest for view in views],
            device=of[0].scan[0].device,
        )
        return warped.at(
            [pyramid.scan[kappa] for pyramid in of],
            [pyramid.labels[kappa] for pyramid in of],
            shape=shape,
            scale=scale,
            shifts=np.array(own) - np.array(middles),
            inside=[_cells(view.draw, kappa) for view in views],
            ignore=torch.iinfo(of[0].labels[kappa].dtype).max if self.ignore_padding else None,
        )

    def _intensity(
        self, images: Float[Tensor, "view i j k"], draws: Sequence[Draw], kappa: int
    ) -> Float[Tensor, "view i j k"]:
        """HU scaled to the window, with each draw's contrast, brightness, gamma, sharpness and noise."""
        low, high = self.hu_window
        # As single floats: what a draw changes is the same to the bit on every device and in every batch.
        unit = np.float32(2 / (high - low))
        for image, draw in zip(images, draws, strict=True):
            image.sub_((low + high) / 2).mul_(float(np.float32(draw.gain) * unit))
            if draw.offset:
                image.add_(float(np.float32(draw.offset)))
            if draw.gamma != 1:
                image.add_(1).mul_(0.5).clamp_(0, 1).pow_(draw.gamma).mul_(2).sub_(1)
            soft = softened(image, blur=draw.blur / 2**kappa, coarse=[edge / 2**kappa for edge in draw.coarse])
            if soft is not image:
                image.copy_(soft)
        # White noise shrinks when it is averaged over a cell of 8**kappa voxels.
        noise = np.array([draw.noise / 8 ** (kappa / 2) for draw in draws])
        if noise.any():
            source = torch.Generator(images.device).manual_seed(draws[0].noise_seed + kappa)
            drawn = torch.randn(images.shape, generator=source, device=images.device)
            images.addcmul_(drawn, on_device(images.device, noise)[0][:, None, None, None])
        return images.clamp_(-1, 1)


def _cells(draw: Draw, kappa: int) -> Box:
    """The cells of a level that a draw may see."""
    i, j, k = ((first // 2**kappa, last // 2**kappa) for first, last in draw.inside)
    return i, j, k


def _mirror_table(lut: Int64[np.ndarray, " class"] | None, like: Tensor) -> Tensor:
    """Label of the mirrored bone for every value the labels' type holds, on their device."""
    highest = torch.iinfo(like.dtype).max
    table = np.full(highest + 1, highest)
    table[:highest] = np.arange(highest)
    if lut is not None:
        table[: len(lut)] = lut
    return on_device(like.device, table)[0].to(like.dtype)


def _ignore_beyond(label: Tensor, origin: tuple[int, int, int], *, inside: Box) -> None:
    mark = torch.iinfo(label.dtype).max
    for axis, (first, (low, high)) in enumerate(zip(origin, inside, strict=True)):
        edge = label.shape[axis]
        before, after = min(edge, max(0, low - first)), min(edge, max(0, high - first))
        label.narrow(axis, 0, before).fill_(mark)
        label.narrow(axis, after, edge - after).fill_(mark)
