"""The log of verdicts: what was decided about every row, and why. Appending costs microseconds and never waits for a disk; a thread writes it down.

One log for each process; several may write to the same place.
"""

from __future__ import annotations

import atexit
import datetime as dt
import errno
import importlib.util
import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from camelopard.core.errors import CamelopardError, require, told
from camelopard.store.log_columns import Judged, Parcel, micros
from camelopard.store.log_notes import Note, noted
from camelopard.store.log_privacy import Inputs, Privacy
from camelopard.store.log_table import Options, address, shown
from camelopard.store.log_upkeep import Upkeep, maintain
from camelopard.store.log_writer import Writer

log = logging.getLogger("camelopard.store")

EARLY = 50_000  # rows that are written at once, before the second is over
MOST_WAITING, MOST_BYTES = 200_000, 256 << 20
MARGIN = 0.3  # seconds that a commit may take at least: writing begins so much earlier
SLOWEST = 8  # times flush_seconds, between two attempts at a disk that takes nothing
FLOODED = "verdicts come faster than they are written, and some were let go. Keep less of the inputs, or run more processes."


@dataclass(frozen=True)
class Health:
    """How a log is: whether rows are being written, and what became of those that were not.

    problem
        What is wrong and what to do; None where all is well.
    since
        When it began.
    waiting
        Rows that are not yet on the disk.
    lost
        Rows that never will be, since the log was opened.
    written
        Rows that are.

    >>> Health(None, None, waiting=3, lost=0, written=120).fine
    True
    """

    problem: str | None
    since: dt.datetime | None
    waiting: int
    lost: int
    written: int

    @property
    def fine(self) -> bool:
        """Whether rows are being written."""
        return self.problem is None


def _utc() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class VerdictLog:
    """Keeps verdicts in a Delta Lake table.

    Parameters
    ----------
    place
        A folder, or the URL of one in an object store ("s3://bucket/verdicts"). It is made if it is not there.
    inputs, hidden, hashed, key
        What is kept of the rows themselves, see `camelopard.store.log_privacy.Privacy`.
    flush_seconds
        How old a row may get before it is on the disk: what a process that is killed may lose.
    most_waiting, most_bytes
        Rows, and bytes of rows made ready, that may wait while the disk takes none. What comes beyond them is counted and let go.
    storage_options
        Passed on to the object store: region, endpoint, credentials.
    clock
        Tells the time, for what `health` says.

    Raises
    ------
    CamelopardError
        If the packages for it are not installed, the place is a file, or a number or word makes no sense. Whether the place can be written to is
        not asked: answers do not depend on it, and `health` tells.
    """

    def __init__(
        self,
        place: str | os.PathLike[str],
        *,
        inputs: Inputs = "whole",
        hidden: Collection[str] = (),
        hashed: Collection[str] = (),
        key: bytes | None = None,
        flush_seconds: float = 1.0,
        most_waiting: int = MOST_WAITING,
        most_bytes: int = MOST_BYTES,
        storage_options: Options | None = None,
        clock: Callable[[], dt.datetime] = _utc,
    ) -> None:
        if importlib.util.find_spec("deltalake") is None:  # imported by the thread: it takes a moment
            require("deltalake", extra="serve")
        if isinstance(flush_seconds, bool) or not isinstance(flush_seconds, (int, float)) or not 0 < flush_seconds < math.inf:
            raise CamelopardError(f"flush_seconds={flush_seconds!r}: expected seconds above 0, such as 1.0.")
        for name, value in (("most_waiting", most_waiting), ("most_bytes", most_bytes)):
            if type(value) is not int or value < 1:
                raise CamelopardError(f"{name}={value!r}: expected a whole number from 1.")
        self.place, self.options, self.flush_seconds, self.most_waiting = address(place), dict(storage_options or {}), flush_seconds, most_waiting
        self._shown, self._clock, self._process = shown(self.place), clock, os.getpid()
        self._writer = Writer(self.place, Privacy(inputs, hidden, hashed, key), self.options, most_bytes)
        self.inputs, self.hidden, self.hashed = inputs, tuple(hidden), tuple(hashed)
        self._queue: deque[Parcel | Note] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._queued = self._held = self._taken = self._dropped = 0  # rows: in the queue, with the writer, ever given to it, let go before
        self._turns = self._wanted = self._failed = 0  # of the thread; until which one somebody waits; how many in a row failed
        self._first, self._turning, self._closing, self._flooded = 0.0, False, False, False
        self._problem: str | None = None
        self._since: dt.datetime | None = None
        self._margin = MARGIN
        self._thread = threading.Thread(target=self._live, name="camelopard-log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def append(
        self,
        model: str,
        firewall_version: str,
        request: str,
        verdicts: Judged | None,
        batch: Any,
        done: Sequence[str],
        now: dt.datetime,
    ) -> None:
        """Note what was decided about all rows of a request. Never waits for a disk, and never raises because of one.

        Parameters
        ----------
        model, firewall_version, request
            Name of the model, content hash of the firewall (`log_replay.version_of`), id of the request.
        verdicts
            What the firewall said; None where it was not asked, or failed.
        batch
            The rows as they were screened: a batch, a table, or a list. They are read within the next second: do not change them.
        done
            What was done with each row: "answer", "repaired", "hold" or "refuse".
        now
            When it was answered.
        """
        parcel = Parcel(model, firewall_version, request, verdicts, batch, done, micros(now))
        n = len(done)
        if not n:
            return
        note = None if self._writer.privacy.silent else noted(parcel)
        with self._changed:
            waiting = self._queued + self._held
            if self._closing or (waiting and waiting + n > self.most_waiting):
                self._dropped += n
                self._flooded = not self._closing
                return
            first = not self._queue
            if first:
                self._first = time.monotonic()
            self._queue.append(parcel if note is None else note)
            before, self._queued = self._queued, self._queued + n
            if first or before < EARLY <= self._queued:
                self._changed.notify_all()

    def health(self) -> Health:
        """Return whether rows are being written, what is wrong if not, and how many wait or were lost."""
        with self._changed:
            problem = self._problem
            if os.getpid() != self._process:
                problem = "this log was made in another process, and nothing writes it here. Make one in each process, after it was forked."
            written, held = self._writer.written, self._held
            lost = self._dropped + (0 if self._turning else self._taken - written - held)
            return Health(problem, self._since, self._queued + held, lost, written)

    def flush(self, patience: float = 10.0) -> bool:
        """Write what came until now; return whether that could be done within so many seconds."""
        with self._changed:
            goal = self._turns + (2 if self._turning else 1)  # a turn under way may have begun without the last rows
            self._wanted = max(self._wanted, goal)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._turns >= goal or not self._thread.is_alive(), patience)
            return self._turns >= goal and self._problem is None

    def maintain(self, now: dt.datetime, keep_days: int | None = None) -> Upkeep:
        """Merge small files, drop days that are too old, and remove what nobody reads any more: see `camelopard.store.log_upkeep.maintain`."""
        return maintain(self.place, now, keep_days, storage_options=self.options)

    def close(self, patience: float = 10.0) -> Health:
        """Write what waits, within so many seconds, and stop; rows that could not be written are lost, and counted."""
        atexit.unregister(self.close)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(patience)
        with self._changed:
            if not self._thread.is_alive():
                self._dropped, self._queued, self._held = self._dropped + self._queued, 0, 0
        return self.health()

    def __enter__(self) -> VerdictLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<VerdictLog {self._shown}>"

    # --- the thread -----------------------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        self._turn()  # makes the table, so that the first row need not wait for it
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._held or self._hurried())
                seconds = self._first + self.flush_seconds - self._margin - time.monotonic()
                if self._failed:
                    seconds = self.flush_seconds * min(2 ** min(self._failed, 9), SLOWEST)
                self._changed.wait_for(lambda: self._hurried() or (self._queued >= EARLY and self._problem is None), max(seconds, 0.0))
                last = self._closing
            self._turn()
            if last:
                return

    def _hurried(self) -> bool:
        return self._closing or self._wanted > self._turns

    def _turn(self) -> None:
        """Write what waits, or note why that cannot be done."""
        with self._changed:
            parcels, self._queue, self._turning = self._queue, deque(), True
            self._taken, self._held, self._queued = self._taken + self._queued, self._held + self._queued, 0
        start, problem, failed = time.monotonic(), None, self._failed + 1
        try:
            problem = self._writer.take(parcels)
            self._writer.write(int(self._clock().timestamp() * 1000))
            failed = 0
        except BaseException as error:  # libraries that are not written in Python raise whatever they like; the thread goes on
            problem = self._told(error)
        with self._changed:
            self._margin = min(max(MARGIN, 2 * (time.monotonic() - start)), self.flush_seconds / 2)
            self._held, self._turns, self._turning, self._failed = self._writer.rows, self._turns + 1, False, failed
            self._note(problem or (FLOODED if self._flooded else None))
            self._flooded = False
            self._changed.notify_all()

    def _note(self, problem: str | None) -> None:
        """Keep what is wrong, and since when; say it once."""
        if problem is not None and self._problem is None:
            self._since = self._clock()
            log.error("%s", problem)
        elif problem is None and self._problem is not None:
            self._since = None
            log.warning("verdicts are written to %s again", self._shown)
        self._problem = problem

    def _told(self, error: BaseException) -> str:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        words = str(error)
        why = "the disk is full" if full or "No space left" in words or "File too large" in words else told(error)
        return f"verdicts cannot be written to {self._shown}: {why}. Answers are not affected; up to {self.most_waiting:,} rows wait for it."
