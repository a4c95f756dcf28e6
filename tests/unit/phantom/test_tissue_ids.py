from sneakynet.phantom.tissue_ids import tissue_ids


def test_ids_follow_the_file_and_fit_a_byte() -> None:
    ids = tissue_ids()
    assert list(ids.values()) == list(range(len(ids)))
    assert len(ids) < 256
    assert (ids["air"], ids["muscle"], ids["lung"]) == (0, 3, 6)
