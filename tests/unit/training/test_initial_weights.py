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


def saved(made, bones, folder):
    header = WeightsHeader(
        architecture=made.architecture.to_dict(), spacing=(4.0,) * 3, hu_window=(-500.0, 1000.0), table=bones
    )
    path = folder / "trained.safetensors"
    save_weights(path, made, header)
    return path


@pytest.fixture
def trained(tmp_path):
    bones = table("hip", "femur", "skull")
    made = network(bones, seed=1)
    return saved(made, bones, tmp_path), made.state_dict()


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


@pytest.mark.parametrize(
    "options",
    [{}, {"hook_source": "decoder"}, {"variant": "D", "hook_source": "both"}, {"variant": "C"}],
    ids=["E", "E, decoder", "D, both", "C"],
)
@pytest.mark.parametrize("known", [(1,), (1, 2)])
def test_added_contexts_change_no_answer_at_first(tmp_path, options, known):
    bones = table("hip", "femur")
    common = {"levels": 4, "patch_size": 16, "norm": "batch", **options}
    old = network(bones, seed=1, contexts=known, **common)
    for statistics in [values for name, values in old.named_buffers() if name.endswith("running_mean")]:
        statistics += 0.5  # so that a copy can be told from fresh layers
    path = saved(old, bones, tmp_path)
    new = network(bones, seed=2, contexts=(1, 2, 3), **common)
    start_from(new, path, table=bones)

    patches = list(torch.randn(4, 2, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0)))
    with torch.no_grad():
        expected = old.eval()(patches[0], patches[1 : 1 + len(known)])
        found = new.eval()(patches[0], patches[1:])
    torch.testing.assert_close(found.target, expected.target)
    for number, scores in enumerate(expected.contexts):
        torch.testing.assert_close(found.contexts[number], scores)
    widest = old.contexts[-1].state_dict()
    for added in new.contexts[len(known) :]:
        for name, values in added.state_dict().items():
            assert torch.equal(values, torch.zeros_like(values) if name.startswith("head") else widest[name]), name


def test_contexts_are_added_to_a_network_that_is_else_the_same(tmp_path):
    bones = table("hip", "femur")
    old = network(bones, seed=1)
    path = saved(old, bones, tmp_path)
    new = network(bones, seed=2, contexts=(1, 2), levels=2 + 1)
    with pytest.raises(SettingError, match=r"holds another network .*: levels 2, not 3$"):
        start_from(new, path, table=bones)


def test_contexts_that_are_not_the_first_ones(tmp_path):
    bones = table("hip", "femur")
    old = network(bones, seed=1, contexts=(2,), levels=3, patch_size=16)
    path = saved(old, bones, tmp_path)
    new = network(bones, seed=2, contexts=(1, 2), levels=3, patch_size=16)
    with pytest.raises(SettingError, match=r"holds another network .*: contexts \[2\], not \[1, 2\]$"):
        start_from(new, path, table=bones)
