"""Reading pages as a browser does."""

from html.parser import HTMLParser

import pytest

_VOID = {"meta", "link", "br", "input", "img", "hr"}
_LOADING = {"src", "href", "srcset", "data", "action", "poster", "xlink:href"}


class Page(HTMLParser):
    """Checks that every element is closed in order; keeps words and what the page would load."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.loads, self.tags = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.loads += [value for name, value in attrs if name in _LOADING]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"script", "style"}:
            self.words.append(data)


@pytest.fixture
def read_page():
    """Parses a page."""
    return Page
