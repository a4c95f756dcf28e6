import numpy as np
import pytest

from sneakynet.phantom.breastbone import breastbone


@pytest.fixture
def parts(cuboid):
    plate = cuboid(160.0, 12.0, 180.0)  # as wide as with its cartilage
    return breastbone(plate, middle=80.0)


def test_the_plate_falls_into_four_closed_parts(parts):
    assert set(parts) == {"manubrium", "sternum", "cartilage_left", "cartilage_right"}
    assert {name: part.n_open_edges for name, part in parts.items()} == dict.fromkeys(parts, 0)


def test_the_manubrium_lies_above_is_broader_and_a_third_as_long(parts):
    manubrium, sternum = parts["manubrium"].vertices, parts["sternum"].vertices
    assert 1 < manubrium[:, 2].min() - sternum[:, 2].max() < 4
    assert np.ptp(manubrium[:, 0]) > np.ptp(sternum[:, 0]) + 10
    assert 0.3 < np.ptp(manubrium[:, 2]) / np.ptp(sternum[:, 2]) < 0.5


def test_cartilage_lies_at_the_sides(parts):
    assert parts["cartilage_left"].vertices[:, 0].max() <= parts["sternum"].vertices[:, 0].min() + 0.01
    assert parts["cartilage_right"].vertices[:, 0].min() >= parts["sternum"].vertices[:, 0].max() - 0.01
    assert parts["cartilage_left"].volume == pytest.approx(parts["cartilage_right"].volume, rel=0.01)
