"""The weights that come with the package, on bodies that training never saw: the model card's figures must hold."""

import pytest

from sneakynet.evaluation.case import compare
from sneakynet.inference.predictor import Predictor
from sneakynet.models.default import default_weights
from sneakynet.phantom.phantom import make_phantom

LIMIT_MB = 12


@pytest.fixture(scope="module")
def result():
    predictor = Predictor.load(device="cpu")
    phantom = make_phantom(3, spacing=4.0, field="abdomen_pelvis")
    found = predictor.segment(phantom.scan)
    return compare(found.labels, phantom.labels, table=predictor.header.table, case="phantom"), predictor.header


def test_the_file_is_small_enough_to_ship():
    assert default_weights().stat().st_size < LIMIT_MB * 1e6


def test_the_header_says_where_they_come_from():
    provenance = Predictor.load(device="cpu").header.provenance
    assert provenance["dataset"] == "phantoms and painted label maps"
    assert [stage["networks"] for stage in provenance["stages"]] == ["contexts", "all", "all"]


def test_large_bones_are_found(result):
    dsc = {score.name: score.dsc for score in result[0].scores}
    for bone in ("hip_left", "hip_right", "femur_left", "femur_right", "sacrum"):
        assert dsc[bone] > 0.8, (bone, dsc[bone])


def test_bone_is_told_from_the_rest(result):
    assert result[0].bone_dsc > 0.85


def test_no_side_is_swapped(result):
    assert max(score.side_swap or 0 for score in result[0].scores) < 0.5
