import json

import pytest

from sneakynet.errors import SettingError
from sneakynet.server.job_store import JobStore, Step


def test_the_queue_keeps_its_order(store, add):
    first, second = add(store), add(store)
    assert [job.id for job in store.waiting()] == [first.id, second.id]
    assert store.take(timeout=0.0).id == first.id
    assert [job.id for job in store.all()] == [second.id, first.id]
    store.put_back(first.id)
    assert [job.id for job in store.waiting()] == [first.id, second.id]


def test_nothing_to_take(store):
    assert store.take(timeout=0.0) is None


def test_everything_is_there_after_a_restart(store, add, clock):
    done, running, waiting = add(store, series="2"), add(store, deliver=True), add(store)
    for _ in range(2):
        store.take(timeout=0.0)
    store.done(done.id, bones=3, seconds=1.5, notes=("a note",), order="renamed a -> b")
    folder, before = store.folder, {job.id: job for job in store.all()}
    store.__exit__(None, None, None)
    with JobStore(folder, clock=clock) as again:
        assert [job.id for job in again.waiting()] == [running.id, waiting.id]
        assert again.get(done.id) == before[done.id]
        assert again.get(done.id).notes == ("a note",)
        assert again.get(done.id).order == "renamed a -> b"
        assert again.get(running.id).delivery == "waiting"
        assert again.place(again.get(done.id)).scan.read_bytes() == b"x" * 100


def test_a_scan_is_tried_again_once(store, add):
    first, second = add(store), add(store)
    store.take(timeout=0.0)
    store.died(first.id, "signal 9")
    assert [job.id for job in store.waiting()] == [second.id, first.id]
    store.died(first.id, "signal 9")
    job = store.get(first.id)
    assert (job.state, job.deaths) == ("failed", 2)
    assert "the worker died 2 times over this scan (signal 9)" in job.error
    assert [job.id for job in store.waiting()] == [second.id]


def test_removed_jobs_leave_no_file(store, add):
    job = add(store)
    assert store.remove(job.id)
    assert not store.remove(job.id)
    store.died(job.id, "signal 9")
    store.failed(job.id, "x")
    store.report(job.id, Step("x"))
    assert store.all() == []
    assert [path for path in store.folder.rglob("*") if path.is_file()] == [store.folder / "lock"]


def test_old_results_go_and_new_and_open_ones_stay(store, add, clock):
    old, new, waiting = add(store), add(store), add(store)
    store.failed(old.id, "x")
    clock.now += 7200
    store.done(new.id, bones=0, seconds=1.0, notes=())
    assert store.purge(keep_hours=1.0) == 1
    assert {job.id for job in store.all()} == {new.id, waiting.id}


def test_one_server_per_folder(store):
    with pytest.raises(SettingError, match="another server uses the folder"), JobStore(store.folder):
        pass


def test_leftovers_and_damage_do_not_stop_a_start(store, add, clock, caplog):
    job, kept = add(store), add(store)
    store.incoming()
    record = store.place(job).folder / "job.json"
    record.write_text(record.read_text()[:40])
    store.__exit__(None, None, None)
    with JobStore(store.folder, clock=clock) as again:
        assert [one.id for one in again.all()] == [kept.id]
        assert not any((again.folder / "incoming").iterdir())
    assert "its record is damaged" in caplog.text


@pytest.mark.parametrize("change", [{"state": "eaten"}, {"id": "../../etc"}, {"format_version": 9}, {"extra": 1}])
def test_a_record_that_is_none_is_not_believed(store, add, clock, change):
    record = store.place(add(store)).folder / "job.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | change))
    store.__exit__(None, None, None)
    with JobStore(store.folder, clock=clock) as again:
        assert again.all() == []


def test_used_counts_all_files(store, add):
    before = store.used()
    add(store)
    assert store.used() > before + 100
