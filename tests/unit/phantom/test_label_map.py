import dataclasses

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.body import WHOLE
from sneakynet.phantom.label_map import body_from_labels, draw_body
from sneakynet.phantom.label_map_settings import LabelMapSettings
from sneakynet.phantom.prepared_map import prepare
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()
NAMES = {1: "Lumbar1", 2: "L2", 3: "Pelvis", 4: "liver", 5: "L6", 6: "left tibia", 7: "Sacrum"}
AS_IT_IS = LabelMapSettings(
    size=0.0, proportions=0.0, rotation=0.0, warp_mm=0.0, cortex=(1.0, 1.0), cortex_spread=0.0, margin_mm=(0.0, 0.0)
)
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def label_map():
    """Two vertebrae in the middle, a pelvis in two parts, a liver to the right: 2 mm, RAS."""
    voxels = np.zeros((60, 40, 50), np.uint8)
    voxels[22:38, 8:26, 36:48] = 1
    voxels[22:38, 8:26, 20:33] = 2
    voxels[5:15, 8:26, 2:18] = 3
    voxels[45:55, 8:26, 2:14] = 3
    voxels[42:56, 10:30, 30:44] = 4
    return voxels


def body(voxels=None, affine=AFFINE, *, settings=AS_IT_IS, names=NAMES, spacing=2.0, seed=0):
    volume = Volume(label_map() if voxels is None else voxels, affine)
    return body_from_labels(volume, names=names, spacing=spacing, settings=settings, rng=np.random.default_rng(seed))


def count(made, name):
    return int((made.labels == TABLE[name].id).sum())


def test_labels_become_the_tables():
    made = body()
    assert made.labels.dtype == np.uint8
    assert made.shape == (60, 40, 50)
    assert count(made, "vertebrae_L1") == 16 * 18 * 12
    assert count(made, "vertebrae_L2") == 16 * 18 * 13
    assert set(np.unique(made.labels)) == {0, 255, *(TABLE[b].id for b in made.facts["bones"])}


def test_one_label_for_both_sides_is_told_apart():
    made = body()
    # x grows to the right.
    assert count(made, "hip_left") == 10 * 18 * 16
    assert count(made, "hip_right") == 10 * 18 * 12
    assert np.argwhere(made.labels == TABLE["hip_right"].id)[:, 0].min() == 45


def test_a_part_that_spans_both_sides_is_cut_at_the_midline():
    voxels = label_map()
    voxels[15:45, 20:24, 2:6] = 3
    made = body(voxels)
    added = 30 * 4 * 4 / 2
    assert count(made, "hip_left") == 10 * 18 * 16 + added
    assert count(made, "hip_right") == 10 * 18 * 12 + added


def test_the_order_of_storage_changes_nothing():
    turned = label_map()[::-1, ::-1].transpose(2, 0, 1)
    affine = np.array([[0, -2.0, 0, 118], [0, 0, -2.0, 78], [2.0, 0, 0, 0], [0, 0, 0, 1]])
    one, other = body(), body(np.ascontiguousarray(turned), affine)
    np.testing.assert_allclose(one.affine, other.affine, atol=1e-9)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.tissues, other.tissues)


def test_bone_has_a_shell_and_a_core_and_none_where_the_map_ends():
    voxels = label_map()
    voxels[22:38, 8:26, 48:] = 1
    made = body(voxels)
    assert (made.cortex <= made.bone).all()
    assert made.bone[30, 16, 42] == WHOLE
    assert made.cortex[30, 16, 42] == 0
    assert made.cortex[22, 16, 42] > 0
    assert made.cortex[30, 16, 49] == 0
    assert made.cortex[30, 16, 36] > 0


def test_touching_bones_have_a_shell_each():
    voxels = label_map()
    voxels[22:38, 8:26, 33:36] = 2
    made = body(voxels)
    assert made.cortex[30, 16, 35] > 0
    assert made.cortex[30, 16, 36] > 0


def test_shares_are_averaged_down():
    made = body(spacing=6.0)
    volume = 216.0 * made.bone.sum() / WHOLE
    true = 8.0 * (label_map() % 4 > 0).sum()
    assert volume == pytest.approx(true, rel=0.12)


def test_unlabelled_voxels_far_away_count_nowhere():
    voxels = np.zeros((60, 60, 60), np.uint8)
    voxels[10:20, 20:40, 20:40] = 1
    made = body(voxels)
    assert made.labels[20 + 5, 30, 30] == 0  # 12 mm away
    assert made.labels[20 + 10, 30, 30] == 255
    voxels[35:45, 20:40, 20:40] = 4
    made = body(voxels)
    assert made.labels[40, 30, 30] == 0  # the map knows that it is liver
    assert made.labels[40, 30, 30 + 13] == 0  # and 6 mm beside it
    near = body(voxels, settings=dataclasses.replace(AS_IT_IS, background_mm=3.0))
    assert near.labels[40, 30, 30 + 13] == 255


def test_bones_without_a_class():
    voxels = label_map()
    voxels[22:38, 8:26, 4:18] = 5
    voxels[2:6, 30:34, 30:44] = 6
    made = body(voxels)
    assert (made.labels[24:36, 10:24, 6:16] == 255).all()
    assert (made.bone[24:36, 10:24, 6:16] == WHOLE).all()
    assert made.labels[4, 32, 36] == 0
    assert made.bone[4, 32, 36] == WHOLE


def test_what_may_be_the_coccyx_counts_nowhere(caplog):
    voxels = label_map()
    voxels[22:38, 8:26, 2:18] = 7
    made = body(voxels)
    assert (made.labels[30, 16, 2:6] == 255).all()
    assert (made.labels[30, 16, 6:18] == TABLE["sacrum"].id).all()
    assert "names sacrum but no coccyx" in caplog.text
    made = body(voxels, names={**NAMES, 9: "coccyx"})
    assert (made.labels[30, 16, 2:18] == TABLE["sacrum"].id).all()


def test_organs_keep_their_place_and_the_rest_is_made_up():
    made = body(settings=dataclasses.replace(AS_IT_IS, fat_mm=(10.0, 10.0)))
    ids = tissue_ids()
    assert (made.tissues[44:54, 12:28, 32:42] == ids["liver"]).all()
    assert not (made.tissues[22:38, 8:26, 36:48] == ids["air"]).any()
    assert (made.tissues == ids["muscle"]).any()
    assert made.metal.sum() == 0


def test_labels_without_a_name_count_nowhere(caplog):
    voxels = label_map()
    voxels[2:12, 8:26, 30:44] = 99
    made = body(voxels)
    assert (made.labels[4:10, 10:24, 32:42] == 255).all()
    assert "labels without a name: 99" in caplog.text


def test_stretch_and_size():
    made = body(settings=dataclasses.replace(AS_IT_IS, stretch=(1.0, 1.0, 1.5)))
    assert count(made, "vertebrae_L1") == pytest.approx(1.5 * 16 * 18 * 12, rel=0.06)
    drawn = body(settings=LabelMapSettings(margin_mm=(0.0, 0.0)), seed=3)
    factor = drawn.facts["size"] ** 3 * np.prod(drawn.facts["proportions"])
    assert count(drawn, "vertebrae_L1") == pytest.approx(factor * 16 * 18 * 12, rel=0.25)


def test_the_same_seed_gives_the_same_body():
    source = prepare(Volume(label_map(), AFFINE), names=NAMES)

    def drawn(seed):
        return draw_body(source, spacing=3.0, settings=LabelMapSettings(), rng=np.random.default_rng(seed))

    one, same, other = drawn(1), drawn(1), drawn(2)
    for part in ("labels", "tissues", "bone", "cortex"):
        np.testing.assert_array_equal(getattr(one, part), getattr(same, part))
    assert one.shape != other.shape or (one.labels != other.labels).any()
    assert one.facts == same.facts != other.facts


def test_margins_only_where_nothing_reaches_the_face():
    voxels = np.zeros((40, 40, 40), np.uint8)
    voxels[10:30, 10:30, 20:40] = 1
    made = body(voxels, settings=dataclasses.replace(AS_IT_IS, margin_mm=(20.0, 20.0)))
    assert made.shape == (60, 60, 50)


def test_a_forearm_alone_has_flesh():
    voxels = np.zeros((40, 40, 60), np.uint8)
    voxels[18:22, 18:22, 5:55] = 1
    made = body(voxels, names={1: "radius_left"})
    assert count(made, "radius_left") == 4 * 4 * 50
    assert (made.tissues[14:18, 20, 30] == tissue_ids()["muscle"]).any()
