"""Writes what waits: requests become rows in small steps, rows a file in one commit; what failed is tried again, and never there twice."""

from __future__ import annotations

import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from camelopard.store.log_columns import PARCELS_AT_ONCE, SCHEMA, Parcel, groups, table
from camelopard.store.log_notes import AT_ONCE, Note, table_of
from camelopard.store.log_privacy import Privacy
from camelopard.store.log_table import Options, add, has, made

if TYPE_CHECKING:
    from deltalake import DeltaTable

BREATH = 1e-4  # seconds between two groups, in which other threads have their turn
CALM, CALM_GROUP, CALM_BREATH = 1500, 16, 2e-3  # up to so many requests at a time there is leisure: small groups, and a few answers between them
T = TypeVar("T")


class Writer:
    """Turns requests into rows, and adds them to the table. For one thread.

    Rows are added in portions. A portion is numbered, and the number is committed with it: after an error the table is asked whether the portion is
    there before it is written again, so that no row is lost or there twice.
    """

    def __init__(self, place: str | os.PathLike[str], privacy: Privacy, options: Options, most_bytes: int) -> None:
        self.place, self.privacy, self.options, self.most_bytes = place, privacy, options, most_bytes
        self.name = f"camelopard-{secrets.token_hex(8)}"
        self._table: DeltaTable | None = None
        self._ready: list[pa.Table] = []
        self._portion: pa.Table | None = None  # what a commit that failed was about
        self._count = 0
        self.written = 0  # rows

    @property
    def rows(self) -> int:
        """Return how many rows are ready to be written."""
        return sum(map(len, self._ready)) + (0 if self._portion is None else len(self._portion))

    def take(self, waiting: deque[Parcel | Note]) -> str | None:
        """Make rows of requests, which are taken away as that is done; return what is wrong where some could not be made, or not be kept."""
        problem = None
        at_once, breath = (CALM_GROUP, CALM_BREATH) if len(waiting) <= CALM else (PARCELS_AT_ONCE, BREATH)
        held = sum(part.nbytes for part in self._ready) + (0 if self._portion is None else self._portion.nbytes)
        for found, error in self._tables(waiting, at_once):
            if error is not None:
                problem = f"some verdicts could not be made rows of the log ({error})."
            if held and held + found.nbytes > self.most_bytes:
                problem = f"more than {self.most_bytes / 2**20:,.0f} MB of rows wait to be written, and some were let go."
            else:
                self._ready.append(found)
                held += found.nbytes
            time.sleep(breath)
        return problem

    def write(self, millis: int) -> None:
        """Write all rows that are ready; `millis` is the time in milliseconds since 1970.

        Raises
        ------
        Exception
            If they cannot be written now: they are kept for the next time.
        """
        try:
            if self._table is None:
                self._table = made(self.place, self.options)
            if self._portion is not None and has(self._table, self.name, self._count):
                self._done()
            while self._portion is not None or self._ready:
                if self._portion is None:
                    self._portion, self._ready = pa.concat_tables(self._ready).combine_chunks(), []
                    self._count += 1
                add(self._table, self._portion, self.name, self._count, millis)
                self._done()
        except BaseException:
            self._table = None  # whatever is wrong with it, begin anew
            raise

    def _done(self) -> None:
        assert self._portion is not None
        self.written, self._portion = self.written + len(self._portion), None

    def _tables(self, waiting: deque[Parcel | Note], at_once: int) -> Iterator[tuple[pa.Table, str | None]]:
        """Yield the rows of requests, those that were read off last, and what is wrong where some of them make none."""
        notes: deque[Note] = deque()
        for group in groups(_parcels(waiting, notes), at_once):
            yield _made(group, lambda pieces: table(pieces, self.privacy))
        while notes:
            yield _made([notes.popleft() for _ in range(min(AT_ONCE, len(notes)))], table_of)


def _made(group: Sequence[T], make: Callable[[Sequence[T]], pa.Table]) -> tuple[pa.Table, str | None]:
    """Return the rows of a group, and what is wrong where some of it makes none."""
    try:
        return make(group), None
    except Exception as error:  # verdicts may be of any class
        why = type(error).__name__
        parts = [_made([one], make)[0] for one in group] if len(group) > 1 else []
        return pa.concat_tables(parts) if parts else SCHEMA.empty_table(), why


def _parcels(waiting: deque[Parcel | Note], notes: deque[Note]) -> Iterator[Parcel]:
    """Yield parcels, and put notes aside, each dropped by itself: a thousand that are let go at once keep everybody waiting for ten milliseconds."""
    while waiting:
        one = waiting.popleft()
        if isinstance(one, Note):
            notes.append(one)
        else:
            yield one
