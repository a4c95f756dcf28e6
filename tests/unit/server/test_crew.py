from dataclasses import replace

from sneakynet.server import crew


def test_where_the_disk_is_full_labels_are_made_and_no_more(store, add):
    job = add(store)
    full = crew.CrewSettings(disk=store.used())
    short = crew._work(store, job, full)
    roomy = crew._work(store, job, replace(full, disk=store.used() + 1))
    assert None not in {roomy.view, roomy.glb, roomy.report, roomy.case.preview}
    assert {short.view, short.glb, short.report, short.case.preview} == {None}
    assert roomy.notes == ()
    assert short.notes[0].startswith("no picture, surfaces, viewer and report: the server's disk is full; delete scans")
    assert (short.case.labels, short.case.statistics) == (roomy.case.labels, roomy.case.statistics)
