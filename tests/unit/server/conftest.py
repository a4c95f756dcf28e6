"""What the tests of the server's parts need."""

import pytest

from sneakynet.server.job_store import JobStore


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        self.now += 0.001
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    with JobStore(tmp_path / "data", clock=clock) as store:
        yield store


@pytest.fixture
def add():
    """Queue an empty scan."""

    def do(store, **options):
        folder = store.incoming()
        (folder / "scan.nii.gz").write_bytes(b"x" * 100)
        return store.add(folder, "nii.gz", **options)

    return do
