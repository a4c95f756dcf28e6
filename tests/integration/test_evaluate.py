"""``sneakynet evaluate`` on files."""

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels, write_scan

SHARED = Path(__file__).parents[3] / "shared" / "data"
TABLE = BoneTable.default()
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def save(path, voxels):
    names = {bone.id: bone.name for bone in TABLE}
    write_labels(path, Volume(voxels, AFFINE), names=names, colors={bone.id: bone.color for bone in TABLE})


def save_bare(path, voxels):
    nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), path)


@pytest.fixture
def body():
    """Two hips of 8 voxels each, and a sacrum of 4."""
    voxels = np.zeros((6, 5, 4), dtype=np.uint8)
    voxels[:2, :2, :2] = TABLE["hip_right"].id
    voxels[4:, :2, :2] = TABLE["hip_left"].id
    voxels[2:4, :2, 3] = TABLE["sacrum"].id
    return voxels


def rows(folder):
    with (folder / "per_class.csv").open() as file:
        return {(row["case"], row["name"]): float(row["dsc"]) for row in csv.DictReader(file)}


def test_folders(tmp_path, capsys, body):
    (tmp_path / "p").mkdir()
    (tmp_path / "r").mkdir()
    worse = body.copy()
    worse[4:, :2, :2] = TABLE["hip_right"].id  # the left hip is called right
    for case, voxels in (("one", body), ("two", worse)):
        save(tmp_path / "p" / f"{case}.nii.gz", voxels)
        save(tmp_path / "r" / f"{case}.seg.nrrd", body)
    assert (
        main(["evaluate", str(tmp_path / "p"), str(tmp_path / "r"), "-o", str(tmp_path / "o" / "deep"), "--json"]) == 0
    )
    out, err = capsys.readouterr()
    assert rows(tmp_path / "o" / "deep") == {
        ("one", "sacrum"): 1,
        ("one", "hip_left"): 1,
        ("one", "hip_right"): 1,
        ("two", "sacrum"): 1,
        ("two", "hip_left"): 0,
        ("two", "hip_right"): pytest.approx(2 / 3, abs=1e-6),
    }
    summary = json.loads(out)
    assert summary == json.loads((tmp_path / "o" / "deep" / "summary.json").read_text())
    assert summary["median_dsc"] == 1
    assert summary["nonzero_share"] == pytest.approx(5 / 6, abs=1e-6)
    assert (summary["cases"], summary["pairs"], summary["bone_dsc"]) == (2, 6, 1)
    assert "pelvis" in err
    assert "warning" not in err


def test_ignored_voxels_of_a_dataset_count_nowhere(tmp_path, capsys, body):
    labels = tmp_path / "dataset" / "labelsTr"
    labels.mkdir(parents=True)
    (tmp_path / "p").mkdir()
    unclear = body.copy()
    unclear[4:, 0, :2] = unclear[2:4, 2:4, 0] = TABLE.n_classes  # half of the left hip, and a rib without a class
    save_bare(labels / "one.nii.gz", unclear)
    names = {"background": 0, **{bone.name: bone.id for bone in TABLE}, "ignore": TABLE.n_classes}
    (tmp_path / "dataset" / "dataset.json").write_text(json.dumps({"labels": names}))
    found = body.copy()
    found[4:, 0, :2] = 0
    found[2:4, 2:4, 0] = TABLE["rib_left_12"].id
    save(tmp_path / "p" / "one.nii.gz", found)
    assert main(["evaluate", str(tmp_path / "p"), str(labels), "-o", str(tmp_path / "o"), "--json"]) == 0
    assert rows(tmp_path / "o") == {("one", name): 1 for name in ("hip_left", "hip_right", "sacrum")}
    assert json.loads(capsys.readouterr().out)["bone_dsc"] == 1
    # A reference judged as a prediction says nothing where it ignores.
    assert main(["evaluate", str(labels), str(tmp_path / "p"), "-o", str(tmp_path / "turned")]) == 0
    assert rows(tmp_path / "turned") == {
        ("one", "hip_left"): 1,
        ("one", "hip_right"): 1,
        ("one", "sacrum"): 1,
        ("one", "rib_left_12"): 0,
    }


def test_another_schemes_reference(tmp_path, capsys, body):
    foreign = body.astype(np.uint16)
    for bone, label in (("hip_left", 77), ("hip_right", 78), ("sacrum", 25)):
        foreign[body == TABLE[bone].id] = label
    foreign[2, 0, 3] = 26  # S1 is part of our sacrum
    foreign[0, 4, 0] = 5  # a liver
    save(tmp_path / "p.nii.gz", body)
    save_bare(tmp_path / "r.nii.gz", foreign)
    command = ["evaluate", str(tmp_path / "p.nii.gz"), str(tmp_path / "r.nii.gz"), "-o", str(tmp_path)]
    assert main([*command, "--reference-table", "totalsegmentator"]) == 0
    assert set(rows(tmp_path).values()) == {1}
    assert capsys.readouterr().out == ""


def test_own_tables_on_both_sides(tmp_path, capsys):
    (tmp_path / "mine.csv").write_text("id,name,group\n1,horn,head\n2,tail,back\n")
    (tmp_path / "theirs.csv").write_text("id,name\n1,tail\n2,wing\n3,horn\n")
    save_bare(tmp_path / "p.nii", np.array([0, 0, 0, 0, 0, 1, 2, 2], dtype=np.uint8).reshape(2, 2, 2))
    save_bare(tmp_path / "r.nii", np.array([0, 0, 0, 0, 2, 3, 1, 1], dtype=np.uint8).reshape(2, 2, 2))
    command = ["evaluate", str(tmp_path / "p.nii"), str(tmp_path / "r.nii"), "-o", str(tmp_path / "o")]
    assert (
        main([*command, "--table", str(tmp_path / "mine.csv"), "--reference-table", str(tmp_path / "theirs.csv")]) == 0
    )
    assert rows(tmp_path / "o") == {("p", "horn"): 1, ("p", "tail"): 1}
    assert capsys.readouterr().err.count(f"warning: {tmp_path / 'p.nii'} names no labels") == 1


def test_one_warning_of_all_label_maps_without_names(tmp_path, capsys, body):
    for folder in ("p", "r"):
        (tmp_path / folder).mkdir()
        for case in ("one", "two"):
            save_bare(tmp_path / folder / f"{case}.nii.gz", body)
    command = ["evaluate", str(tmp_path / "p"), str(tmp_path / "r"), "-o", str(tmp_path / "o"), "--no-surface"]
    assert main(command) == 0
    err = capsys.readouterr().err
    assert err.count("warning:") == 1
    assert "warning: 4 label maps name no labels; they are taken as those of the bone table: " in err
    page = (tmp_path / "o" / "report.html").read_text()
    assert "No voxel of any case is wrong." in page
    assert "<img" not in page


def test_errors_leave_no_output(tmp_path, capsys, body):
    good, other, outside, broken = (tmp_path / f"{name}.nii.gz" for name in ("good", "other", "outside", "broken"))
    save(good, body)
    save_bare(other, body[1:])
    save_bare(outside, np.where(body, 200, 0).astype(np.uint8))
    broken.write_bytes(good.read_bytes()[:200])
    (tmp_path / "file").touch()
    for prediction, reference, output, text in [
        (good, other, "o", "case good: the prediction has 6 x 5 x 4 voxels and the reference 5 x 5 x 4"),
        (good, outside, "o", "holds labels that are not in its bone table: 200"),
        (broken, good, "o", "broken.nii.gz"),
        (tmp_path / "none", good, "o", "there is no prediction"),
        (good, good, "file", "cannot write into the folder"),
    ]:
        assert main(["evaluate", str(prediction), str(reference), "-o", str(tmp_path / output)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "error: " in err
        assert text in err
        assert "Traceback" not in err
        assert not (tmp_path / "o").exists()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared label maps are not here")
def test_real_labels_of_totalsegmentator_name_themselves(tmp_path, capsys):
    labels = SHARED / "ct_abdomen_pelvis_3mm" / "labels.nii.gz"
    assert main(["evaluate", str(labels), str(labels), "-o", str(tmp_path), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["pairs"], summary["median_dsc"], summary["nonzero_share"]) == (24, 1, 1)
    names = {name for _, name in rows(tmp_path)}
    assert {"hip_left", "femur_right", "sacrum", "vertebrae_L1", "rib_left_12"} <= names


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared label maps are not here")
def test_real_labels_of_verse(tmp_path):
    labels = SHARED / "labels_spine_verse" / "sub-verse004_seg-vert_msk.nii.gz"
    verse = ["--prediction-table", "verse", "--reference-table", "verse"]
    assert main(["evaluate", str(labels), str(labels), "-o", str(tmp_path), *verse]) == 0
    expected = [f"vertebrae_T{n}" for n in range(9, 13)] + [f"vertebrae_L{n}" for n in range(1, 6)]
    assert [name for _, name in rows(tmp_path)] == expected


def folders(tmp_path, predictions, references):
    for name, maps in (("p", predictions), ("r", references)):
        (tmp_path / name).mkdir()
        for case, voxels in maps.items():
            save(tmp_path / name / f"{case}.nii.gz", voxels)
    return ["evaluate", str(tmp_path / "p"), str(tmp_path / "r"), "-o", str(tmp_path / "o"), "--no-surface"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_cases_that_cannot_be_compared_are_listed_and_the_others_scored(tmp_path, capsys, body, workers):
    command = folders(tmp_path, dict.fromkeys("abcd", body), {"a": body, "b": body[1:], "c": body[:, 1:], "d": body})
    assert main([*command, "--workers", workers]) == 2
    err = capsys.readouterr().err
    assert "2 of 4 cases could not be compared; the figures are those of the others" in err
    assert "case b: the prediction has 6 x 5 x 4 voxels and the reference 5 x 5 x 4" in err
    assert "case c: the prediction has 6 x 5 x 4 voxels and the reference 6 x 4 x 4" in err
    assert "--resample brings the prediction onto the reference's grid" in err
    assert {case for case, _ in rows(tmp_path / "o")} == {"a", "d"}


def test_no_case_can_be_compared(tmp_path, capsys, body):
    assert main(folders(tmp_path, {"a": body, "b": body}, {"a": body[1:], "b": body[1:]})) == 2
    assert "2 of 2 cases could not be compared; none could" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_resampled_onto_the_reference_s_grid(tmp_path, capsys, body):
    fine = body.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    names = {bone.id: bone.name for bone in TABLE}
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -0.5  # the corners of both grids lie on each other
    write_labels(tmp_path / "p.nii.gz", Volume(fine, affine), names=names, colors=dict.fromkeys(names, "#ffffff"))
    save(tmp_path / "r.nii.gz", body)
    command = ["evaluate", str(tmp_path / "p.nii.gz"), str(tmp_path / "r.nii.gz"), "-o", str(tmp_path / "o")]
    assert main([*command, "--resample"]) == 0
    assert set(rows(tmp_path / "o").values()) == {1}
    assert "case p: the prediction is resampled onto the reference's grid" in capsys.readouterr().err


def test_an_empty_prediction_is_a_prediction(tmp_path, capsys, body):
    command = folders(tmp_path, {"a": np.zeros_like(body)}, {"a": body})
    assert main([*command, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["nonzero_share"], summary["missed_bones"], summary["median_dsc"]) == (0, 3, None)


def test_labels_stored_as_floats(tmp_path, capsys, body):
    save_bare(tmp_path / "p.nii.gz", body.astype(np.float32))
    save_bare(tmp_path / "bad.nii.gz", body.astype(np.float32) + 0.25)
    save(tmp_path / "r.nii.gz", body)
    output = ["-o", str(tmp_path / "o"), "--no-surface"]
    assert main(["evaluate", str(tmp_path / "p.nii.gz"), str(tmp_path / "r.nii.gz"), *output]) == 0
    assert main(["evaluate", str(tmp_path / "bad.nii.gz"), str(tmp_path / "r.nii.gz"), *output]) == 2
    assert "whole numbers" in capsys.readouterr().err


def test_no_worker(tmp_path, capsys, body):
    assert main([*folders(tmp_path, {"a": body}, {"a": body}), "--workers", "0"]) == 2
    assert "workers is a number from 1 on, got 0" in capsys.readouterr().err


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared label maps are not here")
def test_another_tool_s_labels_go_in_unchanged(tmp_path, capsys):
    """TotalSegmentator's own label map against itself, and against one whose left hip is called right."""
    path = SHARED / "ct_abdomen_pelvis_3mm" / "labels.nii.gz"
    image = nibabel.load(path)
    voxels = np.asarray(image.dataobj).copy()
    voxels[voxels == 77] = 78
    worse = nibabel.Nifti1Image(voxels, image.affine, image.header)
    nibabel.save(worse, tmp_path / "worse.nii.gz")
    for prediction, swap, dsc in ((path, 0, 1), (tmp_path / "worse.nii.gz", 0.1, 0)):
        command = ["evaluate", str(prediction), str(path), "-o", str(tmp_path / "o"), "--json"]
        assert main([*command, "--prediction-table", "totalsegmentator"]) == 0
        summary = json.loads(capsys.readouterr().out)
        assert rows(tmp_path / "o")[prediction.name.split(".")[0], "hip_left"] == dsc
        assert bool(summary["side_swap_rate"]) == bool(swap)
        assert summary["bone_dsc"] == 1


@pytest.fixture
def two_cases(tmp_path, body):
    """Folders of predictions, references and scans; in case two the left hip is called right, in one a voxel is."""
    bad, worse = body.copy(), body.copy()
    bad[4, 0, 0] = worse[4:, :2, :2] = TABLE["hip_right"].id
    for folder in ("p", "r", "s"):
        (tmp_path / folder).mkdir()
    for case, voxels in (("one", bad), ("<i>two", worse)):
        save(tmp_path / "p" / f"{case}.nii.gz", voxels)
        save(tmp_path / "r" / f"{case}.nii.gz", body)
        hu = np.where(body, 700, -1000).astype(np.int16)
        hu[0] = 0
        write_scan(tmp_path / "s" / f"{case}_0000.nii.gz", Volume(hu, AFFINE))
    return ["evaluate", str(tmp_path / "p"), str(tmp_path / "r"), "-o", str(tmp_path / "o")]


def test_the_page_and_nnunets_form(tmp_path, capsys, two_cases):
    assert main([*two_cases, "--scans", str(tmp_path / "s")]) == 0
    assert "warning" not in capsys.readouterr().err
    page = (tmp_path / "o" / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("data:image/jpeg") == 2 * 2 * 3  # cases, planes, pictures
    assert "<i>two" not in page
    assert all(f'data-bone="{name}"' in page for name in ("hip_left", "hip_right", "sacrum"))
    record = json.loads((tmp_path / "o" / "nnunet_summary.json").read_text())
    first = record["metric_per_case"][0]
    assert first["prediction_file"] == str(tmp_path / "p" / "<i>two.nii.gz")
    assert first["metrics"][str(TABLE["hip_left"].id)]["FN"] == 8
    assert first["metrics"][str(TABLE["hip_right"].id)]["Dice"] == pytest.approx(2 / 3)


def test_a_case_without_errors_is_not_among_the_worst(tmp_path, two_cases, body):
    for folder in ("p", "r"):
        save(tmp_path / folder / "perfect.nii.gz", body)
    assert main([*two_cases, "--no-surface", "--workers", "1"]) == 0
    page = (tmp_path / "o" / "report.html").read_text()
    assert page.count("data:image/png") == 2 * 2 * 3
    assert "<h3>one</h3>" in page
    assert "<h3>perfect</h3>" not in page


def test_pictures_without_scans(tmp_path, capsys, two_cases):
    assert main(two_cases) == 0
    assert (tmp_path / "o" / "report.html").read_text().count("data:image/png") == 2 * 2 * 3
    (tmp_path / "s" / "one_0000.nii.gz").unlink()
    (tmp_path / "s" / "<i>two_0000.nii.gz").write_bytes(b"no scan")
    capsys.readouterr()
    assert main([*two_cases, "--scans", str(tmp_path / "s")]) == 0
    err = capsys.readouterr().err
    assert "no scan of one; its labels are shown alone" in err
    assert "<i>two_0000.nii.gz" in err
    assert (tmp_path / "o" / "report.html").read_text().count("data:image/png") == 2 * 2 * 3


def test_scans_of_other_cases_are_refused_before_any_work(tmp_path, capsys, two_cases):
    (tmp_path / "other").mkdir()
    write_scan(tmp_path / "other" / "x.nii.gz", Volume(np.zeros((2, 2, 2), dtype=np.int16), AFFINE))
    for scans, text in (("other", "holds no scan of any of the 2 cases"), ("none", "there are no scans at")):
        assert main([*two_cases, "--scans", str(tmp_path / scans)]) == 2
        assert text in capsys.readouterr().err
        assert not (tmp_path / "o").exists()


def test_the_scan_of_a_single_case_may_have_any_name(tmp_path, body):
    save(tmp_path / "p.nii.gz", np.where(body == TABLE["sacrum"].id, 0, body))
    save(tmp_path / "r.nii.gz", body)
    write_scan(tmp_path / "ct.nii.gz", Volume(body.astype(np.int16), AFFINE))
    command = ["evaluate", str(tmp_path / "p.nii.gz"), str(tmp_path / "r.nii.gz"), "-o", str(tmp_path / "o")]
    assert main([*command, "--scans", str(tmp_path / "ct.nii.gz")]) == 0
    assert "data:image/jpeg" in (tmp_path / "o" / "report.html").read_text()


def test_an_output_that_is_a_file_is_found_out_before_any_work(tmp_path, capsys, body):
    command = folders(tmp_path, {"a": body, "b": body}, {"a": body[1:], "b": body})
    (tmp_path / "o").touch()
    assert main(command) == 2
    err = capsys.readouterr().err
    assert "cannot write into the folder" in err
    assert "case a" not in err


def test_a_reference_without_bones_among_others(tmp_path, capsys, body):
    command = folders(tmp_path, {"a": body, "b": body}, {"a": np.zeros_like(body), "b": body})
    assert main([*command, "--json"]) == 2
    out, err = capsys.readouterr()
    assert "case a: its reference holds no bone of the bone table" in err
    assert (json.loads(out)["cases"], json.loads(out)["bone_dsc"]) == (1, 1)


def test_a_wrong_table_is_told_once(tmp_path, capsys, body):
    command = folders(tmp_path, {"a": body, "b": body}, {"a": body, "b": body})
    assert main([*command, "--prediction-table", "foo"]) == 2
    assert capsys.readouterr().err.count("foo") == 1
    assert not (tmp_path / "o").exists()


def test_scans_that_do_not_fit(tmp_path, capsys, two_cases):
    (tmp_path / "empty").mkdir()
    assert main([*two_cases, "--scans", str(tmp_path / "empty")]) == 2
    assert "empty holds no scan" in capsys.readouterr().err
    write_scan(tmp_path / "s" / "one_0000.nii.gz", Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), AFFINE))
    assert main([*two_cases, "--scans", str(tmp_path / "s")]) == 0
    assert "lies on another grid than the labels of one, which are shown alone" in capsys.readouterr().err
