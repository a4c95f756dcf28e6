"""Label maps as DICOM RT Structure Set: one region of interest per bone, its outline on every slice.

Written with pydicom alone: rt-utils, the library for it, needs OpenCV, draws outlines through the centres of the
border's pixels, and holds a mask of all slices per structure.
"""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
from pydicom import Dataset, FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian, RTStructureSetStorage, generate_uid
from scipy import ndimage

from sneakynet.anatomy.bone import Bone
from sneakynet.export.algorithm import Algorithm
from sneakynet.export.bone_codes import bone_code, code_item, side_code
from sneakynet.export.contours import Outline, outlines
from sneakynet.types import LabelPlanes
from sneakynet.volumes.label_extension import rgb
from sneakynet.volumes.source_series import SourceSeries, SourceSlice

# Of the patient and the study: taken over from the source, empty where it has them empty.
_TAKEN_OVER = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
)


def rtstruct(
    planes: LabelPlanes,
    bones: tuple[Bone, ...],
    *,
    source: SourceSeries,
    algorithm: Algorithm,
    series_number: int,
    description: str,
) -> Dataset:
    """Build the object.

    Args:
        planes: ``[slice, row, column]`` of the source, the n-th of the bones as n, 0 elsewhere.
        bones: at least one; these become regions 1, 2 ...
        source: the series.
        algorithm: what made the labels.
        series_number: of the new series.
        description: of the new series.
    """
    dataset = _file()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PositionReferenceIndicator = None
    for keyword in _TAKEN_OVER:
        if keyword in source.header:
            setattr(dataset, keyword, source.header[keyword].value)
    now = datetime.now().astimezone()
    dataset.Modality = "RTSTRUCT"
    dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.InstanceNumber = generate_uid(), series_number, 1
    dataset.SeriesDescription, dataset.OperatorsName = description, None
    dataset.Manufacturer, dataset.ManufacturerModelName = "SneakyNet", algorithm.name
    dataset.SoftwareVersions = algorithm.version
    dataset.StructureSetLabel, dataset.StructureSetName = "BONES", description
    dataset.StructureSetDescription = "Bones, one by one; not for clinical use"
    dataset.StructureSetDate = dataset.InstanceCreationDate = now.strftime("%Y%m%d")
    dataset.StructureSetTime = dataset.InstanceCreationTime = now.strftime("%H%M%S")
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.ReferencedFrameOfReferenceSequence = [_frame_of_reference(source)]
    numbered = list(enumerate(bones, start=1))
    dataset.StructureSetROISequence = [_roi(number, bone, source, algorithm) for number, bone in numbered]
    boxes = ndimage.find_objects(planes, max_label=len(bones))
    dataset.ROIContourSequence = [
        _contours(number, bone, planes, boxes[number - 1], source) for number, bone in numbered
    ]
    dataset.RTROIObservationsSequence = [_observation(number, bone) for number, bone in numbered]
    return dataset


def _file() -> FileDataset:
    uid = generate_uid()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = RTStructureSetStorage, uid
    # With explicit types, a long outline would not fit into the 16 bits of its length.
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = RTStructureSetStorage, uid
    return dataset


def _frame_of_reference(source: SourceSeries) -> Dataset:
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = source.header.SeriesInstanceUID
    series.ContourImageSequence = [_image(one) for one in source.slices]
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"  # Detached Study Management: retired, and asked for
    study.ReferencedSOPInstanceUID = source.header.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = source.header.FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    return frame


def _image(one: SourceSlice) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.header.SOPClassUID, one.header.SOPInstanceUID
    if one.frame is not None:
        item.ReferencedFrameNumber = one.frame + 1
    return item


def _roi(number: int, bone: Bone, source: SourceSeries, algorithm: Algorithm) -> Dataset:
    roi = Dataset()
    roi.ROINumber, roi.ROIName = number, bone.name
    roi.ReferencedFrameOfReferenceUID = source.header.FrameOfReferenceUID
    roi.ROIGenerationAlgorithm = algorithm.type
    if algorithm.automatic:
        roi.ROIGenerationDescription = " ".join(filter(None, (algorithm.name, algorithm.version, algorithm.model)))[:64]
    return roi


def _observation(number: int, bone: Bone) -> Dataset:
    observation = Dataset()
    observation.ObservationNumber = observation.ReferencedROINumber = number
    identification, side = code_item(bone_code(bone)), side_code(bone)
    observation.RTROIIdentificationCodeSequence = [identification]
    observation.RTROIInterpretedType, observation.ROIInterpreter = "ORGAN", None
    if side is not None:
        identification.SegmentedPropertyTypeModifierCodeSequence = [code_item(side)]
    return observation


def _contours(
    number: int, bone: Bone, planes: LabelPlanes, box: tuple[slice, ...] | None, source: SourceSeries
) -> Dataset:
    region = Dataset()
    region.ReferencedROINumber = number
    region.ROIDisplayColor = [round(255 * share) for share in rgb(bone.color)]
    region.ContourSequence = [] if box is None else list(_of_slices(number, planes, box, source))
    return region


def _of_slices(number: int, planes: LabelPlanes, box: tuple[slice, ...], source: SourceSeries) -> Iterator[Dataset]:
    for k in range(box[0].start, box[0].stop):
        one = source.slices[k]
        for outline in outlines(planes[k][box[1:]] == number):
            contour = Dataset()
            contour.ContourImageSequence = [_image(one)]
            contour.ContourGeometricType = "CLOSED_PLANAR"
            contour.NumberOfContourPoints = len(outline)
            contour.ContourData = _decimals(_in_patient(outline + np.array([box[2].start, box[1].start]), one, source))
            yield contour


def _in_patient(outline: Outline, one: SourceSlice, source: SourceSeries) -> np.ndarray:
    """Mm, LPS, one row per point."""
    points: np.ndarray = one.position + (outline * source.pixel) @ source.in_plane
    return points


def _decimals(points: np.ndarray) -> list[str]:
    # A thousandth of a mm is far below a pixel.
    return [f"{number:.3f}" for number in points.ravel()]
