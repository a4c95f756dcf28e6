"""Laws of the clean-up, for any label map and any settings."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import binary_fill_holes, label

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.geometry import components
from sneakynet.inference.cleanup import clean
from sneakynet.inference.cleanup_settings import CleanupSettings
from sneakynet.volumes.volume import Volume

N = 3
TABLE = BoneTable(tuple(Bone(id=n, name=f"bone_{n}") for n in range(1, N + 1)))
TOUCHING = np.ones((3, 3, 3))


@st.composite
def label_maps(draw):
    """Small maps, from a few specks to nearly solid ones, on grids of powers of 2 so that sizes are exact."""
    shape = draw(array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7))
    weights = draw(st.sampled_from([(1, 1, 0, 0), (1, 3, 0, 0), (3, 1, 1, 1), (1, 4, 1, 1), (1, 12, 1, 0)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    drawn = rng.choice(N + 1, p=np.array(weights) / sum(weights), size=shape).astype(np.uint8)
    # Hypothesis' own voxels shrink well, the drawn ones close cavities.
    voxels = draw(st.one_of(st.just(drawn), arrays(np.uint8, shape, elements=st.integers(0, N))))
    steps = draw(st.tuples(*[st.sampled_from([-2.0, 0.5, 1.0, 4.0])] * 3))
    return Volume(voxels, np.diag([*steps, 1.0]))


SETTINGS = st.builds(
    CleanupSettings,
    keep=st.sampled_from(["off", "largest", "near"]),
    near_mm=st.sampled_from([0.0, 1.0, 2.5, 8.0]),
    near_share=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    same_face=st.booleans(),
    smallest_mm3=st.sampled_from([0.0, 0.0, 3.0, 20.0]),
    fill_voids=st.booleans(),
    largest_void_mm3=st.sampled_from([0.0, 2.0, 1000.0]),
)


def cleaned(labels, wanted):
    return clean(labels, table=TABLE, settings=wanted)


@given(label_maps(), SETTINGS)
@settings(max_examples=300, deadline=None)
def test_cleaning_twice_is_cleaning_once(labels, wanted):
    once, _ = cleaned(labels, wanted)
    twice, report = cleaned(once, wanted)
    assert np.array_equal(once.voxels, twice.voxels)
    assert report.changed == ()


@given(label_maps(), SETTINGS)
@settings(max_examples=200, deadline=None)
def test_the_report_accounts_for_every_voxel(labels, wanted):
    result, report = cleaned(labels, wanted)
    changes = {bone.id: bone for bone in report.changed}
    pieces = {n: label(labels.voxels == n, TOUCHING)[1] for n in range(1, N + 1)}
    assert report.components == sum(pieces.values())
    for n in range(1, N + 1):
        change = np.count_nonzero(result.voxels == n) - np.count_nonzero(labels.voxels == n)
        if n in changes:
            assert change == changes[n].void_voxels_filled - changes[n].voxels_removed
            assert changes[n].components == pieces[n]
        else:
            assert np.array_equal(result.voxels == n, labels.voxels == n)


@given(label_maps(), SETTINGS)
@settings(max_examples=200, deadline=None)
def test_no_label_comes_in_and_no_bone_takes_from_another(labels, wanted):
    result, _ = cleaned(labels, wanted)
    assert set(np.unique(result.voxels)) <= {0, *np.unique(labels.voxels)}
    # A voxel of another bone may change hands only after it was removed.
    if wanted.keep == "off":
        assert np.array_equal(result.voxels[labels.voxels > 0], labels.voxels[labels.voxels > 0])


@given(label_maps(), SETTINGS)
@settings(max_examples=200, deadline=None)
def test_the_largest_component_stays(labels, wanted):
    result, _ = cleaned(labels, replace(wanted, smallest_mm3=0.0))
    for n in np.unique(labels.voxels[labels.voxels > 0]):
        numbers, count = label(labels.voxels == n, TOUCHING)
        sizes = [np.count_nonzero(binary_fill_holes(numbers == c)) for c in range(1, count + 1)]
        largest = numbers == 1 + int(np.argmax(sizes))
        assert (result.voxels[largest] == n).all()


@given(label_maps())
@settings(max_examples=200, deadline=None)
def test_largest_leaves_components_of_one_size_alone(labels):
    result, _ = cleaned(labels, CleanupSettings(keep="largest", smallest_mm3=0.0))
    for n in np.unique(result.voxels[result.voxels > 0]):
        numbers, count = label(result.voxels == n, TOUCHING)
        assert len({np.count_nonzero(binary_fill_holes(numbers == c)) for c in range(1, count + 1)}) == 1


@given(label_maps(), SETTINGS)
@settings(max_examples=200, deadline=None)
def test_no_cavity_is_left(labels, wanted):
    result, _ = cleaned(labels, replace(wanted, fill_voids=True, largest_void_mm3=1e6))
    for n in np.unique(result.voxels[result.voxels > 0]):
        assert (result.voxels[binary_fill_holes(result.voxels == n)] > 0).all()


@given(label_maps(), SETTINGS, st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))
@settings(max_examples=200, deadline=None)
def test_the_order_and_direction_of_axes_do_not_matter(labels, wanted, order, flips):
    steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)
    turned = Volume(labels.voxels.transpose(order)[steps], np.diag([*np.diag(labels.affine)[order], 1.0]))
    expected, report = cleaned(labels, wanted)
    result, same = cleaned(turned, wanted)
    assert np.array_equal(result.voxels, expected.voxels.transpose(order)[steps])
    assert [(b.id, b.components_removed, b.void_voxels_filled) for b in same.changed] == [
        (b.id, b.components_removed, b.void_voxels_filled) for b in report.changed
    ]


@given(label_maps(), SETTINGS, st.integers(2, 40))
@settings(max_examples=200, deadline=None)
def test_slabs_do_not_matter(labels, wanted, block):
    expected, report = cleaned(labels, wanted)
    whole, components._BLOCK = components._BLOCK, block
    try:
        result, same = cleaned(labels, wanted)
    finally:
        components._BLOCK = whole
    assert np.array_equal(result.voxels, expected.voxels)
    assert same == report
