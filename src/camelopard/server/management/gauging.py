"""Live figures: what the log says of the last day, noted in the inventory every minute, so that a list of all models costs nothing to look at."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from camelopard.core.errors import CamelopardError
from camelopard.server.home import Home
from camelopard.server.management.enrolment import follow
from camelopard.store import listing
from camelopard.store.listing import Live
from camelopard.store.log_sums import PIECE, Sum, sums
from camelopard.store.log_table import NoLog

logger = logging.getLogger("camelopard.server")

DAY = dt.timedelta(days=1)
LATE = dt.timedelta(minutes=2)  # how long after it was answered a row may come into the log, of a slow disk
RECENTLY = dt.timedelta(seconds=30)  # another process has just looked
NOTHING = Sum()


@dataclass
class LastDay:
    """What is known of the log already, in pieces of five minutes: only the newest are read again."""

    place: str
    known: dict[tuple[dt.datetime, str], Sum] = field(default_factory=dict)
    until: dt.datetime | None = None  # before which all pieces are known for good
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def look(self, now: dt.datetime, names: Iterable[str] = ()) -> dict[str, Live]:
        """Return the figures of the last day, of every model in the log and of these; nothing came where there is no log yet."""
        with self._turn:
            since = _floor(now - DAY)
            start = since if self.until is None else max(self.until, since)
            try:
                fresh = sums(self.place, start)
            except NoLog:  # no verdict has come yet
                fresh = {}
            self.known = {key: one for key, one in self.known.items() if since <= key[0] < start} | fresh
            self.until = _floor(now - LATE)
            return live(self.known, now, names)


def live(known: Mapping[tuple[dt.datetime, str], Sum], now: dt.datetime, names: Iterable[str] = ()) -> dict[str, Live]:
    """Return the figures of models, from sums by time and model.

    The accuracy is estimated: the mean confidence of the answers that have one.
    """
    by_model: dict[str, list[Sum]] = {name: [] for name in names}
    for (_, model), one in known.items():
        by_model.setdefault(model, []).append(one)
    found = {}
    for model, some in by_model.items():
        whole = reduce(add, some, NOTHING)
        not_passed = 1.0 - whole.passed / whole.rows if whole.rows else None
        accuracy = min(max(whole.confidence / whole.sure, 0.0), 1.0) if whole.sure else None
        found[model] = Live(whole.rows, not_passed, accuracy, whole.waiting, now)
    return found


class Watch:
    """Looks at what is served, every minute: is it the version in force, and what does the log say of the last day?"""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.last_day = None if home.verdicts is None else LastDay(home.verdicts)

    def __call__(self) -> None:
        """Look once. Of several processes with one home, one reads the log."""
        for name in self.home.served:
            try:
                if follow(self.home, name):
                    logger.warning("%s: another version was put in force; it is served from now on", name)
            except CamelopardError as error:  # a file may be damaged: what is served stays
                logger.error("%s: the version in force cannot be served: %s", name, error)
        if self.last_day is not None and not self._looked_at():
            note_last_day(self.home, self.last_day)

    def _looked_at(self) -> bool:
        now = self.home.clock()
        name = next(iter(self.home.served), None)
        before = None if name is None else listing.live(self.home.database, name).measured_at
        return before is not None and dt.timedelta(0) <= now - before < RECENTLY


def note_last_day(home: Home, last_day: LastDay) -> int:
    """Note the figures of the last day in the inventory; return of how many models."""
    now = home.clock()
    return listing.note_live(home.database, last_day.look(now, home.served).items(), now)


def _floor(moment: dt.datetime) -> dt.datetime:
    """Return the start of the piece of time that a moment lies in."""
    piece = PIECE // 1_000_000
    return dt.datetime.fromtimestamp(int(moment.timestamp()) // piece * piece, dt.UTC)
