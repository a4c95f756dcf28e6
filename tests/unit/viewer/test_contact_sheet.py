import matplotlib.image
import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import OutputError
from sneakynet.viewer.contact_sheet import COLUMNS, SheetCase, draw_contact_sheet, write_contact_sheet
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((Bone(id=1, name="red", color="#ff0000"), Bone(id=2, name="green", color="#00ff00")))
AXIAL, CORONAL, SAGITTAL = 3, 5, 7


def case(*, caption="a_$case$", unknown=0, affine=None, flip=False):
    """Red: right, front, top. A small green block: left, back, bottom. All about 2 mm."""
    labels = np.zeros((40, 48, 60), dtype=np.uint8)
    labels[24:34, 28:42, 40:54] = 1
    labels[6:12, 6:12, 44:50] = 2
    hu = np.full(labels.shape, -1000, dtype=np.int16)
    hu[2:-2, 2:-2, 2:-2] = 40
    hu[labels > 0] = 700
    labels[:2] = unknown
    affine = np.diag([2.0, 2.0, 2.0, 1.0]) if affine is None else affine
    if flip:
        labels, hu = labels[::-1].copy(), hu[::-1].copy()
    return SheetCase(caption, Volume(hu, affine), Volume(labels, affine))


def pictures(figure):
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes]


def place_of(picture, channel):
    """Mean row (from below) and column, from 0 to 1, of what shines in one colour."""
    other = [c for c in range(3) if c != channel]
    rows, columns = np.nonzero(picture[..., channel] - picture[..., other].max(axis=-1) > 0.25)
    return rows.mean() / picture.shape[0], columns.mean() / picture.shape[1]


def test_a_row_per_case_with_its_caption():
    figure = draw_contact_sheet([case(), case(caption="other")], table=TABLE)

    assert len(figure.axes) == 2 * len(COLUMNS)
    assert {"a_$case$", "other", *COLUMNS} <= {text.get_text() for text in figure.texts}


@pytest.mark.parametrize("flip", [False, True])
def test_slices_lie_as_radiologists_look_at_them(flip):
    affine = np.diag([-2.0, 2.0, 2.0, 1.0]) if flip else None
    shown = pictures(draw_contact_sheet([case(affine=affine, flip=flip)], table=TABLE))

    row, column = place_of(shown[AXIAL], 0)  # the patient's right is on the left, anterior on top
    assert row > 0.6
    assert column < 0.4
    row, column = place_of(shown[AXIAL], 1)
    assert row < 0.4 < 0.6 < column
    row, column = place_of(shown[CORONAL], 0)
    assert row > 0.6
    assert column < 0.4
    row, column = place_of(shown[SAGITTAL], 0)  # anterior is on the left
    assert row > 0.6
    assert column < 0.4


def test_labels_colour_one_of_two_slices():
    shown = pictures(draw_contact_sheet([case()], table=TABLE))

    for plain, labelled in zip(shown[2::2], shown[3::2], strict=True):
        assert np.ptp(plain, axis=-1).max() == 0
        assert np.ptp(labelled, axis=-1).max() > 0.4


def test_what_is_not_known_is_grey_in_slices_and_no_bone():
    known, unknown = (pictures(draw_contact_sheet([case(unknown=n)], table=TABLE)) for n in (0, 255))

    for n, (one, other) in enumerate(zip(known, unknown, strict=True)):
        changed = np.abs(one - other).max(axis=-1) > 0.05
        assert changed.any() == (n in (AXIAL, CORONAL))
        assert np.ptp(other[changed], axis=-1).max(initial=0) < 0.1


def test_proportions_are_the_patients():
    shown = pictures(draw_contact_sheet([case(affine=np.diag([1.0, 2.0, 5.0, 1.0]))], table=TABLE))

    assert shown[AXIAL].shape[0] / shown[AXIAL].shape[1] == pytest.approx(48 * 2 / 40, rel=0.05)
    assert shown[SAGITTAL].shape[0] / shown[SAGITTAL].shape[1] == pytest.approx(60 * 5 / (48 * 2), rel=0.05)


def test_no_bone_and_a_flat_scan(tmp_path):
    flat = Volume(np.full((30, 30, 1), -1000, dtype=np.int16), np.eye(4))
    none = Volume(np.zeros((30, 30, 1), dtype=np.uint8), np.eye(4))

    write_contact_sheet(tmp_path / "a.png", [SheetCase("flat", flat, none)], table=TABLE)

    assert matplotlib.image.imread(tmp_path / "a.png").shape[1] > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_missing_folder(tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        write_contact_sheet(tmp_path / "missing" / "a.png", [case()], table=TABLE)
