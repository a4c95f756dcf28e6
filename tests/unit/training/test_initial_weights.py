import pytest
import torch

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import SettingError
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.weights import WeightsHeader, save_weights
from sneakynet.training.initial_weights import start_from


def table(*names):
    return BoneTable(tuple(Bone(id=n, name=name) for n, name in enumerate(names, start=1)))


def network(bones, *, seed, **options):
    torch.manual_seed(seed)
    settings = {"variant": "E", "contexts": (1,), "patch_size": 8, "width": 2, "levels": 2, **options}
    return build_sneakynet(n_classes=bones.n_classes, **settings)


@pytest.fixture
def trained(tmp_path):
    bones = table("hip", "femur", "skull")
    made = network(bones, seed=1)
    path = tmp_path / "trained.safetensors"
    header = WeightsHeader(
        architecture=made.architecture.to_dict(), spacing=(4.0,) * 3, hu_window=(-500.0, 1000.0), table=bones
    )
    save_weights(path, made, header)
    return path, made.state_dict()


def test_the_same_bones_take_everything(trained):
    path, expected = trained
    bones = table("hip", "femur", "skull")
    made = network(bones, seed=2, patch_size=16)
    start_from(made, path, table=bones)
    assert all(torch.equal(values, expected[name]) for name, values in made.state_dict().items())


def test_classes_are_kept_by_name_and_new_ones_start_afresh(trained, caplog):
    path, expected = trained
    bones = table("patella", "skull", "hip", "rib", "tibia")
    made = network(bones, seed=2)
    fresh = {name: values.clone() for name, values in made.state_dict().items()}
    start_from(made, path, table=bones)
    for name, values in made.state_dict().items():
        if "head" not in name:
            assert torch.equal(values, expected[name]), name
            continue
        for own, other in ((0, 0), (2, 3), (3, 1)):
            assert torch.equal(values[own], expected[name][other]), (name, own)
        for own in (1, 4, 5):
            assert torch.equal(values[own], fresh[name][own]), (name, own)
    assert "knows 2 of 5 bones; these start afresh: patella, rib, tibia" in caplog.text


def test_no_bone_in_common(trained):
    path, _ = trained
    bones = table("patella")
    with pytest.raises(SettingError, match="knows none of the 1 bone of this table; start from fresh weights"):
        start_from(network(bones, seed=2), path, table=bones)


def test_another_network(trained):
    path, _ = trained
    bones = table("hip", "femur", "skull")
    with pytest.raises(SettingError, match=r"holds another network than .* ask for: width 2, not 4$"):
        start_from(network(bones, seed=2, width=4), path, table=bones)
