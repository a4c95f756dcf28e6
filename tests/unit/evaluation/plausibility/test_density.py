import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.plausibility.density import judge_density
from sneakynet.evaluation.plausibility.measured import measure
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


def part(hu, *, air=0):
    labels = np.zeros((10, 10, 10), dtype=np.uint8)
    labels[:5] = TABLE["skull"].id
    scan = np.full(labels.shape, hu, dtype=np.int16)
    scan[:air] = -1000
    volume = Volume(scan, np.eye(4))
    return judge_density(measure(Volume(labels, np.eye(4)), volume, table=TABLE))


@pytest.mark.parametrize(("hu", "score"), [(300, 1), (75, 0.5), (30, 0), (-900, 0), (2500, 0)])
def test_mean(hu, score):
    assert part(hu).score == score


def test_air_in_a_dense_bone():
    flag = part(1100, air=1).flags[0]
    assert flag.score == pytest.approx(2 / 3, abs=0.01)
    assert flag.evidence == "skull has 680 HU on average, 20% of it in air or lung"


def test_without_a_scan_nothing_is_said():
    labels = Volume(np.ones((3, 3, 3), dtype=np.uint8), np.eye(4))
    assert judge_density(measure(labels, None, table=TABLE)).evidence == "no scan was given"
