"""Messages of a worker, for those who cannot see its stderr."""

import logging


class KeptMessages(logging.Handler):
    """Keeps log messages.

    Args:
        level: of the least that is kept.
    """

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self._texts.append(record.getMessage())

    def take(self) -> list[str]:
        """What was kept since the last time."""
        texts, self._texts = self._texts, []
        return texts
