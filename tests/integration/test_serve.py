"""The server through its REST interface: good and hostile uploads, workers that die, restarts."""

import gzip
import io
import json
import os
import pickle
import re
import signal
import stat
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import psutil
import pytest

from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

httpx = pytest.importorskip("httpx", reason="needs the extra `dev`")
pytest.importorskip("fastapi", reason="needs the extra `serve`")

from sneakynet.server.access import Access  # noqa: E402
from sneakynet.server.app import make_app  # noqa: E402

TOKEN = "a-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ROOT = Path(__file__).parents[2]
STATIC = ("page.css", "server.css", "server.js", "scans.js", "scan.js")


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """Bytes of a small NIfTI."""
    path = tmp_path_factory.mktemp("scan") / "scan.nii.gz"
    voxels = np.random.default_rng(0).integers(-1000, 1000, (10, 10, 10)).astype(np.int16)
    write_scan(path, Volume(voxels, np.diag([10.0, 10.0, 10.0, 1.0])))
    return path.read_bytes()


@pytest.fixture
def client(station, listening):
    with (
        listening(make_app(station.intake, Access(TOKEN))) as address,
        httpx.Client(base_url=address, headers=BEARER, timeout=60) as client,
    ):
        yield client
    for job in station.store.all():
        station.store.remove(job.id)


def send(client, content, name="scan.nii.gz", **fields):
    return client.post("/api/scans", files={"file": (name, content)}, data=fields)


def zipped(members, *, link=None):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if link:
            info = zipfile.ZipInfo("link.dcm")
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, link)
    return buffer.getvalue()


class Wicked:
    def __reduce__(self):
        return os.system, ("touch /tmp/sneakynet-was-here",)


def enormous():
    """A NIfTI header that claims 32767 cubed voxels."""
    header = nibabel.Nifti1Header()
    header["dim"] = [3, 32767, 32767, 32767, 1, 1, 1, 1]
    header["magic"] = b"n+1"
    header["vox_offset"] = 352
    return gzip.compress(header.binaryblock + b"\0" * 1000)


def hostile(scan, secret):
    """Name -> content and the statuses that refuse it."""
    nrrd = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 4 4\nencoding: raw\ndata file: %s\n\n" % secret
    mha = b"ObjectType = Image\nNDims = 3\nDimSize = 4 4 4\nElementType = MET_SHORT\nElementDataFile = %s\n" % secret
    return {
        "names that lead out": (zipped({"../../../../tmp/evil.dcm": b"x", "/etc/passwd": b"x"}), {422}),
        "a link": (zipped({"a.dcm": b"x"}, link="/etc/passwd"), {422}),
        "a zip bomb": (zipped({f"{n}.dcm": bytes(2**20) for n in range(20)}), {413}),
        "a gzip bomb": (gzip.compress(enormous() + bytes(12 * 2**20)), {413}),
        "a truncated gzip": (scan[: len(scan) // 2], {422}),
        "an enormous grid": (enormous(), {413, 422}),
        "too large a file": (os.urandom(5 * 2**20), {413}),
        "text": (b"I am no scan", {422}),
        "empty": (b"", {422}),
        "a pickle": (pickle.dumps(Wicked()), {422}),
        "an NRRD that points elsewhere": (nrrd, {422}),
        "a MetaImage that points elsewhere": (mha, {422}),
        "a zip of junk": (zipped({"a.txt": b"hello"}), {422}),
    }


def test_of_50_uploads_nothing_is_lost_and_nothing_let_in(client, station, scan, eventually, tmp_path):
    (tmp_path / "secret").write_bytes(b"\0" * 128)
    wicked = hostile(scan, str(tmp_path / "secret").encode())
    good, refused = [], {}
    for n in range(40):
        good.append(send(client, scan, name="../../evil.nii.gz").json()["id"])
        if n % 3 == 0 and wicked:
            name, (content, allowed) = wicked.popitem()
            answer = send(client, content)
            refused[name] = answer.status_code in allowed
            assert answer.json()["detail"], name
    assert not wicked
    refused["no form"] = client.post("/api/scans", json={"file": "x"}).status_code == 422
    stranger = client.post("/api/scans", files={"file": scan}, headers={"Authorization": "Bearer wrong"})
    refused["a wrong token"] = stranger.status_code == 401
    assert [name for name, right in refused.items() if not right] == []
    assert {one["id"] for one in client.get("/api/scans").json()} == set(good)
    eventually(lambda: not any(job.open for job in station.store.all()))
    assert {job.state for job in station.store.all()} == {"done"}
    assert {path.name for path in (station.store.folder / "jobs").iterdir()} == set(good)
    assert not any((station.store.folder / "incoming").iterdir())
    assert not Path("/tmp/sneakynet-was-here").exists()
    labels = {client.get(f"/api/scans/{id}/labels").content for id in good}
    assert len({gzip.decompress(one) for one in labels}) == 1


def test_the_way_of_a_scan(client, scan, eventually):
    answer = send(client, scan, name="Miller^John.nii.gz")
    assert answer.status_code == 201
    assert "Miller" not in answer.text
    path = answer.headers["location"]
    eventually(lambda: client.get(path).json()["state"] == "done")
    status = client.get(path).json()
    assert status["results"] == ["labels", "statistics"]
    assert not status["view"]
    assert (status["position"], status["progress"], status["error"]) == (None, None, None)
    assert client.get(f"{path}/statistics").json()["case"] == status["id"]
    assert client.get(f"{path}/labels").headers["content-type"] == "application/gzip"
    assert client.get(f"{path}/segmentation").status_code == 404
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == client.delete(path).status_code == 404


def test_a_dicom_series_in_a_zip(client, station, dicom, tmp_path, eventually):
    hu = dicom.values(6, rows=12, columns=12)
    folder = dicom.series(
        tmp_path / "series",
        dicom.axial([10.0 * k for k in range(6)]),
        hu=hu,
        pixel=(10, 10),
        edit=dicom.as_from_a_scanner,
    )
    content = zipped({f"Secret/{path.name}": path.read_bytes() for path in folder.iterdir()})
    path = send(client, content).headers["location"]
    eventually(lambda: client.get(path).json()["state"] == "done")
    assert client.get(path).json()["results"] == ["labels", "segmentation", "statistics"], client.get(path).json()
    segmentation = client.get(f"{path}/segmentation").content
    assert segmentation[128:132] == b"DICM"
    assert not any("Secret" in str(path) for path in station.store.folder.rglob("*"))


def test_a_scan_that_fails_says_why(client, eventually):
    same = nibabel.Nifti1Image(np.zeros((8, 8, 8), np.int16), np.eye(4)).to_bytes()
    path = send(client, same).headers["location"]
    eventually(lambda: client.get(path).json()["state"] == "failed")
    assert client.get(path).json()["error"] == "the scan: every voxel is 0; this scan shows nothing"
    assert client.get(f"{path}/labels").status_code == 404


def test_a_worker_that_is_killed_and_a_job_that_is_deleted(client, station, scan, eventually):
    (pid,) = station.crew.pids
    os.kill(pid, signal.SIGSTOP)  # so that it dies in the middle of the first
    first, second, third = (send(client, scan).json()["id"] for _ in range(3))
    eventually(lambda: client.get(f"/api/scans/{first}").json()["state"] == "running")
    assert client.get(f"/api/scans/{first}/labels").status_code == 409
    assert [client.get(f"/api/scans/{id}").json()["position"] for id in (first, second, third)] == [None, 1, 2]
    client.delete(f"/api/scans/{second}")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(job.open for job in station.store.all()))
    assert {job.id: (job.state, job.deaths) for job in station.store.all()} == {first: ("done", 1), third: ("done", 0)}


def test_a_body_is_bounded_whatever_it_claims(client):
    def endless():
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        yield head
        for _ in range(80):
            yield bytes(2**16)

    form = {"Content-Type": "multipart/form-data; boundary=x"}
    try:
        status = client.post("/api/scans", content=endless(), headers=form).status_code
    except httpx.TransportError:  # the server has closed the door before all was sent
        status = 413
    assert status == 413
    assert client.post("/api/session", content=bytes(2**20 + 1)).status_code == 413
    assert client.post("/api/scans", headers=form, content=b"--x\r\nnonsense").status_code in {400, 422}
    assert client.post("/api/scans", files=[("file", b"x"), ("file", b"y")]).status_code == 400
    assert client.get("/api/scans").json() == []


def test_a_full_queue_and_a_full_disk_refuse(client, station, scan, eventually):
    limits = station.intake.limits
    try:
        station.intake.limits = replace(limits, disk=100)
        assert send(client, scan).status_code == 507
        station.intake.limits = replace(limits, waiting=0)
        assert send(client, scan).status_code == 503
        station.intake.limits = replace(limits, uploads=0)
        assert send(client, scan).status_code == 503
    finally:
        station.intake.limits = limits
    assert send(client, scan).status_code == 201
    eventually(lambda: not any(job.open for job in station.store.all()))


def test_the_page_works_by_a_cookie_that_other_sites_cannot_use(client, scan):
    address = client.base_url
    with httpx.Client(base_url=address) as browser:
        assert browser.get("/api/scans").status_code == 401
        assert browser.post("/api/session", headers={"Authorization": "Bearer wrong"}).status_code == 401
        answer = browser.post("/api/session", headers=BEARER)
        assert answer.status_code == 204
        assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))
        assert TOKEN not in answer.headers["set-cookie"]
        assert browser.get("/api/scans").json() == []
        assert browser.post("/api/scans", files={"file": scan}).status_code == 401
        own = {"X-SneakyNet-Page": "1"}
        made = browser.post("/api/scans", files={"file": scan}, headers=own)
        assert made.status_code == 201
        assert browser.delete(made.headers["location"], headers=own).status_code == 204
        assert browser.delete("/api/session", headers=own).status_code == 204
        assert browser.get("/api/scans").status_code == 401


def test_pages_need_no_token_hold_no_data_and_load_nothing_from_elsewhere(client):
    with httpx.Client(base_url=client.base_url) as stranger:
        for path in ("/", "/scans/0", *(f"/static/{name}" for name in STATIC)):
            page = stranger.get(path)
            assert page.status_code == 200, path
            assert "//" not in re.sub(r"(^|\s)//.*", "", page.text, flags=re.MULTILINE), path
            assert "default-src 'self'" in page.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/scans/../../etc/passwd"):
            assert "import" not in stranger.get(path).text
        assert stranger.get("/api/health").json() == {"status": "ok"}
        assert stranger.get("/docs").status_code == 404


def test_the_interface_describes_itself(client):
    paths = client.get("/openapi.json").json()["paths"]
    results = {"labels", "segmentation", "meshes", "report", "statistics", "picture"}
    assert {f"/api/scans/{{id}}/{name}" for name in results} <= set(paths)
    assert set(paths["/api/scans"]) == {"get", "post"}
    form = paths["/api/scans"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    assert {"201", "401", "408", "413", "422", "503", "507"} <= set(paths["/api/scans"]["post"]["responses"])


def test_the_client_of_the_docs(client, scan, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "how-to" / "serve.md").read_text("utf-8")
    (block,) = re.findall(r"```python [^\n]*\n(.*?)```", page, re.DOTALL)
    settings = 'SERVER, TOKEN = "http://127.0.0.1:8080", "the-token-of-the-server"'
    assert settings in block
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.nii.gz").write_bytes(scan)
    exec(block.replace(settings, f"SERVER, TOKEN = {str(client.base_url)!r}, {TOKEN!r}"), {})
    assert nibabel.load(tmp_path / "bones.nii.gz").shape == (10, 10, 10)


@contextmanager
def serving(folder, model, *options):
    """The command in a process of its own."""
    words = ["serve", "-o", folder, "--model", model, "--port", "0", "--threads", "1", "--no-preview", "--no-meshes"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(
        [sys.executable, "-m", "sneakynet", *map(str, words), *map(str, options)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"serving at (http://\S+/)(?:#token=(\S+))?", line):
                break
        else:
            pytest.fail("".join(lines))
        yield process, found[1], found[2]
    finally:
        family = [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
        process.kill()
        process.wait()
        process.stderr.close()
        for each in family:
            if each.is_running():
                each.kill()


def test_a_server_that_is_killed_goes_on_where_it_was(model, scan, tmp_path, eventually):
    folder = tmp_path / "data"
    with serving(folder, model) as (process, address, token), httpx.Client(base_url=address, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        (worker,) = (one for one in psutil.Process(process.pid).children() if "spawn_main" in " ".join(one.cmdline()))
        worker.suspend()
        ids = [send(client, scan).json()["id"] for _ in range(3)]
        eventually(lambda: client.get(f"/api/scans/{ids[0]}").json()["state"] == "running")
        process.kill()
    records = [json.loads((folder / "jobs" / id / "job.json").read_text()) for id in ids]
    assert [record["state"] for record in records] == ["running", "waiting", "waiting"]
    (tmp_path / "token").write_text("another-token-for-the-second\n")
    with serving(folder, model, "--token-file", tmp_path / "token") as (process, address, token):
        assert token is None
        with httpx.Client(base_url=address, timeout=60) as client:
            assert client.get("/api/scans").status_code == 401
            client.headers["Authorization"] = "Bearer another-token-for-the-second"
            eventually(lambda: all(one["state"] == "done" for one in client.get("/api/scans").json()))
            assert {one["id"] for one in client.get("/api/scans").json()} == set(ids)
        process.terminate()
        assert process.wait(30) == 0
        said = process.stderr.read()
    assert "another-token" not in said
    assert said.endswith("stopping; what is not done is gone on with at the next start\n")
