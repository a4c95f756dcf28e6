import pytest

from sneakynet.server.intake import Intake
from sneakynet.server.limits import Limits
from sneakynet.server.receiving import Receiving
from sneakynet.server.refusal import RefusalError


class Now:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def slices(dicom, tmp_path):
    folder = dicom.series(tmp_path / "series", dicom.axial([0, 2, 4]))
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def receiving(store, now):
    return make(store, now)


def make(store, now, **limits):
    return Receiving(Intake(store, Limits(**limits)), quiet=10.0, deliver=True, clock=now)


def send(receiving, slices, association="one", series="1.2.3"):
    for number, content in enumerate(slices):
        receiving.take(content, series=series, instance=f"1.2.3.{number}", association=association)


def test_a_series_is_whole_after_release_and_quiet(receiving, store, slices, now):
    send(receiving, slices)
    now.seconds = 100.0
    assert receiving.queue_whole() == 0
    receiving.ended("one")
    assert receiving.queue_whole() == 1
    (job,) = store.all()
    assert (job.kind, job.delivery) == ("dicom", "waiting")
    assert len(list(store.place(job).scan.iterdir())) == 3
    assert receiving.queue_whole() == 0


def test_a_slice_starts_the_quiet_time_anew(receiving, slices, now):
    send(receiving, slices[:2])
    receiving.ended("one")
    now.seconds = 9.0
    send(receiving, slices, association="two")
    receiving.ended("two")
    now.seconds = 18.0
    assert receiving.queue_whole() == 0
    now.seconds = 19.0
    assert receiving.queue_whole() == 1


def test_what_came_before_a_restart_is_gone_on_with(receiving, store, slices, now):
    send(receiving, slices[:2])
    again = make(store, now)
    send(again, slices)
    again.ended("one")
    now.seconds = 11.0
    assert again.queue_whole() == 1
    assert len(list(store.place(store.all()[0]).scan.iterdir())) == 3


def test_series_wait_while_the_queue_is_full(store, add, slices, now):
    receiving = make(store, now, waiting=1)
    send(receiving, slices)
    receiving.ended("one")
    now.seconds = 11.0
    add(store)
    assert receiving.queue_whole() == 0
    job = store.take(timeout=0.0)
    store.failed(job.id, "x")
    assert receiving.queue_whole() == 1


def test_bounds(store, slices, now):
    receiving = make(store, now, members=2)
    with pytest.raises(RefusalError, match="the series is larger than 2 slices"):
        send(receiving, slices)
    receiving = make(store, now, upload=len(slices[0]) + 10)
    with pytest.raises(RefusalError, match="the series is larger than"):
        send(receiving, slices, series="1.2.4")


def test_what_is_no_scan_is_dropped(receiving, store, slices, now, caplog):
    send(receiving, slices[:1])
    receiving.ended("one")
    now.seconds = 11.0
    assert receiving.queue_whole() == 0
    assert store.all() == []
    assert not any((store.folder / "incoming").iterdir())
    assert "was dropped" in caplog.text
