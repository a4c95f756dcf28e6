"""The viewer's page in a real browser: what a person clicks, and what is then to be seen."""

import shutil
import threading

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError
from sneakynet.viewer.browser.niivue import niivue_script
from sneakynet.viewer.browser.server import ViewServer
from sneakynet.viewer.browser.view_data import Layer, write_view
from sneakynet.viewer.browser.view_meshes import write_view_meshes
from sneakynet.volumes.volume import Volume

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
SOFTWARE_GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
TABLE = BoneTable.default()
SHAPE = (36, 30, 24)
AFFINE = np.array([[4.0, 0, 0, -70], [0, 4.0, 0, -60], [0, 0, 4.0, 500], [0, 0, 0, 1]])
FEMUR_RIGHT = np.s_[24:30, 12:20, 2:20]  # i grows to the patient's right
FEMUR_LEFT = np.s_[6:12, 12:20, 2:20]
SACRUM = np.s_[15:21, 6:12, 14:22]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")


def _labels(**moved):
    voxels = np.zeros(SHAPE, dtype=np.uint8)
    for name, box in {"femur_right": FEMUR_RIGHT, "femur_left": FEMUR_LEFT, "sacrum": SACRUM, **moved}.items():
        voxels[box] = TABLE[name].id
    return Volume(voxels, AFFINE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    scan = np.full(SHAPE, -1000, dtype=np.int16)
    scan[3:33, 3:27] = 40
    for box, hu in ((FEMUR_RIGHT, 700), (FEMUR_LEFT, 800), (SACRUM, 500)):
        scan[box] = hu
    reference = _labels(hyoid=SACRUM)
    layers = [
        Layer("labels", "Labels", "mine.nii.gz", _labels()),
        Layer("reference", "Reference", "theirs.nii", reference),
    ]
    write_view(folder, Volume(scan, AFFINE), layers, table=TABLE, name="case 7")
    write_view_meshes(folder, table=TABLE)
    try:
        niivue = niivue_script()
    except SettingError as error:
        pytest.skip(str(error))
    with ViewServer(folder, niivue=niivue) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="there is no Playwright")
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=SOFTWARE_GL)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser, server):
    page = browser.new_page(viewport={"width": 1000, "height": 640})
    page.set_default_timeout(20_000)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and page.faults.append(message.text))
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(server.url)
    page.wait_for_selector("body[data-state=ready][data-surfaces=labels]", state="attached")
    return page


@pytest.fixture(autouse=True)
def _as_at_first(page):
    page.fill("#search", "")
    page.click("#all")
    page.click("#layers [data-value=labels]")
    page.click("#layouts [data-value=all]")
    yield
    assert page.faults == []


def _row(page, name):
    return page.locator(f".bone[data-bone={name}]")


def _colour(page, mm):
    """Pixel of the axial slice where a place in the world lies, 0 to 255."""
    return page.evaluate(
        """(mm) => {
            const view = window.page.slices.view;
            const { pos } = view.frac2canvasPosWithTile(view.mm2frac(mm), 0);
            const [x, y] = pos.map(Math.round);
            view.drawScene();
            const pixel = new Uint8Array(4);
            view.gl.readPixels(x, view.gl.canvas.height - y - 1, 1, 1, view.gl.RGBA, view.gl.UNSIGNED_BYTE, pixel);
            return [...pixel].slice(0, 3);
        }""",
        mm,
    )


def _middle(box, off=(1, 1, 0)):
    """World mm of a voxel in the middle, beside the crosshair's lines."""
    index = [(part.start + part.stop - 1) // 2 + step for part, step in zip(box, off, strict=True)]
    return [float(x) for x in AFFINE[:3, :3] @ index + AFFINE[:3, 3]]


def _on_screen(page, mm):
    """Where a place lies in the window, in the axial slice."""
    return page.evaluate(
        """(mm) => {
            const view = window.page.slices.view, canvas = view.canvas, box = canvas.getBoundingClientRect();
            const { pos } = view.frac2canvasPosWithTile(view.mm2frac(mm), 0);
            return pos.map((x, axis) => x * box.width / canvas.width + [box.left, box.top][axis]);
        }""",
        mm,
    )


def _grey(colour):
    return max(colour) - min(colour) < 12


def test_it_says_what_it_shows(page, server):
    assert page.title() == "case 7 · SneakyNet"
    assert page.inner_text("#count") == "4 of 4 bones shown"  # those of both label maps
    assert page.inner_text("#window") == "-500 to 1300 HU"
    assert all(url.startswith((server.url, "data:", "blob:")) for url in page.asked)  # nothing from anywhere else


def test_the_patients_right_is_on_the_left(page):
    _row(page, "femur_right").locator(".name").click()
    right, left = _on_screen(page, _middle(FEMUR_RIGHT)), _on_screen(page, _middle(FEMUR_LEFT))
    assert right[0] < left[0]
    assert page.evaluate("window.page.slices.view.opts.isRadiologicalConvention")


def test_search_isolate_and_fly(page):
    page.fill("#search", "femur")
    names = page.locator(".bone:visible .name").all_inner_texts()
    assert sorted(names) == ["femur left", "femur right"]
    row = _row(page, "femur_right")
    row.hover()
    row.locator(".only").click()
    place = page.evaluate("window.page.slices.place")
    np.testing.assert_allclose(place, _middle(FEMUR_RIGHT, off=(0, 0, 0)), atol=4)
    assert row.get_attribute("aria-current") == "true"
    assert page.inner_text("#here").startswith("femur right")
    assert not _grey(_colour(page, _middle(FEMUR_RIGHT)))
    assert _grey(_colour(page, _middle(FEMUR_LEFT)))
    assert page.evaluate("window.page.surfaces.loaded.get('labels').filter((b) => b.mesh.visible).length") == 1
    assert page.inner_text("#count") == "1 of 2 bones shown"


def test_of_a_bone_alone_no_other_takes_its_colour(page):
    row = _row(page, "sacrum")  # both femurs come after it
    row.hover()
    row.locator(".only").click()
    assert not _grey(_colour(page, _middle(SACRUM)))
    _row(page, "femur_left").locator(".name").click()
    assert _grey(_colour(page, _middle(FEMUR_LEFT)))


def _in_space(page, box):
    """The corners of a box in the 3D picture: -1 to 1 from its left to its right edge, and from below to above."""
    low, high = ([axis.start for axis in box], [axis.stop for axis in box])
    corners = [[i, j, k] for i in (low[0], high[0]) for j in (low[1], high[1]) for k in (low[2], high[2])]
    world = [[*(AFFINE[:3, :3] @ np.subtract(corner, 0.5) + AFFINE[:3, 3]), 1.0] for corner in corners]
    matrix = page.evaluate(
        """() => {
            const { view } = window.page.surfaces, { renderAzimuth, renderElevation } = view.scene;
            view.drawScene();
            return [...view.calculateMvpMatrix(null, undefined, renderAzimuth, renderElevation)[0]];
        }"""
    )
    return (np.array(world) @ np.reshape(matrix, (4, 4)))[:, :2]  # column-major: transposed


def test_3d_follows_to_a_bone_and_back(page):
    page.click("#layouts [data-value=space]")
    whole = np.ptp(_in_space(page, SACRUM), axis=0)
    assert not page.locator("#whole").is_visible()
    _row(page, "sacrum").locator(".name").click()
    corners = _in_space(page, SACRUM)
    np.testing.assert_allclose(corners.mean(axis=0), 0, atol=0.05)
    assert (np.ptp(corners, axis=0) >= whole).all()
    row = _row(page, "sacrum")
    row.hover()
    row.locator(".only").click()
    alone = _in_space(page, SACRUM)
    np.testing.assert_allclose(alone.mean(axis=0), 0, atol=0.05)
    assert (np.ptp(alone, axis=0) > 1.3 * np.ptp(corners, axis=0)).all()
    assert np.abs(alone).max() < 1
    page.click("#whole")
    np.testing.assert_allclose(np.ptp(_in_space(page, SACRUM), axis=0), whole, atol=1e-4)
    assert not page.locator("#whole").is_visible()


def test_outlines(page):
    _row(page, "femur_left").locator(".name").click()
    page.locator("#opacity").fill("0")
    edge = _middle(FEMUR_LEFT)
    edge[0] = float(AFFINE[0, 0] * FEMUR_LEFT[0].start + AFFINE[0, 3])  # the outermost voxel
    assert _grey(_colour(page, edge))
    page.check("#outline")
    assert not _grey(_colour(page, edge))
    assert _grey(_colour(page, _middle(FEMUR_LEFT)))
    _row(page, "femur_left").locator("input").uncheck()
    assert _grey(_colour(page, edge))
    page.mouse.move(*_on_screen(page, _middle(FEMUR_LEFT)))
    assert "femur left" in page.locator("#tip").inner_text()
    page.uncheck("#outline")
    page.locator("#opacity").fill("0.6")


def test_hide_and_opacity(page):
    _row(page, "femur_left").locator(".name").click()
    at = _middle(FEMUR_LEFT)
    assert not _grey(_colour(page, at))
    _row(page, "femur_left").locator("input").uncheck()
    assert _grey(_colour(page, at))
    _row(page, "femur_left").locator("input").check()
    page.locator("#opacity").fill("0")
    assert _grey(_colour(page, at))
    page.locator("#opacity").fill("0.6")
    page.click("#none")
    assert page.inner_text("#count") == "0 of 4 bones shown"


def test_windows(page):
    _row(page, "femur_left").locator(".name").click()
    soft = _middle(np.s_[12:15, 12:20, 2:20])  # between the bones
    page.click("#windows [data-value=soft]")
    assert page.inner_text("#window") == "-160 to 240 HU"
    bright = _colour(page, soft)
    page.click("#windows [data-value=full]")
    assert page.inner_text("#window") == "-1000 to 800 HU"
    page.click("#windows [data-value=bone]")
    assert _colour(page, soft)[0] < bright[0] - 20


def test_hover_says_bone_and_hu(page):
    _row(page, "femur_right").locator(".name").click()
    page.mouse.move(*_on_screen(page, _middle(FEMUR_RIGHT)))
    assert page.locator("#tip").inner_text().split("\n")[0].startswith("femur right")
    assert "700 HU" in page.locator("#tip").inner_text()
    page.mouse.move(*_on_screen(page, _middle(FEMUR_LEFT)))
    assert "femur left" in page.locator("#tip").inner_text()
    page.mouse.move(500, 10)
    assert not page.locator("#tip").is_visible()


def test_reference(page):
    _row(page, "sacrum").locator(".name").click()
    mine = _colour(page, _middle(SACRUM))
    page.click("#layers [data-value=reference]")
    page.wait_for_selector("body[data-surfaces=reference]", state="attached")
    assert _row(page, "sacrum").locator(".ml").inner_text() == "only in labels"
    page.mouse.move(*_on_screen(page, _middle(SACRUM)))
    assert "hyoid" in page.locator("#tip").inner_text()
    assert np.abs(np.subtract(mine, _colour(page, _middle(SACRUM)))).max() > 20


def test_side_by_side(page):
    page.click("#layers [data-value=both]")
    page.wait_for_selector("#second .caption:not(:empty)")
    assert page.locator("#compared").is_visible()
    _row(page, "sacrum").locator(".name").click()
    places = page.evaluate("[window.page.slices.place, window.page.compared.place]")
    np.testing.assert_allclose(*places, atol=0.1)
    assert page.locator("#second .caption").inner_text() == "Reference: theirs.nii"


def test_downloads(page, tmp_path):
    row = _row(page, "femur_right")
    row.hover()
    with page.expect_download() as download:
        row.locator(".stl").click()
    assert download.value.suggested_filename == "femur_right.stl"
    download.value.save_as(tmp_path / "a.stl")
    assert (tmp_path / "a.stl").read_bytes().startswith(b"femur_right SPACE=LPS")
    with page.expect_download() as download:
        page.click("#glb")
    assert download.value.suggested_filename == "mine.glb"


def test_3d_alone(page):
    page.click("#layouts [data-value=space]")
    assert page.locator("#surfaces").bounding_box()["width"] > 600
    assert not page.locator("#slices").is_visible()
    assert page.locator(".side").all_inner_texts() == ["R", "L"]  # from the front
    page.evaluate("window.page.surfaces.view.setRenderAzimuthElevation(0, 5)")
    assert page.locator(".side").all_inner_texts() == ["L", "R"]


def test_a_lost_graphics_card_is_said_and_the_page_comes_back(browser, server):
    page = browser.new_page()
    page.set_default_timeout(20_000)
    page.goto(server.url)
    page.wait_for_selector("body[data-state=ready][data-surfaces=labels]", state="attached")
    assert not page.locator("#lost").is_visible()
    page.evaluate("window.page.surfaces.view.gl.getExtension('WEBGL_lose_context').loseContext()")
    page.wait_for_selector("#lost", state="visible")
    assert "has lost the graphics card" in page.inner_text("#lost")
    page.click("#lost button")
    page.wait_for_selector("body[data-state=ready][data-surfaces=labels]", state="attached")
    assert not page.locator("#lost").is_visible()
    page.close()


def test_a_click_on_a_surface_leads_there(page):
    page.click("#layouts [data-value=space]")
    row = _row(page, "femur_right")
    row.hover()
    row.locator(".only").click()
    page.evaluate("window.page.surfaces.view.setRenderAzimuthElevation(180, 5)")  # from the front
    box = page.locator("#surfaces").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(middle[0], middle[1] - box["height"] / 4)
    place = np.array(page.evaluate("window.page.slices.place"))
    first, last = (
        AFFINE[:3, :3] @ [getattr(axis, end) for axis in FEMUR_RIGHT] + AFFINE[:3, 3] for end in ("start", "stop")
    )
    assert place[2] > (first[2] + last[2]) / 2 + 6  # above its middle
    np.testing.assert_allclose(place[1], last[1] - 2, atol=3)  # at its front, which is seen
    assert page.inner_text("#here").startswith("femur right")
    page.mouse.click(box["x"] + 5, box["y"] + 60)  # beside it
    np.testing.assert_allclose(page.evaluate("window.page.slices.place"), place)


def test_what_cannot_be_shown_is_said(browser, server):
    page = browser.new_page()
    page.goto(server.url + "?data=http://127.0.0.2/view.json")
    page.wait_for_selector("body[data-state=failed]")
    assert "another site" in page.inner_text("#loading")
    page.goto(server.url + "?data=gone.json")
    page.wait_for_selector("body[data-state=failed]")
    assert "cannot be read (404)" in page.inner_text("#loading")
    page.close()
