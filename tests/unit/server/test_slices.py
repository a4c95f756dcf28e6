import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian

from sneakynet.server.limits import Limits
from sneakynet.server.refusal import RefusalError
from sneakynet.server.slices import check_slices

LIMITS = Limits(voxels=6 * 8 * 3)


@pytest.fixture
def series(dicom, tmp_path):
    return dicom.series(tmp_path / "scan", dicom.axial([0, 2, 4]))


def test_a_series_is_let_in_and_other_files_go(series):
    (series / "notes.dcm").write_text("no DICOM")
    check_slices(series, series=None, limits=LIMITS)
    assert sorted(path.name for path in series.iterdir()) == ["001.dcm", "002.dcm", "003.dcm"]


def test_too_many_voxels(series):
    with pytest.raises(RefusalError, match="speaks of 144 voxels; 143 are allowed"):
        check_slices(series, series=None, limits=Limits(voxels=143))


def test_several_series(dicom, series):
    dicom.series(series, dicom.axial([0, 2, 4]), uid="1.2.9", number=2, description="Soft", prefix="b")
    with pytest.raises(RefusalError, match="2 CT series; say which with `series`: 1: 3 slices of 8x6, 'Thorax'; 2: "):
        check_slices(series, series=None, limits=LIMITS)
    check_slices(series, series="2", limits=LIMITS)
    check_slices(series, series="1.2.9", limits=LIMITS)
    with pytest.raises(RefusalError, match="no series '3'"):
        check_slices(series, series="3", limits=LIMITS)


def test_what_is_no_scan(dicom, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RefusalError, match="the series: no CT slices found"):
        check_slices(empty, series=None, limits=LIMITS)
    with pytest.raises(RefusalError, match="a single CT slice"):
        check_slices(dicom.series(tmp_path / "one", dicom.axial([0])), series=None, limits=LIMITS)


def test_deflated_files_are_not_opened(dicom, tmp_path):
    dataset = dicom.header()
    dicom.set_pixels(dataset, np.zeros((6, 8), np.int16))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    folder = tmp_path / "scan"
    folder.mkdir()
    pydicom.dcmwrite(folder / "a.dcm", dataset, enforce_file_format=True)
    with pytest.raises(RefusalError, match="deflated as a whole"):
        check_slices(folder, series=None, limits=LIMITS)


def test_headers_nested_without_end(dicom, tmp_path):
    def nested(depth):
        item = Dataset()
        for _ in range(depth):
            outer = Dataset()
            outer.PerFrameFunctionalGroupsSequence = Sequence([item])
            item = outer
        return item.PerFrameFunctionalGroupsSequence

    def edit(dataset, index):
        dataset.PerFrameFunctionalGroupsSequence = nested(60)

    folder = dicom.series(tmp_path / "scan", dicom.axial([0, 2]), edit=edit)
    with pytest.raises(RefusalError):
        check_slices(folder, series=None, limits=LIMITS)
