"""A circuit breaker (Nygard 2007): a server that fails again and again is left alone for a while, then tried with one request."""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 5
PAUSE, LONGEST = 1.0, 30.0  # seconds; doubled each time the trial fails


class Breaker:
    """Counts failures in a row.

    >>> now = [0.0]; breaker = Breaker(clock=lambda: now[0])
    >>> for _ in range(FAILURES): breaker.note(False)
    >>> breaker.closed()
    False
    >>> now[0] = 1.5; breaker.closed(), breaker.closed()  # one trial, and no second one before the first is over
    (True, False)
    >>> breaker.note(True); breaker.closed()
    True
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._failed, self._pause, self._until, self._trying = clock, 0, PAUSE, 0.0, False

    def closed(self) -> bool:
        """Return whether a request may go through."""
        if self._failed < FAILURES:
            return True
        if self._clock() < self._until or self._trying:
            return False
        self._trying = True
        return True

    def note(self, fine: bool) -> None:
        """Learn how a request went."""
        tried, self._trying = self._trying, False
        if fine:
            self._failed, self._pause = 0, PAUSE
            return
        self._failed += 1
        if self._failed >= FAILURES:
            if tried:
                self._pause = min(2 * self._pause, LONGEST)
            if tried or self._failed == FAILURES:
                self._until = self._clock() + self._pause

    @property
    def wait(self) -> int:
        """Return in how many whole seconds the next trial may come."""
        return max(1, round(self._until - self._clock()))
