import pytest

from sneakynet.viewer.short_name import short_name, titled


@pytest.mark.parametrize("name", ["", "mine", "x" * 24])
def test_short_names_stay(name):
    assert short_name(name) == name
    assert titled(name) == name


def test_long_ones_lose_their_middle():
    short = short_name("sneakynet_trained_on_phantoms_v2")
    assert short == "sneakynet_tr…phantoms_v2"
    assert len(short) == 24
    assert (
        titled("sneakynet_trained_on_phantoms_v2") == f'<span title="sneakynet_trained_on_phantoms_v2">{short}</span>'
    )


def test_versions_stay_apart():
    assert short_name("sneakynet_trained_on_phantoms_v1") != short_name("sneakynet_trained_on_phantoms_v2")


def test_pages_get_them_escaped():
    assert titled("<b>") == "&lt;b&gt;"
    assert titled("<b>" * 9).startswith('<span title="&lt;b&gt;')
    assert "<b>" not in titled("<b>" * 9)
