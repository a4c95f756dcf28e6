import errno
import os
from pathlib import Path

import pytest

from sneakynet.errors import OutputError
from sneakynet.volumes.atomic import make_folder, sweep_parts, write_whole, write_whole_folder


def test_what_is_written_takes_the_place(tmp_path: Path) -> None:
    target = tmp_path / "case.nii.gz"
    target.write_text("old")
    with write_whole(target) as part:
        assert part.name.endswith(".nii.gz")
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "case.json"
    target.write_text("old")

    def fail() -> None:
        with write_whole(target) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def write(target: Path, error: OSError | None = None) -> None:
    with write_whole(target) as part:
        part.write_text("half")
        if error:
            raise error


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"there is no folder .*missing; make it first or choose another"):
        write(tmp_path / "missing" / "case.json")


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*: it is a folder; give a file name"):
        write(tmp_path)


def test_a_file_as_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"there is no folder .*file"):
        write(tmp_path / "file" / "case.json")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so that the answer has to be made up.
    monkeypatch.setattr("sneakynet.volumes.atomic.os.access", lambda path, mode: False)
    with pytest.raises(OutputError, match=r"no permission to write in .*; choose another folder"):
        write(tmp_path / "case.json")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, r"cannot write .*case.json: the disk is full; free some space or choose another folder"),
        (errno.EROFS, r"cannot write .*case.json: the file system is read-only; choose another folder"),
        (errno.EIO, r"cannot write .*case.json: Input/output error"),
    ],
)
def test_failures_of_the_disk(tmp_path: Path, number: int, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        write(tmp_path / "case.json", OSError(number, os.strerror(number)))
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"the file name is too long; choose a shorter one"):
        write(tmp_path / ("x" * 300))


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write into the folder .*file: it is a file; choose another"):
        make_folder(tmp_path / "file")
    with pytest.raises(OutputError, match=r"cannot write into the folder .*deep: Not a directory; choose another"):
        make_folder(tmp_path / "file" / "deep")


def test_a_folder_that_refuses_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("sneakynet.volumes.atomic.tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError, match=r"cannot write into the folder .*: Permission denied; choose another"):
        make_folder(tmp_path)


def fill(target: Path, *, overwrite: bool = False, error: BaseException | None = None) -> None:
    with write_whole_folder(target, overwrite=overwrite) as part:
        (part / "new.txt").write_text("new")
        if error:
            raise error


def old_folder(path: Path) -> Path:
    path.mkdir()
    (path / "old.txt").write_text("old")
    return path


def test_a_folder_comes_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "made" / "model"
    fill(target)
    assert [path.name for path in target.iterdir()] == ["new.txt"]
    assert list(target.parent.iterdir()) == [target]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    fill(tmp_path / "model")
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "new.txt"]


def test_a_folder_that_is_there_is_refused(tmp_path: Path) -> None:
    target = old_folder(tmp_path / "model")
    with pytest.raises(OutputError, match=r"model: it is there already; choose another, or overwrite it"):
        fill(target)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "old.txt"]


def test_a_folder_is_overwritten_with_all_that_it_held(tmp_path: Path) -> None:
    fill(old_folder(tmp_path / "model"), overwrite=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "new.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    target = old_folder(tmp_path / "model")
    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        fill(target, overwrite=True, error=error)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "old.txt"]


def test_a_failure_at_the_last_moment_brings_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = old_folder(tmp_path / "model")
    replace = Path.replace

    def refuse(path: Path, to: Path) -> Path:
        if path.name.startswith(".part-"):
            raise PermissionError(errno.EACCES, "denied")
        return replace(path, to)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="no permission to write there"):
        fill(target, overwrite=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "old.txt"]


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("")
    with pytest.raises(OutputError, match="it is a file; choose another name"):
        fill(tmp_path / "model", overwrite=True)


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    left = [".part-0123abcd-a.nii.gz", ".part-ffffffff-a.json"]
    others = [".part-0123abcd-b.nii.gz", ".part-0123abcd-b-a.nii.gz", ".part-mine-a.json", "a.nii.gz", "a.json"]
    for name in (*left, *others):
        (tmp_path / name).touch()
    sweep_parts([tmp_path / "a.nii.gz", tmp_path / "a.json"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_what_write_whole_would_leave_is_what_is_swept(tmp_path: Path) -> None:
    target = tmp_path / "[odd] name.nii.gz"
    with write_whole(target) as part:
        part.touch()
        sweep_parts([target])
        assert not part.exists()
        part.touch()


def test_leftovers_that_stay(tmp_path: Path) -> None:
    (tmp_path / ".part-0123abcd-a.json").mkdir()  # what cannot be unlinked
    with pytest.raises(OutputError, match=r"cannot remove .*part-0123abcd-a.json, which an earlier run left"):
        sweep_parts([tmp_path / "a.json"])
