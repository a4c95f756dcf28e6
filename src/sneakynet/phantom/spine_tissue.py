"""Discs between the vertebral bodies, the spinal canal, and the joints of the pelvis."""

from itertools import pairwise

import numpy as np

from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.landmarks import Landmarks

_FLESH = ("muscle", "fat", "visceral_fat", "connective", "lung", "bowel", "airway")


def lay_spine_tissue(canvas: Canvas, marks: Landmarks, rng: np.random.Generator) -> None:
    """Whatever bone hides of it stays hidden: bone covers the tissue below."""
    _canal(canvas, marks)
    _discs(canvas, marks, rng)
    _symphysis(canvas, marks, rng)


def _canal(canvas: Canvas, marks: Landmarks) -> None:
    """Dura and cord, 14 to 20 mm wide, behind the bodies down to the sacrum."""
    bodies = marks.bodies
    # The canal's middle lies behind the body by half the canal's depth.
    path = [np.array([x, y - depth - 7.5, z]) for x, y, z, _, depth in bodies]
    sacrum = marks.points("sacrum")
    top = sacrum[sacrum[:, 2] > np.quantile(sacrum[:, 2], 0.75)]
    path.insert(0, np.array([top[:, 0].mean(), np.quantile(top[:, 1], 0.3), top[:, 2].mean() - 10]))
    radius = [7.5] * len(path)
    canvas.rod("fat", path, [r + 2 for r in radius], over=_FLESH)
    canvas.rod("csf", path, radius, over=(*_FLESH, "fat"))
    upper = [p for p in path if p[2] > marks.level("L1")]
    canvas.rod("spinal_canal", upper, [4.5] * len(upper))


def _discs(canvas: Canvas, marks: Landmarks, rng: np.random.Generator) -> None:
    worn = rng.random() < 0.25
    bodies = [row for row in marks.bodies if row[2] < marks.level("C2") - 5]
    sacrum = marks.points("sacrum")
    base = sacrum[sacrum[:, 2] > np.quantile(sacrum[:, 2], 0.9)]
    lowest = bodies[0]
    first = np.array([base[:, 0].mean(), lowest[1] - 4, base[:, 2].mean() - 8, lowest[3], lowest[4]])
    for lower, upper in pairwise([first, *bodies]):
        a, b = lower[:3], upper[:3]
        axis = (b - a) / np.linalg.norm(b - a)
        across = np.cross([0.0, 1.0, 0.0], axis)
        across /= np.linalg.norm(across)
        axes = np.stack([across, np.cross(axis, across), axis], axis=1)
        half, depth = (lower[3] + upper[3]) / 2, (lower[4] + upper[4]) / 2
        height = 0.24 * float(np.linalg.norm(b - a))
        middle = (a + b) / 2
        # A rounded box: an ellipsoid cut off above and below, hidden where the bodies are.
        region, distance = canvas.ball_distance(middle, (1.06 * half, 1.06 * depth, 2.2 * height), axes=axes)
        if region.empty:
            continue
        x, y, z = (c - np.float32(m) for c, m in zip(region.voxels, middle, strict=True))
        along = np.abs(x * np.float32(axis[0]) + y * np.float32(axis[1]) + z * np.float32(axis[2]))
        inside = (distance < 0) & (along < height)
        canvas.lay("disc", inside, region.box, over=(*_FLESH, "csf", "artery", "vein"))
        if worn and rng.random() < 0.2:  # vacuum: gas in a worn disc
            canvas.lay("gas", (distance < -0.55 * depth) & (along < 1.3), region.box, over=("disc",))


def _symphysis(canvas: Canvas, marks: Landmarks, rng: np.random.Generator) -> None:
    left, right = marks.points("hip_left"), marks.points("hip_right")
    if not len(left) or not len(right):
        return
    low = max(left[:, 2].min(), right[:, 2].min())
    pubis = [side[(side[:, 2] < low + 70)] for side in (left, right)]
    a, b = pubis[0][pubis[0][:, 0].argmax()], pubis[1][pubis[1][:, 0].argmin()]
    canvas.ball(
        "disc", (a + b) / 2, (abs(b[0] - a[0]) / 2 + 3, 9.0, 18.0), over=("muscle", "fat", "organ", "visceral_fat")
    )
    for name in ("left", "right"):  # cartilage and fluid around the heads
        for bone, socket, size in (("femur", "hip", 26.0), ("humerus", "scapula", 25.0)):
            head = marks.ball(f"{bone}_{name}", f"{socket}_{name}")
            if head is not None:
                canvas.ball("connective", head, (size, size, size), over=("muscle", "fat"))
