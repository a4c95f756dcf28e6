"""``sneakynet train`` from files to weights."""

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import yaml

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.models.bf16 import has_bf16
from sneakynet.models.weights import load_weights
from sneakynet.training import loop as loop_module
from sneakynet.training import run as run_module
from sneakynet.training.presets import DEFAULT
from sneakynet.training.settings import override

THREE = Path(__file__).with_name("three_bones.csv")
BONES = ("hip_left", "hip_right", "sacrum")
TINY = ["--patch-size", 16, "--levels", 3, "--width", 4, "--batch-size", 1, "--warmup-steps", 0]
# Emulated, bf16 takes many times as long.
FAST = "bf16" if has_bf16(torch.device("cpu")) else "f32"
TINY += ["--threads", 1, "--device", "cpu", "--quiet", "--table", THREE]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Three scans of 40^3 voxels, each with three bright balls in fixed places."""
    folder = tmp_path_factory.mktemp("dataset")
    random = np.random.default_rng(0)
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir()
    grid = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"), -1)
    for case in range(3):
        labels = np.zeros((40, 40, 40), dtype=np.uint8)
        for value, centre in ((1, (10, 20, 12)), (2, (30, 20, 12)), (3, (20, 20, 30))):
            labels[((grid - centre - random.uniform(-2, 2, 3)) ** 2).sum(-1) < 36] = value
        scan = np.where(labels > 0, 500, 0) + random.normal(0, 30, labels.shape)
        affine = np.diag([4.0, 4.0, 4.0, 1.0])
        nibabel.save(nibabel.Nifti1Image(scan.astype(np.int16), affine), folder / "imagesTr" / f"c{case}_0000.nii.gz")
        nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "labelsTr" / f"c{case}.nii.gz")
    labels = {"background": 0, **{name: value for value, name in enumerate(BONES, start=1)}}
    (folder / "dataset.json").write_text(json.dumps({"labels": labels, "channel_names": {"0": "CT"}}))
    return folder


def train(*args):
    return main(["train", *map(str, args)])


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def no_curves(monkeypatch):
    """Leaves out the picture after every validation, which takes longer than the training of such a network."""
    monkeypatch.setattr(loop_module, "draw_curves", lambda folder: None)


def test_loss_falls_within_60_steps(dataset, tmp_path):
    output = tmp_path / "run"
    settings = [*TINY, "--steps", 60, "--validate-every", 30, "--validation-patches", 2, "--learning-rate", 0.01]
    assert train(dataset, "-o", output, *settings, "--batch-size", 2, "--precision", FAST) == 0
    lines = rows(output / "train.csv")
    assert [int(line["step"]) for line in lines] == [20, 40, 60]
    for network in ("target", "context_2x"):
        first, last = (float(line[f"{network}_loss"]) for line in (lines[0], lines[-1]))
        assert last < 0.85 * first  # from an answer of background everywhere on, which is not bad
    assert [int(line["step"]) for line in rows(output / "validation.csv")] == [30, 60]
    assert {"target_dice", "target_found", "context_2x_dice"} <= set(rows(output / "validation.csv")[0])
    model, header = load_weights(output / "model.safetensors")
    assert header.table.names == BONES
    assert header.spacing == (4.0, 4.0, 4.0)
    assert header.provenance["steps"] == 60
    assert header.provenance["training_cases"] == 2
    assert model.architecture.variant == "E"
    assert list((output / "tensorboard").iterdir())
    assert {"scans_dsc"} <= set(rows(output / "validation.csv")[0])
    assert {row["bone"] for row in rows(output / "validation_bones.csv")} <= set(BONES)
    assert load_weights(output / "best.safetensors")[1].provenance["steps"] in {30, 60}
    assert (output / "progress.png").read_bytes().startswith(b"\x89PNG")
    page = (output / "report.html").read_text()
    assert all(text in page for text in ("60 of 60 steps", "best.safetensors", "data:image/png", "learning_rate"))


def weights(folder):
    return load_weights(folder / "model.safetensors")[0].state_dict()


SHARED = [
    "--shared-context",
    "2",
    "--shared-region",
    "2",
    "--batch-size",
    "2",
    "--norm",
    "batch",
    "--context-steps",
    "2",
]


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize(
    "extra", [["--ema", "0.9"], ["--precision", FAST, "--norm", "batch", "--variant", "E"], SHARED]
)
def test_stop_and_resume_is_the_same_to_the_bit(dataset, tmp_path, extra, monkeypatch):
    settings = [*TINY, "--steps", 6, "--validate-every", 2, "--validation-patches", 1, "--log-every", 1, *extra]
    assert_resumes_to_the_bit([dataset, *settings, "--cache", tmp_path / "cache"], tmp_path, monkeypatch)


def assert_resumes_to_the_bit(arguments, tmp_path, monkeypatch):
    """Runs six steps at once, and three and three."""
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert train(*arguments, "-o", straight) == 0

    with monkeypatch.context() as patch:
        loop = run_module.run_loop
        patch.setattr(run_module, "run_loop", lambda *a, **k: loop(*a, **{**k, "stop": lambda step: step >= 3}))
        assert train(*arguments, "-o", broken) == 0
    assert rows(broken / "train.csv")[-1]["step"] == "3"
    assert train("-o", broken, "--resume", "--quiet") == 0

    resumed = weights(broken)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in weights(straight).items())
    timed = ("patches_per_s", "minutes", "data_wait", "memory_gib")
    for name in ("train", "validation"):
        one, two = rows(straight / f"{name}.csv"), rows(broken / f"{name}.csv")
        assert [{k: v for k, v in row.items() if k not in timed} for row in one] == [
            {k: v for k, v in row.items() if k not in timed} for row in two
        ]


def test_a_damaged_prepared_case_is_named_and_made_again(dataset, tmp_path, capsys):
    cache = tmp_path / "cache"
    few = [*TINY, "--validation-patches", 1, "--validation-scans", 0, "--steps", 2, "--cache", cache]
    assert train(dataset, "-o", tmp_path / "one", *few) == 0
    capsys.readouterr()
    first, *others = sorted(cache.iterdir())
    assert [path.name.partition("-")[0] for path in (first, *others)] == ["c0", "c1", "c2"]
    content, made = first.read_bytes(), [path.stat().st_mtime_ns for path in others]
    first.unlink()
    first.write_bytes(content[:-7])
    assert train(dataset, "-o", tmp_path / "two", *few) == 0
    assert f"case c0: what was prepared in {first} is damaged (" in capsys.readouterr().err
    assert first.read_bytes() == content
    assert [path.stat().st_mtime_ns for path in others] == made
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bodies")
    options = ["--count", "3", "--field", "hand", "--spacing", "8", "--workers", "1", "--quiet"]
    assert main(["phantom", "-o", str(folder), "--bodies", *options]) == 0
    return folder


# A pool of two scans, of which one is painted anew at each second step.
PAINTED = [*TINY[:-2], "--steps", 6, "--validate-every", 3, "--validation-patches", 1, "--log-every", 1, "--pool", 2]


@pytest.mark.usefixtures("no_curves")
def test_training_on_bodies_resumes_to_the_bit(bodies, tmp_path, monkeypatch):
    assert_resumes_to_the_bit([bodies, *PAINTED], tmp_path, monkeypatch)
    header = load_weights(tmp_path / "broken" / "model.safetensors")[1]
    assert header.spacing == (8.0, 8.0, 8.0)
    assert header.provenance["training_cases"] == 2
    split = json.loads((tmp_path / "broken" / "splits.json").read_text())
    assert sorted(split["training"] + split["validation"]) == [f"phantom_{seed:05d}" for seed in range(3)]
    assert not list((tmp_path / "broken").rglob("*.npz"))  # bodies are painted, not prepared


@pytest.mark.usefixtures("no_curves")
def test_bodies_are_painted_anew(bodies, tmp_path):
    """With a pool that is never painted again the same seed learns something else."""
    for every, output in ((1, "often"), (1000, "never")):
        assert train(bodies, "-o", tmp_path / output, *PAINTED, "--repaint-every", every) == 0
    one, two = weights(tmp_path / "often"), weights(tmp_path / "never")
    assert any(not torch.equal(one[name], two[name]) for name in one)


@pytest.mark.usefixtures("no_curves")
def test_training_on_phantoms_resumes_to_the_bit(tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    phantoms = ["--phantoms", 3, "--phantom-seed", 40, "--spacing", 10, "--workers", 1, "--cache", cache]
    assert_resumes_to_the_bit([*phantoms, *PAINTED], tmp_path, monkeypatch)
    assert {path.name for path in cache.rglob("*.npz")} <= {f"body_00000{n}.npz" for n in (40, 41, 42)}
    header = load_weights(tmp_path / "broken" / "model.safetensors")[1]
    assert header.provenance["dataset"] == "phantoms"
    assert header.table.names == BoneTable.default().names
    config = yaml.safe_load((tmp_path / "broken" / "config.yaml").read_text())
    assert (config["dataset"], config["phantoms"]) == (None, 3)


def test_a_dataset_and_phantoms_together_are_refused(bodies, tmp_path, capsys):
    assert train(bodies, "-o", tmp_path / "run", *PAINTED, "--phantoms", 2) == 2
    assert "a number of phantoms with --phantoms; one of them, not both" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_bodies_of_another_spacing_are_refused(bodies, tmp_path, capsys):
    assert train(bodies, "-o", tmp_path / "run", *PAINTED, "--spacing", 4) == 2
    assert "the bodies have 8 mm, --spacing asks for 4" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_bodies_of_other_bones_are_refused(bodies, tmp_path, capsys):
    assert train(bodies, "-o", tmp_path / "run", *TINY) == 2
    assert "are labelled with another bone table (125 bones); give it with --table" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_damaged_body_is_named(bodies, tmp_path, capsys):
    copy = tmp_path / "bodies"
    copy.mkdir()
    for path in [*bodies.glob("*.npz"), bodies / "bodies.json"]:
        (copy / path.name).write_bytes(path.read_bytes()[: 300 if path.suffix == ".npz" else None])
    assert train(copy, "-o", tmp_path / "run", *PAINTED) == 2
    assert "damaged or no body" in capsys.readouterr().err


@pytest.mark.usefixtures("no_curves")
def test_contexts_first_leaves_the_target_alone(dataset, tmp_path):
    few = [*TINY, "--validation-patches", 1, "--variant", "E", "--cache", tmp_path / "cache"]
    for steps, output in ((1, "one"), (3, "three")):
        assert train(dataset, "-o", tmp_path / output, *few, "--steps", steps, "--context-steps", 2) == 0
    one, three = weights(tmp_path / "one"), weights(tmp_path / "three")
    changed = {name for name in one if not torch.equal(one[name], three[name])}
    assert any(name.startswith("contexts.") for name in changed)
    untrained = override(DEFAULT, patch_size=16, levels=3, width=4)
    torch.manual_seed(untrained.seed)
    fresh = run_module.make_network(untrained, BoneTable.read(THREE)).state_dict()
    assert all(torch.equal(one[name], fresh[name]) for name in one if name.startswith("target."))
    assert any(name.startswith("target.") for name in changed)  # the third step trains everything


@pytest.mark.usefixtures("no_curves")
def test_config_repeats_the_run(dataset, tmp_path):
    few = [*TINY, "--validation-patches", 1, "--steps", 2, "--contexts", 1, 2, "--cache", tmp_path / "cache"]
    assert train(dataset, "-o", tmp_path / "one", *few) == 0
    assert train("--config", tmp_path / "one" / "config.yaml", "-o", tmp_path / "two", "--quiet") == 0
    config, again = (yaml.safe_load((tmp_path / run / "config.yaml").read_text()) for run in ("one", "two"))
    made, anew = config.pop("made_by"), again.pop("made_by")
    assert again == config
    assert config["contexts"] == [1, 2]
    assert made["data_fingerprint"] == anew["data_fingerprint"]
    assert {"torch", "sneakynet"} <= made["versions"].keys()
    assert made["command"].startswith("sneakynet train dataset")
    assert str(tmp_path) not in made["command"]
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)
    # An option beside the file goes before it.
    args = ["--config", tmp_path / "one" / "config.yaml", "-o", tmp_path / "three", "--quiet", "--steps", 1]
    assert train(*args) == 0
    assert yaml.safe_load((tmp_path / "three" / "config.yaml").read_text())["steps"] == 1


@pytest.mark.usefixtures("no_curves")
def test_start_from_weights(dataset, tmp_path, capsys):
    few = [*TINY, "--validation-patches", 1, "--steps", 1, "--cache", tmp_path / "cache"]
    assert train(dataset, "-o", tmp_path / "one", *few) == 0
    start = ["--init", tmp_path / "one" / "model.safetensors"]
    assert train(dataset, "-o", tmp_path / "two", *few, *start, "--learning-rate", 1e-12) == 0
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    learnt = [name for name in one if not name.endswith(("running_mean", "running_var", "tracked"))]  # at any rate
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in learnt)
    assert train(dataset, "-o", tmp_path / "larger", *few, *start, "--patch-size", 24) == 0
    assert train(dataset, "-o", tmp_path / "three", *few, *start, "--variant", "B") == 2
    assert "holds another network than these settings ask for" in capsys.readouterr().err


def test_a_run_is_not_overwritten(dataset, tmp_path, capsys):
    (tmp_path / "config.yaml").touch()
    assert train(dataset, "-o", tmp_path, *TINY) == 2
    assert "holds a run without a checkpoint" in capsys.readouterr().err
    (tmp_path / "checkpoint.pt").touch()
    assert train(dataset, "-o", tmp_path, *TINY) == 2
    assert "holds a run already; go on with --resume, or choose another folder" in capsys.readouterr().err


def test_resume_without_a_run(dataset, tmp_path, capsys):
    assert train(dataset, "-o", tmp_path / "none", "--resume") == 2
    assert "nothing to resume: there is no checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("no_curves")
def test_resume_with_other_settings(dataset, tmp_path, capsys):
    few = [*TINY, "--validation-patches", 1, "--steps", 1]
    assert train(dataset, "-o", tmp_path / "run", *few) == 0
    config = (tmp_path / "run" / "config.yaml").read_text()
    assert train("-o", tmp_path / "run", "--resume", "--quiet", "--learning-rate", 0.5) == 2
    assert "it cannot go on with learning_rate: 0.5, not 0.002" in capsys.readouterr().err
    assert (tmp_path / "run" / "config.yaml").read_text() == config


@pytest.mark.usefixtures("no_curves")
def test_damaged_checkpoint(dataset, tmp_path, capsys):
    few = [*TINY, "--validation-patches", 1, "--steps", 1]
    assert train(dataset, "-o", tmp_path / "run", *few) == 0
    for name in ("checkpoint.pt", "checkpoint.before.pt"):
        (tmp_path / "run" / name).write_bytes(b"PK\x03\x04 nothing")
    assert train("-o", tmp_path / "run", "--resume", "--quiet") == 2
    assert "it is damaged or no checkpoint" in capsys.readouterr().err


def test_one_case(dataset, tmp_path, capsys):
    alone = tmp_path / "dataset"
    for name in ("imagesTr/c0_0000.nii.gz", "labelsTr/c0.nii.gz", "dataset.json"):
        (alone / name).parent.mkdir(parents=True, exist_ok=True)
        (alone / name).write_bytes((dataset / name).read_bytes())
    assert train(alone, "-o", tmp_path / "run", *TINY) == 2
    assert "the dataset has 1 case, training needs at least 2" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_output_that_cannot_be_made(dataset, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert train(dataset, "-o", tmp_path / "file" / "run", *TINY) == 2
    assert "cannot write into the folder" in capsys.readouterr().err


def test_unknown_device(dataset, tmp_path, capsys):
    assert train(dataset, "-o", tmp_path / "run", "--device", "abacus") == 2
    assert "cannot use device 'abacus'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_missing_arguments(dataset, capsys):
    assert train(dataset) == 2
    assert "give the folder of the run with -o RUN" in capsys.readouterr().err
    assert train("-o", "run") == 2
    assert "give the dataset's folder" in capsys.readouterr().err


def test_divergence_is_said(dataset, tmp_path, capsys):
    few = [*TINY, "--validation-patches", 1, "--steps", 30, "--norm", "none", "--learning-rate", 1e30]
    assert train(dataset, "-o", tmp_path / "run", *few) == 2
    assert "training has diverged" in capsys.readouterr().err
