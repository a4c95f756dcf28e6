"""Label maps as DICOM objects, read back without the libraries that wrote them."""

import logging
import shutil
import subprocess
from typing import Any

import numpy as np
import pydicom
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import VolumeError
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


def positions_of(how: str) -> Any:
    """Slice positions, in the order of the files."""
    return {
        "ascending": None,
        "descending": [(0.0, 0.0, z) for z in (6.0, 4.0, 2.0, 0.0)],
        "shuffled": [(0.0, 0.0, z) for z in (4.0, 0.0, 6.0, 2.0)],
    }[how]


@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled"])
@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_every_voxel_comes_back_on_its_slice(labelled, decoder, tmp_path, kind, order):
    made = labelled(positions_of(order))
    bones = made.write(tmp_path / "out.dcm", kind)
    found = getattr(decoder(made.folder), kind)(tmp_path / "out.dcm")
    assert set(found) == set(made.masks) == {bone.name for bone in bones}
    for name, mask in made.masks.items():
        np.testing.assert_array_equal(found[name], mask, err_msg=name)


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_labels_with_other_axes_are_the_same(labelled, decoder, tmp_path, kind):
    made = labelled()
    made.write(tmp_path / "out.dcm", kind, labels=canonical(made.labels))
    found = getattr(decoder(made.folder), kind)(tmp_path / "out.dcm")
    for name, mask in made.masks.items():
        np.testing.assert_array_equal(found[name], mask, err_msg=name)


def test_highdicom_reads_its_own(labelled, tmp_path):
    highdicom = pytest.importorskip("highdicom")
    made = labelled()
    made.write(tmp_path / "out.dcm", "seg")
    read = highdicom.seg.segread(tmp_path / "out.dcm")
    assert {read.get_segment_description(n).segment_label for n in read.segment_numbers} == set(made.masks)


def test_segments_say_what_they_are(labelled, tmp_path):
    made = labelled()
    made.write(tmp_path / "out.dcm", "seg")
    dataset = pydicom.dcmread(tmp_path / "out.dcm")
    source = pydicom.dcmread(next(made.folder.rglob("*.dcm")))
    assert (dataset.Modality, dataset.SegmentationType) == ("SEG", "BINARY")
    for name in ("StudyInstanceUID", "PatientID", "FrameOfReferenceUID"):
        assert dataset[name].value == source[name].value
    segments = {str(one.SegmentLabel): one for one in dataset.SegmentSequence}
    hip = segments["hip_left"]
    code = hip.SegmentedPropertyTypeCodeSequence[0]
    assert (code.CodingSchemeDesignator, code.CodeValue) == ("SCT", TABLE["hip_left"].snomed_code)
    assert hip.SegmentAlgorithmType == "AUTOMATIC"
    assert "RecommendedDisplayCIELabValue" in hip


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_the_standard_s_own_checker_finds_no_error(labelled, tmp_path, kind):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian's dicom3tools) is not installed")
    labelled().write(tmp_path / "out.dcm", kind)
    said = subprocess.run(["dciodvfy", tmp_path / "out.dcm"], capture_output=True, text=True)
    assert "Error" not in said.stderr + said.stdout, said.stderr


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_another_grid_is_refused_and_nothing_written(labelled, tmp_path, kind):
    made = labelled()
    affine = made.labels.affine.copy()
    affine[2, 3] += 1
    for wrong in (Volume(made.labels.voxels, affine), Volume(made.labels.voxels[:-1], made.labels.affine)):
        with pytest.raises(VolumeError):
            made.write(tmp_path / "out.dcm", kind, labels=wrong)
    assert not (tmp_path / "out.dcm").exists()


def test_labels_without_a_bone_are_refused(labelled, tmp_path):
    made = labelled()
    with pytest.raises(VolumeError, match="bone"):
        made.write(tmp_path / "out.dcm", "seg", labels=Volume(np.zeros_like(made.labels.voxels), made.labels.affine))


def test_the_patient_is_in_the_object_and_in_no_log(labelled, tmp_path, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    made = labelled()
    source = pydicom.dcmread(next(made.folder.rglob("*.dcm")))
    made.write(tmp_path / "out.dcm", "seg")
    assert pydicom.dcmread(tmp_path / "out.dcm").PatientName == source.PatientName
    said = caplog.text + "".join(capsys.readouterr())
    for secret in (str(source.PatientName), str(source.PatientID), "Secret", "19500101"):
        assert not secret or secret not in said


def test_a_grid_turned_against_the_axes(labelled, decoder, tmp_path):
    """An oblique series: slices run along a direction of its own."""
    angle = np.radians(20)
    along = np.array([0.0, -np.sin(angle), np.cos(angle)])
    positions = [tuple(2.0 * n * along) for n in range(4)]
    orientation = [1, 0, 0, 0, float(np.cos(angle)), float(np.sin(angle))]
    made = labelled(positions, directions=orientation)
    made.write(tmp_path / "out.dcm", "seg")
    found = decoder(made.folder).seg(tmp_path / "out.dcm")
    for name, mask in made.masks.items():
        np.testing.assert_array_equal(found[name], mask, err_msg=name)
