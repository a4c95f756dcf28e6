"""Label maps as DICOM SEG: one object with a segment per bone, made by highdicom."""

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

from sneakynet.anatomy.bone import Bone
from sneakynet.export.algorithm import Algorithm
from sneakynet.export.bone_codes import ANATOMICAL_STRUCTURE, bone_code, code_item, side_code
from sneakynet.inference.optional_package import optional_package
from sneakynet.types import LabelPlanes
from sneakynet.volumes.label_extension import rgb
from sneakynet.volumes.source_series import SourceSeries

_FAMILY = Code("123110", "DCM", "Artificial Intelligence")


def dicom_seg(
    planes: LabelPlanes,
    bones: tuple[Bone, ...],
    *,
    source: SourceSeries,
    algorithm: Algorithm,
    series_number: int,
    description: str,
    labelmap: bool = False,
) -> Dataset:
    """Build the object.

    Frames in which a bone does not occur are left out.

    Args:
        planes: ``[slice, row, column]`` of the source, the n-th of the bones as n, 0 elsewhere.
        bones: at least one; these become segments 1, 2 ...
        source: the series.
        algorithm: what made the labels.
        series_number: of the new series.
        description: of the new series.
        labelmap: write one frame per slice with the segments' numbers, RLE-compressed (SOP class Label Map
            Segmentation Storage, 2024), in place of one frame per slice and bone.

    Raises:
        SettingError: highdicom is not installed.
    """
    hd = optional_package("highdicom", extra="dicom")
    uid = generate_uid()
    segmentation: Dataset = hd.seg.Segmentation(
        source_images=_files(source),
        pixel_array=_in_frame_order(planes, source),
        segmentation_type="LABELMAP" if labelmap else "BINARY",
        segment_descriptions=[_segment(number, bone, algorithm) for number, bone in enumerate(bones, start=1)],
        series_instance_uid=generate_uid(),
        series_number=series_number,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer="SneakyNet",
        manufacturer_model_name=algorithm.name,
        software_versions=algorithm.version,
        device_serial_number="0",
        content_description="Bones, one by one; not for clinical use",
        content_label="BONES",
        series_description=description,
        specific_character_set="ISO_IR 192",
        transfer_syntax_uid=RLELossless if labelmap else ExplicitVRLittleEndian,
    )
    return segmentation


def _files(source: SourceSeries) -> list[Dataset]:
    """A header per slice, or the one of a multi-frame file."""
    return [source.header] if source.slices[0].frame is not None else [one.header for one in source.slices]


def _in_frame_order(planes: LabelPlanes, source: SourceSeries) -> LabelPlanes:
    """A multi-frame file's frames may stand in any order, and some may belong to no slice."""
    frames = [one.frame for one in source.slices if one.frame is not None]
    if not frames:
        return planes
    ordered = np.zeros((int(source.header.NumberOfFrames), *planes.shape[1:]), dtype=planes.dtype)
    ordered[frames] = planes
    return ordered


def _segment(number: int, bone: Bone, algorithm: Algorithm) -> Dataset:
    hd = optional_package("highdicom", extra="dicom")
    red, green, blue = (255 * share for share in rgb(bone.color))
    segment: Dataset = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=bone.name,
        segmented_property_category=ANATOMICAL_STRUCTURE,
        segmented_property_type=bone_code(bone),
        algorithm_type=algorithm.type,
        algorithm_identification=_identification(algorithm) if algorithm.automatic else None,
        tracking_uid=generate_uid(),
        tracking_id=bone.name,
        display_color=hd.color.CIELabColor.from_rgb(red, green, blue),
    )
    side = side_code(bone)
    if side is not None:
        segment.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [code_item(side)]
    return segment


def _identification(algorithm: Algorithm) -> Sequence[Dataset]:
    hd = optional_package("highdicom", extra="dicom")
    identification: Sequence[Dataset] = hd.AlgorithmIdentificationSequence(
        name=algorithm.name,
        family=_FAMILY,
        version=algorithm.version,
        parameters={"model": algorithm.model} if algorithm.model else None,
    )
    return identification
