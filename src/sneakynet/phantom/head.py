"""Brain, ventricles, sinuses, eyes, mouth and throat, and the neck's vessels and thyroid."""

import numpy as np

from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.outline import hull_field
from sneakynet.phantom.patch import patch
from sneakynet.phantom.tissue_settings import TissueSettings

_FLESH = ("muscle", "fat", "connective", "skin")


def lay_head(canvas: Canvas, marks: Landmarks, settings: TissueSettings, rng: np.random.Generator) -> None:
    """Everything above the chest."""
    skull = marks.points("skull")
    head = _Head(skull, marks.points("mandible"))
    _brain(canvas, skull, head, rng)
    _face(canvas, head, rng)
    _throat(canvas, marks, head, settings, rng)
    _neck(canvas, marks, rng)


class _Head:
    """The skull's box, and points in it by share of its width, depth and height."""

    def __init__(self, skull: np.ndarray, jaw: np.ndarray) -> None:
        # The neck may be bent: front is from the back of the skull to the teeth, up is across it.
        self.middle = float(np.median(skull[:, 0]))
        low, high = skull.min(0), skull.max(0)
        self.origin = np.array([self.middle, low[1], low[2]])
        self.size = np.array([high[0] - low[0], high[1] - low[1], high[2] - low[2]])
        self.jaw = jaw

    def at(self, x: float, y: float, z: float) -> np.ndarray:
        """x from -0.5 (left) to 0.5, y and z from 0 (back, bottom) to 1."""
        point: np.ndarray = self.origin + np.array([x, y, z]) * self.size
        return point


def _brain(canvas: Canvas, skull: np.ndarray, head: _Head, rng: np.random.Generator) -> None:
    low, high = skull.min(0) - 5, skull.max(0) + 5
    region = patch(canvas.grid, canvas.frame, low.tolist(), high.tolist())
    if region.empty:
        return
    x, y, z = region.nodes
    inside = hull_field(region.nodes, skull)
    share_y, share_z = (y - head.origin[1]) / head.size[1], (z - head.origin[2]) / head.size[2]
    # The base rises in three steps from the hindbrain to the forehead.
    base = np.interp(share_y, [0.0, 0.12, 0.45, 0.55, 0.72, 0.95], [0.22, 0.13, 0.2, 0.34, 0.42, 0.47])
    brain = np.maximum(inside + 2, (base - share_z) * np.float32(head.size[2])).astype(np.float32)
    canvas.lay("csf", region.below(brain), region.box)
    folds = region.fine_noise(rng, 9.0) * np.float32(1.6)
    atrophy = np.float32(rng.uniform(5, 10))
    canvas.lay("brain", region.fine(brain) + folds < -atrophy, region.box)
    canvas.lay(
        "csf",
        (np.abs(region.fine(x) - np.float32(head.middle)) < 1.0) & region.below((0.62 - share_z).astype(np.float32)),
        region.box,
        over=("brain",),
    )
    wide = rng.uniform(0.7, 1.6)
    for side in (-1.0, 1.0):
        horn = [head.at(0.06 * side, 0.68, 0.62), head.at(0.09 * side, 0.45, 0.66), head.at(0.17 * side, 0.28, 0.58)]
        canvas.rod("csf", horn, (5 * wide, 6 * wide, 5 * wide), over=("brain",))
    canvas.ball("calcification", head.at(0.0, 0.42, 0.55), (2.5, 3.0, 2.5), over=("brain", "csf"))


def _face(canvas: Canvas, head: _Head, rng: np.random.Generator) -> None:
    """Below the brain: eyes in fat, sinuses, the nose and the mastoid cells; each in what the skull leaves free."""
    w, d, h = head.size
    for side in (-1.0, 1.0):
        orbit = head.at(0.22 * side, 0.88, 0.32)
        canvas.ball("fat", orbit + np.array([0, -8.0, 0]), (0.14 * w, 0.14 * d, 0.12 * h), over=(*_FLESH, "csf"))
        canvas.ball("csf", orbit + np.array([0, 4.0, 0]), (12.0, 12.0, 12.0), over=(*_FLESH,))
        canvas.rod(
            "muscle",
            [orbit + np.array([0, -8.0, 0]), orbit + np.array([-side * 14, -34.0, 0])],
            (3.0, 2.5),
            over=("fat",),
        )
        air = "sinus" if rng.random() < 0.88 else "connective"
        size = rng.uniform(0.75, 1.15)
        canvas.ball(
            air,
            head.at(0.19 * side, 0.74, 0.11),
            (0.1 * w * size, 0.1 * d * size, 0.1 * h * size),
            rough=rng,
            over=(*_FLESH, "csf"),
        )
        mastoid = head.at(0.36 * side, 0.38, 0.16)
        region, distance = canvas.ball_distance(mastoid, (0.08 * w, 0.1 * d, 0.1 * h))
        if not region.empty:
            cells = rng.random(region.shape, dtype=np.float32) < rng.uniform(0.2, 0.7)
            canvas.lay("sinus", (distance < 0) & cells, region.box, over=(*_FLESH, "csf", "brain"))
        canal = [head.at(0.5 * side, 0.44, 0.22), head.at(0.34 * side, 0.44, 0.22)]
        canvas.rod("sinus", canal, (3.5, 3.0), over=_FLESH)
        canvas.ball("sinus", head.at(0.05 * side, 0.8, 0.31), (0.05 * w, 0.12 * d, 0.07 * h), rough=rng, over=_FLESH)
        canvas.ball("muscle", head.at(0.32 * side, 0.72, 0.12), (0.06 * w, 0.1 * d, 0.16 * h), over=_FLESH)
        # The nose: two passages with turbinates.
        passage = [head.at(0.04 * side, 1.0, 0.2), head.at(0.05 * side, 0.78, 0.22), head.at(0.04 * side, 0.6, 0.22)]
        canvas.rod("airway", passage, (4.5, 6.0, 6.0), over=(*_FLESH, "csf"))
        shell = [head.at(0.07 * side, 0.92, 0.19), head.at(0.07 * side, 0.7, 0.2)]
        canvas.rod("connective", shell, (3.0, 3.0), over=("airway",))
    if rng.random() < 0.85:
        canvas.ball(
            "sinus",
            head.at(rng.normal(0, 0.04), 0.96, 0.47),
            (0.14 * w * rng.uniform(0.4, 1.2), 0.035 * d, 0.09 * h),
            rough=rng,
            over=(*_FLESH, "csf", "brain"),
        )
    canvas.ball(
        "sinus", head.at(0.0, 0.6, 0.31), (0.08 * w, 0.07 * d, 0.06 * h), rough=rng, over=(*_FLESH, "csf", "brain")
    )


def _throat(canvas: Canvas, marks: Landmarks, head: _Head, settings: TissueSettings, rng: np.random.Generator) -> None:
    """From the back of the nose past the tongue to the larynx, where the trachea begins."""
    heights = {level: marks.level(level) for level in ("C1", "C2", "C3", "C4", "C5", "C6")}

    def before(level: str, gap: float) -> np.ndarray:
        bodies = marks.bodies
        depth = float(np.interp(heights[level], bodies[:, 2], bodies[:, 4]))
        return marks.at(level, (0.0, depth + gap, 0.0))

    top = head.at(0.0, 0.6, 0.2)
    narrow = rng.uniform(0.6, 1.25)
    path = [top, before("C2", 9.0), before("C3", 10.0), before("C4", 12.0), before("C5", 14.0), before("C6", 15.0)]
    radii = np.array([9, 8, 8.5, 9, 6, 8]) * narrow
    mucosa = [float(r) + 2.5 for r in radii]
    canvas.rod("connective", path, mucosa, over=(*_FLESH, "organ"))
    if len(head.jaw):
        jaw = head.jaw
        mouth = np.array([head.middle, np.quantile(jaw[:, 1], 0.6), np.quantile(jaw[:, 2], 0.55)])
        canvas.ball("muscle", mouth, (24.0, 32.0, 22.0), over=("fat", "connective"))
        if rng.random() < 0.6:
            over_tongue = mouth + np.array([0, 0, 20.0])
            canvas.ball(
                "airway",
                over_tongue,
                (rng.uniform(10, 22), rng.uniform(18, 32), rng.uniform(2, 7)),
                rough=rng,
                over=(*_FLESH, "organ"),
            )
        for side in (-1.0, 1.0):
            gland = mouth + np.array([side * 30, -34.0, -12.0])
            canvas.ball("organ", gland, (9.0, 13.0, 14.0), over=("muscle", "fat"))
            parotid = np.array(
                [
                    head.middle + side * 0.44 * np.ptp(jaw[:, 0]),
                    np.quantile(jaw[:, 1], 0.12) - 8,
                    np.quantile(jaw[:, 2], 0.75),
                ]
            )
            canvas.ball("connective", parotid, (10.0, 15.0, 22.0), over=("muscle", "fat"))
    canvas.rod("airway", path, [float(r) for r in radii])
    # Thyroid and cricoid cartilage, calcified with age.
    hard = "calcification" if rng.random() < 0.4 else "cartilage"
    centre = before("C5", 17.0)
    region, distance = canvas.ball_distance(centre, (16.0, 17.0, 19.0))
    if not region.empty:
        front = region.voxels[1] > np.float32(centre[1] - 7)
        shell = (distance < 0) & (distance > -3.0) & front
        canvas.lay("cartilage", shell, region.box, over=_FLESH)
        if hard == "calcification":
            speckle = rng.random(region.shape, dtype=np.float32) < rng.uniform(0.15, 0.6)
            canvas.lay(hard, shell & speckle, region.box, over=("cartilage",))
    if rng.random() < 0.5 * settings.tube_rate:
        tube = [top, path[2], path[4], marks.at("T2", (0.0, 30.0, 0.0))]
        canvas.wire("lead", tube, 1.6, over=("airway", "connective"))


def _neck(canvas: Canvas, marks: Landmarks, rng: np.random.Generator) -> None:
    over = ("muscle", "fat", "connective")
    size = rng.uniform(0.8, 1.3)
    for side in (-1.0, 1.0):
        lobe = [marks.at("C6", (side * 16.0, 28.0, 0.0)), marks.at("T1", (side * 15.0, 30.0, 0.0))]
        canvas.rod("thyroid", lobe, (6.5 * size, 8.5 * size), over=over)
        carotid = [
            marks.at(level, (side * dx, dy, 0.0))
            for level, dx, dy in (("T1", 24.0, 24.0), ("C5", 27.0, 20.0), ("C3", 27.0, 14.0), ("C1", 25.0, 6.0))
        ]
        canvas.rod("artery", carotid, (4.0, 3.6, 3.2, 2.6), over=over)
        jugular = [p + np.array([side * 9.0, 2.0, 0.0]) for p in carotid]
        canvas.rod("vein", jugular, np.array([6.5, 5.5, 5, 4]) * rng.uniform(0.6, 1.3), over=over)
        if rng.random() < 0.25:
            canvas.ball("calcification", carotid[2] + rng.normal(0, 2, 3), (2.0, 2.0, 3.5))
        # Sternocleidomastoid and the deep muscles, with fat between them.
        for x, y, r in ((34.0, 26.0, 11.0), (24.0, -24.0, 13.0), (40.0, -10.0, 9.0)):
            line = [marks.at(level, (side * x, y, 0.0)) for level in ("T1", "C5", "C2")]
            canvas.rod("fat", line, (r + 2.0, r + 2.0, r + 1.0), over=("muscle",))
            canvas.rod("muscle", line, (r, r, 0.8 * r), over=("fat",))
    canvas.rod(
        "thyroid", [marks.at("C7", (-12.0, 37.0, 0.0)), marks.at("C7", (12.0, 37.0, 0.0))], (4.0, 4.0), over=over
    )
