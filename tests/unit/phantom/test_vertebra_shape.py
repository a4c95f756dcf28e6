import numpy as np
import pytest

from sneakynet.phantom.implicit import contoured, lattice
from sneakynet.phantom.vertebra_shape import atlas_dens, atlas_solid, axis_solid, vertebra_shapes, vertebra_solid

SHAPES = vertebra_shapes()
LEVELS = [level for level in SHAPES if level != "S1"]


def _at(solid, x, y, z):
    points = tuple(np.array([float(c)], np.float32) for c in (x, y, z))
    return float(solid(points)[0])


def _solid(level):
    below = SHAPES[list(SHAPES)[list(SHAPES).index(level) + 1]]
    return lambda points: vertebra_solid(SHAPES[level], below, points)


def test_the_table_runs_from_c3_to_s1():
    assert list(SHAPES) == [f"C{n}" for n in range(3, 8)] + [f"T{n}" for n in range(1, 13)] + [
        *(f"L{n}" for n in range(1, 6)),
        "S1",
    ]


@pytest.mark.parametrize(
    ("measure", "step"),
    [
        ("height_back", 1.5),
        ("width_up", 4.0),
        ("depth_up", 3.0),
        ("canal_width", 3.0),
        ("joint_x", 2.5),
        ("joint_slope", 10.0),
        ("spinous_down", 15.0),
    ],
)
def test_measures_change_little_from_level_to_level(measure, step):
    values = np.array([getattr(SHAPES[level], measure) for level in LEVELS])
    assert np.abs(np.diff(values)).max() <= step


@pytest.mark.parametrize("level", LEVELS)
def test_body_pedicle_arch_and_processes_are_bone_and_the_canal_is_not(level):
    shape, solid = SHAPES[level], _solid(level)
    back = -shape.depth / 2
    assert _at(solid, 0, 0, 0) < -3
    assert _at(solid, 0, back - shape.canal_depth / 2, 0) > 3
    assert _at(solid, 0, back - shape.canal_depth - 6, -0.25 * shape.lamina_height) < 0
    joint = (shape.joint_x, back - shape.joint_back, shape.height / 2 + shape.joint_up)
    assert min(_at(solid, joint[0], joint[1] + d, joint[2] - 4) for d in (-3, 0, 3, 5)) < 0
    assert _at(solid, 0, 0, shape.height / 2 + 0.5 * shape.disc + 1) > 0


@pytest.mark.parametrize("level", ["C4", "T6", "L3"])
def test_the_body_has_its_measures(level):
    shape, solid = SHAPES[level], _solid(level)
    half = 0.9 * shape.depth / 2  # within the waist
    front = shape.height / 2 + (shape.height_front - shape.height_back) / 2 * half / shape.depth
    assert _at(solid, 0, half, 0) < 0 < _at(solid, 0, shape.depth / 2 + 2, 0)
    assert _at(solid, 0, half - 3, front - 2.5) < 0 < _at(solid, 0, half - 3, front + 1)


def test_only_cervical_vertebrae_have_a_transverse_foramen():
    def open_beside_the_body(level):
        shape, solid = SHAPES[level], _solid(level)
        x, y = min(shape.width_up, shape.width_low) / 2 + 4.8, -shape.depth / 2 + 4.5
        ring = [_at(solid, x + dx, y + dy, 0) for dx, dy in ((-5, 0), (5, 0), (0, 5), (0, -6))]
        return _at(solid, x, y, 0) > 1 and sum(value < 0.5 for value in ring) >= 3

    assert [level for level in LEVELS if open_beside_the_body(level)][:4] == ["C3", "C4", "C5", "C6"]
    assert not any(open_beside_the_body(level) for level in LEVELS if not level.startswith("C"))


def test_the_dens_fits_the_ring_of_the_atlas():
    def atlas(points):
        return atlas_solid(points, scale=1.0)

    def axis(points):
        return axis_solid(SHAPES["C3"], points, scale=1.0)

    assert _at(atlas, 0, 0, 0) > 3
    assert _at(atlas, 0, atlas_dens(), 0) > 3
    assert _at(atlas, 0, atlas_dens() + 9, 0) < 0
    assert _at(axis, 0, 1, 22) < -3
    assert _at(axis, 8, 1, 22) > 1


def test_a_vertebra_is_one_closed_piece():
    points, start = lattice((0.0, -80.0, -40.0), (50.0, 25.0, 40.0), spacing=2.0, half=True)
    surface = contoured(_solid("L2")(points), origin=start, spacing=2.0, half=True)
    assert surface.n_open_edges == 0
    assert 30_000 < surface.volume < 60_000
