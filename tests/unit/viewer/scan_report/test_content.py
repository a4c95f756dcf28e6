import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError
from sneakynet.evaluation.labelled_scan import LabelledScan
from sneakynet.viewer.scan_report.content import report_content
from sneakynet.viewer.scan_report.files import write_reports
from sneakynet.viewer.scan_report.notices import Notice
from sneakynet.viewer.scan_report.page import scan_page
from sneakynet.viewer.scan_report.pictures import SkeletonView
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


@pytest.fixture(autouse=True)
def _no_child(monkeypatch):
    """Surfaces are drawn in a process of its own, which takes seconds; they have tests of their own."""
    picture = np.full((20, 10, 4), 200, dtype=np.uint8)
    drawn = "sneakynet.viewer.scan_report.skeleton_views.skeleton_views"
    monkeypatch.setattr(drawn, lambda meshes: tuple(_views(picture) if meshes else ()))


def _views(picture):
    return [SkeletonView(side, picture, ("R", "L"), 1.0) for side in ("front", "left", "back", "right")]


@pytest.fixture
def content(trunk):
    return report_content(trunk, table=TABLE, facts={"Model": "tiny"})


def test_what_a_report_holds(content):
    assert content.facts["Bones"] == "5 found, 4 of them whole in the scan"
    assert content.facts["Voxels"] == "40 x 20 x 40, of 4 x 4 x 4 mm"
    assert content.facts["Model"] == "tiny"
    joint, slices = content.joints[0]
    assert (joint.name, len(slices)) == ("Lumbosacral", 2)
    front, left = content.projections
    assert (front.letters, left.letters) == (("R", "L"), ("A", "P"))
    # Cubes of 1 mm: 160 wide and high, 80 deep.
    assert (front.picture.shape, left.picture.shape) == ((160, 160, 3), (160, 80, 3))


def test_the_femur_is_low_and_on_the_left_of_the_picture(content):
    front = content.projections[0].picture
    color = np.array([int(TABLE["femur_right"].color[n : n + 2], 16) for n in (1, 3, 5)])
    pixels = front / np.maximum(front.max(axis=-1, keepdims=True), 1e-6)
    there = np.argwhere((np.abs(pixels - color / color.max()).max(axis=-1) < 0.1) & (front.max(axis=-1) > 0.3))
    assert there[:, 0].mean() > 80 > there[:, 1].mean()


def test_the_page(content, read_page):
    page = read_page(scan_page(content))
    assert all(address.startswith(("data:image/", "#")) for address in page.loads)
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 2 + 4 + 2 * len(content.joints)
    assert all(image["alt"] for image in images)
    assert "trunk <1>" in page.text
    assert "Lumbar spine" in page.text
    assert "cut (inferior)" in page.text
    assert "the scan ends at its inferior face within femur_right" in page.text


def test_the_less_striking_is_folded_away(content, read_page):
    many = (*(Notice("look", "size", f"thing {n}", ()) for n in range(14)), Notice("cut", "cut bones", "end", ()))
    changed = _with(content, notices=many)
    assert [notice.text for notice in changed.foremost] == [f"thing {n}" for n in range(10)] + ["end"]
    assert [notice.text for notice in changed.further] == [f"thing {n}" for n in range(10, 14)]
    assert "4 less striking" in read_page(scan_page(changed)).text


def _with(content, **changes):
    from dataclasses import replace

    return replace(content, **changes)


def test_files_of_both_kinds(content, tmp_path):
    paths = tmp_path / "a.report.html", tmp_path / "a.report.pdf"
    write_reports(paths, content)
    assert paths[0].read_text("utf-8").startswith("<!doctype html>")
    assert paths[1].read_bytes().startswith(b"%PDF")
    assert paths[1].read_bytes().count(b"/Type /Page ") >= 2


def test_all_files_or_none(content, tmp_path):
    with pytest.raises(SettingError, match=r"a\.txt: a report ends in \.html or \.pdf"):
        write_reports((tmp_path / "a.html", tmp_path / "a.txt"), content)
    assert not any(tmp_path.iterdir())


def test_long_reports_go_on_on_the_next_page(content, tmp_path):
    bones = tuple(_with(bone, name=name) for name in TABLE.names[:70] for bone in content.bones[:1])
    many = tuple(Notice("look", "size", f"thing {n} " * 20, ()) for n in range(20))
    write_reports((tmp_path / "a.pdf",), _with(content, bones=bones, notices=many))
    assert (tmp_path / "a.pdf").read_bytes().count(b"/Type /Page ") >= 5


@pytest.mark.parametrize("empty", [True, False])
def test_nothing_to_show(trunk, tmp_path, read_page, empty):
    """No bone at all, or no scan."""
    labels = Volume(np.zeros_like(trunk.labels.voxels), trunk.labels.affine) if empty else trunk.labels
    content = report_content(LabelledScan("none", labels), table=TABLE)
    write_reports((tmp_path / "a.pdf",), content)
    text = read_page(scan_page(content)).text
    assert ("No bone was found." in text) == empty
    assert "Trabecular" not in text


def test_the_extra_is_named(monkeypatch, trunk):
    import sys

    monkeypatch.setitem(sys.modules, "manifold3d", None)
    with pytest.raises(SettingError, match=r"manifold3d, which is not installed; run pip install 'sneakynet\[mesh\]'"):
        report_content(trunk, table=TABLE)
