import http.client
import threading

import pytest

from sneakynet.errors import SettingError
from sneakynet.viewer.browser.server import ViewServer


@pytest.fixture
def server(tmp_path):
    data = tmp_path / "data"
    (data / "labels_stl").mkdir(parents=True)
    (data / "view.json").write_text('{"title": "a"}')
    (data / "labels_stl" / "a b.stl").write_bytes(b"solid")
    (tmp_path / "secret").write_text("s")
    (data / "out").symlink_to(tmp_path / "secret")
    niivue = tmp_path / "niivue-1.js"
    niivue.write_text("code")
    with ViewServer(data, niivue=niivue) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, path, *, method="GET", host=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Host": host or f"127.0.0.1:{server.server_port}", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_the_page_and_its_data(server):
    root = f"/{server.token}/"
    assert server.url == f"http://127.0.0.1:{server.server_port}{root}"
    status, headers, page = ask(server, root)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"<title>SneakyNet</title>" in page
    assert ask(server, root + "niivue.js")[2] == b"code"
    assert ask(server, root + "main.js")[1]["Content-Type"] == "text/javascript"
    assert ask(server, root + "data/view.json?now")[2] == b'{"title": "a"}'
    assert ask(server, root + "data/labels_stl/a%20b.stl")[2] == b"solid"


def test_nothing_is_kept_or_told(server):
    _, headers, _ = ask(server, f"/{server.token}/data/view.json")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", ["/", "/data/view.json", "/x/", "/x/data/view.json", "//data/view.json", "/%C3%A4/"])
def test_without_the_token_there_is_nothing(server, path):
    assert ask(server, path)[::2] == (404, b"")


@pytest.mark.parametrize(
    "path",
    [
        "gone.json",
        "data/",
        "data/labels_stl",
        "data/../secret",
        "data/%2e%2e/secret",
        "data/..%2fsecret",
        "data//etc/passwd",
        "data/out",
        "../server.py",
        "/etc/passwd",
        "data/a%00b",
        "data/" + 300 * "a",
    ],
)
def test_nothing_else_is_to_be_had(server, path):
    assert ask(server, f"/{server.token}/{path}")[::2] == (404, b"")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}"]
)
def test_another_host_is_refused(server, host):
    host = host.format(port=server.server_port)
    assert ask(server, f"/{server.token}/data/view.json", host=host)[::2] == (421, b"")
    assert ask(server, f"/{server.token}/", host=f"localhost:{server.server_port}")[0] == 200


def test_a_part_is_answered_with_the_whole(server):
    status, headers, content = ask(server, f"/{server.token}/niivue.js", Range="bytes=1-2")
    assert (status, headers["Accept-Ranges"], content) == (200, "none", b"code")


def test_head_and_other_methods(server):
    status, headers, content = ask(server, f"/{server.token}/niivue.js", method="HEAD")
    assert (status, headers["Content-Length"], content) == (200, "4", b"")
    assert ask(server, f"/{server.token}/", method="POST")[0] == 501


def test_tokens_differ(server, tmp_path):
    with ViewServer(tmp_path, niivue=tmp_path) as other:
        assert other.token != server.token
        assert len(other.token) >= 32


@pytest.mark.parametrize("port", [-1, 65536])
def test_no_such_port(tmp_path, port):
    with pytest.raises(SettingError, match=f"a port is 1 to 65535, or 0 .*, got {port}"):
        ViewServer(tmp_path, niivue=tmp_path, port=port)


def test_a_port_that_is_taken(server, tmp_path):
    with pytest.raises(SettingError, match=f"port {server.server_port} cannot be had .* give another --port"):
        ViewServer(tmp_path, niivue=tmp_path, port=server.server_port)
