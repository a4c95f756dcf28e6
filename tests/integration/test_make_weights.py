"""`make weights` on a recipe of seconds: stages, pieces, and what is carried between machines."""

import importlib.util
import io
from contextlib import chdir, redirect_stderr
from pathlib import Path

import pytest

from sneakynet.models.weights import load_weights

SCRIPT = Path(__file__).parents[2] / "weights" / "make.py"
RECIPE = """
bodies:
  8:
    - {kind: phantom, field: hand, seed: 10, count: 2}
    - {kind: paint, labels: none.nii.gz, scheme: verse, seed: 0, count: 1}
common: {variant: E, contexts: [1], patch_size: 16, width: 2, levels: 2, norm: batch, hook_source: decoder,
  batch_size: 1, pool: 1, validate_every: 100, validation_patches: 1, validation_scans: 0, warmup_steps: 1}
stages:
  - {name: one, spacing: 8, settings: {steps: 2, context_steps: 2, schedule: constant}}
  - {name: two, spacing: 8, settings: {steps: 4}, packaged: two.safetensors}
"""


def make(folder, *options):
    """What it says on stderr."""
    spec = importlib.util.spec_from_file_location("make_weights", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    said = io.StringIO()
    with chdir(folder), redirect_stderr(said):
        script.main(["-o", "run", "--recipe", "recipe.yaml", "--shared", ".", "--workers", "1", *options])
    return said.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the first piece was made, of no length: each stage stops after a step."""
    folder = tmp_path_factory.mktemp("weights")
    (folder / "recipe.yaml").write_text(RECIPE)
    said = make(folder, "--carry", "carry", "--minutes", "0.0001")
    assert "without paintings of none.nii.gz: no such file in ." in said
    assert "stage one is not finished; start again to go on" in said
    return folder


def steps(path):
    return load_weights(path)[1].provenance["steps"]


def test_pieces_go_on_where_the_last_one_stopped(folder):
    make(folder)
    assert [steps(folder / "run" / name / "model.safetensors") for name in ("one", "two")] == [2, 4]
    network, header = load_weights(folder / "run" / "two.safetensors")
    assert header.provenance["recipe"] == "weights/recipe.yaml"
    assert header.spacing == (8.0,) * 3
    assert network.architecture.variant == "E"
    assert make(folder).strip().endswith("wrote run/two.safetensors")


def test_a_machine_that_keeps_nothing_goes_on_from_what_is_carried(folder, tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "carry").mkdir()
    for file in (folder / "carry").iterdir():
        (tmp_path / "carry" / file.name).write_bytes(file.read_bytes())
    make(tmp_path, "--carry", "carry")
    assert "first_step: 1\n" in (tmp_path / "run" / "one" / "config.yaml").read_text()
    assert [steps(tmp_path / "carry" / f"{name}.safetensors") for name in ("one", "two")] == [2, 4]


def test_a_stage_that_the_recipe_has_not_is_refused(tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    with pytest.raises(SystemExit, match="2"):
        make(tmp_path, "--from", "three=model.safetensors")
