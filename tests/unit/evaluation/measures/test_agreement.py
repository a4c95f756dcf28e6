"""Measures agree with those of ITK, which finds them in another way."""

import numpy as np
import pytest
import SimpleITK
from scipy.ndimage import gaussian_filter

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.measures import pieces
from sneakynet.evaluation.measures.bone_measures import measure_bones
from sneakynet.volumes.volume import Volume


@pytest.mark.parametrize("seed", range(3))
def test_shapes_and_intensities(monkeypatch, seed):
    monkeypatch.setattr(pieces.pieces, "__kwdefaults__", {"edge": 16})
    rng = np.random.default_rng(seed)
    field = np.zeros((50, 40, 30))
    field[2:-2, 2:-2, 2:-2] = gaussian_filter(rng.normal(size=(46, 36, 26)), 5)
    mask = (field > np.quantile(field, 0.8)).astype(np.uint8)
    hu = rng.integers(-100, 1500, mask.shape).astype(np.int16)

    (bone,) = measure_bones(Volume(mask, np.eye(4)), Volume(hu, np.eye(4)), table=BoneTable.default())

    labels, image = (SimpleITK.GetImageFromArray(array.transpose(2, 1, 0)) for array in (mask, hu))
    shapes, values = SimpleITK.LabelShapeStatisticsImageFilter(), SimpleITK.LabelIntensityStatisticsImageFilter()
    shapes.ComputePerimeterOn()
    shapes.Execute(labels)
    values.Execute(labels, image)
    assert bone.volume_ml * 1000 == pytest.approx(shapes.GetPhysicalSize(1))
    # Cubes only: where slices are thicker, ITK weighs the directions as if they were not.
    assert bone.surface_cm2 * 100 == pytest.approx(shapes.GetPerimeter(1), rel=1e-4)
    assert bone.centroid_mm == pytest.approx(shapes.GetCentroid(1), abs=0.01)
    axes = np.array(shapes.GetPrincipalAxes(1)).reshape(3, 3)[::-1]
    for ours, theirs in zip((bone.axis_1, bone.axis_2, bone.axis_3), axes, strict=True):
        assert abs(np.dot(ours, theirs)) == pytest.approx(1, abs=1e-4)
    assert bone.mean_hu == pytest.approx(values.GetMean(1), abs=0.06)
    assert bone.sd_hu == pytest.approx(values.GetStandardDeviation(1), rel=1e-3)
