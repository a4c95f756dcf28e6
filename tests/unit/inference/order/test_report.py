import json

from sneakynet.inference.order.report import OrderReport, Renamed


def test_nothing_to_tell():
    report = OrderReport(vertebrae=("vertebrae_L1",))

    assert not report.told
    assert report.summary == "all names are in order"


def test_changes_and_doubts_are_told_in_a_line_and_in_full():
    changes = tuple(Renamed(f"vertebrae_T{n}", f"vertebrae_T{n + 1}", 20.0 - n) for n in range(6, 12))
    report = OrderReport(changes, ("vertebrae_C4",), ("vertebrae_T7",), (2.5, 0.123456))

    assert report.summary == (
        "renamed vertebrae_T6 -> vertebrae_T7 (14.0 ml), vertebrae_T7 -> vertebrae_T8 (13.0 ml), "
        "vertebrae_T8 -> vertebrae_T9 (12.0 ml), vertebrae_T9 -> vertebrae_T10 (11.0 ml) and 2 more; "
        "left as they are, but doubtful: vertebrae_C4"
    )
    record = json.loads(json.dumps(report.to_dict()))
    assert len(record["renamed"]) == 6
    assert record["renamed"][0] == {"before": "vertebrae_T6", "after": "vertebrae_T7", "volume_ml": 14.0}
    assert record["margins"] == [2.5, 0.12]
