"""Label names and colours as a NIfTI header extension.

NIfTI has no place of its own for them. Connectome Workbench's XML in a header extension is what TotalSegmentator
writes and what several viewers read.
"""

import re
from collections.abc import Mapping

from sneakynet.errors import SettingError

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
