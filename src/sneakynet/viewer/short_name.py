"""Long names of methods, shortened to fit a table or a legend."""

from markupsafe import Markup

_MOST = 24  # characters


def short_name(name: str) -> str:
    """The name, its middle left out if it is long: versions of one method differ at the end, methods at the start."""
    return name if len(name) <= _MOST else f"{name[: _MOST // 2]}…{name[len(name) - _MOST // 2 + 1 :]}"


def titled(name: str) -> Markup:
    """The name for a page, shortened; pointing at a shortened one shows all of it."""
    short = short_name(name)
    return Markup("{}").format(name) if short == name else Markup('<span title="{}">{}</span>').format(name, short)
