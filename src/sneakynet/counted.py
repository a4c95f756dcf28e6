"""How many of a thing there are, in words: "1 bone", "57 bones"."""


def counted(number: int, thing: str, plural: str | None = None) -> str:
    """A number with its noun in the form that goes with it.

    Args:
        number: 0 or more; thousands are parted by commas.
        thing: the noun for one, with what stands before it: ``whole scan``.
        plural: the noun for any other number; by default with an ``s`` at the end.
    """
    return f"{number:,} {thing if number == 1 else plural or f'{thing}s'}"
