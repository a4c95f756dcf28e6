import dataclasses
from collections import Counter

import numpy as np
import pytest

from sneakynet.phantom.field_of_view import FIELDS, FieldShares, draw_field_of_view

TRUNK = ("rib_left_8", "vertebrae_T9", "vertebrae_T12")
SHOWN = {
    "whole": ("skull", *TRUNK, "hip_left", "vertebrae_C1"),
    "chest": ("rib_left_3", "rib_right_6", "vertebrae_T4", "vertebrae_T8"),
    "abdomen_pelvis": ("hip_left", "sacrum", "vertebrae_L4", "vertebrae_L2"),
    "trunk": ("hip_right", "sacrum", *TRUNK),
    "head_neck": ("skull", "vertebrae_C1", "vertebrae_C4"),
}


def boxes(surfaces, kind, n=20):
    return [draw_field_of_view(np.random.default_rng(seed), surfaces, kind)[1] for seed in range(n)]


def share_inside(surface, box):
    return ((surface.vertices > box[0]) & (surface.vertices < box[1])).all(1).mean()


def test_every_kind_has_a_share():
    assert tuple(field.name for field in dataclasses.fields(FieldShares)) == FIELDS


@pytest.mark.parametrize("kind", SHOWN)
def test_shows_what_it_is_named_after(person, kind):
    for box in boxes(person.surfaces, kind):
        assert (box[1] > box[0]).all()
        for name in SHOWN[kind]:
            assert share_inside(person.surfaces[name], box) > 0.2, name


def test_chests_show_no_hips_and_heads_no_belly(person):
    for kind, hidden in (("chest", "femur_left"), ("head_neck", "vertebrae_L1"), ("abdomen_pelvis", "skull")):
        assert all(share_inside(person.surfaces[hidden], box) == 0 for box in boxes(person.surfaces, kind))


@pytest.mark.parametrize(("kind", "forearm"), [("arm", 0.5), ("hand", 0.0)])
def test_arms_and_hands_are_of_one_side_and_sometimes_cut(person, kind, forearm):
    whole = 0
    sides = Counter()
    for box in boxes(person.surfaces, kind, n=40):
        hands = {
            side: np.mean(
                [share_inside(s, box) for name, s in person.surfaces.items() if name.startswith(f"metacarpal_{side}")]
            )
            for side in ("left", "right")
        }
        side = max(hands, key=hands.get)
        sides[side] += 1
        radius = share_inside(person.surfaces[f"radius_{side}"], box)
        whole += hands[side] == 1 and radius >= forearm
        if not forearm:
            assert radius < 0.6
    assert set(sides) == {"left", "right"}
    assert 20 <= whole < 40  # three in ten leave a part out


def test_hands_are_small(person):
    assert max((box[1] - box[0]).max() for box in boxes(person.surfaces, "hand")) < 400


def test_missing_limbs_are_no_obstacle(person):
    armless = {
        n: s for n, s in person.surfaces.items() if not n.startswith(("radius", "ulna", "metacarpal", "phalanx"))
    }
    carpal = ("scaphoid", "lunate", "triquetrum", "pisiform", "trapez", "capitate", "hamate")
    legless = {n: s for n, s in armless.items() if not n.startswith((*carpal, "femur", "patella"))}
    for kind in FIELDS:
        _, box = draw_field_of_view(np.random.default_rng(1), legless, kind)
        assert (box[1] > box[0]).all()


def test_shares_decide_how_often(person):
    only = FieldShares(*(float(name in {"chest", "hand"}) for name in FIELDS))
    kinds = Counter(
        draw_field_of_view(np.random.default_rng(seed), person.surfaces, shares=only)[0] for seed in range(60)
    )
    assert set(kinds) == {"chest", "hand"}
    assert min(kinds.values()) > 15


def test_the_same_draw_gives_the_same_box(person):
    one, two = (draw_field_of_view(np.random.default_rng(5), person.surfaces) for _ in range(2))
    assert one[0] == two[0]
    np.testing.assert_array_equal(one[1], two[1])
