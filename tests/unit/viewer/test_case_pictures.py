"""Slices of a case as pictures."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.viewer.case_pictures import case_pictures
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((Bone(1, "red", color="#ff0000"), Bone(2, "green", color="#00ff00")))
AFFINE = np.diag([2.0, 2.0, 4.0, 1.0])


def decoded(address):
    kind, data = address.split(";base64,")
    assert kind in {"data:image/png", "data:image/jpeg"}
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


def place_of(picture, channel):
    """Mean row from above and column, from 0 to 1, of one colour."""
    rows, columns = np.nonzero((picture[..., channel] > 120) & (np.delete(picture, channel, -1).max(-1) < 90))
    return rows.mean() / picture.shape[0], columns.mean() / picture.shape[1]


@pytest.fixture
def reference():
    """Red: right and above. Green: left and below."""
    labels = np.zeros((40, 40, 30), dtype=np.uint16)
    labels[26:36, 10:20, 18:26] = 1
    labels[6:14, 10:20, 4:12] = 2
    return labels


@pytest.fixture
def prediction(reference):
    """A bit of green at j = 12 is called red."""
    labels = reference.copy()
    labels[6:9, 12, 4:9] = 1
    return labels


def test_the_slice_with_the_most_wrong_seen_from_the_front(reference, prediction):
    coronal, axial = case_pictures(Volume(prediction, AFFINE), Volume(reference, AFFINE), scan=None, table=TABLE)
    assert (coronal.plane, axial.plane) == ("coronal", "axial")
    assert coronal.wrong == 15
    truth = decoded(coronal.reference)
    assert truth.shape[:2] == (coronal.height, coronal.width)
    row, column = place_of(truth, 0)  # the patient's right is on the left
    assert row < 0.5
    assert column < 0.5
    row, column = place_of(truth, 1)
    assert row > 0.5
    assert column > 0.5
    # With 20 mm around the labels the whole slice is shown: 40 columns of 2 mm, 30 rows of 4 mm.
    assert (coronal.width, coronal.height) == (213, 320)
    assert (decoded(coronal.prediction) != truth).any()
    orange = (decoded(coronal.difference) == (255, 122, 26)).all(-1)
    assert orange.any()
    assert orange.mean() < 0.05


def test_axes_of_files_do_not_matter(reference, prediction):
    flipped = np.diag([-2.0, 2.0, 4.0, 1.0])
    flipped[0, 3] = 2.0 * 39
    same = case_pictures(Volume(prediction, AFFINE), Volume(reference, AFFINE), scan=None, table=TABLE)
    turned = case_pictures(
        Volume(prediction[::-1].copy(), flipped), Volume(reference[::-1].copy(), flipped), scan=None, table=TABLE
    )
    assert same == turned


def test_over_a_scan_of_another_grid(reference, prediction):
    scan = np.full((80, 80, 60), -1000, dtype=np.int16)
    scan[10:] = 600
    half = np.diag([1.0, 1.0, 2.0, 1.0])
    pictures = case_pictures(
        Volume(prediction, AFFINE), Volume(reference, AFFINE), scan=Volume(scan, half), table=TABLE
    )
    picture = decoded(pictures[0].reference)
    assert picture[0, 0].min() > 150  # bright ground
    assert place_of(picture, 0)[1] < 0.5


def test_ignored_voxels_are_no_mistake(reference, prediction):
    reference[6:9, 12, 4:9] = 65535
    coronal, _ = case_pictures(Volume(prediction, AFFINE), Volume(reference, AFFINE), scan=None, table=TABLE)
    assert coronal.wrong == 0


def test_nothing_at_all(reference):
    empty = Volume(np.zeros_like(reference), AFFINE)
    coronal, axial = case_pictures(empty, empty, scan=None, table=TABLE)
    assert (coronal.wrong, axial.wrong) == (0, 0)
    assert decoded(axial.prediction).max() < 30
