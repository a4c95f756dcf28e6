import matplotlib.image
import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import OutputError
from sneakynet.inference.segmentation import Segmentation
from sneakynet.viewer.preview import draw_preview, project, write_preview
from sneakynet.volumes.volume import Volume

TABLE = BoneTable(
    (Bone(id=1, name="red", color="#ff0000"), Bone(id=2, name="green", color="#00ff00"), Bone(id=3, name="blue"))
)
COLORS = {bone.id: bone.color for bone in TABLE}


def blocks():
    """Red: right, front, top. Green: left, back, bottom."""
    labels = np.zeros((20, 24, 30), dtype=np.uint8)
    labels[14:18, 18:22, 22:28] = 1
    labels[2:6, 2:6, 2:8] = 2
    return labels


def place_of(picture, channel):
    """Mean row and column of what shines in one colour."""
    other = [c for c in range(3) if c != channel]
    rows, columns = np.nonzero(picture[..., channel] - picture[..., other].max(axis=-1) > 0.3)
    return rows.mean() / picture.shape[0], columns.mean() / picture.shape[1]


def test_coronal_shows_the_right_on_the_left():
    picture = project(blocks(), np.full((20, 24, 30), -1000.0), colors=COLORS, view="coronal")

    assert picture.shape == (30, 20, 3)
    (red_row, red_column), (green_row, green_column) = place_of(picture, 0), place_of(picture, 1)
    assert red_column < 0.4 < 0.6 < green_column
    assert green_row < 0.4 < 0.6 < red_row


def test_sagittal_shows_the_front_on_the_left():
    picture = project(blocks(), np.full((20, 24, 30), -1000.0), colors=COLORS, view="sagittal")

    assert picture.shape == (30, 24, 3)
    (red_row, red_column), (green_row, green_column) = place_of(picture, 0), place_of(picture, 1)
    assert red_column < 0.4 < 0.6 < green_column
    assert green_row < 0.4 < 0.6 < red_row


@pytest.mark.parametrize(("view", "front"), [("coronal", (10, 17, 10)), ("sagittal", (2, 10, 10))])
def test_the_nearer_bone_covers_the_farther(view, front):
    labels = np.zeros((20, 20, 20), dtype=np.uint8)
    labels[8:12, 8:12, 8:12] = 2
    i, j, k = front
    labels[i - 2 : i + 2, j - 2 : j + 2, k - 2 : k + 2] = 1

    picture = project(labels, np.full((20, 20, 20), -1000.0), colors=COLORS, view=view)

    red, green, _ = picture[10, 9]
    assert red > 2 * green > 0.1  # and the farther one shines through


def test_the_radiograph_is_faint_behind_the_bones():
    hu = np.full((20, 20, 20), -1000.0)
    hu[5:15, 5:15, 5:15] = 100

    picture = project(np.zeros((20, 20, 20), dtype=np.uint8), hu, colors=COLORS, view="coronal")

    assert picture[10, 10].max() < 0.5
    assert picture[10, 10].min() > picture[1, 1].max()


def test_the_figure_keeps_the_patient_s_proportions_and_names_the_bones():
    affine = np.diag([-1.5, 2.0, 5.0, 1.0])
    labels = Volume(np.ascontiguousarray(blocks()[::-1]), affine)
    scan = Volume(np.full((20, 24, 30), -500, dtype=np.int16), affine)

    figure = draw_preview(Segmentation(labels, TABLE), scan, title="a_$case$")

    width, height = figure.get_size_inches()
    boxes = [axes.get_position() for axes in figure.axes[:2]]
    coronal, sagittal = ((box.width * width) / (box.height * height) for box in boxes)
    assert coronal == pytest.approx(20 * 1.5 / 150, rel=0.02)
    assert sagittal == pytest.approx(24 * 2 / 150, rel=0.02)
    words = {text.get_text() for text in [*figure.texts, *figure.axes[0].texts, *figure.axes[1].texts]}
    assert {"a_$case$", "red", "green", "R", "L", "A", "P", "H", "F", "20 mm"} <= words
    assert "blue" not in words


@pytest.mark.parametrize("shape", [(2, 2, 2), (60, 60, 2), (2, 60, 3)])
def test_odd_shapes_and_nothing_found(tmp_path, shape):
    labels = Volume(np.zeros(shape, dtype=np.uint8), np.eye(4))
    scan = Volume(np.full(shape, -1000, dtype=np.int16), np.eye(4))

    write_preview(tmp_path / "a.png", Segmentation(labels, TABLE), scan, title="nothing")

    picture = matplotlib.image.imread(tmp_path / "a.png")
    assert picture.shape[0] > 300
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_missing_folder(tmp_path):
    labels = Volume(np.zeros((4, 4, 4), dtype=np.uint8), np.eye(4))
    with pytest.raises(OutputError, match="there is no folder"):
        write_preview(tmp_path / "missing" / "a.png", Segmentation(labels, TABLE), labels, title="a")
