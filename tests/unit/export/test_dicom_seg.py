import sys
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import SettingError
from sneakynet.export.algorithm import Algorithm
from sneakynet.volumes.volume import Volume


@pytest.fixture
def written(labelled: Any, tmp_path: Path) -> pydicom.Dataset:
    """Hyoid, twelfth right rib and left hip, as segments 1 to 3."""
    labelled().write(tmp_path / "out.dcm", "seg")
    return pydicom.dcmread(tmp_path / "out.dcm")


def test_codes_and_sides(written: pydicom.Dataset) -> None:
    found = []
    for segment in written.SegmentSequence:
        (kind,) = segment.SegmentedPropertyTypeCodeSequence
        sides = [one.CodeMeaning for one in kind.get("SegmentedPropertyTypeModifierCodeSequence", [])]
        found.append((segment.SegmentLabel, kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning, sides))
        assert segment.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Anatomical Structure"
        assert segment.TrackingID == segment.SegmentLabel
    assert found == [
        ("hyoid", "21387005", "SCT", "Hyoid bone", []),
        ("rib_right_12", "43993008", "SCT", "Twelfth rib", ["Right"]),
        ("hip_left", "28254004", "SCT", "Innominate bone structure", ["Left"]),
    ]


def test_colours_are_those_of_the_table(written: pydicom.Dataset) -> None:
    table = BoneTable.default()
    for segment in written.SegmentSequence:
        lab = highdicom.color.CIELabColor.from_dicom_value(segment.RecommendedDisplayCIELabValue)
        wanted = np.array(list(bytes.fromhex(table[segment.SegmentLabel].color[1:])))
        assert np.abs(np.array(lab.to_rgb()) - wanted).max() <= 1


def test_what_made_them(written: pydicom.Dataset) -> None:
    for segment in written.SegmentSequence:
        (made,) = segment.SegmentationAlgorithmIdentificationSequence
        assert (segment.SegmentAlgorithmType, segment.SegmentAlgorithmName) == ("AUTOMATIC", "SneakyNet")
        assert (made.AlgorithmName, made.AlgorithmVersion) == ("SneakyNet", "1.2")
        assert "tiny" in str(made.AlgorithmParameters)


def test_drawn_by_hand(labelled: Any, tmp_path: Path) -> None:
    labelled().write(tmp_path / "out.dcm", "seg", algorithm=Algorithm("manual", "unknown", automatic=False))
    segment = pydicom.dcmread(tmp_path / "out.dcm").SegmentSequence[0]
    assert segment.SegmentAlgorithmType == "MANUAL"
    assert "SegmentationAlgorithmIdentificationSequence" not in segment


def test_frames_without_the_bone_are_left_out(written: pydicom.Dataset) -> None:
    # The hyoid is on one slice, the hip on all four, the rib on two.
    assert written.NumberOfFrames == 1 + 4 + 2
    assert (written.SegmentationType, written.BitsAllocated) == ("BINARY", 1)


def test_a_label_map_has_a_frame_per_slice(labelled: Any, tmp_path: Path) -> None:
    labelled().write(tmp_path / "out.dcm", "labelmap")
    written = pydicom.dcmread(tmp_path / "out.dcm")
    assert (written.SegmentationType, written.NumberOfFrames, written.BitsAllocated) == ("LABELMAP", 4, 8)
    assert written.file_meta.TransferSyntaxUID.name == "RLE Lossless"


def test_more_than_255_bones(labelled: Any, tmp_path: Path) -> None:
    series = labelled(rows=20, columns=20)
    voxels = np.zeros(series.labels.shape, np.uint16)
    voxels.flat[:300] = np.arange(1, 301)
    table = BoneTable(tuple(Bone(id=n, name=f"b{n}") for n in range(1, 301)))
    for kind in ("seg", "labelmap"):
        series.write(tmp_path / "out.dcm", kind, table=table, labels=Volume(voxels, series.labels.affine))
        volume = highdicom.seg.segread(tmp_path / "out.dcm").get_volume(combine_segments=True)
        assert sorted(volume.array[volume.array > 0].tolist()) == list(range(1, 301))


def test_without_highdicom_the_extra_is_named(labelled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = labelled()
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(SettingError, match=r"highdicom, which is not installed; run pip install 'sneakynet\[dicom\]'"):
        series.write(tmp_path / "out.dcm", "seg")
    series.write(tmp_path / "out.dcm", "rtstruct")  # needs none
