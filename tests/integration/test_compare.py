"""``sneakynet compare`` on folders of scores."""

import csv
import json

import pytest

from sneakynet.cli.main import main

FILES = {"comparison.csv", "comparison.json", "comparison.png", "comparison.svg", "compare.html"}


def write(folder, rows, *, header="case,id,name,group,dsc,hd95"):
    folder.mkdir(parents=True)
    (folder / "per_class.csv").write_text("\n".join([header, *rows]) + "\n")
    return str(folder)


@pytest.fixture
def folders(tmp_path):
    """Seven cases with two bones; the second method is better by 0.1 in each, and misses a tail."""
    return [
        write(
            tmp_path / name,
            [
                row
                for n in range(7)
                for row in (
                    f"k{n},1,head,top,{0.5 + gain + n / 100:.3f},{4 - gain:.2f}",
                    f"k{n},2,tail,end,{0.6 + gain},{'' if gain and not n else 3}",
                )
            ],
        )
        for name, gain in (("old", 0), ("new", 0.1))
    ]


def test_two_methods(tmp_path, capsys, folders):
    assert main(["compare", *folders, "-o", str(tmp_path / "deep" / "out"), "--resamples", "200", "--json"]) == 0
    out, err = capsys.readouterr()
    folder = tmp_path / "deep" / "out"
    assert {path.name for path in folder.iterdir()} == FILES
    assert json.loads(out) == json.loads((folder / "comparison.json").read_text())
    with (folder / "comparison.csv").open() as file:
        rows = {(row["metric"], row["group"]): row for row in csv.DictReader(file)}
    assert set(rows) == {(metric, group) for metric in ("dsc", "hd95") for group in ("all", "top", "end")}
    dsc = rows["dsc", "all"]
    assert (dsc["first"], dsc["second"], dsc["cases"], dsc["bones"]) == ("old", "new", "7", "14")
    assert (dsc["difference"], dsc["low"], dsc["high"]) == ("0.1", "0.1", "0.1")
    assert float(dsc["p"]) == 2 / 2**7
    assert rows["hd95", "all"]["left_out"] == "1"
    assert (folder / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert "dsc" in err


def test_names(tmp_path, capsys, folders):
    command = ["compare", *folders, "-o", str(tmp_path / "out"), "--resamples", "100", "--json", "--names"]
    assert main([*command, "mine [red]", "theirs"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["methods"] == ["mine [red]", "theirs"]
    assert "mine [red]" in err
    assert main([*command, "mine"]) == 2
    assert "--names needs one name for each of the 2 folders, got 1" in capsys.readouterr().err


def test_other_cases(tmp_path, capsys, folders):
    fewer = write(tmp_path / "fewer", ["k0,1,head,top,0.5,1", "k0,2,tail,end,0.5,1"])
    command = ["compare", folders[0], fewer, "-o", str(tmp_path / "out"), "--resamples", "100"]
    assert main(command) == 2
    err = capsys.readouterr().err
    assert "fewer lacks k1, k2, k3, k4, k5, k6" in err
    assert not (tmp_path / "out").exists()
    assert main([*command, "--common"]) == 0
    assert "one case: no interval, no test" in capsys.readouterr().err


def test_bad_input(tmp_path, capsys, folders):
    (tmp_path / "empty").mkdir()
    same = write(tmp_path / "elsewhere" / "old", ["k0,1,head,top,0.5,1"])
    blank = write(tmp_path / "blank", ["k0,1,head,top,,nan"])
    old, new = folders
    for arguments, text in [
        ([old], "at least two methods, got 1"),
        ([old, str(tmp_path / "empty")], "per_class.csv; give a folder that `sneakynet evaluate` wrote"),
        ([old, str(tmp_path / "none")], "there is no"),
        ([old, same], "several methods are named old; give --names"),
        ([old, blank, "--common"], "have values of no metric in common"),
        ([old, new, "--resamples", "5"], "resamples must be at least 100"),
    ]:
        assert main(["compare", *arguments, "-o", str(tmp_path / "out")]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert text in err
        assert "Traceback" not in err
        assert not (tmp_path / "out").exists()


def test_all_files_or_none(tmp_path, capsys, folders):
    (tmp_path / "out" / "compare.html").mkdir(parents=True)
    assert main(["compare", *folders, "-o", str(tmp_path / "out"), "--resamples", "100"]) == 2
    assert "it is a folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["compare.html"]
