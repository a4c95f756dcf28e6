"""``--preview`` of the commands that make cases."""

import json

import matplotlib.image
import nibabel
import numpy as np
import pytest

from sneakynet.cli.main import main

OPTIONS = ["--spacing", "8", "--workers", "1", "--preview"]


@pytest.fixture(scope="module")
def label_map(tmp_path_factory):
    """Two vertebrae and a liver."""
    folder = tmp_path_factory.mktemp("maps")
    voxels = np.zeros((40, 30, 32), np.uint8)
    voxels[17:24, 8:16, 22:30] = 1
    voxels[17:24, 8:16, 12:20] = 2
    voxels[2:12, 8:22, 18:28] = 3
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-4.0, 4.0, 4.0, 1.0])), folder / "spine.nii.gz")
    (folder / "names.json").write_text(json.dumps({"1": "L1", "2": "L2", "3": "liver"}))
    return folder / "spine.nii.gz"


def coloured(path):
    """Share of the picture that is neither paper nor grey."""
    picture = matplotlib.image.imread(path)[..., :3]
    return (np.ptp(picture, axis=-1) > 0.2).mean()


@pytest.mark.parametrize("bodies", [False, True])
def test_phantoms(tmp_path, capsys, bodies):
    options = ["-o", str(tmp_path), "--seed", "3", "--field", "abdomen_pelvis", *OPTIONS, *["--bodies"] * bodies]

    assert main(["phantom", *options, "--count", "1"]) == 0

    assert "1 of them shown in" in capsys.readouterr().err
    assert coloured(tmp_path / "preview.png") > 0.01
    picture = matplotlib.image.imread(tmp_path / "preview.png")

    # A run that goes on shows the case that was there as well.
    assert main(["phantom", *options, "--count", "2", "--quiet"]) == 0
    assert len(matplotlib.image.imread(tmp_path / "preview.png")) > 1.5 * len(picture)


@pytest.mark.parametrize("bodies", [False, True])
def test_paintings(label_map, tmp_path, bodies):
    assert paint(label_map, tmp_path, *OPTIONS, *["--bodies"] * bodies) == 0

    assert coloured(tmp_path / "preview.png") > 0.0003


def test_no_preview_unless_asked(label_map, tmp_path):
    assert paint(label_map, tmp_path, *OPTIONS[:-1]) == 0

    assert not list(tmp_path.rglob("*.png"))


def paint(label_map, folder, *options):
    names = str(label_map.parent / "names.json")
    return main(["paint", str(label_map), "--names", names, "-o", str(folder), "--count", "1", *options])
