from pathlib import Path
from xml.etree import ElementTree as ET

import nibabel
import numpy as np
import pytest
import SimpleITK

from sneakynet.errors import SettingError, VolumeError
from sneakynet.volumes.label_extension import label_extension, rgb
from sneakynet.volumes.label_names import read_label_names

NAMES = {1: "skull", 7: "rib_left_1", 30: "a <b> & ]]> c"}
COLORS = {1: "#ff0000", 7: "#00ff80", 30: "#123456"}


def save(path: Path, *extensions: bytes, code: int = 0) -> Path:
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4))
    for extension in extensions:
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(code, extension))
    nibabel.save(image, path)
    return path


def test_the_extension_is_xml_without_padding() -> None:
    """Readers give the bytes of the extension straight to an XML parser, which NUL bytes would break."""
    content = label_extension(NAMES, COLORS)
    assert (len(content) + 8) % 16 == 0
    root = ET.fromstring(content)
    labels = root.findall("./VolumeInformation/LabelTable/Label")
    assert {int(label.attrib["Key"]): label.text for label in labels} == NAMES
    assert [float(labels[1].attrib[name]) for name in ("Red", "Green", "Blue", "Alpha")] == [0, 1, 128 / 255, 1]


def test_names_come_back(tmp_path: Path) -> None:
    path = save(tmp_path / "labels.nii.gz", b"another one", label_extension(NAMES, COLORS))
    assert read_label_names(path) == NAMES


def test_names_of_totalsegmentator(tmp_path: Path) -> None:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?> <CaretExtension>  <Date><![CDATA[2013-07-14T05:45:09]]></Date>   '
        '<VolumeInformation Index="0">   <LabelTable>\n'
        '<Label Key="1" Red="0.0" Green="1.0" Blue="0.0" Alpha="1"><![CDATA[spleen]]></Label>\n'
        '<Label Key="2" Red="0.0" Green="0.0" Blue="1.0" Alpha="1"><![CDATA[kidney_right]]></Label>\n\n'
        "  </LabelTable>  <StudyMetaDataLinkSet>  </StudyMetaDataLinkSet>  "
        "<VolumeType><![CDATA[Label]]></VolumeType>   </VolumeInformation></CaretExtension>\n              "
    )
    path = save(tmp_path / "labels.nii.gz", text.encode())
    assert read_label_names(path) == {1: "spleen", 2: "kidney_right"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"some comment",
        b"<CaretExtension><LabelTable><Label Key='1'>cut",
        b"<CaretExtension><LabelTable><Label>no key</Label></LabelTable></CaretExtension>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><LabelTable><Label Key='1'>&a;</Label></LabelTable>",
    ],
)
def test_files_without_names(tmp_path: Path, content: bytes) -> None:
    assert read_label_names(save(tmp_path / "labels.nii.gz", *([content] if content else []))) is None


def test_a_plain_nrrd_has_no_names(tmp_path: Path) -> None:
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.zeros((2, 2, 2), np.uint8)), tmp_path / "labels.nrrd")
    assert read_label_names(tmp_path / "labels.nrrd") is None


def test_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "labels.nii").write_text("hello")
    with pytest.raises(VolumeError, match=r"labels.nii: not a NIfTI file"):
        read_label_names(tmp_path / "labels.nii")


def test_colours_are_hexadecimal() -> None:
    assert rgb("#ff0080") == (1.0, 0.0, 128 / 255)
    with pytest.raises(SettingError, match=r"a colour is written #rrggbb, got 'red'"):
        rgb("red")
