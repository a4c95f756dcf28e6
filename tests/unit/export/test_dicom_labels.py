import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, OutputError, SettingError, VolumeError
from sneakynet.export.dicom_labels import DicomKind
from sneakynet.geometry.affine import LPS_TO_RAS
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.source_series import read_source_series
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels

TABLE = BoneTable.default()
KINDS: list[DicomKind] = ["seg", "labelmap", "rtstruct"]

COPIED = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "FrameOfReferenceUID",
]

# Directions of the columns and rows of a plane that faces no axis of the patient.
OBLIQUE = (0.6, 0.64, -0.48, -0.8, 0.48, -0.36)


def behind(directions: Any, steps: list[float]) -> list[list[float]]:
    """Positions of slices of these directions that lie right behind one another."""
    across = np.cross(*np.reshape(directions, (2, 3)))
    return [list(np.array([-30.0, 20.0, 5.0]) + step * across) for step in steps]


SERIES: dict[str, dict[str, Any]] = {
    "axial": {},
    "from the head down": {"positions": behind((1, 0, 0, 0, 1, 0), [9, 6, 3, 0])},
    "shuffled": {"positions": behind((1, 0, 0, 0, 1, 0), [3, 0, 6, 9])},
    "sagittal": {
        "positions": behind((0, 1, 0, 0, 0, -1), [0, 2, 4]),
        "directions": (0, 1, 0, 0, 0, -1),
        "pixel": (0.5, 1.25),
    },
    "oblique": {"positions": behind(OBLIQUE, [0, 2.5, 5]), "directions": OBLIQUE, "pixel": (1.5, 0.7)},
    "prone": {"positions": behind((-1, 0, 0, 0, -1, 0), [0, 1, 2]), "directions": (-1, 0, 0, 0, -1, 0)},
    "rounded": {"positions": behind((1, 0, 0, 0, 1, 0), [0, 1.67, 3.33, 5])},
}


@pytest.fixture(params=SERIES)
def anyhow(request: Any, labelled: Any) -> Any:
    """Labels for a series of every kind."""
    return labelled(**SERIES[request.param])


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for name, mask in expected.items():
        np.testing.assert_array_equal(found[name], mask, err_msg=name)


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_another_reader_finds_every_voxel(kind: DicomKind, anyhow: Any, decoder: Any, tmp_path: Path) -> None:
    bones = anyhow.write(tmp_path / "out.dcm", kind)
    assert [bone.name for bone in bones] == list(anyhow.masks)
    assert_same(getattr(decoder(anyhow.folder), kind)(tmp_path / "out.dcm"), anyhow.masks)


@pytest.mark.parametrize("kind", ["seg", "labelmap"])
def test_highdicom_finds_every_voxel_where_it_was(kind: DicomKind, anyhow: Any, tmp_path: Path) -> None:
    anyhow.write(tmp_path / "out.dcm", kind)
    segmentation = highdicom.seg.segread(tmp_path / "out.dcm")
    volume = segmentation.get_volume(combine_segments=True)
    ids = np.zeros(len(anyhow.masks) + 1, int)
    for number in segmentation.segment_numbers:
        if number:  # a label map describes its background too
            ids[number] = TABLE[segmentation.get_segment_description(number).SegmentLabel].id
    to_labels = np.linalg.inv(anyhow.labels.affine) @ LPS_TO_RAS @ volume.affine
    for index in np.ndindex(*volume.array.shape):
        i, j, k = np.rint(to_labels @ [*index, 1]).astype(int)[:3]
        assert anyhow.labels.voxels[i, j, k] == ids[volume.array[index]]
    assert np.count_nonzero(volume.array) == np.count_nonzero(anyhow.labels.voxels)


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_frames_of_a_multi_frame_file_are_referred_to(kind: DicomKind, labelled: Any, tmp_path: Path) -> None:
    single = labelled()
    enhanced = pydicom.dcmread(next(single.folder.glob("*.dcm")))
    _make_multi_frame(enhanced, depths=[4, 0, 6, 2])
    enhanced.save_as(tmp_path / "enhanced.dcm")
    single.write(tmp_path / "out.dcm", kind, source=read_source_series(tmp_path / "enhanced.dcm"))
    result = pydicom.dcmread(tmp_path / "out.dcm")
    if kind == "rtstruct":
        images = [
            (float(contour.ContourData[2]), contour.ContourImageSequence[0])
            for region in result.ROIContourSequence
            for contour in region.ContourSequence
        ]
    else:
        images = [
            (
                float(group.PlanePositionSequence[0].ImagePositionPatient[2]),
                group.DerivationImageSequence[0].SourceImageSequence[0],
            )
            for group in result.PerFrameFunctionalGroupsSequence
        ]
    assert {(z, int(image.ReferencedFrameNumber)) for z, image in images} == {(4, 1), (0, 2), (6, 3), (2, 4)}


def _make_multi_frame(dataset: pydicom.Dataset, *, depths: list[float]) -> None:
    def item(**values: Any) -> pydicom.Dataset:
        made = pydicom.Dataset()
        for keyword, value in values.items():
            setattr(made, keyword, value)
        return made

    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedCTImageStorage
    dataset.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=dataset.ImageOrientationPatient)],
            PixelMeasuresSequence=[item(PixelSpacing=dataset.PixelSpacing, SliceThickness=2)],
        )
    ]
    dataset.PerFrameFunctionalGroupsSequence = [
        item(PlanePositionSequence=[item(ImagePositionPatient=[-100, -50, z])]) for z in depths
    ]
    dataset.NumberOfFrames = len(depths)
    dataset.PixelData = dataset.PixelData * len(depths)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(dataset, keyword)


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_labels_may_have_their_axes_in_any_order(kind: DicomKind, labelled: Any, decoder: Any, tmp_path: Path) -> None:
    source = labelled(**SERIES["oblique"])
    names, colors = ({bone.id: getattr(bone, key) for bone in TABLE} for key in ("name", "color"))
    write_labels(tmp_path / "own.nii.gz", source.labels, names=names, colors=colors)
    turned = nibabel.as_closest_canonical(nibabel.load(tmp_path / "own.nii.gz"))
    nibabel.save(turned, tmp_path / "turned.nii.gz")
    labels = read_labels(tmp_path / "turned.nii.gz")
    assert labels.shape != source.labels.shape
    source.write(tmp_path / "out.dcm", kind, labels=labels)
    assert_same(getattr(decoder(source.folder), kind)(tmp_path / "out.dcm"), source.masks)


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
@pytest.mark.parametrize("anonymised", [False, True])
def test_the_standard_is_kept(kind: DicomKind, anonymised: bool, labelled: Any, tmp_path: Path, dicom: Any) -> None:
    verifier = shutil.which("dciodvfy")
    if verifier is None:
        pytest.skip("dciodvfy is not installed (Debian package dicom3tools)")

    def edit(dataset: pydicom.Dataset, index: int) -> None:
        dicom.as_from_a_scanner(dataset, index)
        if anonymised:
            kept = {"FrameOfReferenceUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"}
            groups = ("Patient", "Study", "Accession", "Referring", "Manufacturer", "PositionReference", "SliceThick")
            for element in list(dataset):
                if element.keyword.startswith(groups) and element.keyword not in kept:
                    delattr(dataset, element.keyword)

    labelled(edit=edit).write(tmp_path / "out.dcm", kind)
    said = subprocess.run([verifier, tmp_path / "out.dcm"], capture_output=True, text=True, check=False)
    lines = [line for line in (said.stdout + said.stderr).splitlines() if line.startswith(("Error", "Warning"))]
    # A DICOMDIR needs an ID of patient and study, which an anonymised source has not.
    assert [line for line in lines if not (anonymised and "needed to build DICOMDIR" in line)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_patient_and_study_are_those_of_the_series(kind: DicomKind, labelled: Any, tmp_path: Path) -> None:
    series = labelled(number=4)
    series.write(tmp_path / "out.dcm", kind)
    source, result = series.source.header, pydicom.dcmread(tmp_path / "out.dcm")
    for keyword in COPIED:
        assert result[keyword].value == source[keyword].value, keyword
    assert result.SeriesInstanceUID != source.SeriesInstanceUID
    assert result.SeriesNumber == 4000 + 1 + KINDS.index(kind)
    assert result.SeriesDescription == "Bones (SneakyNet)"
    assert result.SoftwareVersions == "1.2"


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_every_slice_is_referred_to(kind: DicomKind, labelled: Any, tmp_path: Path) -> None:
    series = labelled()
    series.write(tmp_path / "out.dcm", kind)
    result = pydicom.dcmread(tmp_path / "out.dcm")
    if kind == "rtstruct":
        frame = result.ReferencedFrameOfReferenceSequence[0]
        (listed,) = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence
        images = listed.ContourImageSequence
    else:
        (listed,) = result.ReferencedSeriesSequence
        images = listed.ReferencedInstanceSequence
    assert listed.SeriesInstanceUID == series.source.header.SeriesInstanceUID
    assert {one.ReferencedSOPInstanceUID for one in images} == {
        one.header.SOPInstanceUID for one in series.source.slices
    }


@pytest.mark.parametrize("kind", ["seg", "rtstruct"])
def test_names_of_any_script_come_back(kind: DicomKind, labelled: Any, tmp_path: Path, dicom: Any) -> None:
    def edit(dataset: pydicom.Dataset, index: int) -> None:
        dicom.as_from_a_scanner(dataset, index)
        dataset.SpecificCharacterSet, dataset.PatientName = "ISO_IR 100", "Müller^Jürg"

    series = labelled(edit=edit)
    bones = (Bone(id=1, name="Schädel"), *(Bone(id=n, name=f"b{n}") for n in range(2, 126)))
    series.write(
        tmp_path / "out.dcm",
        kind,
        table=BoneTable(bones),
        labels=Volume((series.labels.voxels > 0).astype(np.uint8), series.labels.affine),
    )
    result = pydicom.dcmread(tmp_path / "out.dcm")
    assert result.PatientName == "Müller^Jürg"
    (found,) = result.StructureSetROISequence if kind == "rtstruct" else result.SegmentSequence
    assert (found.ROIName if kind == "rtstruct" else found.SegmentLabel) == "Schädel"


def test_labels_of_another_grid_are_refused(labelled: Any, tmp_path: Path) -> None:
    series = labelled()
    moved = series.labels.affine.copy()
    moved[0, 3] += 1
    with pytest.raises(VolumeError) as caught:
        series.write(tmp_path / "out.dcm", "seg", labels=Volume(series.labels.voxels, moved))
    assert "the label map was not made from this series: it has 15 x 12 x 4 voxels of 0.6 x 0.8 x 2 mm from " in str(
        caught.value
    )
    assert "(101.00, 50.00, 0.00) mm along (-1 0 0), (0 -1 0), (0 0 1), the series 15 x 12 x 4 voxels" in str(
        caught.value
    )
    assert "(100.00, 50.00, 0.00) mm" in str(caught.value)
    assert list(tmp_path.glob("*.dcm")) == []


def test_labels_of_another_size_are_refused(labelled: Any, tmp_path: Path) -> None:
    series = labelled()
    with pytest.raises(VolumeError, match="it has 15 x 12 x 3 voxels"):
        series.write(tmp_path / "o.dcm", "seg", labels=Volume(series.labels.voxels[..., 1:], series.labels.affine))


@pytest.mark.parametrize("kind", KINDS)
def test_no_bone_makes_no_object(kind: DicomKind, labelled: Any, tmp_path: Path) -> None:
    series = labelled()
    empty = Volume(np.zeros_like(series.labels.voxels), series.labels.affine)
    with pytest.raises(VolumeError, match="the label map holds no bone, and a DICOM object holds at least one"):
        series.write(tmp_path / "out.dcm", kind, labels=empty)


def test_names_too_long_for_dicom_are_refused(labelled: Any, tmp_path: Path) -> None:
    series = labelled()
    table = BoneTable(tuple(Bone(id=n, name=f"{n:065d}") for n in range(1, 126)))
    with pytest.raises(BoneTableError, match=r"names of more than 64 characters do not fit into DICOM: 0+3,"):
        series.write(tmp_path / "out.dcm", "rtstruct", table=table)


def test_the_ending_is_checked(labelled: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"out.nii: the name of a DICOM file must end in .dcm"):
        labelled().write(tmp_path / "out.nii", "seg")


def test_the_object_is_written_whole_or_not_at_all(
    labelled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(dataset: Any, path: Path, **how: Any) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pydicom.FileDataset, "save_as", full)
    monkeypatch.setattr(pydicom.Dataset, "save_as", full)
    (tmp_path / "out.dcm").write_bytes(b"before")
    with pytest.raises(OutputError, match="the disk is full"):
        labelled().write(tmp_path / "out.dcm", "rtstruct")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir() if file.is_file()] == [("out.dcm", b"before")]


@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_the_libraries_quote_no_patient(
    kind: DicomKind, labelled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dicom: Any
) -> None:
    def damaged(dataset: Any, path: Path, **how: Any) -> None:
        msg = f"invalid value {dicom.PATIENT}"
        raise ValueError(msg)

    monkeypatch.setattr(pydicom.Dataset, "save_as", damaged)
    monkeypatch.setattr(pydicom.FileDataset, "save_as", damaged)
    with pytest.raises(VolumeError) as caught:
        labelled().write(tmp_path / "out.dcm", kind)
    assert "cannot be taken over into a DICOM object (ValueError)" in str(caught.value)
    assert "Secret" not in str(caught.getrepr(chain=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("error")
def test_odd_header_values_are_no_ground_to_fail_or_to_talk(
    kind: DicomKind,
    labelled: Any,
    tmp_path: Path,
    *,
    dicom: Any,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def edit(dataset: pydicom.Dataset, index: int) -> None:
        dicom.as_from_a_scanner(dataset, index)
        with pydicom.config.disable_value_validation(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset.PatientID, dataset.PatientSex = "Secret" * 20, "unknown?"
            dataset.PatientBirthDate, dataset.StudyTime = "1950.01.01", "10:11"

    series = labelled(edit=edit)
    caplog.clear()  # what pydicom says as the series is made
    series.write(tmp_path / "out.dcm", kind, source=read_source_series(series.folder))
    said = capfd.readouterr()
    assert "Secret" not in said.out + said.err + caplog.text
    assert "PatientBirthDate, PatientSex, StudyTime breaks the rules of DICOM and stays empty" in caplog.text
    assert "unknown?" not in caplog.text
