"""Keeps the log small and quick: a file each second becomes a few large ones a day, old days go, and replaced files go when nobody reads them."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from camelopard.core.errors import CamelopardError, told
from camelopard.store.log_columns import micros
from camelopard.store.log_table import READERS_HOURS, Options, opened, packed, shown

if TYPE_CHECKING:
    from deltalake import DeltaTable

LARGE = 128 << 20  # bytes of a file that is left as it is
KEEPER = "camelopard-upkeep"
LONGEST = 3_600_000  # milliseconds for which the turn is taken
LEVEL = 3  # of Zstandard: what is written once a second is packed quickly, what stays is packed well


@dataclass(frozen=True)
class Upkeep:
    """What was done for the log.

    merged, into
        Files that were merged, and how many they are now.
    expired
        Days that were dropped.
    removed
        Files that were deleted from the disk.
    problem
        What could not be done this time; None where all was.
    """

    merged: int
    into: int
    expired: tuple[dt.date, ...]
    removed: int
    problem: str | None = None


def maintain(
    place: str | os.PathLike[str],
    now: dt.datetime,
    keep_days: int | None = None,
    *,
    readers_hours: int = READERS_HOURS,
    storage_options: Options | None = None,
) -> Upkeep:
    """Merge small files, drop days that are too old, and delete files that were replaced. To be called every few minutes, by one process.

    Adding and reading go on meanwhile. What is being read stays on the disk for `readers_hours` after it was replaced.

    Parameters
    ----------
    now
        The time: days that ended more than `keep_days` days before it are dropped.
    keep_days
        How long verdicts are kept; None for ever.
    readers_hours
        How long files stay after they were replaced: longer than the slowest reader needs, at least 1.

    Raises
    ------
    CamelopardError
        If there is no log, or a number makes no sense.
    """
    from deltalake.exceptions import DeltaError

    for name, value, least in (("keep_days", keep_days, 1), ("readers_hours", readers_hours, 1)):
        if value is not None and (type(value) is not int or value < least):
            raise CamelopardError(f"{name}={value!r}: expected a whole number from {least}.")
    table = opened(place, storage_options)
    merged, into, removed, problem = 0, 0, 0, None
    expired: tuple[dt.date, ...] = ()
    turn = _Turn(table, micros(now) // 1000)
    if not turn.taken():
        return Upkeep(0, 0, (), 0, f"{shown(place)}: another process is at it.")
    try:
        if keep_days is not None:
            first = dt.datetime.fromtimestamp(micros(now) / 1e6, dt.UTC).date() - dt.timedelta(days=keep_days)
            expired = tuple(sorted({day for day in map(_day, table.partitions()) if day < first}))
            if expired:
                table.delete(f"day < DATE '{first.isoformat()}'")
        for day in _divided(table):
            if not turn.taken():
                raise OSError("another process took over")
            done = table.optimize.compact([("day", "=", day)], target_size=LARGE, max_concurrent_tasks=1, writer_properties=packed("ZSTD", LEVEL))
            merged, into = merged + int(done["numFilesRemoved"]), into + int(done["numFilesAdded"])
        removed = len(table.vacuum(readers_hours, dry_run=False, enforce_retention_duration=False, full=True))
        table.create_checkpoint()
        table.cleanup_metadata()
    except (DeltaError, OSError) as error:  # nothing is half done
        problem = f"{shown(place)}: not all of it could be done ({told(error)}). It is tried again the next time."
    finally:
        turn.give_back()
    return Upkeep(merged, into, expired, removed, problem)


class _Turn:
    """The right to merge files, which one process has at a time: two that merge the same files would leave every row there twice.

    The table itself keeps until when it is taken, in milliseconds, as the number of a writer's portion: of two that take it at once one is refused. A
    process that dies with it is in nobody's way for longer than an hour.
    """

    def __init__(self, table: DeltaTable, millis: int) -> None:
        self.table, self.millis, self.began = table, millis, time.monotonic()
        self.mine: int | None = None

    def taken(self) -> bool:
        """Take it, or keep it for longer; return whether that could be done."""
        now = self.millis + int((time.monotonic() - self.began) * 1000)
        held = self.table.transaction_version(KEEPER)
        if held not in (None, self.mine) and held > now:
            return False
        return self._committed(now + LONGEST)

    def give_back(self) -> None:
        """Let others have it."""
        self._committed(0)

    def _committed(self, until: int) -> bool:
        from deltalake import CommitProperties, Transaction
        from deltalake.exceptions import CommitFailedError

        said = CommitProperties(app_transactions=[Transaction(KEEPER, until)])
        try:
            self.table.create_write_transaction([], "append", self.table.schema(), ["day"], commit_properties=said)
        except CommitFailedError:
            return False
        self.table.update_incremental()
        self.mine = until
        return True


def _divided(table: DeltaTable) -> list[str]:
    """Return the days that have several small files."""
    about = pa.table(table.get_add_actions(flatten=True))
    days = Counter(str(day) for day, size in zip(about["partition.day"].to_pylist(), about["size_bytes"].to_pylist(), strict=True) if size < LARGE)
    return sorted(day for day, n in days.items() if n > 1)


def _day(partition: dict[str, str]) -> dt.date:
    return dt.date.fromisoformat(str(partition["day"]))
