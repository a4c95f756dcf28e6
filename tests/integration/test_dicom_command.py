"""``sneakynet dicom`` on a series made on the spot."""

import numpy as np
import pydicom
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.volumes.read import read_volume
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels

TABLE = BoneTable.default()


@pytest.fixture
def case(dicom, tmp_path):
    """A series, and labels on its grid in a NIfTI file."""
    folder = dicom.series(
        tmp_path / "series",
        dicom.axial([0, 2, 4, 6]),
        hu=dicom.values(4, rows=12, columns=15),
        edit=dicom.as_from_a_scanner,
    )
    scan = read_volume(folder)
    voxels = np.zeros(scan.shape, dtype=np.uint8)
    voxels[2:8, 3:9, 1:3] = TABLE["hip_left"].id
    voxels[10:12, 3:9, 1:3] = TABLE["sacrum"].id
    names = {bone.id: bone.name for bone in TABLE}
    colors = {bone.id: bone.color for bone in TABLE}
    write_labels(tmp_path / "labels.nii.gz", Volume(voxels, scan.affine), names=names, colors=colors)
    return folder, tmp_path / "labels.nii.gz"


@pytest.mark.parametrize(("kind", "modality"), [("seg", "SEG"), ("rtstruct", "RTSTRUCT")])
def test_labels_become_an_object_of_the_study(case, decoder, capsys, kind, modality):
    folder, labels = case
    output = labels.with_name("out.dcm")
    assert main(["dicom", str(labels), "--series", str(folder), "-o", str(output), "--as", kind]) == 0
    assert pydicom.dcmread(output).Modality == modality
    found = getattr(decoder(folder), kind)(output)
    assert {name: int(mask.sum()) for name, mask in found.items()} == {"hip_left": 72, "sacrum": 24}
    out, err = capsys.readouterr()
    assert out == ""
    assert "out.dcm: 2 bones" in err
    source = pydicom.dcmread(next(folder.rglob("*.dcm")))
    assert str(source.PatientID) not in err or not str(source.PatientID)


def test_bad_input(case, tmp_path, capsys):
    folder, labels = case
    output = tmp_path / "out.dcm"
    other = tmp_path / "other.nii.gz"
    names, colors = {1: "skull"}, {1: "#ffffff"}
    write_labels(other, Volume(np.ones((4, 4, 4), np.uint8), np.eye(4)), names=names, colors=colors)
    (tmp_path / "empty").mkdir()
    for path, series, to, text in (
        (other, folder, output, "the label map was not made from this series: it has 4 x"),
        (labels, tmp_path / "empty", output, "empty"),
        (labels, tmp_path / "none", output, "none"),
        (labels, folder, tmp_path / "out.nii", ".dcm"),
        (labels, folder, next(folder.rglob("*.dcm")), "choose another name"),
        (tmp_path / "no.nii.gz", folder, output, "no.nii.gz"),
    ):
        assert main(["dicom", str(path), "--series", str(series), "-o", str(to)]) == 2, path
        err = capsys.readouterr().err
        assert text in err
        assert "Traceback" not in err
    assert not output.exists()


def test_the_extra_is_named(case, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "highdicom", None)
    folder, labels = case
    assert main(["dicom", str(labels), "--series", str(folder), "-o", str(tmp_path / "out.dcm")]) == 2
    assert "sneakynet[dicom]" in capsys.readouterr().err.replace("'.[dicom]'", "sneakynet[dicom]")
