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
        bent = [n for n, view in enumerate(views) if view.draw.warp is not None]
        seen = {
            n: self._plain(cases[view.draw.case], view, kappa, shape)
            for n, view in enumerate(views)
            if view.draw.warp is None
        }
        if bent:
            image, label = self._warped(cases, [views[n] for n in bent], kappa, shape)
            seen |= {n: (image[place], label[place]) for place, n in enumerate(bent)}
        if any(view.draw.mirror for view in views):
            table = _mirror_table(self.mirror_lut, seen[0][1])
            seen |= {
                n: (seen[n][0].flip(0), table[seen[n][1].flip(0).long()])
                for n, view in enumerate(views)
                if view.draw.mirror
            }
        images = torch.stack([seen[n][0] for n in range(len(views))])
        labels = torch.stack([seen[n][1] for n in range(len(views))])
        return self._intensity(images, [view.draw for view in views], kappa)[:, None], labels

    def _plain(
        self, case: Case, view: View, kappa: int, shape: tuple[int, int, int]
    ) -> tuple[Float[Tensor, "i j k"], Integer[Tensor, "i j k"]]:
        """HU and labels without deformation."""
        inside = _cells(view.draw, kappa)
        image = cut(case.pyramid.scan[kappa], view.origin, shape, inside=inside).float()
        label = cut(case.pyramid.labels[kappa], view.origin, shape, inside=inside)
        if self.ignore_padding:
            _ignore_beyond(label, view.origin, inside=inside)
        return image, label

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
        """HU scaled to the window, with each draw's contrast, brightness and noise."""
        low, high = self.hu_window
        # White noise shrinks when it is averaged over a cell of 8**kappa voxels.
        drawn = np.array([[draw.gain, draw.offset, draw.noise / 8 ** (kappa / 2)] for draw in draws])
        gain, offset, noise = on_device(images.device, drawn)[0].t()[:, :, None, None, None]
        images.sub_((low + high) / 2).mul_(gain * (2 / (high - low))).add_(offset)
        if drawn[:, 2].any():
            source = torch.Generator(images.device).manual_seed(draws[0].noise_seed + kappa)
            images.addcmul_(torch.randn(images.shape, generator=source, device=images.device), noise)
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
