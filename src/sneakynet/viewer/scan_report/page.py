"""A scan's report as one HTML page that loads nothing."""

import base64
import io
from importlib.metadata import version

import numpy as np
from PIL import Image

from sneakynet.viewer.page import render
from sneakynet.viewer.scan_report.bone_table import bone_columns, bone_groups, table_notes
from sneakynet.viewer.scan_report.content import ReportContent

_JPEG_QUALITY = 88


def scan_page(content: ReportContent) -> str:
    """The page.

    Args:
        content: of the report.
    """
    return render(
        "scan.html.j2",
        content=content,
        version=version("sneakynet"),
        address=_address,
        columns=bone_columns(content.bones),
        groups=bone_groups(content.bones),
        notes=table_notes(content.bones),
    )


def _address(picture: np.ndarray) -> str:
    """A picture as text that a page can hold: PNG where it is transparent, else JPEG."""
    file = io.BytesIO()
    if picture.shape[-1] == 4:
        Image.fromarray(picture).save(file, "PNG", optimize=True)
        kind = "png"
    else:
        image = Image.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8))
        image.save(file, "JPEG", quality=_JPEG_QUALITY)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
