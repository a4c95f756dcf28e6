"""One acquisition: what a scanner, its settings and a patient's day make of a body, as printed numbers.

Everything random about a scan that is no voxel is drawn here; :func:`sneakynet.phantom.image.paint_scan` applies it.
"""

from dataclasses import dataclass

import numpy as np

from sneakynet.errors import SettingError
from sneakynet.phantom.response import RESAMPLINGS
from sneakynet.phantom.tissue_table import PHASES, Range, Tissue, tissue_table


@dataclass(frozen=True)
class ScanSettings:
    """From what acquisitions are drawn.

    Args are lower and upper bounds unless their text says otherwise; shares are of all scans.
    """

    wild: float = 0.15
    """Share of scans whose tissues may have any HU within wide limits (Billot et al. 2023, SynthSeg: contrast drawn
    far beyond what exists makes networks look at shape). Bone stays brighter than muscle."""
    contrast: float = 0.55
    """Share with intravenous contrast agent: about half of archived body CT (21 % of 20 374 in Jang et al. 2019,
    most abdominal ones in TotalSegmentator, Wasserthal et al. 2023)."""
    voltages: tuple[float, ...] = (80.0, 100.0, 120.0, 140.0)
    """Tube voltages, kV."""
    voltage_shares: tuple[float, ...] = (0.05, 0.2, 0.65, 0.1)
    """How often each occurs: 120 kV is the most frequent by far in Wasserthal et al. 2023."""
    age: Range = (18.0, 95.0)
    """Years, where the body does not say."""
    trabecular_at_25: float = 226.0
    """Mean HU of trabecular bone in young adults (L1, 120 kV: Jang et al. 2019, 20 374 adults)."""
    trabecular_per_year: float = -2.5
    """What a year of age changes, HU (Jang et al. 2019)."""
    trabecular_sd: float = 42.0
    """From person to person of one age, HU (44 below 30 years, 38 above 90: Jang et al. 2019)."""
    trabecular: Range = (30.0, 450.0)
    """Limits of the trabecular mean (Jang et al. 2019: the oldest less one and a half deviations)."""
    cortex: Range = (500.0, 1800.0)
    """HU of compact bone where it fills a voxel, drawn evenly in its logarithm: 850 to 1250 and more in jaws (Misch
    1999), 1880 in dry skulls (Sande et al. 2020), 1000 to 1900 in femoral shafts (Rho et al. 1995), lower where it is
    porous in the old (Zebaze et al. 2010)."""
    cortex_per_year: float = -0.006
    """Relative change with each year of age above 45: pores take a growing share of it (Zebaze et al. 2010)."""
    bone_spread: Range = (0.05, 0.45)
    """Relative deviation from bone to bone in one person (half of it for compact bone), the same for every bone: a bone
    that is always brighter than the others would be known by its brightness. Levels of the spine differ by this much
    (Frontiers in Endocrinology 2022, 13:920167, for the neck); for other bones it is set."""
    bone_texture: Range = (0.12, 0.4)
    """Deviation of trabecular HU within a bone, relative to its mean (Burghardt et al. 2011: struts and voids)."""
    marrow: Range = (0.0, 0.35)
    """Share of trabecular bone where fat marrow prevails, patch by patch."""
    cavity: Range = (0.22, 0.34)
    """Share of compact bone in 15 mm around from which on the inside is a cavity with fat instead of struts: the shafts
    of long bones, by thickness rather than by name."""
    marrow_hu: Range = (-90.0, 20.0)
    """HU of fatty marrow (Laval-Jeantet et al. 1986; shaft cavities)."""
    joints: Range = (0.0, 1.5)
    """Relative gain of trabecular density where much bone lies around, as in the heads of femur and humerus and beside
    their sockets, by mass rather than by name: femoral heads have two to three times the density of the trochanter
    (Brown and Ferguson 1980; 200 to 350 HU where vertebrae have 130)."""
    bone_patches: Range = (0.05, 0.4)
    """Deviation of the logarithm of trabecular HU over 40 mm, within a bone and from bone to bone: densities within one
    femur or vertebra differ by a factor of two and more (Keaveny et al. 2001)."""
    sclerosis: float = 0.12
    """Share of scans with dense islands in bone (sclerosis, islands, metastases, degenerative change; set)."""
    texture_factor: Range = (0.3, 1.6)
    """By what each tissue's texture is multiplied."""
    marbling: Range = (0.0, 0.2)
    """Thickness of the sheets of fat between bundles of muscle, relative to their distance: 2 to 20 % of muscle is fat,
    more in the old (Goodpaster et al. 2000; Engelke et al. 2018)."""
    kernel_mtf50: Range = (0.22, 0.9)
    """Frequency at which half of the contrast is left, line pairs per mm: 0.25 with smooth, 0.35 with standard body
    kernels, up to 0.9 with bone and lung kernels (Prokop and Galanski 2003; vendors' kernels side by side: Solomon et
    al. 2012)."""
    sharp: float = 0.2
    """Share of bone and lung kernels, which raise middle frequencies above 1 (overshoot at edges)."""
    overshoot: Range = (1.1, 2.4)
    """Their edge enhancement ``a`` in ``(1 + a x^2) exp(-x^2)``: peaks of 1.01 to 1.34; without it the kernel is a
    Gaussian, as Nickoloff and Riley 1985 found most to be."""
    pixel: Range = (0.5, 0.98)
    """Pixel of the reconstruction in plane, mm (fields of 250 to 500 mm, 512 pixels)."""
    thickness: Range = (0.5, 5.0)
    """Slice thickness, mm (0.5 to 1.5 thin, 2 to 5 routine: Wasserthal et al. 2023)."""
    thick: float = 0.45
    """Share with slices of 2.5 mm and more."""
    resampling_shares: tuple[float, ...] = (0.45, 0.27, 0.16, 0.12)
    """How often scans come to their grid in each way of ``response.RESAMPLINGS``; how our own and others' pipelines do
    it, no property of patients. Public collections are resampled by splines without means (Wasserthal et al. 2023)."""
    noise: Range = (5.0, 32.0)
    """Standard deviation at 5 mm slices with a standard kernel, HU: 10 to 15 is what exposure control aims at in
    abdomens (Kalra et al. 2004), 20 to 28 was measured in chests of low and standard dose (World J Radiol 2024,
    16:668), less with iterative reconstruction and more in the obese; it differs widely between scanners
    (Christianson et al. 2015)."""
    noise_limit: float = 60.0
    """Highest deviation after thin slices and sharp kernels, HU. A choice: thin slices with lung kernels have more."""
    iterative: float = 0.4
    """Share with iterative reconstruction, whose noise is coarser (Solomon et al. 2012)."""
    offset: float = 5.0
    """Deviation of the calibration, HU (tolerance of water is 5 to 7 HU: ACR CT accreditation)."""
    scale: float = 0.02
    """Relative deviation of the HU scale between scanners (Cropp et al. 2013)."""
    shading: Range = (0.0, 12.0)
    """Smooth error over the field (scatter, cupping), HU (Hunter and McDavid 2012)."""
    hardening: Range = (0.0, 25.0)
    """Depth of dark bands between dense bones such as both hips, HU: what is left after correction (Barrett and Keat
    2004)."""
    metal: Range = (2500.0, 9000.0)
    """HU of metal before the scanner cuts it off."""
    streaks: Range = (0.05, 1.3)
    """Strength of metal artefacts, 1: as a plain filtered back-projection has them; below: reduced."""
    extended: float = 0.15
    """Share stored beyond 12 bits, so that metal is not cut at 3071 HU."""
    circular: float = 0.15
    """Share in which only the inscribed circle is reconstructed."""
    padding: tuple[float, ...] = (-1024.0, -1024.0, -1000.0, -2000.0, -3024.0)
    """HU outside of the circle, as vendors write it (drawn evenly)."""


@dataclass(frozen=True)
class ScanDraw:
    """All numbers of one acquisition; the same draw paints the same image (on one kind of device)."""

    seed: int
    """Of the voxel noise and textures."""
    wild: bool
    """Whether tissue HU are beyond what exists."""
    phase: str
    """One of ``tissue_table.PHASES``."""
    voltage: float
    """kV."""
    tissue_hu: tuple[float, ...]
    """HU by tissue id."""
    tissue_texture: tuple[float, ...]
    """Standard deviation within each tissue, HU."""
    marbling: float
    """Thickness of the sheets of fat in muscle, relative to their distance."""
    trabecular: float
    """HU of trabecular bone."""
    cortex: float
    """HU of compact bone."""
    bone_spread: float
    """Relative deviation of both from bone to bone."""
    bone_texture: float
    """Relative deviation of trabecular bone within a bone."""
    marrow: float
    """Share of trabecular bone that is fat marrow."""
    cavity: float
    """Share of compact bone around from which on bone is hollow."""
    marrow_hu: float
    """Its HU."""
    joints: float
    """Relative gain of trabecular HU where much bone lies around."""
    bone_patches: float
    """Deviation of the logarithm of trabecular HU over 40 mm."""
    sclerosis: float
    """HU that dense islands add; 0: none."""
    edge: float
    """How soft borders between tissues are: weight of each neighbour along each axis."""
    mtf50: float
    """Of the kernel, line pairs per mm."""
    overshoot: float
    """Edge enhancement of the kernel."""
    pixel: float
    """Mm in plane, as reconstructed."""
    thickness: float
    """Of a slice, mm."""
    increment: float
    """From slice to slice, mm."""
    resampling: str
    """How it came to the body's grid, one of ``response.RESAMPLINGS``."""
    noise: float
    """Standard deviation as reconstructed, HU, in the middle of a trunk of 300 mm."""
    noise_band: float
    """Line pairs per mm above which reconstruction smooths noise."""
    noise_paths: float
    """How much noise grows with what a ray passes; 0: the tube current makes up for all of it."""
    hardening: float
    """Depth of dark bands between dense bones, HU."""
    shading: float
    """Deviation of a smooth error over the field, HU."""
    scale: float
    """Factor of the HU scale about air."""
    offset: float
    """HU added to everything."""
    metal: float
    """HU of metal."""
    streaks: float
    """Strength of metal artefacts."""
    limits: Range
    """Lowest and highest HU that is stored."""
    circle: float
    """Radius of the reconstructed circle relative to half of the wider edge; 0: no circle."""
    padding: float
    """HU outside of the circle."""


def draw_scan(rng: np.random.Generator, settings: ScanSettings, *, age: float | None = None) -> ScanDraw:
    """One acquisition.

    Args:
        rng: source of randomness.
        settings: what to draw from.
        age: of the patient, years; drawn when not given. Trabecular bone fades with it.

    Raises:
        SettingError: shares or ranges from which nothing can be drawn.
    """
    check_scan_settings(settings)
    wild = bool(rng.random() < settings.wild)
    phase = str(rng.choice(PHASES[1:], p=(0.25, 0.6, 0.15))) if rng.random() < settings.contrast else PHASES[0]
    voltage = float(rng.choice(settings.voltages, p=_normalised(settings.voltage_shares)))
    trabecular, cortex = _bone(rng, settings, age, voltage)
    table = tissue_table()
    hu = _wild_hu(rng, table) if wild else _tissue_hu(rng, table, phase, voltage)
    if wild:
        muscle = hu[[tissue.name for tissue in table].index("muscle")]
        trabecular = float(rng.uniform(muscle + 20, muscle + 450))
        cortex = trabecular + float(rng.uniform(150, 1600))
    sharp = bool(rng.random() < settings.sharp)
    low, high = settings.kernel_mtf50
    third = low + (high - low) / 3
    mtf50 = float(rng.uniform(third, high) if sharp else rng.triangular(low, (low + third) / 2, third))
    thickness = _thickness(rng, settings)
    noise = _log_uniform(rng, settings.noise) * (5 / thickness) ** 0.4 * (mtf50 / 0.33) ** 1.1
    factors = rng.uniform(*settings.texture_factor, len(table))
    return ScanDraw(
        seed=int(rng.integers(2**62)),
        wild=wild,
        phase=phase,
        voltage=voltage,
        tissue_hu=tuple(hu),
        tissue_texture=tuple(float(f) * t.texture for f, t in zip(factors, table, strict=True)),
        marbling=_uniform(rng, settings.marbling),
        trabecular=trabecular,
        cortex=cortex,
        bone_spread=_uniform(rng, settings.bone_spread),
        bone_texture=_uniform(rng, settings.bone_texture),
        marrow=_uniform(rng, settings.marrow) if rng.random() < 0.5 else 0.0,
        cavity=_uniform(rng, settings.cavity),
        marrow_hu=_uniform(rng, settings.marrow_hu),
        joints=_uniform(rng, settings.joints),
        bone_patches=_uniform(rng, settings.bone_patches),
        sclerosis=float(rng.uniform(100, 600)) if rng.random() < settings.sclerosis else 0.0,
        edge=float(rng.uniform(0.04, 0.16)),
        mtf50=mtf50,
        overshoot=_uniform(rng, settings.overshoot) if sharp else float(rng.uniform(0, 0.9)),
        pixel=_uniform(rng, settings.pixel),
        thickness=thickness,
        increment=thickness * (float(rng.uniform(0.5, 0.8)) if rng.random() < 0.3 else 1.0),
        resampling=str(rng.choice(RESAMPLINGS, p=_normalised(settings.resampling_shares))),
        noise=min(noise, settings.noise_limit),
        noise_band=float(rng.uniform(0.15, 0.4)) if rng.random() < settings.iterative else 2.0,
        noise_paths=float(rng.uniform(0.1, 0.7)),
        hardening=_uniform(rng, settings.hardening) * (120 / voltage),
        shading=_uniform(rng, settings.shading),
        scale=float(rng.normal(1, settings.scale)),
        offset=float(rng.normal(0, settings.offset)),
        metal=_uniform(rng, settings.metal),
        streaks=_log_uniform(rng, settings.streaks),
        limits=(-1024.0, 30000.0) if rng.random() < settings.extended else (-1024.0, 3071.0),
        circle=float(rng.uniform(0.92, 1.05)) if rng.random() < settings.circular else 0.0,
        padding=float(rng.choice(settings.padding)),
    )


def check_scan_settings(settings: ScanSettings) -> None:
    """Refuse what no scan can be drawn from.

    Raises:
        SettingError: all faults, one a line.
    """
    faults = []
    for name in ("wild", "contrast", "sclerosis", "sharp", "thick", "iterative", "extended", "circular"):
        value = getattr(settings, name)
        if not 0 <= value <= 1:
            faults.append(f"{name} is a share from 0 to 1, got {value}")
    for name in _RANGES:
        low, high = getattr(settings, name)
        if not (np.isfinite([low, high]).all() and low <= high):
            faults.append(f"{name} is a lower and an upper bound, got {low} and {high}")
    for name in _POSITIVE:
        if min(np.ravel(getattr(settings, name))) <= 0:
            faults.append(f"{name} is above 0, got {getattr(settings, name)}")
    for name, allowed in (("voltage_shares", settings.voltages), ("resampling_shares", RESAMPLINGS)):
        values = getattr(settings, name)
        if len(values) != len(allowed) or min(values) < 0 or not 0 < sum(values) < np.inf:
            faults.append(f"{name} is one share for each of {', '.join(map(str, allowed))}, got {values}")
    if faults:
        msg = "scan settings: " + "; ".join(faults)
        raise SettingError(msg)


_RANGES = (
    "age",
    "trabecular",
    "cortex",
    "bone_spread",
    "bone_texture",
    "marrow",
    "cavity",
    "marrow_hu",
    "texture_factor",
    "marbling",
    "joints",
    "bone_patches",
    "kernel_mtf50",
    "overshoot",
    "pixel",
    "thickness",
    "noise",
    "shading",
    "hardening",
    "metal",
    "streaks",
)
_POSITIVE = ("cortex", "streaks", "kernel_mtf50", "pixel", "thickness", "noise", "noise_limit", "voltages")

# Against 120 kV: iodine (Bae 2010; 1.9 at 70 kV in the phantoms of European Radiology Experimental 2020, 4:57), compact
# bone by its calcium, trabecular bone about half as much because most of it is marrow (Garner et al. 2017).
_KV = (80.0, 100.0, 120.0, 140.0)
_IODINE = (1.6, 1.25, 1.0, 0.85)
_COMPACT = (1.35, 1.14, 1.0, 0.92)
_TRABECULAR = (1.2, 1.08, 1.0, 0.95)


def _normalised(shares: tuple[float, ...]) -> np.ndarray:
    return np.array(shares) / sum(shares)


def _uniform(rng: np.random.Generator, bounds: Range) -> float:
    return float(rng.uniform(*bounds))


def _log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))


def _bone(rng: np.random.Generator, settings: ScanSettings, age: float | None, voltage: float) -> tuple[float, float]:
    years = _uniform(rng, settings.age) if age is None else age
    mean = settings.trabecular_at_25 + settings.trabecular_per_year * (years - 25)
    trabecular = float(np.clip(rng.normal(mean, settings.trabecular_sd), *settings.trabecular))
    trabecular *= float(np.interp(voltage, _KV, _TRABECULAR))
    porous = max(0.4, 1 + settings.cortex_per_year * max(0.0, years - 45))
    return trabecular, _log_uniform(rng, settings.cortex) * porous * float(np.interp(voltage, _KV, _COMPACT))


def _thickness(rng: np.random.Generator, settings: ScanSettings) -> float:
    low, high = settings.thickness
    border = min(max(low, 2.5), high)
    return _uniform(rng, (border, high) if rng.random() < settings.thick else (low, border))


def _tissue_hu(rng: np.random.Generator, table: tuple[Tissue, ...], phase: str, voltage: float) -> list[float]:
    """HU of every tissue; enhancement follows one dose of iodine, so that vessels and organs brighten together."""
    iodine = float(np.interp(voltage, _KV, _IODINE))
    dose = rng.random()
    hu = []
    for tissue in table:
        low, high = tissue.enhancement[PHASES.index(phase)]
        share = float(np.clip(dose + rng.normal(0, 0.15), 0, 1))
        hu.append(_uniform(rng, tissue.hu) + iodine * (low + share * (high - low)))
    return hu


# Wide limits by what a tissue is made of: HU of gas, of lung and foam, of fat, of metal, and of everything else.
_WILD_GAS = (-1010.0, -850.0)
_WILD: dict[str, Range] = {
    "air": _WILD_GAS,
    "airway": _WILD_GAS,
    "gas": _WILD_GAS,
    "sinus": _WILD_GAS,
    "lung": (-970.0, -300.0),
    "table_core": (-1000.0, -500.0),
    "blanket": (-1000.0, -300.0),
    "table_shell": (-700.0, 900.0),
    "lead": (100.0, 3000.0),
    "calcification": (150.0, 1500.0),
    "bowel_contrast": (60.0, 1200.0),
    "artery": (-50.0, 600.0),
    "vein": (-50.0, 600.0),
    "fat": (-200.0, 0.0),
    "visceral_fat": (-200.0, 0.0),
    "muscle": (-60.0, 160.0),
}
_WILD_OTHER = (-120.0, 250.0)


def _wild_hu(rng: np.random.Generator, table: tuple[Tissue, ...]) -> list[float]:
    return [_uniform(rng, _WILD.get(tissue.name, _WILD_OTHER)) for tissue in table]
