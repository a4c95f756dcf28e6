"""What a server says to a request that it does not do."""

from sneakynet.errors import SneakyNetError


class RefusalError(SneakyNetError):
    """A request that is refused, with the HTTP status that says so.

    Args:
        status: 4xx or 5xx.
        reason: what is wrong, what is allowed and what to do.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def unreadable(reason: str) -> RefusalError:
    """The refusal of a scan by its content.

    Args:
        reason: what is wrong with it.
    """
    return RefusalError(422, reason)
