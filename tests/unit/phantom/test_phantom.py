from dataclasses import replace

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import SettingError
from sneakynet.phantom.body import Body
from sneakynet.phantom.person import PersonSettings
from sneakynet.phantom.phantom import make_body, make_phantom, seen_labels
from sneakynet.phantom.pose import PoseSettings
from sneakynet.phantom.scan import ScanSettings, draw_scan
from sneakynet.phantom.settings import PhantomSettings
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.phantom.variants import VariantSettings

TABLE = BoneTable.default()


@pytest.fixture(scope="module")
def trunk():
    return make_phantom(3, spacing=6.0, field="trunk")


@pytest.fixture(scope="module")
def body():
    return make_body(3, spacing=6.0, field="trunk")


def same(one, other, name):
    return np.array_equal(getattr(one, name), getattr(other, name))


def test_same_seed_same_scan(trunk):
    again = make_phantom(3, spacing=6.0, field="trunk")
    np.testing.assert_array_equal(trunk.scan.voxels, again.scan.voxels)
    np.testing.assert_array_equal(trunk.labels.voxels, again.labels.voxels)
    assert trunk.facts == again.facts
    assert trunk.draw == again.draw


def test_other_seed_other_body(trunk):
    other = make_body(4, spacing=12.0, field="hand")
    assert other.facts["stature"] != trunk.facts["stature"]


def test_a_scan_shows_its_body(trunk, body):
    shown = trunk.labels.voxels != 255  # nothing is known beyond the circle that a scanner reconstructs
    np.testing.assert_array_equal(trunk.labels.voxels[shown], body.labels[shown])
    assert shown.mean() > 0.6
    np.testing.assert_array_equal(trunk.labels.affine, body.affine)
    assert trunk.facts == body.facts
    assert body.facts["seed"] == 3
    assert body.facts["field"] == "trunk"
    assert body.facts["pose"] in {"arms_up", "arms_down", "hands_on_belly", "one_arm_up"}
    assert body.spacing == 6.0


def test_scan_is_ct_and_bone_is_bright(trunk):
    hu = trunk.scan.voxels
    bone = (trunk.labels.voxels > 0) & (trunk.labels.voxels < 255)
    assert hu.dtype == np.int16
    assert hu.min() >= -1024
    assert hu.max() <= 3071
    assert np.median(hu[bone]) > 100
    assert hu[~bone].min() < -800
    assert -200 < np.median(hu[(hu > -300) & ~bone]) < 100


def test_labels_agree_with_shares(body):
    labelled = body.labels > 0
    assert (body.cortex <= body.bone).all()
    # All but the one voxel that a bone too thin for its grid keeps.
    assert (labelled & (body.bone < 128)).sum() < len(TABLE.names)
    assert (body.bone[labelled] >= 128).mean() > 0.99
    # Lower legs and costal cartilage are not in the trunk's bones: what is bone is labelled or ignored.
    assert (labelled[body.bone >= 128]).all()
    assert set(np.unique(body.tissues)) <= set(tissue_ids().values())


def test_bones_lie_in_their_order_and_on_their_side(trunk):
    labels, affine = trunk.labels.voxels, trunk.labels.affine
    centre = {}
    for label in np.unique(labels[(labels > 0) & (labels < 255)]):
        index = np.argwhere(labels == label).mean(0)
        centre[TABLE.by_id(int(label)).name] = affine[:3, :3] @ index + affine[:3, 3]
    spine = [centre[b.name][2] for b in TABLE if b.series == "vertebra" and b.name in centre]
    assert spine == sorted(spine, reverse=True)
    assert len(spine) >= 12
    for bone in TABLE:
        if bone.side == "left" and bone.name in centre and bone.mirror in centre:
            assert centre[bone.name][0] < centre[bone.mirror][0]


def test_every_class_occurs():
    """All 125 in two bodies of 3 mm, whole, with arms down: none is too small to be seen."""
    whole = PersonSettings(pose=PoseSettings(arms_up=0.0, arms_down=1.0, hands_on_belly=0.0, one_arm_up=0.0))
    found: set[int] = set()
    for seed in (0, 1):
        made = make_body(seed, spacing=3.0, field="whole", settings=PhantomSettings(person=whole))
        assert made.facts["pose"] == "arms_down"
        found |= set(np.unique(made.labels).tolist())
    missing = [bone.name for bone in TABLE if bone.id not in found]
    assert not missing


def test_steps_draw_from_streams_of_their_own(body):
    """A change of the scanner, or of tissue, leaves the person as it is."""
    default = PhantomSettings()
    scanner = replace(default, scan=replace(default.scan, wild=1.0, contrast=0.0))
    seen = make_body(3, spacing=6.0, field="trunk", settings=scanner)
    assert all(same(seen, body, name) for name in ("labels", "tissues", "bone", "cortex", "metal"))
    assert seen.facts == body.facts
    fat = make_body(
        3, spacing=6.0, field="trunk", settings=replace(default, tissue=replace(default.tissue, fat_mm=(40.0, 45.0)))
    )
    assert all(same(fat, body, name) for name in ("labels", "bone", "cortex"))
    assert not same(fat, body, "tissues")
    shells = make_body(3, spacing=6.0, field="trunk", settings=replace(default, cortex=(0.3, 0.4)))
    assert all(same(shells, body, name) for name in ("labels", "tissues", "bone", "metal"))
    assert not same(shells, body, "cortex")


def test_ribs_without_a_class_are_ignored():
    variants = VariantSettings(thirteen_ribs=1.0, eleven_ribs=0.0, four_lumbar=0.0, six_lumbar=0.0)
    settings = PhantomSettings(person=PersonSettings(variants=variants))
    made = make_body(3, spacing=5.0, field="abdomen_pelvis", settings=settings)
    unknown = made.labels == 255
    assert 0 < unknown.sum() < 0.1 * (made.labels > 0).sum()
    assert (made.bone[unknown] >= 128).all()
    level = made.affine[2, 3] + 5.0 * np.argwhere(unknown)[:, 2].mean()
    lumbar = np.argwhere(made.labels == TABLE["vertebrae_L3"].id)[:, 2].mean() * 5.0 + made.affine[2, 3]
    assert level > lumbar


def test_bones_that_the_table_lacks_have_no_label(body):
    table = BoneTable((Bone(1, "hip_left"), Bone(2, "sacrum")))
    made = make_body(3, spacing=6.0, field="trunk", table=table)
    assert set(np.unique(made.labels)) - {255} == {0, 1, 2}
    np.testing.assert_array_equal(made.bone, body.bone)


@pytest.mark.parametrize("field", ["chest", "head_neck", "arm", "hand"])
def test_fields_of_view_show_their_bones(field):
    made = make_body(1, spacing=6.0, field=field)
    shown = {TABLE.by_id(int(label)).name for label in np.unique(made.labels) if label not in (0, 255)}
    begins = {"chest": "rib_", "head_neck": "vertebrae_C", "arm": "radius", "hand": "metacarpal"}[field]
    assert any(name.startswith(begins) for name in shown)
    assert made.facts["field"] == field


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "seed is a whole number from 0 on, got -1"),
        ({"seed": 0, "spacing": 0.1}, "spacing is 0.5 to 12.0 mm per voxel, got 0.1"),
        ({"seed": 0, "field": "foot"}, "field of view is one of whole, chest.*hand; got 'foot'"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(SettingError, match=message):
        make_phantom(**settings)
    with pytest.raises(SettingError, match=message):
        make_body(**settings)


def test_nothing_is_known_beyond_the_reconstructed_circle():
    shape = (20, 20, 3)
    empty = np.zeros(shape, np.uint8)
    body = Body(np.full(shape, 7, np.uint8), empty, empty, empty, empty, np.eye(4))
    draw = draw_scan(np.random.default_rng(0), ScanSettings())
    assert (seen_labels(body, replace(draw, circle=0.0)) == 7).all()
    cut = seen_labels(body, replace(draw, circle=1.0))
    assert (cut[0, 0] == 255).all()
    assert (cut[10, 10] == 7).all()
    assert (body.labels == 7).all()
