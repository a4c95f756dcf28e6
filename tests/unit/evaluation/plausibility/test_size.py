import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.plausibility.measured import measure
from sneakynet.evaluation.plausibility.size import judge_size
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


def part(edge, *, mm=2.0, name="patella_left"):
    voxels = np.zeros((edge + 2,) * 3, dtype=np.uint8)
    voxels[1:-1, 1:-1, 1:-1] = TABLE[name].id
    return judge_size(measure(Volume(voxels, np.diag([mm, mm, mm, 1.0])), None, table=TABLE))


@pytest.mark.parametrize(("edge", "fine"), [(5, False), (12, True), (30, False)])
def test_one_bone_by_itself(edge, fine):
    found = part(edge)
    assert (found.score == 1) == fine
    if not fine:
        assert found.flags[0].evidence.startswith(f"patella_left has {(2 * edge) ** 3 / 1000:.1f} ml; such bones have ")


def test_a_bone_beside_the_others(body):
    body.voxels[np.roll(body.where("mandible"), 5, axis=1) & (body.voxels == 0)] = TABLE["mandible"].id
    body.voxels[np.roll(body.where("mandible"), 2, axis=2) & (body.voxels == 0)] = TABLE["mandible"].id
    flags = body.part("size").flags
    assert [flag.bones for flag in flags] == [("mandible",)]
    assert "the person's other bones lead to expect" in flags[0].evidence or "such bones have" in flags[0].evidence


def test_a_person_of_another_size_is_fine(body):
    for factor in (1.0, 1.2):
        body.affine = np.diag([4 * factor, 4 * factor, 4 * factor, 1.0])
        assert body.part("size").flags == ()


def test_coarse_voxels_say_nothing():
    assert part(2, mm=10.0).score is None
