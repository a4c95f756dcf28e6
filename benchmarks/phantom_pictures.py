"""The pictures of docs/concepts/data-engine.md: phantoms as they come, and phantoms beside a real scan.

    python benchmarks/phantom_pictures.py [-o docs/images] [--data ../shared/data] [--seed 0]

- phantoms.jpg: a contact sheet of the first seeds, each with the field of view that it draws.
- real_and_phantoms.jpg: axial slices of a real scan (``ct_abdomen_pelvis_3mm``, Apache-2.0) and of phantoms with that
  field of view, soft tissue window.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.phantom import make_phantom
from sneakynet.phantom.scan import ScanSettings
from sneakynet.phantom.settings import PhantomSettings
from sneakynet.viewer.contact_sheet import SheetCase, draw_contact_sheet
from sneakynet.viewer.preview import INK, PAPER
from sneakynet.volumes.read import read_volume

REAL = "ct_abdomen_pelvis_3mm/ct.nii.gz"
SPACING = 3.0
ROWS, SLICES = 4, 6
WINDOW_HU = (-200, 300)


def sheet(first: int) -> Figure:
    cases = []
    for seed in range(first, first + ROWS + 1):
        made = make_phantom(seed, spacing=SPACING)
        about = (str(made.facts[key]).replace("_", " ") for key in ("field", "pose", "sex"))
        caption = " · ".join([f"seed {seed}", *about, f"{made.facts['age']:.0f} years", f"BMI {made.facts['bmi']:.0f}"])
        cases.append(SheetCase(caption, made.scan, made.labels))
    return draw_contact_sheet(cases, table=BoneTable.default())


def beside_real(real: Path, first: int) -> Figure:
    # Tissue of any HU, as some scans for training have it, would not show in this window.
    settings = PhantomSettings(scan=ScanSettings(wild=0.0))
    rows = [("real", read_volume(real).voxels)]
    for seed in range(first, first + ROWS - 1):
        made = make_phantom(seed, spacing=SPACING, field="abdomen_pelvis", settings=settings)
        rows.append((f"seed {seed}\nBMI {made.facts['bmi']:.0f}", made.scan.voxels))
    figure = Figure(figsize=(1.9 * SLICES + 0.7, 1.6 * len(rows)), facecolor=PAPER)
    axes = figure.subplots(len(rows), SLICES, gridspec_kw={"wspace": 0.02, "hspace": 0.02})
    figure.subplots_adjust(left=0.06, right=1, bottom=0, top=1)
    for row, (name, hu) in zip(axes, rows, strict=True):
        for n, axis in enumerate(row):
            k = int((n + 0.5) / SLICES * hu.shape[2])
            low, high = WINDOW_HU
            axis.imshow(hu[::-1, :, k].T, origin="lower", cmap="gray", vmin=low, vmax=high, interpolation="bilinear")
            axis.set_axis_off()
        row[0].text(-0.15, 0.5, name, color=INK, fontsize=9, ha="center", va="center", transform=row[0].transAxes)
    return figure


def save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80, facecolor=PAPER, pil_kwargs={"quality": 82, "optimize": True})
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB, {np.prod(figure.get_size_inches()) * 80**2 / 1e6:.1f} MP")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=0, help="the first; they are shown as they come")
    options = parser.parse_args()
    save(sheet(options.seed), options.output / "phantoms.jpg")
    save(beside_real(options.data / REAL, options.seed), options.output / "real_and_phantoms.jpg")


if __name__ == "__main__":
    main()
