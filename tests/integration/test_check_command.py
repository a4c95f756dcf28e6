"""``sneakynet check`` on datasets with planted faults."""

import json

import nibabel
import numpy as np
import pytest

from sneakynet.cli.main import main

LABELS = {"background": 0, "hip_left": 1, "hip_right": 2, "sacrum": 3, "vertebrae_L5": 4, "vertebrae_L4": 5}
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


def pelvis():
    """Hips beside a column of three bones, away from the edges."""
    labels = np.zeros((40, 20, 30), dtype=np.uint8)
    labels[24:32, 6:12, 4:10], labels[8:16, 6:12, 4:10] = LABELS["hip_right"], LABELS["hip_left"]
    for n, name in enumerate(("sacrum", "vertebrae_L5", "vertebrae_L4")):
        labels[18:22, 8:12, 6 + 6 * n : 10 + 6 * n] = LABELS[name]
    return labels


def write(folder, case, labels, *, scan=None, affine=AFFINE):
    scan = np.where(labels, 500, -1000).astype(np.int16) if scan is None else scan
    nibabel.save(nibabel.Nifti1Image(scan, AFFINE), folder / "imagesTr" / f"{case}_0000.nii.gz")
    nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "labelsTr" / f"{case}.nii.gz")


@pytest.fixture
def dataset(tmp_path):
    for name in ("imagesTr", "labelsTr"):
        (tmp_path / name).mkdir()
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": LABELS, "channel_names": {"0": "CT"}}))
    write(tmp_path, "good", pelvis())
    return tmp_path


def test_a_sound_dataset(dataset, capsys):
    write(dataset, "turned", pelvis()[::-1])  # left and right of the file, hence of the patient, exchanged ...
    affine = AFFINE.copy()
    affine[0] = [-4, 0, 0, 156]
    for name, voxels in (
        ("imagesTr/turned_0000", np.where(pelvis(), 500, -1000).astype(np.int16)),
        ("labelsTr/turned", pelvis()),
    ):
        nibabel.save(
            nibabel.Nifti1Image(voxels[::-1], affine), dataset / f"{name}.nii.gz"
        )  # ... and told by the header
    assert main(["check", str(dataset), "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["faults"], found["doubts"]) == ([], [])
    assert [check["orientation"] for check in found["cases"]] == ["RAS", "LAS"]
    assert found["cases_of_bone"]["hip_left"] == 2
    assert found["cases_of_bone"]["skull"] == 0
    assert "2 cases, 2 of them readable" in err
    assert "spacing 4 x 4 x 4 mm" in err
    assert "5 of 125 bones of the table are labelled in some case" in err


def test_all_faults_and_doubts_at_once(dataset, capsys):
    lut = np.array([0, 2, 1, 3, 4, 5], dtype=np.uint8)
    write(dataset, "swapped", lut[pelvis()])
    write(dataset, "empty", np.zeros_like(pelvis()), scan=np.where(pelvis(), 500, -1000).astype(np.int16))
    write(dataset, "elsewhere", pelvis(), affine=np.diag([4.0, 4.0, 5.0, 1.0]))
    write(dataset, "unnamed", np.where(pelvis() == 5, 9, pelvis()).astype(np.uint8))
    write(dataset, "no_hu", pelvis(), scan=(pelvis() * 40).astype(np.int16))
    write(dataset, "broken", pelvis())
    (dataset / "imagesTr" / "broken_0000.nii.gz").write_bytes(b"nothing")
    nibabel.save(nibabel.Nifti1Image(pelvis(), AFFINE), dataset / "labelsTr" / "alone.nii.gz")

    assert main(["check", str(dataset), "--json"]) == 2
    out, err = capsys.readouterr()

    found = json.loads(out)
    assert {fault.split(":")[0] for fault in found["faults"]} == {
        "case alone",
        "case broken",
        "case elsewhere",
        "case empty",
        "case unnamed",
    }
    assert "no voxel of its label map is a bone" in err
    assert "labels 9 are not in dataset.json" in err
    assert found["doubts"]
    assert all(doubt.startswith("case swapped: sides look swapped") for doubt in found["doubts"])
    assert "no_hu_0000.nii.gz: values from 0 to 200 do not look like Hounsfield units" in err
    assert "5 faults" in err
    assert "Traceback" not in err


def test_no_dataset(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 2
    assert "is no dataset: it has none of what tells a dataset" in capsys.readouterr().err


def test_folds_are_written_for_a_sound_dataset_alone(dataset, capsys):
    for case in ("b", "c"):
        write(dataset, case, pelvis())
    splits = dataset / "splits.json"

    assert main(["check", str(dataset), "--write-splits", str(splits), "--folds", "3"]) == 0
    assert f"3 folds: {splits}" in capsys.readouterr().err
    assert sorted(name for split in json.loads(splits.read_text()) for name in split["val"]) == ["b", "c", "good"]

    splits.unlink()
    write(dataset, "empty", np.zeros((9, 9, 9), dtype=np.uint8))
    assert main(["check", str(dataset), "--write-splits", str(splits)]) == 2
    assert not splits.exists()
