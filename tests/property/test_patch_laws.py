"""Patches to the bit: as cut voxel by voxel, and the same from memory and from a store."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sneakynet.data.case import Case, class_centres
from sneakynet.data.patches import PatchGeometry, cut
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.sampling import Augmentation, draw_batch, make_batch
from sneakynet.data.store import open_store, write_store

GEOMETRY, WINDOW = PatchGeometry(patch_size=16, contexts=(1, 2)), (-500.0, 1300.0)
LUT = np.array([0, 2, 1, 3, 4])
EDGES = st.tuples(*[st.integers(1, 9)] * 3)


@settings(deadline=None)
@given(data=st.data(), shape=EDGES, edges=EDGES)
def test_a_box_repeats_the_nearest_cell(data, shape, edges):
    level = torch.arange(int(np.prod(shape)), dtype=torch.int16).reshape(shape)
    lows = [data.draw(st.integers(0, edge - 1)) for edge in shape]
    inside = tuple((low, data.draw(st.integers(low + 1, edge))) for low, edge in zip(lows, shape, strict=True))
    origin = tuple(data.draw(st.integers(-12, 12)) for _ in range(3))
    out = torch.empty(edges)
    cut(level, origin, inside=inside, out=out)
    cells = [
        np.clip(np.arange(first, first + edge), low, high - 1)
        for first, edge, (low, high) in zip(origin, edges, inside, strict=True)
    ]
    assert np.array_equal(out.numpy(), level.numpy()[np.ix_(*cells)])


@dataclass(frozen=True, repr=False)  # hypothesis prints its arguments
class Both:
    memory: list[Case]
    stored: list[Case]


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """In memory, and the same in stores."""
    random = np.random.default_rng(7)
    folder = tmp_path_factory.mktemp("cases")
    made = []
    for name, shape in (("a", (50, 33, 70)), ("b", (20, 70, 31))):
        scan = random.integers(-800, 1600, shape).astype(np.int16)
        labels = (random.integers(0, 5, shape) * (random.random(shape) < 0.3)).astype(np.uint8)
        pyramid = build_pyramid(torch.from_numpy(scan), torch.from_numpy(labels), levels=(1, 2), n_classes=5)
        made.append(Case(name, shape, pyramid, class_centres(labels, per_class=30, rng=random)))
        write_store(made[-1], folder / f"{name}.b2z")
    return Both(made, [open_store(case.name, folder / f"{case.name}.b2z", levels=(0, 1, 2)) for case in made])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), ignore=st.booleans(), warp=st.booleans())
def test_a_store_changes_nothing(cases, seed, ignore, warp):
    batches = []
    for each in (cases.memory, cases.stored):
        augmentation = Augmentation(warp=0.7 if warp else 0.0)
        draws = draw_batch(each, GEOMETRY, key=(seed,), batch_size=3, balanced=0.5, augmentation=augmentation)
        batches.append(make_batch(each, draws, GEOMETRY, hu_window=WINDOW, mirror_lut=LUT, ignore_padding=ignore))
    memory, store = batches
    for one, other in zip((*memory.images, *memory.labels), (*store.images, *store.labels), strict=True):
        assert torch.equal(one, other)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_intensities_are_those_of_single_precision_step_by_step(cases, seed):
    case = cases.memory[0]
    augmentation = Augmentation(warp=0.0, noise=0.0, gamma=0.0, blur=0.0, coarse=0.0)
    (draw,) = draw_batch([case], GEOMETRY, key=(seed,), batch_size=1, balanced=0.5, augmentation=augmentation)
    seen = make_batch([case], [draw], GEOMETRY, hu_window=WINDOW, mirror_lut=LUT)
    for kappa, image, label in zip((0, 1, 2), seen.images, seen.labels, strict=True):
        cells = np.ix_(
            *[
                np.clip(np.arange(first, first + 16), low // 2**kappa, high // 2**kappa - 1)
                for first, (low, high) in zip(GEOMETRY.context_origin(draw.origin, kappa), draw.inside, strict=True)
            ]
        )
        hu = case.pyramid.scan[kappa].numpy()[cells].astype(np.float32) - np.float32(400)
        hu = hu * (np.float32(draw.gain) * np.float32(2 / 1800)) + np.float32(draw.offset)
        ids = case.pyramid.labels[kappa].numpy()[cells]
        expected, names = np.clip(hu, -1, 1), np.concatenate([LUT, np.arange(5, 256)]).astype(np.uint8)[ids]
        if draw.mirror:
            assert np.array_equal(image[0, 0].numpy(), expected[::-1])
            assert np.array_equal(label[0].numpy(), names[::-1])
        else:
            assert np.array_equal(image[0, 0].numpy(), expected)
            assert np.array_equal(label[0].numpy(), ids)
