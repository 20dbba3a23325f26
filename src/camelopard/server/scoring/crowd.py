"""Requests for one row that come at the same moment are judged together: most of what a judgement costs, it costs once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from camelopard.core.batch import Batch, concat
from camelopard.core.errors import CamelopardError
from camelopard.core.schema import Schema
from camelopard.firewall.verdicts import Verdicts, alone
from camelopard.server.scoring.rows import Asked

logger = logging.getLogger("camelopard.server")

FEWEST = 4  # fewer are judged as quickly one by one
MOST = 64  # judged at once; who comes later than that has the next turn
CHECKED, EVERY = 32, 64  # the first crowds are judged both ways, and later one in so many, and each larger one than was checked before
LONELY, LOOK = 16, 17  # after so many turns without a crowd only one request in so many waits for others


@dataclass
class Waiting:
    """A request for one row that waits for others; `kind` is the same for those that can stand in one table."""

    rows: Any
    kind: Hashable
    judged: asyncio.Future[tuple[Verdicts, float] | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Crowd:
    """Gathers requests for one row that wait in the same turn of the event loop. For one loop, and not for threads.

    What a client is told must not hang on who else asked. The firewall judges a row alike alone and among others, but not every model does: sums over
    many rows may be made in another order. So crowds are judged both ways at first, and now and then afterwards; once a client would have been told
    anything else, or a crowd could not be judged at all, none is gathered any more.

    Parameters
    ----------
    screen
        Judges rows, given as a request holds them. It may raise.
    told
        What a client is told of one row, as bytes.
    """

    def __init__(self, screen: Callable[[Any], Verdicts], told: Callable[[Verdicts], bytes]) -> None:
        self._screen, self._told = screen, told
        self._waiting: list[Waiting] = []
        self._crowds = self._largest = self._turns_alone = self._passed = 0
        self._alike = True

    def gathers(self) -> bool:
        """Return whether the next request should wait for others: some wait, there were some lately, or it is time to look again."""
        if not self._alike:
            return False
        if self._waiting or self._turns_alone < LONELY:
            return True
        self._passed += 1
        return self._passed % LOOK == 0

    async def judged(self, rows: Any, kind: Hashable) -> tuple[Verdicts, float] | None:
        """Return the verdict on one row, judged among others, and its share of the seconds that took; None: it is to be judged alone."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        waiting = Waiting(rows, kind)
        self._waiting.append(waiting)
        return await waiting.judged

    def _turn(self) -> None:
        """Judge those who wait; whatever happens, nobody goes on waiting."""
        taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        self._turns_alone = 0 if len(taken) >= FEWEST else self._turns_alone + 1
        try:
            for group in _by_kind([one for one in taken if not one.judged.done()]):
                if len(group) >= FEWEST and self._alike:
                    self._together(group)
        except BaseException as error:  # the firewall never raises for bad rows: a defect, or memory
            self._alike = False
            logger.exception("requests that came together could not be judged together; they are judged one by one from now on")
            if not isinstance(error, Exception):
                raise
        finally:
            for one in taken:
                if not one.judged.done():
                    one.judged.set_result(None)

    def _together(self, group: Sequence[Waiting]) -> None:
        """Judge all as one table."""
        start = time.perf_counter()
        among = self._screen(_table([one.rows for one in group]))
        if len(among) != len(group):
            raise CamelopardError(f"{len(among)} verdicts on {len(group)} rows")
        each = (time.perf_counter() - start) / len(group)
        found = [alone(among, i) for i in range(len(group))]
        self._crowds += 1
        if self._crowds <= CHECKED or self._crowds % EVERY == 0 or len(group) > self._largest:
            self._largest = max(self._largest, len(group))
            self._alike = all(self._told(self._screen(one.rows)) == self._told(verdicts) for one, verdicts in zip(group, found, strict=True))
        if not self._alike:
            logger.info("this model answers a row otherwise alone than among others: requests that come together are judged one by one")
            return
        for one, verdicts in zip(group, found, strict=True):
            one.judged.set_result((verdicts, each))


def kind_of(asked: Asked, schema: Schema) -> Hashable:
    """Return what a request must have in common with others to be judged with them; None where it is judged by itself.

    That is one row of a table with all of the columns and no others, since remarks on columns are made of tables as a whole; or one text.
    """
    rows = asked.rows
    if asked.n != 1 or schema.pictures or schema.form.kind == "images":
        return None
    if type(rows) is list:
        row = rows[0]
        if type(row) is dict:
            return "rows" if row.keys() == schema.columns.keys() else None
        return "texts" if type(row) is str and schema.form.kind == "texts" else None
    if isinstance(rows, Batch) and rows.columns.keys() == schema.columns.keys():
        return tuple((name, cells.dtype) for name, cells in rows.columns.items())
    return None


def _by_kind(waiting: Sequence[Waiting]) -> list[list[Waiting]]:
    groups: dict[Hashable, list[Waiting]] = {}
    for one in waiting:
        groups.setdefault(one.kind, []).append(one)
    return list(groups.values())


def _table(parts: Sequence[Any]) -> Any:
    return concat(parts).renumbered() if isinstance(parts[0], Batch) else [row for rows in parts for row in rows]
