"""Small DICOM series made on the spot, and what DICOM objects made from them say; and how tests share the processor."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

# Networks this small take longest to wait for threads. Here, since it counts only before torch is imported, and for the
# processes that tests start, too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_MOST_PROCESSES = 8  # each holds up to 2 GB


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The whole suite runs in a process for each core; files that are named run in this one, which starts at once."""
    whole = config.args_source == pytest.Config.ArgsSource.TESTPATHS
    return min(_MOST_PROCESSES, os.cpu_count() or 1) if whole else 0


class DicomMaker:
    """Writes series of one file per slice."""

    PATIENT = "Secret^Patient"

    @staticmethod
    def axial(depths: Sequence[float]) -> list[tuple[float, float, float]]:
        """Positions of slices that lie right behind one another."""
        return [(-100.0, -50.0, z) for z in depths]

    @staticmethod
    def values(count: int, *, rows: int = 6, columns: int = 8) -> np.ndarray:
        """HU ``[slice, row, column]`` from air to bone, no two neighbours alike, so that a wrong order shows."""
        return (np.arange(count * rows * columns).reshape(count, rows, columns) * 7 % 2000 - 1000).astype(np.int16)

    @classmethod
    def header(cls, series: str = "1.2.3.4", modality: str = "CT") -> Dataset:
        uid = generate_uid()
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = uid
        dataset.SOPClassUID = CTImageStorage
        dataset.SOPInstanceUID = uid
        dataset.SeriesInstanceUID = series
        dataset.StudyInstanceUID = "1.2.3"
        dataset.PatientName = cls.PATIENT
        dataset.PatientID = cls.PATIENT
        dataset.Modality = modality
        return dataset

    @staticmethod
    def as_from_a_scanner(dataset: Dataset, index: int) -> None:
        """An edit that adds what some headers lack."""
        dataset.FrameOfReferenceUID = "1.2.3.5"
        dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientAge = "19500101", "F", "070Y"
        dataset.StudyID, dataset.StudyDate, dataset.StudyTime = "7", "20200229", "101112"
        dataset.AccessionNumber, dataset.ReferringPhysicianName = "A1", "Secret^Doctor"
        dataset.Manufacturer, dataset.PositionReferenceIndicator = "Scanner", ""
        dataset.SliceThickness, dataset.InstanceNumber = 3.0, index + 1

    @staticmethod
    def set_pixels(dataset: Dataset, stored: np.ndarray) -> None:
        dataset.Rows, dataset.Columns = stored.shape[-2:]
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.PixelRepresentation = 0
        dataset.PixelData = stored.astype("<u2").tobytes()

    def series(
        self,
        folder: Path,
        positions: Sequence[Sequence[float]],
        *,
        directions: Sequence[float] = (1, 0, 0, 0, 1, 0),
        hu: np.ndarray | None = None,
        pixel: tuple[float, float] = (0.8, 0.6),
        uid: str = "1.2.3.4",
        number: int = 1,
        description: str = "Thorax",
        prefix: str = "",
        edit: Callable[[Dataset, int], None] = lambda dataset, index: None,
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        if hu is None:
            hu = self.values(len(positions))
        for index, position in enumerate(positions):
            dataset = self.header(uid)
            dataset.SeriesNumber = number
            dataset.SeriesDescription = description
            dataset.ImagePositionPatient = [float(x) for x in position]
            dataset.ImageOrientationPatient = [float(x) for x in directions]
            dataset.PixelSpacing = list(pixel)
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
            self.set_pixels(dataset, hu[index] + 1024)
            edit(dataset, index)
            # Names run against the order of the slices, as a trap.
            file = folder / f"{prefix}{len(positions) - index:03d}.dcm"
            pydicom.dcmwrite(file, dataset, enforce_file_format=True)
        return folder


@pytest.fixture
def dicom() -> DicomMaker:
    return DicomMaker()


class DicomDecoder:
    """Reads SEG and RTSTRUCT by pydicom and NumPy alone, so that no library checks its own work."""

    def __init__(self, series: Path):
        headers = [pydicom.dcmread(file) for file in series.rglob("*.dcm")]
        headers = [one for one in headers if one.get("Modality") == "CT"]
        across = np.cross(*np.reshape([float(x) for x in headers[0].ImageOrientationPatient], (2, 3)))
        self.headers = sorted(headers, key=lambda one: float(across @ [float(x) for x in one.ImagePositionPatient]))
        self.index = {str(self.uid(one)): k for k, one in enumerate(self.headers)}

    @staticmethod
    def uid(header: Dataset) -> Any:
        return header.get("SOPInstanceUID") or header.file_meta.MediaStorageSOPInstanceUID

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.headers), int(self.headers[0].Rows), int(self.headers[0].Columns)

    def seg(self, file: Path) -> dict[str, np.ndarray]:
        """Segment's label -> its mask ``[slice, row, column]``, slices ascending along the normal."""
        dataset = pydicom.dcmread(file)
        bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
        _, rows, columns = self.shape
        frames = bits[: int(dataset.NumberOfFrames) * rows * columns].reshape(-1, rows, columns).astype(bool)
        names = {one.SegmentNumber: str(one.SegmentLabel) for one in dataset.SegmentSequence}
        masks = {name: np.zeros(self.shape, bool) for name in names.values()}
        for frame, group in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
            (source,) = group.DerivationImageSequence[0].SourceImageSequence
            k = self.index[source.ReferencedSOPInstanceUID]
            # The place that the frame states is that of the slice it refers to.
            place = group.PlanePositionSequence[0].ImagePositionPatient
            assert np.allclose(place, self.headers[k].ImagePositionPatient, atol=1e-6)
            masks[names[group.SegmentIdentificationSequence[0].ReferencedSegmentNumber]][k] |= frame
        return masks

    def rtstruct(self, file: Path) -> dict[str, np.ndarray]:
        """Region's name -> its mask, as of `seg`: the pixels whose centres lie inside by the even-odd rule."""
        dataset = pydicom.dcmread(file)
        names = {one.ROINumber: str(one.ROIName) for one in dataset.StructureSetROISequence}
        masks = {name: np.zeros(self.shape, bool) for name in names.values()}
        for region in dataset.ROIContourSequence:
            for contour in region.ContourSequence:
                k = self.index[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
                header = self.headers[k]
                points = np.array([float(x) for x in contour.ContourData]).reshape(-1, 3)
                offsets = points - [float(x) for x in header.ImagePositionPatient]
                in_plane = np.reshape([float(x) for x in header.ImageOrientationPatient], (2, 3))
                assert np.abs(offsets @ np.cross(*in_plane)).max() < 0.002
                row_step, column_step = (float(x) for x in header.PixelSpacing)
                masks[names[region.ReferencedROINumber]][k] ^= inside(
                    offsets @ in_plane.T / [column_step, row_step], shape=self.shape[1:]
                )
        return masks


def inside(outline: np.ndarray, *, shape: tuple[int, ...], rule: str = "even-odd") -> np.ndarray:
    """The pixels whose centres lie inside an outline of points (column, row)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    crossings = np.zeros(shape, int)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crossed = ((y0 <= rows) != (y1 <= rows)) & (x0 + (rows - y0) * (x1 - x0) / (y1 - y0) > columns)
        crossings += crossed * (1 if y1 > y0 or rule == "even-odd" else -1)
    return crossings % 2 == 1 if rule == "even-odd" else crossings != 0


@pytest.fixture
def decoder() -> Callable[[Path], DicomDecoder]:
    """A decoder for objects that belong to the series of a folder."""
    return DicomDecoder


@pytest.fixture
def filled() -> Callable[..., np.ndarray]:
    """See `inside`."""
    return inside
