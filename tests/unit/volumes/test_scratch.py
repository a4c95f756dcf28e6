import errno
import os

import numpy as np
import pytest

from sneakynet.errors import OutputError
from sneakynet.volumes.scratch import let_go, scratch_array


@pytest.mark.parametrize("on_disk", [False, True])
def test_an_array_of_zeros_that_keeps_what_is_written(tmp_path, on_disk):
    array = scratch_array((3, 40, 50), np.uint16, folder=tmp_path if on_disk else None)

    assert not array.any()
    array[1, 2] = 7
    let_go(array)
    assert array.sum() == 7 * 50
    assert array.dtype == np.uint16
    assert isinstance(array, np.memmap) is on_disk


def test_nothing_is_seen_of_the_file(tmp_path):
    array = scratch_array((100, 100), np.uint8, folder=tmp_path)

    array[:] = 1

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("edge", "told"), [(2048, "4 MB"), (30, "1 MB")])
def test_a_full_disk_says_so_before_anything_is_written(tmp_path, monkeypatch, edge, told):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)

    with pytest.raises(OutputError, match=rf"cannot keep {told} in .*No space left on device; free some space"):
        scratch_array((edge, edge), np.uint8, folder=tmp_path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="No such file or directory"):
        scratch_array((2, 2), np.uint8, folder=tmp_path / "none")
