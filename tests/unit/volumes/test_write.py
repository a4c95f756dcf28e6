import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK

from sneakynet.errors import OutputError, SettingError, VolumeError
from sneakynet.volumes.label_names import read_label_names
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels, write_scan

SHARED = Path(__file__).parents[4] / "shared" / "data"
NAMES = {1: "skull", 3: "rib_left_1", 300: "hip_right"}
COLORS = {1: "#ff0000", 3: "#00ff00", 300: "#0000ff"}
COS, SIN = np.cos(0.3), np.sin(0.3)
OBLIQUE = np.array([[-0.7 * COS, 0.8 * SIN, 0, -1], [-0.7 * SIN, -0.8 * COS, 0, -2], [0, 0, 2.5, 3], [0, 0, 0, 1]])


def labels(*, high: int = 3, affine: np.ndarray = OBLIQUE) -> Volume:
    voxels = np.zeros((4, 5, 6), dtype=np.int64)
    voxels[1:3, 2, 3] = 1
    voxels[0, 0, 4:] = high
    return Volume(voxels, affine)


def write(path: Path, volume: Volume, **options: Any) -> Path:
    write_labels(path, volume, names=NAMES, colors=COLORS, **options)
    return path


@pytest.mark.parametrize("name", ["case.nii.gz", "case.nii", "case.seg.nrrd"])
@pytest.mark.parametrize(("high", "dtype"), [(3, np.uint8), (300, np.uint16)])
def test_labels_come_back(tmp_path: Path, name: str, high: int, dtype: type) -> None:
    back = read_labels(write(tmp_path / name, labels(high=high)))
    np.testing.assert_array_equal(back.voxels, labels(high=high).voxels)
    assert back.voxels.dtype == dtype
    np.testing.assert_allclose(back.affine, OBLIQUE, atol=1e-6)


def test_a_nifti_header_names_all_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "case.nii.gz", labels())
    assert read_label_names(path) == NAMES
    image = nibabel.load(path)
    assert b"\0" not in image.header.extensions[0].get_content()
    assert image.header.get_xyzt_units()[0] == "mm"
    assert int(image.header["sform_code"]) == int(image.header["qform_code"]) == 1


def test_the_sidecar_lists_ids_names_and_colours(tmp_path: Path) -> None:
    write(tmp_path / "case.nii.gz", labels())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["case.labels.json", "case.nii.gz"]
    content = json.loads((tmp_path / "case.labels.json").read_text())
    assert (content["format"], content["version"]) == ("sneakynet-labels", 1)
    assert content["labels"][1] == {"id": 3, "name": "rib_left_1", "color": "#00ff00"}


def test_the_sidecar_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path / "case.nii.gz", labels(), sidecar=False)
    assert [file.name for file in tmp_path.iterdir()] == ["case.nii.gz"]


def test_the_same_labels_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("case.nii.gz", "case.seg.nrrd"):
        first = write(tmp_path / name, labels()).read_bytes()
        assert write(tmp_path / name, labels()).read_bytes() == first


def test_slicer_fields(tmp_path: Path) -> None:
    path = write(tmp_path / "case.seg.nrrd", labels())
    assert read_label_names(path) == {1: "skull", 3: "rib_left_1"}
    header = path.read_bytes().split(b"\n\n")[0].decode().splitlines()
    assert header[0] == "NRRD0004"
    for line in (
        "space: left-posterior-superior",
        "sizes: 4 5 6",
        "encoding: gzip",
        "Segmentation_SourceRepresentation:=Binary labelmap",
        "Segment0_ID:=Segment_1",
        "Segment0_Name:=skull",
        "Segment0_Color:=1.000000 0.000000 0.000000",
        "Segment0_LabelValue:=1",
        "Segment0_Layer:=0",
        "Segment0_Extent:=1 2 2 2 3 3",
        "Segment1_Name:=rib_left_1",
        "Segment1_Extent:=0 0 0 0 4 5",
    ):
        assert line in header
    assert not any(line.startswith("Segment2") for line in header)


def test_simpleitk_sees_the_same_grid_in_both_formats(tmp_path: Path) -> None:
    one = SimpleITK.ReadImage(write(tmp_path / "case.nii.gz", labels()))
    other = SimpleITK.ReadImage(write(tmp_path / "case.seg.nrrd", labels()))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(one), SimpleITK.GetArrayFromImage(other))
    for get in ("GetOrigin", "GetSpacing", "GetDirection"):
        np.testing.assert_allclose(getattr(one, get)(), getattr(other, get)(), atol=1e-5)


def test_a_sform_is_kept_to_the_last_bit(tmp_path: Path) -> None:
    stored = OBLIQUE.astype(np.float32).astype(np.float64)
    back = nibabel.load(write(tmp_path / "case.nii.gz", labels(affine=stored)))
    np.testing.assert_array_equal(back.affine, stored)


def test_an_affine_that_only_a_quaternion_gave_is_kept_to_the_last_bit(tmp_path: Path) -> None:
    source = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), None)
    source.set_sform(None, code=0)
    source.set_qform(OBLIQUE, code=1)
    assert not np.array_equal(source.affine, source.affine.astype(np.float32))
    source.update_header()
    affine = source.header.get_best_affine()
    back = nibabel.load(write(tmp_path / "case.nii.gz", labels(affine=affine)))
    np.testing.assert_array_equal(back.affine, affine)


def test_a_sheared_grid_has_no_quaternion(tmp_path: Path) -> None:
    sheared = OBLIQUE.copy()
    sheared[1, 2] = 0.8
    back = nibabel.load(write(tmp_path / "case.nii.gz", labels(affine=sheared)))
    np.testing.assert_allclose(back.affine, sheared, atol=1e-6)
    assert int(back.header["qform_code"]) == 0


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real scans of ../shared/data are not there")
@pytest.mark.parametrize("name", ["ct_abdomen_pelvis_3mm", "ct_neck_5mm", "ct_vertebra_crop_1.5mm"])
def test_labels_lie_on_the_grid_of_a_real_scan(tmp_path: Path, name: str) -> None:
    path = SHARED / name / "ct.nii.gz"
    scan = read_volume(path)
    bone = Volume((scan.voxels > 300).astype(np.uint8), scan.affine)
    back = nibabel.load(write(tmp_path / "case.nii.gz", bone))
    np.testing.assert_array_equal(back.affine, nibabel.load(path).affine)
    assert back.shape == nibabel.load(path).shape


@pytest.mark.parametrize("name", ["case.nrrd", "case.png", ".nii.gz"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        SettingError, match=r"the name must end in .nii.gz or .nii or .seg.nrrd, which chooses the format"
    ):
        write(tmp_path / name, labels())


def test_a_label_without_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match=r"labels \[4\] occur but have no name; the table ends at 300"):
        write(tmp_path / "case.nii.gz", labels(high=4))
    assert not list(tmp_path.iterdir())


def test_a_name_without_colour_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"label 3 \(rib_left_1\) has no colour; give one as #rrggbb"):
        write_labels(tmp_path / "case.nii.gz", labels(), names=NAMES, colors={1: "#ff0000"})


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"there is no folder"):
        write(tmp_path / "missing" / "case.nii.gz", labels())


@pytest.mark.parametrize("name", ["case.nii.gz", "case.seg.nrrd"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sneakynet.volumes.write.nibabel.save", full)
    monkeypatch.setattr("sneakynet.volumes.seg_nrrd.gzip.compress", full)
    with pytest.raises(OutputError, match=r"the disk is full"):
        write(tmp_path / name, labels(), sidecar=False)
    assert not list(tmp_path.iterdir())


def test_scans_are_rounded_to_int16(tmp_path: Path) -> None:
    voxels = np.linspace(-1000, 2000, 27, dtype=np.float32).reshape(3, 3, 3)
    write_scan(tmp_path / "scan.nii.gz", Volume(voxels, np.diag([2.0, 2.0, 2.0, 1.0])))
    back = read_volume(tmp_path / "scan.nii.gz")
    assert back.voxels.dtype == np.int16
    np.testing.assert_array_equal(back.voxels, np.rint(voxels))


@pytest.mark.parametrize("value", [40000.0, np.nan])
def test_scans_beyond_int16_are_refused(tmp_path: Path, value: float) -> None:
    voxels = np.zeros((2, 2, 2), dtype=np.float32)
    voxels[0, 0, 0] = value
    with pytest.raises(VolumeError, match=r"do not fit into int16 \(-32768 to 32767\); clip them"):
        write_scan(tmp_path / "scan.nii.gz", Volume(voxels, np.eye(4)))
