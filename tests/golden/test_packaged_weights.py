"""The models that come with the package, on bodies that training never saw: the model card's figures must hold."""

import pytest

from sneakynet.evaluation.case import compare
from sneakynet.evaluation.summary import summary_of
from sneakynet.inference.predictor import Predictor
from sneakynet.models.packaged import packaged_weights
from sneakynet.phantom.phantom import make_phantom
from sneakynet.volumes.volume import Volume

LIMIT_MB = 12
PELVIS = 60  # of 101 slices


STAGES = {"default": ["contexts", "all", "all"], "fine": ["contexts", "all", "all", "all"]}


@pytest.fixture(scope="module", params=STAGES)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def predictor(model):
    return Predictor.load(model, device="cpu")


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(3, spacing=4.0, field="abdomen_pelvis")


@pytest.fixture(scope="module")
def result(predictor, phantom):
    scan, labels = (Volume(v.voxels[..., :PELVIS].copy(), v.affine) for v in (phantom.scan, phantom.labels))
    found = predictor.segment(scan)
    return compare(found.labels, labels, table=predictor.header.table, case="phantom")


def test_the_file_is_small_enough_to_ship(model):
    assert packaged_weights(model).stat().st_size < LIMIT_MB * 1e6


def test_the_header_says_where_they_come_from(predictor, model):
    provenance = predictor.header.provenance
    assert provenance["dataset"] == "phantoms and painted label maps"
    assert [stage["networks"] for stage in provenance["stages"]] == STAGES[model]


def test_large_bones_are_found(result):
    dsc = {score.name: score.dsc for score in result.scores}
    for bone in ("hip_left", "hip_right", "femur_left", "femur_right", "sacrum"):
        assert dsc[bone] > 0.8, (bone, dsc[bone])


def test_bone_is_told_from_the_rest(result):
    assert result.bone_dsc > 0.85


def test_most_bones_are_found(result, predictor):
    assert summary_of([result], predictor.header.table).nonzero_share > 0.5


def test_no_side_is_swapped(result):
    assert max(score.side_swap or 0 for score in result.scores) < 0.5
