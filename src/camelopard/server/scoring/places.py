"""The places that reviewers have in a day, kept for all requests to a model: no request alone could tell whether there is one left."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from camelopard.core.errors import CamelopardError
from camelopard.firewall.desk import Desk
from camelopard.firewall.policy import Policy
from camelopard.firewall.verdicts import Verdicts

logger = logging.getLogger("camelopard.server")

SET_BACK = dt.timedelta(hours=1)  # a clock set back further than that was wrong before


def check_processes(policy: Policy, processes: int) -> None:
    """Raise CamelopardError where several processes would have to keep a day's reviews together: they do not speak to each other."""
    if policy.reviews_per_day is not None and processes > 1:
        raise CamelopardError(
            f"reviews_per_day={policy.reviews_per_day}: one process keeps the reviews of a day, and this gateway has {processes}. Run one worker, or "
            "several gateways, each with its part of the number."
        )


class Given(NamedTuple):
    """Reviews of a day, and how many of them were audits."""

    reviews: int
    audits: int


class Places:
    """Keeps `reviews_per_day` of the policies of one model's firewalls, whichever is in force: what was given away today stays so.

    Any thread may ask. A day is one of UTC, as in the log.

    Parameters
    ----------
    known
        Says what was given away since a moment, before this process began; None: nobody knows, and the first day begins anew.
    """

    def __init__(self, known: Callable[[dt.datetime], Given] | None = None) -> None:
        self._known, self._lock = known, threading.Lock()
        self._desk: Desk | None = None
        self._last: dt.datetime | None = None
        self._reviews = self._audits = 0  # of the day of `_last`
        self._asked = False  # whether it was asked what is known of the first day

    def begin(self, policy: Policy, now: dt.datetime) -> None:
        """Look up what was given away today, where that matters, before the first request waits for it."""
        if policy.reviews_per_day is not None:
            with self._lock:
                self._at(policy, self._moment(now))

    def admit(self, verdicts: Verdicts, policy: Policy, now: dt.datetime) -> Verdicts:
        """Return rows that were screened under a policy, with routes of which no more are "review" than there are places left today."""
        with self._lock:
            now = self._moment(now)
            found = verdicts if policy.reviews_per_day is None else self._at(policy, now).admit(verdicts, now)
            reviewed = np.flatnonzero(found.route == "review")
            self._reviews += len(reviewed)
            if len(reviewed) and policy.audit:
                self._audits += sum(any(reason.code == "audit" for reason in found.reasons(i)) for i in reviewed.tolist())
        return found

    @property
    def given(self) -> Given:
        """What was given away on the day of the last request."""
        return Given(self._reviews, self._audits)

    def _at(self, policy: Policy, now: dt.datetime) -> Desk:
        """Return the desk of a policy, on which everything counts that was given away today."""
        desk = self._desk
        if desk is None or desk.policy is not policy:
            if not self._asked:
                self._look_up(now)
            desk = self._desk = Desk(policy).begun(now, self._reviews, self._audits)
        return desk

    def _moment(self, now: dt.datetime) -> dt.datetime:
        """Return the time, which never goes back a little; what was counted on another day is forgotten."""
        last = self._last
        if last is not None and now < last:
            if last - now < SET_BACK:
                return last
            self._desk, self._asked = None, False
        if last is not None and now.date() != last.date():
            self._reviews = self._audits = 0
        self._last = now
        return now

    def _look_up(self, now: dt.datetime) -> None:
        self._asked = True
        if self._known is None:
            return
        try:
            known = self._known(now.replace(hour=0, minute=0, second=0, microsecond=0))
        except Exception:  # a log may be anything by now; answers do not wait for it
            logger.exception("how many reviews were given away today is not known: the count begins anew")
            return
        self._reviews, self._audits = max(self._reviews, known.reviews), max(self._audits, known.audits)
