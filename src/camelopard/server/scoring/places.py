"""The places that reviewers have in a day, kept for all requests to a model: no request alone could tell whether there is one left."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from camelopard.core.errors import CamelopardError
from camelopard.firewall.desk import Desk
from camelopard.firewall.policy import Policy
from camelopard.firewall.verdicts import Verdicts

logger = logging.getLogger("camelopard.server")


class Places:
    """Keeps `reviews_per_day` of the policy in force. Any thread may ask; a day is one of UTC, as in the log.

    Parameters
    ----------
    processes
        That serve the model: each keeps its even share of the places, since they do not speak to each other.
    given
        Says how many reviews were given away since a moment, by all processes; None: nobody knows, and the first day begins anew.
    """

    def __init__(self, processes: int = 1, given: Callable[[dt.datetime], int] | None = None) -> None:
        self._processes, self._given, self._lock = processes, given, threading.Lock()
        self._desk: Desk | None = None

    def take(self, policy: Policy) -> None:
        """Keep the places of this policy from now on; what was given away today stays so.

        Raises
        ------
        CamelopardError
            If there are fewer places than processes: some would have none.
        """
        most = policy.reviews_per_day
        if most is None:
            with self._lock:
                self._desk = None
            return
        if 0 < most < self._processes:
            raise CamelopardError(
                f"reviews_per_day={most}: {self._processes} processes share the reviews of a day evenly, and some would have none. Run fewer workers."
            )
        own = replace(policy, reviews_per_day=most // self._processes)
        with self._lock:
            self._desk = Desk(own) if self._desk is None else self._desk.under(own)

    def admit(self, verdicts: Verdicts, now: dt.datetime) -> Verdicts:
        """Return screened rows with routes of which no more are "review" than there are places left today."""
        if self._desk is None:  # most policies have no number, and nobody waits for the lock
            return verdicts
        with self._lock:
            desk = self._desk
            if desk is None:
                return verdicts
            if desk.last is None:
                desk = self._desk = desk.begun(now, -(-self._before(now) // self._processes))
            return desk.admit(verdicts, now if desk.last is None else max(now, desk.last))

    @property
    def left(self) -> int | None:
        """How many reviews this process has left today; None where the policy sets no number."""
        return None if self._desk is None else self._desk.left

    def _before(self, now: dt.datetime) -> int:
        if self._given is None:
            return 0
        try:
            return self._given(now.replace(hour=0, minute=0, second=0, microsecond=0))
        except CamelopardError as error:
            logger.warning("how many reviews were given away today is not known, the count begins anew: %s", error)
            return 0
