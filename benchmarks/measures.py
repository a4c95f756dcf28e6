"""What it costs to measure all bones of a large scan, beside ITK's label statistics.

    python benchmarks/measures.py [--shape 512 512 600] [--bones 80] [--strays 20] [--json]

The scan holds balls and ellipsoids of a bone's size, and some voxels of each label strewn all over, as networks do. ITK
gives volume, surface, centroid, axes and the moments of HU; no percentiles, no shell, no cut faces. Each method in a
fresh process (Linux).
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.measures.bone_measures import measure_bones
from sneakynet.volumes.volume import Volume

METHODS = ("sneakynet", "ITK")


def make_case(shape: list[int], bones: int, strays: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels, hu = np.zeros(shape, np.uint8, order="F"), np.zeros(shape, np.int16, order="F")
    for label in range(1, bones + 1):
        radii = rng.integers(8, 55, 3)
        low = np.maximum(rng.integers(0, shape) - radii, 0)
        box = tuple(slice(a, a + 2 * r) for a, r in zip(low, radii, strict=True))
        grid = np.ogrid[tuple(slice(0, n) for n in labels[box].shape)]
        inside = sum(((x - r) / r) ** 2 for x, r in zip(grid, radii, strict=True)) < 1
        labels[box][inside] = label
        labels[tuple(rng.integers(0, n, strays) for n in shape)] = label
    for k in range(shape[2]):  # plane by plane: a peak here would hide the method's own
        inside = labels[..., k] > 0
        hu[inside, k] = rng.integers(0, 1000, int(inside.sum()))
    return labels, hu


def ours(labels: np.ndarray, hu: np.ndarray, spacing: float) -> int:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    return len(measure_bones(Volume(labels, affine), Volume(hu, affine), table=BoneTable.default()))


def itk(labels: np.ndarray, hu: np.ndarray, spacing: float) -> int:
    import SimpleITK

    ids, image = (SimpleITK.GetImageFromArray(array.transpose(2, 1, 0)) for array in (labels, hu))
    for each in (ids, image):
        each.SetSpacing((spacing,) * 3)
    shapes, values = SimpleITK.LabelShapeStatisticsImageFilter(), SimpleITK.LabelIntensityStatisticsImageFilter()
    shapes.ComputePerimeterOn()
    shapes.Execute(ids)
    values.Execute(ids, image)
    return len(shapes.GetLabels())


def child(method: str, args: argparse.Namespace) -> None:
    labels, hu = make_case(args.shape, args.bones, args.strays)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, core = time.perf_counter(), time.process_time()
    found = {"sneakynet": ours, "ITK": itk}[method](labels, hu, 0.8)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    row = {
        "method": method,
        "bones": found,
        "seconds": round(time.perf_counter() - wall, 1),
        "core_seconds": round(time.process_time() - core, 1),
        "more_mb": round(used / 1024),
    }
    print(json.dumps(row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=[512, 512, 600])
    parser.add_argument("--bones", type=int, default=80)
    parser.add_argument("--strays", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args)
        return
    rows = []
    for method in METHODS:
        command = [sys.executable, *sys.argv, "--child", method]
        rows.append(json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))
    ratio = round(rows[0]["core_seconds"] / rows[1]["core_seconds"], 2)
    if args.json:
        print(json.dumps({"shape": args.shape, "methods": rows, "ratio": ratio}, indent=2))
        return
    for row in rows:
        print("{method:<10} {bones} bones  {seconds} s, {core_seconds} of a core  {more_mb} MB more".format(**row))
    print(f"core time of sneakynet, of ITK's: {ratio}")


if __name__ == "__main__":
    main()
