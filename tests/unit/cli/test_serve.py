import socket

import pytest

from sneakynet.cli.main import main

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
