"""HTML pages that are one file each: no page loads anything, so they open from disk, offline, years later."""

import math
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from sneakynet.counted import counted
from sneakynet.viewer.short_name import titled


def render(template: str, **values: object) -> str:
    """Fill a template.

    Args:
        template: its name in the folder ``templates``.
        **values: what it is filled with. Texts are escaped.

    Returns:
        The page.
    """
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sneakynet.viewer"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"counted": counted, "number": number, "percent": percent, "titled": titled}
    return environment


def number(value: float | int | None, digits: int = 3, *, sign: bool = False) -> str:
    """A figure for people; a dash for none. A negative one has a true minus sign.

    Args:
        value: NaN is none.
        digits: behind the point.
        sign: write a plus, too.
    """
    if value is None or not math.isfinite(value):
        return "\N{EN DASH}"
    value = round(value, digits) or 0.0  # no minus before a zero
    return f"{value:{'+' if sign and value else ''},.{digits}f}".replace("-", "\N{MINUS SIGN}")


def percent(share: float | int | None) -> str:
    """A share from 0 to 1 in percent, with as many digits as it needs; a dash for none."""
    if share is None or not math.isfinite(share):
        return "\N{EN DASH}"
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{share:.1%}"
