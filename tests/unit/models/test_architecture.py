import json

import pytest

from sneakynet.errors import SettingError
from sneakynet.models.architecture import Architecture, edge_fault

GOOD = {"variant": "D", "n_classes": 5, "patch_size": 32, "contexts": (1, 2, 3)}


def test_there_and_back_through_json():
    architecture = Architecture(**GOOD, width=7, norm="batch", hook_source="decoder")
    assert Architecture.from_dict(json.loads(json.dumps(architecture.to_dict()))) == architecture


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variant": "F"}, "variant is one of A, B, C, D, E, got 'F'"),
        ({"norm": "layer"}, "norm is one of batch, instance, group, none, got 'layer'"),
        ({"hook_source": "head"}, "hook_source is one of encoder, decoder, both, got 'head'"),
        ({"n_classes": 1}, "n_classes is a whole number from 2 to 65536, got 1"),
        ({"n_classes": True}, "n_classes is a whole number from 2 to 65536, got True"),
        ({"width": 0}, "width is a whole number from 1 to 1024, got 0"),
        ({"width": 2.5}, "width is a whole number from 1 to 1024, got 2.5"),
        ({"levels": 1}, "levels is a whole number from 2 to 8, got 1"),
        ({"contexts": "123"}, "contexts is a tuple of whole numbers, got '123'"),
        ({"variant": "A"}, r"variant A has no contexts, got \(1, 2, 3\): pass contexts=\(\)"),
        ({"contexts": ()}, "variant D has 1 to 3 contexts, got none: a network without is variant A"),
        ({"contexts": (1, 2, 3, 4)}, r"some of 1, 2, 3 .scales 2, 4, 8., each once, ascending, got \(1, 2, 3, 4\)"),
        ({"contexts": (2, 1)}, r"each once, ascending, got \(2, 1\)"),
        ({"contexts": (1, 1)}, r"each once, ascending, got \(1, 1\)"),
        ({"contexts": (0,)}, r"each once, ascending, got \(0,\)"),
        ({"levels": 3}, r"scale 2\*\*3 enters 3 levels lower, so kappa is at most levels - 1 = 2"),
        ({"variant": "C", "hook_source": "decoder"}, "variant C's contexts have no decoder to hook"),
        ({"variant": "C", "hook_source": "both"}, "variant C's contexts have no decoder to hook"),
        (
            {"patch_size": 48},
            r"patch_size 48: .*S % 2\*\*5 == 0.*r_C \* 2\*\*l_C == r_T \* 2\*\*l_T.*fit are 32 and 64",
        ),
        ({"patch_size": 16}, r"patch_size 16: .*S % 2\*\*5 == 0.*fit are 32"),
        (
            {"patch_size": 24, "variant": "A", "contexts": ()},
            r"patch_size 24: 5 levels need.*S % 2\*\*4 == 0.*16 and 32",
        ),
        ({"patch_size": 16, "variant": "A", "contexts": ()}, "patch_size 16 leaves one voxel at level 4.*at least 32"),
    ],
)
def test_what_is_not_allowed_is_refused(change, message):
    with pytest.raises(SettingError, match=message):
        Architecture.from_dict({**Architecture(**GOOD).to_dict(), **change})


def test_the_builders_own_arguments_are_checked_too():
    with pytest.raises(SettingError, match="patch_size 48"):
        Architecture(**{**GOOD, "patch_size": 48})


def test_all_faults_come_together():
    with pytest.raises(SettingError, match=r"variant is.*n_classes is.*width is"):
        Architecture.from_dict({**Architecture(**GOOD).to_dict(), "variant": "X", "n_classes": 0, "width": -1})


@pytest.mark.parametrize("levels", [2, 3, 4, 5])
def test_exactly_the_multiples_fit(levels):
    for edge in range(1, 100):
        with_contexts = edge_fault(edge, levels=levels, contexts=(1,)) is None
        assert with_contexts == (edge % 2**levels == 0)
        assert (edge_fault(edge, levels=levels, contexts=()) is None) == (edge % 2 ** (levels - 1) == 0)


def test_unknown_and_missing_keys_are_named():
    values = Architecture(**GOOD).to_dict()
    del values["norm"]
    with pytest.raises(SettingError, match="unknown key 'colour'; missing key 'norm'"):
        Architecture.from_dict({**values, "colour": "red"})
