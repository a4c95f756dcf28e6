"""Label names and colours inside label maps.

NIfTI has no place of its own for them. Connectome Workbench's XML in a header extension is what TotalSegmentator
writes and what several viewers read; `.seg.nrrd` has fields for them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from sneakynet.errors import SettingError
from sneakynet.volumes.checks import existing_file
from sneakynet.volumes.itk import header
from sneakynet.volumes.nifti import open_nifti

# Extensions are padded with NUL bytes to a multiple of 16, of which the size fields take 8. XML readers stumble over
# NUL, so the text is filled up with blanks to that length.
_BLOCK, _FIELDS = 16, 8


def rgb(color: str) -> tuple[float, float, float]:
    """Red, green and blue from 0 to 1.

    Args:
        color: ``#rrggbb``.

    Returns:
        The three shares.

    Raises:
        SettingError: another form of colour.
    """
    if not re.fullmatch("#[0-9a-fA-F]{6}", color):
        msg = f"a colour is written #rrggbb, got {color!r}"
        raise SettingError(msg)
    red, green, blue = bytes.fromhex(color[1:])
    return red / 255, green / 255, blue / 255


def label_extension(names: Mapping[int, str], colors: Mapping[int, str]) -> bytes:
    """The XML label table, for a NIfTI header extension of code 0.

    Args:
        names: class id -> name.
        colors: class id -> ``#rrggbb``, for every name.

    Returns:
        UTF-8 text.
    """
    labels = []
    for label, name in names.items():
        red, green, blue = rgb(colors[label])
        text = name.replace("]]>", "]]]]><![CDATA[>")
        labels.append(
            f'<Label Key="{label}" Red="{red}" Green="{green}" Blue="{blue}" Alpha="1"><![CDATA[{text}]]></Label>'
        )
    table = "\n".join(labels)
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CaretExtension>\n<VolumeInformation Index="0">\n'
        f"<LabelTable>\n{table}\n</LabelTable>\n"
        "<StudyMetaDataLinkSet></StudyMetaDataLinkSet>\n<VolumeType><![CDATA[Label]]></VolumeType>\n"
        "</VolumeInformation>\n</CaretExtension>\n"
    ).encode()
    return xml + b" " * (-(len(xml) + _FIELDS) % _BLOCK)


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
