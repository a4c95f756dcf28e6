"""The viewer on the server's pages: its files, who gets them, and what a person sees who clicks."""

import gzip
import re
import shutil

import numpy as np
import pytest

from sneakynet.cohort.case import Case
from sneakynet.cohort.model_choice import ModelChoice
from sneakynet.errors import SettingError, VolumeError
from sneakynet.viewer.browser.niivue import niivue_script
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

httpx = pytest.importorskip("httpx", reason="needs the extra `dev`")
pytest.importorskip("fastapi", reason="needs the extra `serve`")

from sneakynet.server import worker  # noqa: E402
from sneakynet.server.access import Access  # noqa: E402
from sneakynet.server.app import make_app  # noqa: E402

TOKEN = "a-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
SOFTWARE_GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    path = tmp_path_factory.mktemp("scan") / "scan.nii.gz"
    voxels = np.random.default_rng(0).integers(-1000, 1000, (10, 10, 10)).astype(np.int16)
    write_scan(path, Volume(voxels, np.diag([10.0, 10.0, 10.0, 1.0])))
    return path


@pytest.fixture(scope="module")
def niivue(tmp_path_factory):
    """The real one where it can be had; what does not draw needs only a file."""
    try:
        return niivue_script()
    except SettingError:
        script = tmp_path_factory.mktemp("niivue") / "niivue.js"
        script.write_text("export {};")
        return script


@pytest.fixture(scope="module")
def address(viewing_station, listening, niivue):
    with listening(make_app(viewing_station.intake, Access(TOKEN), niivue=niivue)) as address:
        yield address


@pytest.fixture
def client(address):
    with httpx.Client(base_url=address, headers=BEARER, timeout=60) as client:
        yield client


@pytest.fixture
def done(client, scan, eventually):
    """Path of a scan whose results are there."""
    path = client.post("/api/scans", files={"file": scan.read_bytes()}).headers["location"]
    eventually(lambda: client.get(path).json()["state"] == "done")
    yield path
    client.delete(path)


def test_what_the_viewer_shows_is_there_for_who_has_the_token(client, address, done):
    status = client.get(done).json()
    assert status["view"], status
    manifest = client.get(f"{done}/view/view.json")
    assert manifest.headers["content-type"] == "application/json"
    view = manifest.json()
    assert view["title"] == f"Scan {status['id'][:8]}"
    (layer,) = view["layers"]
    assert len(layer["bones"]) == status["bones"]
    assert layer["meshes"]["state"] == "ready"
    labels = client.get(f"{done}/view/{layer['url']}")
    assert "content-encoding" not in labels.headers  # the page takes it as it is
    assert gzip.decompress(labels.content)[344:347] == b"n+1"
    assert client.get(f"{done}/view/{layer['bones'][0]['stl']}").status_code == 200
    assert client.get(f"{done}/view/{layer['glb']}").content == client.get(f"{done}/meshes").content
    with httpx.Client(base_url=address) as stranger:
        for file in ("view.json", view["scan"]["url"], layer["url"], layer["glb"]):
            assert stranger.get(f"{done}/view/{file}").status_code == 401
    client.delete(done)
    assert client.get(f"{done}/view/view.json").status_code == 404


def test_nothing_beside_it_is_given(client, done):
    for name in (
        "",
        "gone.json",
        "..%2fjob.json",
        "%2e%2e/%2e%2e/job.json",
        "..%2f..%2fscan.nii.gz",
        "%2fetc%2fpasswd",
    ):
        answer = client.get(f"{done}/view/{name}")
        assert answer.status_code == 404, name
    assert client.get(f"{done}/view/gone.json").json()["detail"] == "this scan has no such file for the viewer"


def test_the_report_is_one_page_that_loads_nothing(client, address, done):
    status = client.get(done).json()
    assert status["results"] == ["labels", "meshes", "report", "statistics"], status["notes"]
    answer = client.get(f"{done}/report")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    # Kept, and not shown as a page of the server's own, whose rules its style would break.
    assert answer.headers["content-disposition"] == f'attachment; filename="{status["id"]}.report.html"'
    assert f"<h1>Scan {status['id'][:8]}</h1>" in answer.text
    assert "<dt>Model</dt><dd>tiny</dd>" in answer.text
    assert (status["order"] is None) == ("<dt>Names</dt>" not in answer.text)
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", answer.text)
    with httpx.Client(base_url=address) as stranger:
        assert stranger.get(f"{done}/report").status_code == 401


def test_the_line_about_the_names(client, done):
    order = client.get(f"{done}/statistics").json()["order"]
    told = order["renamed"] or order["doubtful"]
    assert client.get(done).json()["order"] == (order["summary"] if told else None)


def test_only_the_viewers_page_may_stand_in_a_frame_and_draw_its_font(client):
    page = client.get("/view/index.html").headers["content-security-policy"]
    assert "frame-ancestors 'self'" in page
    assert "unsafe" not in page
    for path in ("/", "/scans/0", "/api/scans", "/static/scan.js"):
        assert "frame-ancestors 'none'" in client.get(path).headers["content-security-policy"], path


def test_a_server_without_viewer(viewing_station, listening, done):
    app = make_app(viewing_station.intake, Access(TOKEN))
    with listening(app) as address, httpx.Client(base_url=address, headers=BEARER) as client:
        assert client.get(done).json()["view"] is False
        assert client.get(f"{done}/view/view.json").status_code == 404
        assert client.get("/view/index.html").status_code == 404


def test_no_view_and_no_report_cost_no_other_result(model, scan, tmp_path, monkeypatch, one_thread):
    def refuse(folder, *rest, **options):
        folder.mkdir()
        raise VolumeError("it cannot be shown")

    def refuse_report(labelled, **options):
        raise SettingError("it cannot be drawn")

    monkeypatch.setattr(worker, "write_view", refuse)
    monkeypatch.setattr(worker, "report_content", refuse_report)
    case = Case("one", scan, tmp_path / "one.nii.gz", tmp_path / "one.json")
    paths = {"view": tmp_path / "view", "glb": tmp_path / "one.glb", "report": tmp_path / "one.report.html"}
    job = worker.Work(case, **paths, notes=("told",))
    outcome, notes = worker.do(job, ModelChoice(model, threads=1).load("cpu"), tell=lambda step: None)
    assert outcome.status == "done"
    assert notes == ("told", "no pictures for the viewer: it cannot be shown", "no report: it cannot be drawn")
    assert not job.view.exists()
    assert not job.report.exists()
    assert job.glb.read_bytes().startswith(b"glTF")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_person_sends_a_scan_and_looks_at_it(address, viewing_station, niivue, scan):
    playwright = pytest.importorskip("playwright.sync_api", reason="there is no Playwright")
    if not niivue.name.startswith("niivue-"):
        pytest.skip("there is no NiiVue")
    faults, asked = [], []
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=SOFTWARE_GL)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.fill("#token", TOKEN)
        page.press("#token", "Enter")
        page.wait_for_selector("#main", state="visible")
        # From here on nothing is refused.
        page.on("console", lambda message: message.type == "error" and faults.append(message.text))
        page.set_input_files("#files", scan)
        page.click("#scans a.name")
        page.wait_for_selector("body.done")
        assert page.inner_text("h1") == "scan.nii.gz"
        frame = page.frame_locator("#view iframe")
        frame.locator("body[data-state=ready][data-surfaces=labels]").wait_for(state="attached")
        assert not frame.locator("h1").is_visible()
        first = frame.locator(".bone").first
        first.scroll_into_view_if_needed()
        first.hover()
        first.locator(".only").click()
        assert re.match(r"1 of \d+ bones shown", frame.locator("#count").inner_text())
        frame.locator("#windows [data-value=soft]").click()
        assert frame.locator("#window").inner_text() == "-160 to 240 HU"
        frame.locator("#opacity").fill("0.2")
        with page.expect_download() as download:
            frame.locator("#glb").click()
        (job,) = viewing_station.store.all()
        assert download.value.suggested_filename == f"{job.id}.glb"
        with page.expect_popup() as popup:
            page.click("#view a")
        popup.value.wait_for_selector("body[data-state=ready]", state="attached")
        assert popup.value.inner_text("h1") == f"Scan {job.id[:8]}"
        browser.close()
    assert faults == []
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)
