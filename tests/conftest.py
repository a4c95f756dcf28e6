"""Small DICOM series made on the spot."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


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
