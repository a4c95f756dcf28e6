import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.models.weights import WeightsHeader, load_weights
from sneakynet.training.held_out import Measured
from sneakynet.training.keeping import Keeper
from sneakynet.training.validation import Score

TABLE = BoneTable(tuple(Bone(id=n, name=name) for n, name in enumerate(("hip", "femur", "skull"), start=1)))


def measured(patches, scans=None):
    bones = np.zeros((0, 4)) if scans is None else np.array([[1.0, scans, np.nan, np.nan]])
    return Measured({"target": Score(dice=patches, found=1.0, named=1.0)}, bones)


@pytest.fixture
def keeper(tmp_path, small_trainer):
    def make(step=0):
        trainer = small_trainer()
        trainer.step = step

        def header():
            return WeightsHeader(
                architecture=trainer.model.architecture.to_dict(),
                spacing=(2.0,) * 3,
                hu_window=(-500.0, 1000.0),
                table=TABLE,
                provenance={"steps": trainer.step},
            )

        return Keeper(tmp_path, trainer, header, lambda: 1.0), trainer

    return make


def test_a_run_can_be_resumed_from_its_start(keeper, tmp_path):
    (tmp_path / ".part-0123abcd-checkpoint.pt").touch()  # of a process that was killed
    keeper()
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.pt", "model.safetensors"}


def test_the_best_are_kept(keeper, tmp_path):
    made, trainer = keeper()
    for step, score, best in ((1, 0.2, True), (2, 0.1, False), (3, 0.2, False), (4, 0.3, True)):
        trainer.step = step
        assert made.save_if_best(measured(0.5, score)) is best
    assert load_weights(tmp_path / "best.safetensors")[1].provenance["steps"] == 4


def test_a_resumed_run_remembers_the_best(keeper, tmp_path):
    (tmp_path / "validation.csv").write_text("step,target_dice,scans_dsc\n1,0.1,0.4\n2,0.1,nan\n3,0.1,0.9\n4,0.")
    made, _ = keeper(step=2)
    assert not made.save_if_best(measured(0.5, 0.4))
    assert made.save_if_best(measured(0.5, 0.41))


def test_what_decides():
    assert measured(0.5).score == 0.5
    assert measured(0.5, 0.25).score == 0.25
    assert measured(0.5).columns() == {"target_dice": 0.5, "target_found": 1.0, "target_named": 1.0}
    assert measured(0.5, 0.25).columns()["scans_dsc"] == 0.25
    assert "1 whole scan: DSC 0.250" in measured(0.5, 0.25).sentence()


def test_bones_of_whole_scans(tmp_path):
    bones = np.array([[1.0, 0.5, np.nan, 0.0], [1.0, 0.7, np.nan, np.nan]])
    Measured({}, bones).write_bones(tmp_path / "bones.csv", TABLE)
    assert (tmp_path / "bones.csv").read_text().split() == ["bone,scans,mean_dsc", "hip,2,0.6000", "skull,1,0.0000"]
