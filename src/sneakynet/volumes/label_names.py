"""Label names that a label map carries in itself: in a NIfTI header extension, or in the fields of `.seg.nrrd`."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from sneakynet.volumes.checks import existing_file
from sneakynet.volumes.itk import header
from sneakynet.volumes.nifti import open_nifti


def read_label_names(path: str | Path) -> dict[int, str] | None:
    """The label names that a label map carries in itself.

    Args:
        path: `.nii`, `.nii.gz` (names as TotalSegmentator or Connectome Workbench write them), or `.seg.nrrd`.

    Returns:
        Class id -> name, or None where the file names no labels.

    Raises:
        VolumeError: nothing there, or a file that cannot be read.
    """
    path = existing_file(Path(path))
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return _from_nifti(path)
    return _from_segments(path)


def _from_nifti(path: Path) -> dict[int, str] | None:
    for extension in open_nifti(path).header.extensions:
        content = extension.get_content()
        text = content if isinstance(content, bytes) else str(content).encode()
        # No label table needs a document type, and without one there are no entities to blow up.
        if b"<LabelTable" not in text or b"<!DOCTYPE" in text:
            continue
        try:
            labels = ET.fromstring(text.strip(b"\0 \t\r\n")).iter("Label")
            return {int(label.attrib["Key"]): (label.text or "").strip() for label in labels}
        except (ET.ParseError, KeyError, ValueError):
            continue
    return None


def _from_segments(path: Path) -> dict[int, str] | None:
    reader = header(path)
    names = {}
    for key in reader.GetMetaDataKeys():
        match = re.fullmatch(r"(Segment\d+_)Name", key)
        if match:
            value = match[1] + "LabelValue"
            # Files of Slicer before version 4.11 hold no values: one layer per segment, each of value 1.
            if value not in reader.GetMetaDataKeys() or not reader.GetMetaData(value).strip().isdigit():
                return None
            names[int(reader.GetMetaData(value))] = reader.GetMetaData(key)
    return names or None
