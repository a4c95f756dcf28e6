"""How synthetic scans differ from real ones: the same measures on both, region by region.

    python benchmarks/phantom_realism.py [--json | --brief] [--count 12] [--spacing 3] [--data FOLDER]

Real: the CT scans of the shared data, brought to the spacing as a network reads them. Synthetic: phantoms of seeds 0 to
count - 1 in the field of view of the real scan, and for abdomen and pelvis paintings of a real label map, each under
two acquisitions. Tissue of any HU (``wild``), which no real scan has, is left out. A measure lies within if it is
between the 5th and the 95th percentile of the synthetic scans.

- HU percentiles: by label where a scan has labels (bones; muscle), else by what its smoothed HU look like, a voxel away
  from all else.
- Noise: blocks of 24 mm of soft tissue in a slice, without their slope; of the quietest quarter of a scan's blocks the
  median deviation, and the mean frequency of their power spectrum.
- Edge: profiles across the outer border of bone, along the steepest slope: distance over which they rise from 10 to
  90 %, peak, and steepest rise.
- Cover: distance from the surface of hip bones to air.
- Lungs: their area in a slice at the upper end of T12, beside and behind the vertebra.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import ndimage

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.label_scheme import label_names
from sneakynet.data.network_grid import on_network_grid
from sneakynet.data.worker import start_worker
from sneakynet.evaluation.translation import translate, translation_for
from sneakynet.phantom.body import Body
from sneakynet.phantom.image import paint_scan
from sneakynet.phantom.label_map import draw_body
from sneakynet.phantom.label_map_settings import LabelMapSettings
from sneakynet.phantom.phantom import make_body
from sneakynet.phantom.prepared_map import LabelMap, prepare
from sneakynet.phantom.scan import ScanSettings, draw_scan
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.volumes.read import read_labels, read_volume

TABLE = BoneTable.default()
SCAN = ScanSettings(wild=0.0)
DRAWS = 2
ATLAS, ATLAS_STRETCH = "labels_abdomen_pelvis_atlas/labels.nrrd", (1.4, 1.4, 2.0)
TOTAL_MUSCLES = range(80, 90)  # gluteal, autochthonous and iliopsoas muscles of TotalSegmentator's task "total"
GROUPS = {
    "lumbar vertebrae": [f"vertebrae_L{n}" for n in range(1, 6)],
    "sacrum": ["sacrum"],
    "hip bones": ["hip_left", "hip_right"],
    "femora": ["femur_left", "femur_right"],
}
METAL = 2000  # HU from which a voxel of bone is none


@dataclass(frozen=True, eq=False)
class Sample:
    """A scan, and what is known of it."""

    hu: np.ndarray
    spacing: float
    labels: np.ndarray | None = None
    muscle: np.ndarray | None = None

    def part(self, low: int, high: int) -> "Sample":
        """Slices from low to high."""
        low = max(low, 0)
        cut = [None if a is None else a[:, :, low:high] for a in (self.hu, self.labels, self.muscle)]
        return Sample(cut[0], self.spacing, cut[1], cut[2])


def all_of(sample: Sample) -> Sample:
    return sample


@dataclass(frozen=True)
class Region:
    """A real scan and the phantoms that stand beside it."""

    scan: str
    field: str
    crop: Callable[[Sample], Sample] = all_of
    labels: str | None = None


def below_the_face(sample: Sample) -> Sample:
    """150 mm up to the lower teeth, as the real scan of a neck."""
    chin = np.flatnonzero((sample.labels == TABLE["mandible"].id).any((0, 1)))
    top = int(chin.min() + 30 / sample.spacing) if len(chin) else sample.hu.shape[2]
    return sample.part(top - round(150 / sample.spacing), top)


def around_the_last_rib(sample: Sample) -> Sample:
    """40 mm at T12."""
    at = np.flatnonzero((sample.labels == TABLE["vertebrae_T12"].id).any((0, 1)))
    middle = int(at.mean()) if len(at) else sample.hu.shape[2] // 2
    return sample.part(middle - round(20 / sample.spacing), middle + round(20 / sample.spacing))


REGIONS = {
    "abdomen and pelvis": Region(
        "ct_abdomen_pelvis_3mm/ct.nii.gz", "abdomen_pelvis", labels="ct_abdomen_pelvis_3mm/labels.nii.gz"
    ),
    "chest": Region("ct_chest_3.27mm/ct.nii.gz", "chest"),
    "neck": Region("ct_neck_5mm/ct.nii.gz", "head_neck", below_the_face),
    "upper abdomen": Region("ct_dicom_series", "trunk", around_the_last_rib),
}


def real_sample(region: Region, data: Path, spacing: float) -> Sample:
    scan = on_network_grid(read_volume(data / region.scan), spacing=(spacing,) * 3)
    if region.labels is None:
        return Sample(scan.voxels.astype(np.float32), spacing)
    path = data / region.labels
    labels = read_labels(path).voxels
    if labels.shape != scan.shape:
        sys.exit(f"{path} is on another grid than its scan at {spacing:g} mm; leave out --spacing")
    bones = translate(labels, translation_for(path, TABLE, source=None), path=path)
    return Sample(scan.voxels.astype(np.float32), spacing, bones, np.isin(labels, TOTAL_MUSCLES))


def phantom(region: Region, spacing: float, seed: int) -> list[dict[str, float]]:
    return measured(make_body(seed, spacing=spacing, field=region.field), seed, region.crop)


def painting(data: Path, spacing: float, seed: int) -> list[dict[str, float]]:
    settings = LabelMapSettings(stretch=ATLAS_STRETCH)
    body = draw_body(atlas(data), spacing=spacing, settings=settings, rng=np.random.default_rng([seed, 0]))
    return measured(body, seed, all_of)


@cache
def atlas(data: Path) -> LabelMap:
    path = data / ATLAS
    return prepare(read_labels(path), names=label_names(path, names=None, scheme="atlas"))


def measured(body: Body, seed: int, crop: Callable[[Sample], Sample]) -> list[dict[str, float]]:
    muscle = (body.tissues == tissue_ids()["muscle"]) & (body.bone == 0) & (body.metal == 0)
    figures = []
    for number in range(DRAWS):
        draw = draw_scan(np.random.default_rng([seed, 5, number]), SCAN, age=body.facts.get("age"))
        hu = paint_scan(body, draw).numpy().clip(-1024, 3071)
        figures.append(measures(crop(Sample(hu, body.spacing, body.labels, muscle))))
    return figures


def measures(sample: Sample) -> dict[str, float]:
    """All figures of a scan; those that it cannot give are left out."""
    smooth = ndimage.gaussian_filter(sample.hu, 1.0)
    body = body_of(sample.hu)
    inner = ndimage.binary_erosion(body, iterations=2)
    looks = {
        "fat": (smooth > -150) & (smooth < -50),
        "soft tissue": (smooth > -10) & (smooth < 110),
        # Gas in bowel is below -960 HU.
        "lung": largest((smooth < -500) & (smooth > -960), least=30_000 / sample.spacing**3) & body,
    }
    regions = {name: inside(mask & inner, 1) for name, mask in looks.items()}
    if sample.muscle is not None:
        regions["muscle"] = inside(sample.muscle, 1)
    bright = (sample.hu > 250) & body
    figures = {}
    if sample.labels is not None:
        figures |= bone_measures(sample, body) | lung_measures(sample, looks["lung"])
    regions["what is above 250 HU"] = bright & (sample.hu < METAL)
    for name, mask in regions.items():
        if np.count_nonzero(mask) >= 200:
            figures |= percentiles(name, sample.hu[mask])
    shares = {"above 250 HU": bright, "fat": looks["fat"], "lung": looks["lung"]}
    figures |= {
        f"share of the body, {name}, %": 100 * (mask & body).sum() / body.sum() for name, mask in shares.items()
    }
    figures |= noise(sample.hu, looks["soft tissue"] & body, sample.spacing)
    return figures | edges(sample.hu, smooth, body, sample.spacing)


def percentiles(name: str, values: np.ndarray) -> dict[str, float]:
    return dict(
        zip([f"{name}, HU, {q}" for q in ("5 %", "median", "95 %")], np.percentile(values, (5, 50, 95)), strict=True)
    )


def body_of(hu: np.ndarray) -> np.ndarray:
    """The patient without the table, with all that is inside."""
    tissue = ndimage.binary_opening(hu > -300, iterations=2)
    body = largest(tissue, least=None)
    return np.stack([ndimage.binary_fill_holes(plane) for plane in np.moveaxis(body, 2, 0)], 2)


def largest(mask: np.ndarray, *, least: float | None) -> np.ndarray:
    """The largest connected part, or all that have so many voxels."""
    parts, n = ndimage.label(mask)
    if n == 0:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return (sizes >= (sizes.max() if least is None else least))[parts] & mask


def inside(mask: np.ndarray, voxels: int) -> np.ndarray:
    return ndimage.binary_erosion(mask, np.ones((3, 3, 3), bool), iterations=voxels)


def bone_measures(sample: Sample, body: np.ndarray) -> dict[str, float]:
    figures = {}
    for group, names in GROUPS.items():
        shell, core, volumes = [], [], []
        for name in names:
            mask = sample.labels == TABLE[name].id
            # A bone with metal in it is another thing, and so is one of which little is seen.
            if mask.sum() * sample.spacing**3 < 10_000 or (sample.hu[mask] > METAL).any():
                continue
            shell.append(sample.hu[mask & ~inside(mask, 1)])
            core.append(sample.hu[inside(mask, 2)])
            volumes.append(mask.sum() * sample.spacing**3 / 1000)
        if volumes:
            figures |= percentiles(f"{group}, shell", np.concatenate(shell))
            if sum(map(len, core)) >= 30:
                figures |= percentiles(f"{group}, core", np.concatenate(core))
            if group != "femora":  # cut by the field
                figures[f"{group}, volume, ml"] = float(np.median(volumes))
    figures |= trunk_measures(sample, body)
    hips = np.isin(sample.labels, [TABLE[name].id for name in GROUPS["hip bones"]])
    if hips.any():
        # Beyond the faces of the scan there is no air to be measured to.
        depth = ndimage.distance_transform_edt(body, sampling=sample.spacing)
        cover = depth[hips & ~inside(hips, 1)]
        figures |= dict(
            zip(
                ["hip bones, cover, mm, 5 %", "hip bones, cover, mm, median"],
                np.percentile(cover, (5, 50)),
                strict=True,
            )
        )
    return figures


def trunk_measures(sample: Sample, body: np.ndarray) -> dict[str, float]:
    """Width and depth of the trunk at L3, and how far the sacrum leans out of the scanner's axis."""
    figures = {}
    middle = np.argwhere(sample.labels == TABLE["vertebrae_L3"].id)
    if len(middle):
        # Arms beside the trunk are other parts of the slice, or the opening parts them.
        plane = largest(ndimage.binary_opening(body[:, :, round(middle[:, 2].mean())], iterations=3), least=None)
        width, depth = (np.ptp(np.flatnonzero(plane.any(axis))) + 1 for axis in (1, 0))
        figures |= {"trunk at L3, width, mm": width * sample.spacing, "trunk at L3, depth, mm": depth * sample.spacing}
    sacrum = np.argwhere(sample.labels == TABLE["sacrum"].id)[:, 1:]
    if len(sacrum) > 500:
        _, (y, z) = np.linalg.eigh(np.cov(sacrum.T))[1].T
        figures["sacrum, upper end leans forward by, degrees"] = np.degrees(np.arctan2(y * np.sign(z), abs(z)))
    return {name: float(value) for name, value in figures.items()}


def lung_measures(sample: Sample, lung: np.ndarray) -> dict[str, float]:
    """How much lung lies beside and behind the spine at T12."""
    there = np.argwhere(sample.labels == TABLE["vertebrae_T12"].id)
    if len(there) * sample.spacing**3 < 10_000:
        return {}
    middle = (there[:, 2].min() + there[:, 2].max()) / 2
    plane = min(round(middle + 15 / sample.spacing), lung.shape[2] - 1)
    area = lung[:, : there[:, 1].max(), plane].sum() * sample.spacing**2 / 100
    return {"lungs behind, 15 mm above the middle of T12, cm^2": float(area)}


def noise(hu: np.ndarray, soft: np.ndarray, spacing: float) -> dict[str, float]:
    edge = max(4, round(24 / spacing))
    x, y = np.meshgrid(*2 * [np.linspace(-1, 1, edge)], indexing="ij")
    slope = np.stack([np.ones(edge**2), x.ravel(), y.ravel()], 1)
    away = np.eye(edge**2) - slope @ np.linalg.pinv(slope)
    blocks = []
    for k in range(hu.shape[2]):
        for i in range(0, hu.shape[0] - edge + 1, edge // 2):
            for j in range(0, hu.shape[1] - edge + 1, edge // 2):
                if soft[i : i + edge, j : j + edge, k].all():
                    blocks.append(hu[i : i + edge, j : j + edge, k].ravel())
    if len(blocks) < 8:
        return {}
    rest = np.array(blocks) @ away
    deviation = rest.std(1)
    quiet = rest[deviation <= np.percentile(deviation, 25)].reshape(-1, edge, edge)
    power = (np.abs(np.fft.fft2(quiet)) ** 2).mean(0)
    frequency = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(edge, spacing)]))
    return {
        "noise, HU": float(np.percentile(deviation, 12.5)),
        "all soft tissue blocks, deviation, HU": float(np.median(deviation)),
        "noise, mean frequency, lp/mm": float((power * frequency).sum() / power.sum()),
    }


def edges(hu: np.ndarray, smooth: np.ndarray, body: np.ndarray, spacing: float) -> dict[str, float]:
    bone = (smooth > 200) & body
    border = bone & ~ndimage.binary_erosion(bone) & (ndimage.maximum_filter(hu, 5) < METAL)
    points = np.argwhere(border)
    if len(points) < 200:
        return {}
    points = np.random.default_rng(0).permutation(points)[:4000]
    outwards = -np.stack([ndimage.gaussian_filter(hu, 1.0, order=o)[tuple(points.T)] for o in np.eye(3, dtype=int)], 1)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True) + 1e-6
    step = 0.5
    along = np.arange(9, -6.1, -step)  # mm, from outside to inside
    places = points[:, :, None] + outwards[:, :, None] * along / spacing
    profiles = ndimage.map_coordinates(hu, places.transpose(1, 0, 2), order=1, mode="nearest")
    low, high = np.median(profiles[:, :7], 1), profiles.max(1)
    # Soft tissue or fat outside, with no second bone within reach.
    good = (np.abs(low) < 150) & (profiles[:, :7].max(1) < 200) & (high - low > 200)
    if good.sum() < 100:
        return {}
    profiles, low, high = profiles[good], low[good], high[good]
    relative = (profiles - low[:, None]) / (high - low)[:, None]
    peak = relative.argmax(1)
    before = np.arange(relative.shape[1])[None] <= peak[:, None]
    below = np.where(before & (relative < 0.1), np.arange(relative.shape[1]), 0).max(1)
    reached = (relative >= 0.9).argmax(1)
    rise = (reached - below) * step
    return {
        "border of bone, rise over, mm": float(np.median(rise)),
        "border of bone, peak, HU": float(np.median(high)),
        "border of bone, steepest, HU/mm": float(np.median(np.diff(profiles, axis=1).max(1) / step)),
    }


def compared(real: Mapping[str, float], samples: Iterable[Mapping[str, float]]) -> dict[str, dict[str, object]]:
    """Measure -> median and range of the synthetic scans, and whether the real one lies within."""
    samples = list(samples)
    rows = {}
    for name, value in real.items():
        values = [sample[name] for sample in samples if name in sample]
        if len(values) >= 3:
            low, middle, high = np.percentile(values, (5, 50, 95))
            rows[name] = {"median": middle, "low": low, "high": high, "within": bool(low <= value <= high)}
    return rows


BRIEF = (
    *(f"{bone}, {part}, HU, median" for bone in GROUPS for part in ("shell", "core")),
    *(f"{bone}, volume, ml" for bone in GROUPS),
    "hip bones, cover, mm, median",
    *(f"{tissue}, HU, {q}" for tissue in ("muscle", "fat", "lung") for q in ("5 %", "median", "95 %")),
    "what is above 250 HU, HU, median",
    "what is above 250 HU, HU, 95 %",
)
"""Percentiles and volumes that ``--brief`` shows; everything else it shows anyway."""


def shown(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 20 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.3f}"


def print_table(
    region: str, real: Mapping[str, float], columns: Mapping[str, Mapping[str, Mapping[str, object]]], *, brief: bool
) -> None:
    print(
        f"\n### {region}\n\n| measure | real | " + " | ".join(f"{name} (5 to 95 %) | within" for name in columns) + " |"
    )
    print("|---|---|" + "---|---|" * len(columns))
    for name, value in real.items():
        if brief and name not in BRIEF and ("HU, " in name or "volume" in name or "cover" in name):
            continue
        cells = []
        for rows in columns.values():
            row = rows.get(name)
            if row is None:
                cells += ["-", "-"]
            else:
                cells.append(f"{shown(row['median'])} ({shown(row['low'])} to {shown(row['high'])})")
                cells.append("yes" if row["within"] else "**no**")
        print(f"| {name} | {shown(value)} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--brief", action="store_true", help="print the rows that say most")
    parser.add_argument("--count", type=int, default=12, help="bodies per region")
    parser.add_argument("--spacing", type=float, default=3.0, help="mm")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", choices=REGIONS, help="one region alone")
    options = parser.parse_args()
    figures: dict[str, object] = {"spacing_mm": options.spacing, "bodies": options.count, "draws": DRAWS}
    seeds = range(options.count)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn"), initializer=start_worker) as pool:
        for name, region in REGIONS.items():
            if options.only not in (None, name):
                continue
            print(f"{name} ...", file=sys.stderr)
            real = measures(real_sample(region, options.data, options.spacing))
            if region.labels is not None:  # of the abdomen: gas in its bowel looks like lung
                real = {key: value for key, value in real.items() if "lung" not in key or key.startswith("lungs ")}
            made = {"phantoms": list(pool.map(partial(phantom, region, options.spacing), seeds))}
            if region.field == "abdomen_pelvis" and (options.data / ATLAS).is_file():
                made["paintings"] = list(pool.map(partial(painting, options.data, options.spacing), seeds))
            columns = {kind: compared(real, [s for body in samples for s in body]) for kind, samples in made.items()}
            figures[name] = {"real": real, **columns}
            if not options.json:
                print_table(name, real, columns, brief=options.brief)
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
