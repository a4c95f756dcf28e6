import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK

from sneakynet.server.limits import Limits
from sneakynet.server.refusal import RefusalError
from sneakynet.server.scan_file import check_file, kind_of

LIMITS = Limits(voxels=1000, expanded=10_000)
VOXELS = np.arange(64, dtype=np.int16).reshape(4, 4, 4)


@pytest.fixture
def file(tmp_path):
    def do(content):
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return do


def nifti(shape=(4, 4, 4), kind=nibabel.Nifti1Image):
    return kind(np.zeros(shape, np.int16), np.eye(4)).to_bytes()


def written(tmp_path, name):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(VOXELS), str(tmp_path / name), useCompression=name != "a.mha")
    return (tmp_path / name).read_bytes()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda folder: nifti(), "nii"),
        (lambda folder: nifti(kind=nibabel.Nifti2Image), "nii"),
        (lambda folder: gzip.compress(nifti()), "nii.gz"),
        (lambda folder: written(folder, "a.nrrd"), "nrrd"),
        (lambda folder: written(folder, "a.mha"), "mha"),
        (lambda folder: written(folder, "b.mha"), "mha"),
    ],
)
def test_scans_are_known_by_content_and_let_in(file, tmp_path, make, kind):
    path = file(make(tmp_path))
    assert kind_of(path) == kind
    check_file(path, kind, limits=LIMITS)


def test_zip_and_dicom(file):
    assert kind_of(file(b"PK\3\4" + bytes(100))) is None
    assert kind_of(file(bytes(128) + b"DICM" + bytes(10))) == "dicom"


@pytest.mark.parametrize("content", [b"text", b"\x80\x04K\x01.", b"<html>", bytes(1000), b"%PDF-1.4", b"PKnozip"])
def test_anything_else_is_refused(file, content):
    with pytest.raises(RefusalError, match="no scan that can be read; give a CT scan as NIfTI"):
        kind_of(file(content))


def nrrd(*fields):
    return b"\n".join([b"NRRD0004", b"type: short", b"dimension: 3", b"encoding: raw", *fields, b"", b""]) + bytes(128)


def mha(*fields):
    return b"\n".join([b"ObjectType = Image", b"NDims = 3", b"ElementType = MET_SHORT", *fields, b""]) + bytes(128)


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        (nifti((11, 10, 10)), "nii", "11 x 10 x 10 voxels is too large; 1000 voxels are allowed"),
        (nifti()[:-1], "nii", "speaks of 480 bytes, the file holds 479"),
        (gzip.compress(nifti(), mtime=0)[:-20], "nii.gz", "damaged or cut short"),
        (gzip.compress(nifti(), mtime=0) + b"junk", "nii.gz", "damaged or cut short"),
        (gzip.compress(nifti() + bytes(10_000), mtime=0), "nii.gz", "unpacked, which is what is allowed"),
        (gzip.compress(b"hello", mtime=0), "nii.gz", "the gzip file holds no NIfTI"),
        (nrrd(b"sizes: 4 4 4", b"data file: /etc/passwd"), "nrrd", "keeps its voxels in another file"),
        (nrrd(b"sizes: 4 4 4", b"DATAFILE:x"), "nrrd", "keeps its voxels in another file"),
        (nrrd(b"sizes: 99999 99999 99999"), "nrrd", "is too large"),
        (nrrd(b"sizes: 1e9 1 1"), "nrrd", "does not say how many voxels"),
        (nrrd(), "nrrd", "does not say how many voxels"),
        (nrrd(b"sizes: 0 4 4"), "nrrd", "speaks of 0 x 4 x 4 voxels"),
        (b"NRRD0004\ntype: short\nsizes: 4 4 4\n", "nrrd", "keeps its voxels in another file"),
        (mha(b"DimSize = 4 4 4", b"ElementDataFile = /etc/passwd"), "mha", "keeps its voxels in another file"),
        (mha(b"DimSize = 4 4 4", b"ElementDataFile = LIST"), "mha", "keeps its voxels in another file"),
        (
            mha(b"DimSize = 4 4 4", b"Comment = ElementDataFile", b"ElementDataFile = LOCAL"),
            "mha",
            "keeps its voxels in another file",
        ),
        (mha(b"DimSize = 9999 9999 9", b"ElementDataFile = LOCAL"), "mha", "is too large"),
        (mha(b"DimSize = 4 4 4", b"DimSize = 9 9 9", b"ElementDataFile = LOCAL"), "mha", "does not say how many"),
    ],
)
def test_hostile_headers_are_refused(file, content, kind, text):
    with pytest.raises(RefusalError, match=text):
        check_file(file(content), kind, limits=LIMITS)
