import json
import threading

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.data.body_folder import BodyFolder, is_body_folder, load_body, save_body, write_index
from sneakynet.errors import DatasetError, OutputError

TABLE = BoneTable.default()


@pytest.fixture
def folder(tmp_path, block):
    for number in range(3):
        save_body(tmp_path / f"b{number}.npz", block(number))
    write_index(tmp_path, spacing=4.0, table=TABLE)
    return tmp_path


def test_what_is_saved_is_read_again(tmp_path, block):
    save_body(tmp_path / "b.npz", block(3))
    body = load_body(tmp_path / "b.npz")
    for name in ("labels", "tissues", "bone", "cortex", "metal", "affine"):
        np.testing.assert_array_equal(getattr(body, name), getattr(block(3), name))
        assert getattr(body, name).dtype == getattr(block(3), name).dtype
    assert body.facts == {"seed": 3, "age": 33.0}
    assert body.spacing == 4.0


def test_a_folder_gives_its_bodies_in_the_order_of_their_names(folder):
    bodies = BodyFolder(folder, table=TABLE)
    assert (len(bodies), bodies.names, bodies.spacing) == (3, ("b0", "b1", "b2"), 4.0)
    assert [body.facts["seed"] for body in bodies] == [0, 1, 2]
    assert is_body_folder(folder)
    assert not is_body_folder(folder.parent)


def test_the_latest_used_stay_in_memory(folder):
    bodies = BodyFolder(folder, table=TABLE, keep=2)
    first, second = bodies[0], bodies[1]
    assert bodies[0] is first
    bodies[2]  # in place of the second, which was used longest ago
    assert bodies[0] is first
    assert bodies[1] is not second


def test_what_is_asked_for_soon_is_read_once_and_beside_other_work(folder, monkeypatch):
    readers = []

    def load(path):
        readers.append((path.stem, threading.current_thread() is threading.main_thread()))
        return load_body(path)

    monkeypatch.setattr("sneakynet.data.body_folder.load_body", load)
    bodies = BodyFolder(folder, table=TABLE)
    bodies.prefetch([0, 2, 0])
    bodies.prefetch([2])
    assert [bodies[index].facts["seed"] for index in (0, 1, 2)] == [0, 1, 2]
    bodies.prefetch([0, 1, 2])  # all in memory
    assert sorted(readers) == [("b0", False), ("b1", True), ("b2", False)]


def test_a_damaged_body_read_beside_other_work_is_named_when_it_is_asked_for(folder):
    (folder / "b1.npz").write_bytes(b"text")
    bodies = BodyFolder(folder, table=TABLE)
    bodies.prefetch([1])
    with pytest.raises(DatasetError, match=r"cannot read the body .*b1.npz"):
        bodies[1]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"text"])
def test_damaged_bodies_are_named(folder, content):
    (folder / "b1.npz").write_bytes(content)
    with pytest.raises(DatasetError, match=r"cannot read the body .*b1.npz: damaged or no body .*make it again"):
        BodyFolder(folder, table=TABLE)[1]


def test_a_body_cut_short_is_named(folder):
    whole = (folder / "b1.npz").read_bytes()
    (folder / "b1.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=r"cannot read the body .*b1.npz"):
        load_body(folder / "b1.npz")


def test_an_archive_of_something_else_is_named(tmp_path):
    np.savez(tmp_path / "b.npz", labels=np.zeros((2, 2, 2)))
    with pytest.raises(DatasetError, match=r"damaged or no body \(KeyError\)"):
        load_body(tmp_path / "b.npz")


def test_a_missing_body_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"none.npz: damaged or no body \(FileNotFoundError\)"):
        load_body(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, r"bodies.json is no index of bodies of this version"),
        ({"format": "other"}, r"bodies.json is no index of bodies of this version"),
        ({"bones": ["horn"]}, r"are labelled with another bone table \(1 bone\); give it with --table"),
    ],
)
def test_other_indices_are_refused(folder, change, message):
    index = json.loads((folder / "bodies.json").read_text())
    (folder / "bodies.json").write_text(json.dumps({**index, **change}))
    with pytest.raises(DatasetError, match=message):
        BodyFolder(folder, table=TABLE)


def test_an_index_that_is_no_json(folder):
    (folder / "bodies.json").write_text("{")
    with pytest.raises(DatasetError, match=r"cannot read .*bodies\.json"):
        BodyFolder(folder, table=TABLE)


def test_a_folder_without_bodies(tmp_path):
    write_index(tmp_path, spacing=4.0, table=BoneTable((Bone(1, "horn"),)))
    with pytest.raises(DatasetError, match=r"holds no bodies \(\*.npz\); make some with sneakynet phantom --bodies"):
        BodyFolder(tmp_path, table=BoneTable((Bone(1, "horn"),)))


def test_a_body_is_written_whole_or_not_at_all(tmp_path, block):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        save_body(tmp_path / "file" / "b.npz", block(0))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
