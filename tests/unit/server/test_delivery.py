from sneakynet.server.delivery import Delivery


class Now:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def finished(store, add, *, seg=True):
    job = add(store, deliver=True)
    place = store.place(job)
    place.results.mkdir()
    if seg:
        place.result("seg.dcm").write_bytes(b"x")
    store.done(job.id, bones=1, seconds=1.0, notes=())
    return job.id


def test_it_is_tried_again_until_it_is_sent(store, add):
    now, answers = Now(), ["no answer", "no answer", None]
    delivery = Delivery(store, lambda path: answers.pop(0), clock=now)
    id = finished(store, add)
    for seconds, left in ((0.0, 2), (4.0, 2), (5.0, 1), (34.0, 1), (35.0, 0), (999.0, 0)):
        now.seconds = seconds
        delivery.send_due()
        assert len(answers) == left
    assert store.get(id).delivery == "sent"


def test_it_is_given_up(store, add):
    now = Now()
    delivery = Delivery(store, lambda path: "no answer", clock=now)
    id = finished(store, add)
    for _ in range(6):
        delivery.send_due()
        now.seconds += 3600.0
    job = store.get(id)
    assert (job.state, job.delivery, job.notes) == ("done", "failed", ("not sent to the archive: no answer",))


def test_nothing_to_send(store, add):
    id = finished(store, add, seg=False)
    Delivery(store, lambda path: None, clock=Now()).send_due()
    assert store.get(id).delivery == "failed"
    assert "there is no DICOM SEG" in store.get(id).notes[0]
