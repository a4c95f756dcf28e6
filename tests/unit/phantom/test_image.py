from dataclasses import replace

import numpy as np
import pytest
import torch

from sneakynet.phantom.body import WHOLE, Body
from sneakynet.phantom.image import banded, filtered, paint_scan, reconstructed
from sneakynet.phantom.scan import ScanSettings, draw_scan
from sneakynet.phantom.tissue_ids import tissue_ids

IDS = tissue_ids()


def quiet(**changes):
    """An acquisition without errors or noise, whose tissues are known."""
    hu = dict.fromkeys(IDS, 0.0) | {"air": -1000.0, "fat": -100.0, "muscle": 50.0, "lung": -800.0}
    draw = replace(
        draw_scan(np.random.default_rng(0), ScanSettings(wild=0.0)),
        tissue_hu=tuple(hu.values()),
        tissue_texture=(0.0,) * len(IDS),
        trabecular=150.0,
        cortex=1200.0,
        bone_spread=0.0,
        bone_texture=0.0,
        marbling=0.0,
        marrow=0.0,
        joints=0.0,
        bone_patches=0.0,
        sclerosis=0.0,
        cavity=2.0,
        edge=0.05,
        mtf50=0.9,
        overshoot=0.5,
        pixel=0.6,
        thickness=1.0,
        increment=1.0,
        resampling="averaged",
        noise=0.0,
        noise_paths=0.0,
        hardening=0.0,
        shading=0.0,
        scale=1.0,
        offset=0.0,
        limits=(-1024.0, 3071.0),
        circle=0.0,
    )
    return replace(draw, **changes)


def body(spacing=3.0, shape=(40, 32, 30), *, metal=False):
    """Air around fat around muscle around one bone with a shell of one voxel; a second bone beside it."""
    tissues = np.zeros(shape, np.uint8)
    tissues[4:-4, 4:-4] = IDS["fat"]
    tissues[8:-8, 8:-8] = IDS["muscle"]
    labels, bone, cortex = (np.zeros(shape, np.uint8) for _ in range(3))
    for label, i in ((1, 11), (2, 22)):
        labels[i : i + 7, 12:20, 4:-4] = label
        cortex[i : i + 7, 12:20, 4:-4] = WHOLE
        cortex[i + 1 : i + 6, 13:19, 5:-5] = 0
    bone[labels > 0] = WHOLE
    rods = np.zeros(shape, np.uint8)
    if metal:
        rods[13:15, 14:16, 8:-8] = WHOLE
    affine = np.diag([spacing, spacing, spacing, 1.0])
    return Body(labels, tissues, bone, cortex, rods, affine)


def test_tissues_and_bone_have_the_drawn_values():
    hu = paint_scan(body(), quiet())
    assert hu.dtype == torch.float32
    assert hu.shape == (40, 32, 30)
    middle = hu[:, 16, 15]
    for i, expected in ((0, -1000), (6, -100), (14, 150), (20, 50)):
        assert middle[i] == pytest.approx(expected, abs=25), i
    # A shell of one voxel keeps most of its brightness at 3 mm.
    assert 800 < hu[11, 16, 15] < 1500


def test_same_draw_same_image_and_other_seed_other_image():
    draw = quiet(noise=10.0, bone_spread=0.2)
    first = paint_scan(body(), draw)
    assert torch.equal(first, paint_scan(body(), draw))
    assert not torch.equal(first, paint_scan(body(), replace(draw, seed=draw.seed + 1)))


def test_read_only_bodies_are_painted():
    given = body()
    for array in (given.labels, given.tissues, given.bone, given.cortex, given.metal):
        array.flags.writeable = False
    paint_scan(given, quiet())


def test_wide_label_types_and_unknown_bone():
    narrow = body()
    wide = replace(narrow, labels=narrow.labels.astype(np.uint16))
    assert torch.equal(paint_scan(narrow, quiet()), paint_scan(wide, quiet()))
    unknown = narrow.labels.copy()
    unknown[unknown == 2] = 255
    assert paint_scan(replace(narrow, labels=unknown), quiet())[25, 16, 15] == pytest.approx(150, abs=25)


def test_bones_differ_by_the_spread_and_not_by_label():
    values = []
    for seed in range(60):
        hu = paint_scan(body(), quiet(seed=seed, bone_spread=0.2))
        values.append([float(hu[14, 16, 15]), float(hu[25, 16, 15])])
    first, second = np.array(values).T
    assert first.mean() == pytest.approx(second.mean(), rel=0.12)
    assert np.std(first - second) > 10


def test_soft_kernels_blur_at_1_mm():
    def step(mtf50):
        hu = paint_scan(body(spacing=1.0), quiet(mtf50=mtf50))
        return float((hu[1:, 16, 15] - hu[:-1, 16, 15]).abs().max())

    assert step(0.22) < 0.7 * step(0.9)


def test_thick_slices_blur_along_the_table_only():
    thin, thick = (paint_scan(body(), quiet(thickness=t, increment=t)) for t in (1.0, 7.5))
    end = thin[12, 16, :8].diff().abs().max()
    assert thick[12, 16, :8].diff().abs().max() < 0.6 * end
    # In plane nothing but the roughness of compact bone is averaged.
    assert (thick - thin)[:, :, 15].abs().mean() < 10


def noise_of(spacing=3.0, **changes):
    given = body(spacing)
    draw = quiet(**changes)
    return paint_scan(given, draw) - paint_scan(given, replace(draw, noise=0.0))


def test_noise_has_the_drawn_deviation_when_nothing_is_averaged():
    noise = noise_of(noise=20.0, resampling="interpolated", thickness=5.0, increment=5.0)
    # Two interpolations leave between half and all of it.
    assert 8 < noise[10:30, 10:22].std() < 21


def test_averaging_lowers_noise():
    fine = noise_of(noise=20.0, resampling="interpolated", mtf50=0.35).std()
    assert noise_of(noise=20.0, mtf50=0.35).std() < 0.5 * fine


def test_noise_of_soft_kernels_is_correlated_at_1_mm():
    noise = noise_of(1.0, noise=20.0, mtf50=0.25, pixel=0.9)[8:-8, 8:-8]
    noise = noise - noise.mean()
    lag1 = float((noise[1:] * noise[:-1]).mean() / noise.var())
    assert lag1 > 0.25


def test_noise_is_stronger_where_rays_pass_more():
    wide = body(9.0)
    change = {"noise": 20.0, "noise_paths": 0.7, "resampling": "interpolated"}
    noise = paint_scan(wide, quiet(**change)) - paint_scan(wide, quiet(**change | {"noise": 0.0}))
    assert noise[:, 14:18].std() > 1.3 * noise[:, :3].std()


def test_metal_is_bright_and_leaves_streaks_in_its_slices_only():
    given, plain = body(metal=True), body()
    draw = quiet(metal=6000.0, streaks=1.0)
    with_metal, without = paint_scan(given, draw), paint_scan(plain, draw)
    assert with_metal[14, 15, 15] > 2000
    change = (with_metal - without).abs()
    assert change[4:10, 4:28, 15].mean() > 5
    assert change[:, :, :4].max() < 1


def test_dense_bone_darkens_what_lies_between():
    hard, plain = (paint_scan(body(), quiet(hardening=h)) for h in (60.0, 0.0))
    assert (hard - plain)[20, 16, 15] < -1
    assert (hard - plain)[20, 5, 15] > (hard - plain)[20, 16, 15]


def test_shafts_are_hollow():
    given = body()
    hollow, solid = (paint_scan(given, quiet(cavity=c, marrow_hu=-80.0))[14, 16, 15] for c in (0.1, 2.0))
    assert hollow < solid - 100


def test_outside_of_the_circle_is_padding():
    draw = quiet(circle=1.0, padding=-2000.0)
    hu = paint_scan(body(), draw)
    assert hu[0, 0, 0] == -2000
    assert hu[20, 16, 15] > 0
    assert torch.equal((hu != -2000).all(2), reconstructed((40, 32, 30), draw))
    assert reconstructed((40, 32, 30), quiet()).all()


def test_values_stay_within_what_is_stored():
    hu = paint_scan(body(metal=True), quiet(metal=9000.0, noise=100.0))
    assert hu.min() >= -1024
    assert hu.max() <= 3071


def test_body_without_bone():
    empty = body()
    nothing = np.zeros_like(empty.bone)
    hu = paint_scan(replace(empty, labels=nothing, bone=nothing, cortex=nothing), quiet())
    assert hu.max() < 100


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_filter_keeps_constants_and_spreads_points(axis):
    ones = torch.ones(3, 4, 5)
    torch.testing.assert_close(filtered(ones, [0.1, 0.2, 0.4, 0.2, 0.1], axis=axis), ones)
    point = torch.zeros(5, 5, 5)
    point[2, 2, 2] = 1
    index = [2, 2, 2]
    index[axis] = 1
    assert filtered(point, [0.25, 0.5, 0.25], axis=axis)[tuple(index)] == 0.25


def test_all_draws_paint_finite_images():
    given = body(metal=True)
    for seed in range(25):
        assert paint_scan(given, draw_scan(np.random.default_rng(seed), ScanSettings())).isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_paints_the_same_tissue():
    given, draw = body(metal=True), quiet(noise=10.0, streaks=1.0)
    image = paint_scan(given, draw, device="cuda")
    assert image.device.type == "cuda"
    assert torch.equal(image, paint_scan(given, draw, device="cuda"))
    # Without randomness the two differ by rounding only.
    calm = quiet(streaks=0.0)
    plain = body()
    difference = (paint_scan(plain, calm, device="cuda").cpu() - paint_scan(plain, calm)).abs()
    assert difference.median() < 1


def test_banded_product():
    x = torch.randn(2, 3, 130, generator=torch.Generator().manual_seed(0))
    near = (torch.arange(130)[:, None] * 0.8 - torch.arange(104)).abs()
    matrix = (1.5 - near).clamp(min=0)
    torch.testing.assert_close(banded(x, matrix), x @ matrix, atol=1e-5, rtol=1e-4)
