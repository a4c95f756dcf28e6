import socket

import pytest
import tyro

from sneakynet.cli import serve
from sneakynet.cli.main import main
from sneakynet.errors import SettingError

pytest.importorskip("fastapi", reason="needs the extra `serve`")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--host", "0.0.0.0"], "other machines reach this server, so its token must be chosen by you"),
        (["--token", "short"], "the token must have at least 16 characters"),
        (
            ["--workers", "0", "--keep-hours", "-1"],
            "--workers must be 1 or more, got 0; --keep-hours must be 0 or more",
        ),
        (["--keep-hours", "nan"], "--keep-hours must be 0 or more, got nan"),
        (["--longest-minutes", "nan"], "--longest-minutes must be 1 or more, got nan"),
        (["--memory-limit", "much"], "much"),
        (["--upload-limit", "much"], "much"),
        (["--port", "99999"], "cannot listen at 127.0.0.1, port 99999"),
        (["--send-to", "PACS@host:104"], "--send-to sends what came over DICOM; add --dicom-port"),
        (["--dicom-port", "0", "--send-to", "PACS"], "an archive is given as AET@host:port"),
        (["--dicom-port", "0", "--dicom-host", "0.0.0.0"], "DICOM knows no token"),
        (["--dicom-port", "0", "--dicom-title", "A" * 17], "an AE title has 1 to 16"),
    ],
)
def test_wrong_options_end_it_before_any_work(tmp_path, capsys, options, text):
    assert main(["serve", "-o", str(tmp_path / "data"), *options]) == 2
    out, err = capsys.readouterr()
    assert text in err
    assert out == ""
    assert not (tmp_path / "data").exists()


def test_a_port_that_is_taken(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "-o", str(tmp_path / "data"), "--port", str(port)]) == 2
    assert f"port {port}: Address already in use; give another --port" in capsys.readouterr().err


@pytest.mark.parametrize(("given", "order"), [([], True), (["--no-order"], False)])
def test_names_are_put_in_order_unless_told_otherwise(given, order):
    settings = tyro.cli(serve.ServeSettings, args=["-o", "data", *given])
    assert serve._crew(settings, serve._limits(settings)).options.order is order


def test_without_niivue_it_serves_all_the_same(monkeypatch, capsys):
    def refuse():
        raise SettingError("the viewer needs NiiVue")

    monkeypatch.setattr(serve, "niivue_script", refuse)
    assert serve._niivue() is None
    assert "warning: the pages of the scans have no viewer: the viewer needs NiiVue" in capsys.readouterr().err
