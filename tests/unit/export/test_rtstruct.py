from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from sneakynet.export.algorithm import Algorithm


@pytest.fixture
def written(labelled: Any, tmp_path: Path) -> pydicom.Dataset:
    """Hyoid, twelfth right rib and left hip, as regions 1 to 3."""
    labelled().write(tmp_path / "out.dcm", "rtstruct")
    return pydicom.dcmread(tmp_path / "out.dcm")


def test_regions_have_names_colours_and_codes(written: pydicom.Dataset) -> None:
    assert [(one.ROINumber, one.ROIName) for one in written.StructureSetROISequence] == [
        (1, "hyoid"),
        (2, "rib_right_12"),
        (3, "hip_left"),
    ]
    assert written.ROIContourSequence[0].ROIDisplayColor == [0xFD, 0x95, 0xE8]
    (code,) = written.RTROIObservationsSequence[2].RTROIIdentificationCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("28254004", "SCT")
    assert code.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"


def test_what_made_them(labelled: Any, tmp_path: Path, written: pydicom.Dataset) -> None:
    region = written.StructureSetROISequence[0]
    assert (region.ROIGenerationAlgorithm, region.ROIGenerationDescription) == ("AUTOMATIC", "SneakyNet 1.2 tiny")
    labelled().write(tmp_path / "out.dcm", "rtstruct", algorithm=Algorithm("manual", "", automatic=False))
    assert pydicom.dcmread(tmp_path / "out.dcm").StructureSetROISequence[0].ROIGenerationAlgorithm == "MANUAL"


def test_an_outline_runs_half_way_between_pixels(written: pydicom.Dataset) -> None:
    # The hyoid is the last voxel of the last slice: column 14 of 0.6 mm, row 11 of 0.8 mm, from (-100, -50).
    (contour,) = written.ROIContourSequence[0].ContourSequence
    points = np.array(contour.ContourData, float).reshape(-1, 3)
    assert contour.ContourGeometricType == "CLOSED_PLANAR"
    assert contour.NumberOfContourPoints == len(points) == 4
    np.testing.assert_allclose(points.min(axis=0), [-100 + 13.5 * 0.6, -50 + 10.5 * 0.8, 6], atol=1e-3)
    np.testing.assert_allclose(points.max(axis=0), [-100 + 14.5 * 0.6, -50 + 11.5 * 0.8, 6], atol=1e-3)


def test_a_hole_is_a_keyhole_and_an_island_a_contour_of_its_own(written: pydicom.Dataset) -> None:
    assert len(written.ROIContourSequence[2].ContourSequence) == 2 * 4


def test_outlines_too_long_for_explicit_types_are_read_back(labelled: Any, tmp_path: Path) -> None:
    series = labelled(rows=96, columns=96)
    # Stripes that hang together: one outline of many corners.
    voxels = series.labels.voxels
    voxels[...] = 0
    voxels[::2] = voxels[:, ::94] = 1
    voxels[0, :, 1:] = voxels[-1, :, 1:] = 0
    series.labels.voxels[:, 1::4] = 1
    series.write(tmp_path / "out.dcm", "rtstruct")
    written = pydicom.dcmread(tmp_path / "out.dcm")
    contours = written.ROIContourSequence[0].ContourSequence
    assert max(len("\\".join(map(str, one.ContourData))) for one in contours) > 2**16
