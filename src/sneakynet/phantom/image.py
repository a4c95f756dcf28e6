"""From a body of voxels to a CT image: tissue, bone, metal, resolution, noise and the scanner's errors.

Pure torch, the same on a CPU and on a GPU. Bodies are kept and painted afresh each time, so this is fast: smooth fields
come from coarse lattices by products of small matrices, and filters are a few shifted sums.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sneakynet.phantom.body import WHOLE, Body
from sneakynet.phantom.response import Kernel, noise_taps, plane_noise, plane_taps, slice_taps
from sneakynet.phantom.scan import ScanDraw
from sneakynet.phantom.streaks import metal_streaks
from sneakynet.phantom.tissue_table import tissue_table

TEXTURE_MM = (12.0, 40.0)
"""Lengths over which textures vary; the one nearest to a tissue's ``texture_mm`` is taken."""

_STRUTS_MM = 4.0  # length over which trabecular bone varies, beside the above
_SHADING_MM = 180.0
_COLUMNS = 48
_FACTORS = 256  # bones with a brightness of their own; a table with more shares them
_BAND_MM = 24.0  # width of the dark bands between dense bones
_CAVITY_MM = 8.0
_JOINT_MM = 18.0
_STREAK_MM = 25.0  # length of horizontal noise streaks through shoulders and hips
_WATER = 0.019  # attenuation per mm at the mean energy of 120 kV
_MIDDLE = 300.0  # mm of water for which a draw's noise is stated


def paint_scan(body: Body, draw: ScanDraw, *, device: torch.device | str = "cpu") -> Float[Tensor, "i j k"]:
    """One scan of a body.

    Args:
        body: the voxels; read, not changed.
        draw: the acquisition.
        device: where to compute; the same draw gives the same image on one kind of device.

    Returns:
        HU, not rounded, within the draw's limits.
    """
    painter = _Painter(body, draw, torch.device(device))
    with torch.no_grad():
        return painter.image()


def reconstructed(
    shape: tuple[int, int, int], draw: ScanDraw, *, device: torch.device | str = "cpu"
) -> Bool[Tensor, "i j"]:
    """Where in plane a scan holds an image: beyond the circle it is padding, and a label there says nothing.

    Args:
        shape: of the body.
        draw: the acquisition.
        device: where to compute.
    """
    i, j, _ = shape
    if not draw.circle:
        return torch.ones(i, j, dtype=torch.bool, device=device)
    half = max(i, j) / 2 * draw.circle
    u = (torch.arange(i, device=device) - (i - 1) / 2) / half
    v = (torch.arange(j, device=device) - (j - 1) / 2) / half
    return u[:, None] ** 2 + v[None, :] ** 2 <= 1


class _Painter:
    def __init__(self, body: Body, draw: ScanDraw, device: torch.device) -> None:
        self.body, self.draw, self.device = body, draw, device
        self.spacing = body.spacing
        self.shape = body.shape
        self.generator = torch.Generator(device=device).manual_seed(draw.seed)

    def image(self) -> Tensor:
        fields = [self.smooth_field(max(mm, 1.5 * self.spacing)) for mm in TEXTURE_MM]
        hu = self.soft_tissue(fields)
        for axis in range(3):
            hu = filtered(hu, [self.draw.edge, 1 - 2 * self.draw.edge, self.draw.edge], axis=axis)
        self.add_bone(hu, fields)
        del fields
        self.add_metal(hu)
        paths = self.paths(hu)
        self.add_hardening(hu)
        hu = self.acquired(hu, paths)
        return self.finished(hu)

    def uint8(self, array: np.ndarray) -> Tensor:
        return torch.tensor(array, device=self.device)  # a copy: cached bodies may be read-only

    def random(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.device)

    def smooth_field(self, mm: float) -> Tensor:
        """Gaussian field of unit deviation: random nodes of a cubic B-spline."""
        bases = [self.basis(n, mm) for n in self.shape]
        return expanded(self.random(*(basis.shape[1] for basis in bases)), bases)

    def basis(self, n: int, mm: float) -> Tensor:
        """Weights of nodes that lie ``mm`` apart; rows have unit length, so that deviations stay."""
        at = torch.arange(n, device=self.device)[:, None] * (self.spacing / mm)
        distance = (at + 1 - torch.arange(int(at[-1]) + 4, device=self.device)).abs()
        near = 2 / 3 - distance**2 * (1 - distance / 2)
        weight = torch.where(distance < 1, near, (2 - distance).clamp(min=0) ** 3 / 6)
        return torch.nn.functional.normalize(weight, dim=1)

    def soft_tissue(self, fields: list[Tensor]) -> Tensor:
        ids = self.uint8(self.body.tissues).flatten().int()
        means = torch.tensor(self.draw.tissue_hu, device=self.device)
        hu = means.index_select(0, ids)
        for field, table in zip(fields, self.texture_tables(), strict=True):
            hu.addcmul_(field.flatten(), table.index_select(0, ids))
        if self.draw.marbling:
            # Where a smooth field crosses 0 lie sheets, which part muscle into bundles; voxels hold parts of them.
            names = [tissue.name for tissue in tissue_table()]
            muscle, fat = (names.index(name) for name in ("muscle", "fat"))
            depth = torch.zeros(len(names), device=self.device)
            depth[muscle] = 0.8 * (self.draw.tissue_hu[fat] - self.draw.tissue_hu[muscle])
            near = fields[0].flatten().div(self.draw.marbling).square_().neg_().exp_()
            hu.addcmul_(near, depth.index_select(0, ids))
        return hu.view(self.shape)

    def texture_tables(self) -> Float[Tensor, "field tissue"]:
        """Deviation of each tissue in each field."""
        tables = torch.zeros(len(TEXTURE_MM), len(self.draw.tissue_texture), device=self.device)
        for index, (tissue, deviation) in enumerate(zip(tissue_table(), self.draw.tissue_texture, strict=True)):
            nearest = int(np.argmin([abs(mm - tissue.texture_mm) for mm in TEXTURE_MM]))
            # A voxel larger than a texture averages it.
            tables[nearest, index] = deviation * min(1.0, TEXTURE_MM[nearest] / (1.5 * self.spacing)) ** 1.5
        return tables

    def add_bone(self, hu: Tensor, fields: list[Tensor]) -> None:
        """Mix bone into ``hu``."""
        draw, flat = self.draw, hu.view(-1)
        share = self.uint8(self.body.bone).flatten()
        where = share.nonzero()[:, 0]
        if len(where) == 0:
            return
        cortex_share = self.uint8(self.body.cortex)
        bone, cortex = share[where].float() / WHOLE, cortex_share.flatten()[where].float() / WHOLE
        fine = self.struts(where)
        middle, coarse = (field.view(-1)[where] for field in fields)
        factors = self.bone_factors(where)
        # Struts and voids; then fat marrow, in shafts and in patches of any bone, and dense islands.
        trabecular = draw.trabecular * factors[0] * (1 + draw.bone_texture * (0.7 * fine + 0.7 * middle))
        # Denser where much bone lies around: on both sides of the large joints.
        mass = self.around(share.view(self.shape), _JOINT_MM).view(-1)[where]
        trabecular *= torch.exp(draw.bone_patches * coarse) * (1 + draw.joints * ((mass - 0.58) / 0.25).clamp(0, 1))
        fat = torch.sigmoid(20 * (self.around(cortex_share, _CAVITY_MM).view(-1)[where] - draw.cavity))
        if draw.marrow:
            patches = torch.sigmoid(4 * ((0.8 * coarse + 0.6 * middle) + _normal_quantile(draw.marrow)))
            fat = torch.maximum(fat, patches)
        trabecular = torch.lerp(trabecular, torch.full_like(trabecular, draw.marrow_hu), fat)
        if draw.sclerosis:
            trabecular += draw.sclerosis * torch.sigmoid(6 * (0.8 * middle - 0.6 * coarse - 1.7))
        compact = torch.maximum(draw.cortex * factors[1] * (1 + 0.08 * fine), trabecular)
        flat[where] = flat[where] * (1 - bone) + (bone - cortex) * trabecular + cortex * compact

    def around(self, share: Tensor, mm: float) -> Tensor:
        """Mean share in about twice ``mm`` around each voxel: much compact bone in shafts, whose inside is a cavity."""
        step = max(1, round(mm / self.spacing))
        pooled = torch.nn.functional.avg_pool3d(share.float()[None], step, ceil_mode=True, count_include_pad=False)[0]
        bases = [self.interpolation(n, m, step) for n, m in zip(self.shape, pooled.shape, strict=True)]
        return expanded(pooled / WHOLE, bases)

    def struts(self, where: Int[Tensor, " voxel"]) -> Float[Tensor, " voxel"]:
        """Deviations of unit size that vary over ``_STRUTS_MM``, or from voxel to voxel where those are larger."""
        if self.spacing > 0.45 * _STRUTS_MM:
            return self.random(len(where))
        return self.smooth_field(_STRUTS_MM).view(-1)[where]

    def interpolation(self, n: int, coarse: int, step: int) -> Tensor:
        """``[n coarse]``: linear between the middles of blocks of ``step`` voxels."""
        at = ((torch.arange(n, device=self.device) - (step - 1) / 2) / step).clamp(0, coarse - 1)
        return (1 - (at[:, None] - torch.arange(coarse, device=self.device)).abs()).clamp(min=0)

    def bone_factors(self, where: Int[Tensor, " voxel"]) -> Float[Tensor, "2 voxel"]:
        """What trabecular and compact bone of each bone are multiplied by."""
        labels = self.uint8((self.body.labels & (_FACTORS - 1)).astype(np.uint8)).view(-1)
        label = labels[where]
        # A voxel too little filled to have a label belongs to the bone beside it.
        k = self.shape[2]
        for step in (1, -1, k, -k, k * self.shape[1], -k * self.shape[1]):
            beside = labels[(where + step).clamp(0, len(labels) - 1)]
            label = torch.where(label == 0, beside, label)
        rng = np.random.default_rng(self.draw.seed)
        common, own = rng.normal(0, 0.8, _FACTORS), rng.normal(0, 0.6, (2, _FACTORS))
        spread = self.draw.bone_spread * np.array([[1.0], [0.5]])  # compact bone differs less
        factors = np.clip(np.exp(spread * (common + own)), 0.4, 2.2)
        return torch.tensor(factors, dtype=torch.float32, device=self.device)[:, label.long()]

    def add_metal(self, hu: Tensor) -> None:
        slices = np.flatnonzero(self.body.metal.any(axis=(0, 1)))
        if len(slices) == 0:
            return
        metal = self.uint8(self.body.metal[:, :, slices]).float() / WHOLE
        where = torch.tensor(slices, device=self.device)
        part = hu[:, :, where]
        streaks = metal_streaks(metal, part, spacing=self.spacing, strength=self.draw.streaks, generator=self.generator)
        hu[:, :, where] = part.lerp(torch.full_like(part, self.draw.metal), metal).addcmul_(streaks, 1 - metal)

    def paths(self, hu: Tensor) -> tuple[Tensor, Tensor]:
        """Mm of water that rays along i ``[1 j k]`` and along j ``[i 1 k]`` pass."""
        density = hu.clamp(-1000, 3000).add_(1000).mul_(self.spacing / 1000)
        return density.sum(0, keepdim=True), density.sum(1, keepdim=True)

    def add_hardening(self, hu: Tensor) -> None:
        """Dark bands where rays pass much bone: between both hips, both shoulders, both petrous bones."""
        dense = (hu - 150).clamp_(0, 1500).mul_(self.spacing / 1000)
        for axis in (0, 1):
            # As much calcium as 25 mm of 1000 HU counts fully; the square is the first term of hardening.
            mm = dense.sum(axis)
            band = self.draw.hardening * (mm / 25).clamp(max=1.6) ** 2
            # Rays of neighbouring directions share the error: no line is dark alone.
            reach = int(_BAND_MM / 2 / self.spacing)
            smooth = torch.nn.functional.avg_pool1d(
                band.T[:, None], 2 * reach + 1, stride=1, padding=reach, count_include_pad=False
            )
            hu -= smooth[:, 0].T.unsqueeze(axis)

    def acquired(self, hu: Tensor, paths: tuple[Tensor, Tensor]) -> Tensor:
        """Blurred, cut into slices, with noise, back on the body's grid."""
        draw, spacing = self.draw, self.spacing
        kernel = Kernel(draw.mtf50, draw.overshoot)
        taps = plane_taps(kernel, spacing=spacing, pixel=draw.pixel, resampling=draw.resampling)
        for axis in (0, 1):
            hu = filtered(hu, taps.tolist(), axis=axis)
        if draw.increment > spacing:
            into, back = self.slices()
            hu = banded(hu, into)
            hu += self.noise(hu.shape, (paths[0] @ into, paths[1] @ into))
            return banded(hu, back)
        along = slice_taps(
            spacing=spacing, thickness=draw.thickness, increment=draw.increment, resampling=draw.resampling
        )
        hu = filtered(hu, along.tolist(), axis=2)
        hu += self.noise(hu.shape, paths)
        return hu

    def slices(self) -> tuple[Float[Tensor, "k slice"], Float[Tensor, "slice k"]]:
        """Means over slices that lie farther apart than voxels, and linear interpolation back."""
        draw, n = self.draw, self.shape[2]
        start = np.random.default_rng(draw.seed).random() * draw.increment
        middles = np.arange(start - draw.increment, n * self.spacing + draw.increment, draw.increment)
        edges = np.arange(n + 1) * self.spacing
        upper = np.minimum(edges[1:, None], middles + draw.thickness / 2)
        into = np.maximum(upper - np.maximum(edges[:-1, None], middles - draw.thickness / 2), 0)
        nearest = np.abs((edges[:-1, None] + self.spacing / 2) - middles)
        empty = into.sum(0) <= 0
        into[nearest.argmin(0)[empty], empty] = 1  # beyond the ends: the last voxel
        centres = (edges[:-1] + self.spacing / 2)[None, :]
        back = np.maximum(1 - np.abs(centres - middles[:, None]) / draw.increment, 0)
        matrices = (into / into.sum(0), back / back.sum(0))
        into_t, back_t = (torch.tensor(m, dtype=torch.float32, device=self.device) for m in matrices)
        return into_t, back_t

    def noise(self, shape: torch.Size, paths: tuple[Tensor, Tensor]) -> Tensor:
        """Correlated as the kernel has it, stronger where rays pass more, with streaks through the widest parts."""
        draw, spacing = self.draw, self.spacing
        plane = plane_noise(
            Kernel(draw.mtf50, draw.overshoot),
            spacing=spacing,
            pixel=draw.pixel,
            resampling=draw.resampling,
            band=draw.noise_band,
        )
        noise = self.random(*shape)
        for axis in (0, 1):
            noise = filtered(noise, plane.taps.tolist(), axis=axis)
        sliced = draw.increment > spacing
        step = draw.increment if sliced else spacing
        overlap = [max(0.0, 1 - lag * step / draw.thickness) for lag in range(3)]
        if overlap[1] > 0.02:
            noise = filtered(noise, noise_taps(overlap).tolist(), axis=2)
        deviation = draw.noise * plane.factor
        if not sliced and draw.resampling == "interpolated":
            deviation *= (2 / 3) ** 0.5  # linear interpolation between slices, on average
        elif not sliced:
            deviation *= min(1.0, draw.thickness / spacing) ** 0.5
        wide, deep = paths
        # Noise is the root of what arrives: exp(path / 2); the tube current makes up for part of it.
        rate = _WATER / 2 * draw.noise_paths
        lateral = torch.exp(rate * (wide - _MIDDLE).clamp(-200, 300) / 2)
        noise *= lateral * deviation
        noise *= torch.exp(rate * (deep - _MIDDLE).clamp(-200, 300) / 2)
        starved = (lateral * lateral - 1).clamp(0, 4)
        i, j, k = shape
        basis = self.basis(i, max(_STREAK_MM, 2 * spacing))
        streaks = (basis @ self.random(basis.shape[1], j * k)).view(i, j, k)
        return noise.addcmul_(streaks, starved * (0.35 * deviation))

    def finished(self, hu: Tensor) -> Tensor:
        """Errors of the calibration, the circle that is reconstructed, and the limits of what is stored."""
        draw = self.draw
        hu = hu.mul_(draw.scale).add_(1000 * (draw.scale - 1) + draw.offset)
        if draw.shading:
            hu.add_(self.smooth_field(_SHADING_MM), alpha=draw.shading)
        hu.clamp_(*draw.limits)
        if draw.circle:
            hu.masked_fill_(~reconstructed(self.shape, draw, device=self.device)[:, :, None], draw.padding)
        return hu


def expanded(nodes: Float[Tensor, "a b c"], bases: list[Tensor]) -> Float[Tensor, "i j k"]:
    """A lattice brought to voxels by one matrix ``[voxel node]`` per axis."""
    columns = torch.matmul(bases[1], nodes @ bases[2].T)
    return (bases[0] @ columns.flatten(1)).view(len(bases[0]), *columns.shape[1:])


def banded(x: Float[Tensor, "i j k"], matrix: Float[Tensor, "k slice"]) -> Float[Tensor, "i j slice"]:
    """``x @ matrix`` for a matrix that is 0 off its diagonal: a product of a thousand slices would take seconds."""
    out = x.new_empty(*x.shape[:2], matrix.shape[1])
    used = (matrix != 0).cpu().numpy()
    for start in range(0, matrix.shape[1], _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        rows = np.flatnonzero(used[:, columns].any(1))
        first, last = int(rows[0]), int(rows[-1]) + 1
        out[:, :, columns] = x[:, :, first:last] @ matrix[first:last, columns]
    return out


def filtered(x: Float[Tensor, "i j k"], taps: list[float], *, axis: int) -> Float[Tensor, "i j k"]:
    """Symmetric filter along one axis; ends repeat."""
    reach, n = len(taps) // 2, x.shape[axis]
    if reach == 0:
        return x * taps[0]
    # Ends first: what the filter would read beyond an end counts for the end itself.
    out = x * taps[reach]
    for lag in range(1, min(reach, n - 1) + 1):
        weight = taps[reach + lag]
        out.narrow(axis, lag, n - lag).add_(x.narrow(axis, 0, n - lag), alpha=weight)
        out.narrow(axis, 0, n - lag).add_(x.narrow(axis, lag, n - lag), alpha=weight)
        out.narrow(axis, 0, lag).add_(x.narrow(axis, 0, 1), alpha=weight)
        out.narrow(axis, n - lag, lag).add_(x.narrow(axis, n - 1, 1), alpha=weight)
    missing = 2 * sum(taps[reach + n :])
    return out.add_(x, alpha=missing) if missing else out


def _normal_quantile(share: float) -> float:
    return float(torch.special.ndtri(torch.tensor(share, dtype=torch.float64)))
