"""Wires, electrodes, tubes and catheters on and in the person: thin and dense, and no bone."""

import numpy as np

from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.patch import Patch
from sneakynet.phantom.tissue_settings import TissueSettings


def lay_devices(
    canvas: Canvas,
    marks: Landmarks,
    region: Patch,
    skin: np.ndarray,
    *,
    settings: TissueSettings,
    rng: np.random.Generator,
) -> None:
    """ECG electrodes on the chest with wires that leave over a shoulder, and catheters inside."""
    if rng.random() < settings.tube_rate:
        path = [marks.at("T1", (45.0, 40.0, 0.0)), marks.at("T3", (26.0, 42.0, 0.0)), marks.at("T6", (30.0, 42.0, 0.0))]
        canvas.wire("lead", path, 1.1)
    if rng.random() < 0.5 * settings.tube_rate:
        path = [
            marks.at("C5", (-3.0, 18.0, 0.0)),
            marks.at("T3", (-6.0, 20.0, 0.0)),
            marks.at("T10", (-12.0, 32.0, 0.0)),
            marks.at("L1", (-40.0, 70.0, 0.0)),
        ]
        canvas.wire("lead", path, 1.3)
    if rng.random() < settings.pacemaker_rate:
        _pacemaker(canvas, marks, rng)
    if rng.random() > settings.wire_rate or region.empty:
        return
    x, y, z = region.nodes
    front = float(marks.points("sternum")[:, 1].max())
    near = np.argwhere((np.abs(skin - 2) < 5) & (y > front - 60) & (z > marks.level("L1")) & (z < marks.level("T2")))
    if not len(near):
        return
    leave = marks.at("C7", (float(rng.choice([-1, 1])) * 120, 60.0, 60.0))
    for _ in range(int(rng.integers(1, 6))):
        i, j, k = near[rng.integers(len(near))]
        spot = np.array([x[i, j, k], y[i, j, k], z[i, j, k]], np.float64)
        canvas.ball("lead", spot, (4.0, 2.0, 4.0), over=("air", "skin", "blanket"))
        bend = (spot + leave) / 2 + np.array([0, rng.uniform(20, 60), 0]) + rng.normal(0, 20, 3)
        canvas.wire("lead", [spot, bend, leave], 0.8, over=("air", "blanket"))


def _pacemaker(canvas: Canvas, marks: Landmarks, rng: np.random.Generator) -> None:
    """Its can under a collar bone, its wires in the right ventricle."""
    side = -1.0 if rng.random() < 0.8 else 1.0
    front = float(marks.points("sternum")[:, 1].max())
    can = np.array([marks.at("T4", (side * 85.0, 0.0, 0.0))[0], front - 18, marks.level("T4") + rng.uniform(-10, 15)])
    canvas.ball("lead", can, (23.0, 5.0, 21.0), over=("fat", "muscle", "skin", "connective"))
    vein = marks.at("T2", (side * 45.0, 40.0, 0.0))
    path = [
        can,
        vein,
        marks.at("T3", (26.0, 42.0, 0.0)),
        marks.at("T6", (30.0, 42.0, 0.0)),
        marks.at("T9", (-5.0, 60.0, 0.0)),
    ]
    canvas.wire("lead", path, 1.2)
