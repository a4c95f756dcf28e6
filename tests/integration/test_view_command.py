"""``sneakynet view`` on files."""

import os
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli import view
from sneakynet.cli.main import main
from sneakynet.viewer.browser.npm_package import SCRIPT
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels, write_scan

TABLE = BoneTable.default()
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(view, "niivue_script", lambda: tmp_path / "niivue.js")
    (tmp_path / "niivue.js").write_text("code")
    write_scan("ct.nii.gz", Volume(np.arange(512, dtype=np.int16).reshape(8, 8, 8), AFFINE))
    voxels = np.zeros((8, 8, 8), dtype=np.uint8)
    voxels[2:6, 2:6, 2:6] = TABLE["hyoid"].id
    names, colors = {bone.id: bone.name for bone in TABLE}, {bone.id: bone.color for bone in TABLE}
    write_labels("labels.nii.gz", Volume(voxels, AFFINE), names=names, colors=colors)
    return tmp_path


@pytest.fixture
def served(monkeypatch):
    """What was to be seen when the server ran, and it ends at once."""
    seen = {}

    def serve(server):
        with urllib.request.urlopen(server.url + "data/view.json", timeout=10) as answer:
            seen["view"] = answer.read().decode()

    def serve_forever(server):
        asking = threading.Thread(target=serve, args=(server,))
        asking.start()
        server.handle_request()
        asking.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(view.ViewServer, "serve_forever", serve_forever)
    monkeypatch.setattr(view.webbrowser, "open", lambda url: seen.update(opened=url) or True)
    return seen


def test_scan_labels_and_reference(served, capsys):
    args = ["view", "ct.nii.gz", "labels.nii.gz", "--reference", "labels.nii.gz", "--no-surfaces"]
    assert main(args) == 0
    printed, said = capsys.readouterr()
    assert printed == served["opened"] + "\n"
    assert "Ctrl-C ends it" in said
    for part in ('"hyoid"', '"reference.nii"', '"title": "ct.nii.gz"', '"state": "none"'):
        assert part in served["view"]


def test_the_scan_alone_without_a_browser(served, capsys):
    assert main(["view", "ct.nii.gz", "--no-browser"]) == 0
    assert "opened" not in served
    assert '"layers": []' in served["view"]
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["gone.nii.gz"], "gone.nii.gz"),
        (["ct.nii.gz", "gone.nii.gz"], "gone.nii.gz"),
        (["ct.nii.gz", "niivue.js"], "not a volume"),
        (["ct.nii.gz", "--reference", "labels.nii.gz"], "has nothing to be compared with"),
        (["ct.nii.gz", "labels.nii.gz", "--labels-table", "mine"], "knows no labels of a scheme 'mine'"),
        (["ct.nii.gz", "--port", "70000"], "a port is 1 to 65535"),
        (["ct.nii.gz", "--table", "gone.csv"], "cannot read the bone table gone.csv"),
        (["ct.nii.gz", "away.nii.gz"], "they do not meet"),
    ],
)
def test_bad_input(args, message, served, capsys):
    away = AFFINE.copy()
    away[0, 3] = 500
    names, colors = {1: TABLE.by_id(1).name}, {1: "#ffffff"}
    write_labels("away.nii.gz", Volume(np.ones((4, 4, 4), dtype=np.uint8), away), names=names, colors=colors)
    assert main(["view", *args]) == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert message in said
    assert "Traceback" not in said
    assert served == {}


def test_no_data_stay_when_it_is_ended(files):
    """Not even when it is told to end and not interrupted."""
    temporary = files / "temporary"
    temporary.mkdir()
    (files / "cache" / "sneakynet").mkdir(parents=True)
    (files / "cache" / "sneakynet" / SCRIPT).write_text("code")
    args = [sys.executable, "-m", "sneakynet", "view", "ct.nii.gz", "labels.nii.gz", "--no-browser"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        (folder,) = Path(temporary).glob("sneakynet-view-*")
        assert folder.stat().st_mode & 0o077 == 0
        with urllib.request.urlopen(url + "niivue.js", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert list(temporary.glob("sneakynet-view-*")) == []
