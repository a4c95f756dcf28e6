"""Which case is whose turn, where a worker may die over one."""

from collections import Counter, deque
from collections.abc import Iterable

from sneakynet.cohort.case import Case


class Turns:
    """Cases that wait. One whose worker died waits again, behind the others, but not for ever.

    Args:
        cases: in the order they are to be done.
        retries: how often a case is tried again.
    """

    def __init__(self, cases: Iterable[Case], *, retries: int) -> None:
        self.retries = retries
        self._waiting = deque(cases)
        self._left = len(self._waiting)
        self._deaths: Counter[str] = Counter()

    @property
    def open(self) -> bool:
        """Whether a case is still waiting or in hand."""
        return self._left > 0

    @property
    def waiting(self) -> bool:
        """Whether a case is still waiting."""
        return bool(self._waiting)

    def next(self) -> Case | None:
        """Take the next case; None when none waits."""
        return self._waiting.popleft() if self._waiting else None

    def done(self, case: Case) -> None:
        """Tell that a case has its outcome.

        Args:
            case: taken before.
        """
        self._left -= 1
        self._deaths.pop(case.name, None)

    def died(self, case: Case) -> int:
        """Tell that a case's worker died.

        Args:
            case: taken before.

        Returns:
            How many workers have died over it; above `retries` it is given up.
        """
        self._deaths[case.name] += 1
        deaths = self._deaths[case.name]
        if deaths <= self.retries:
            self._waiting.append(case)
        else:
            self.done(case)
        return deaths
