"""The log as a Delta Lake table: opened, made, added to. Adding is atomic: a process that dies in the middle leaves the table as it was.

The table is partitioned by day and of the lowest protocol version, so that any reader of Delta Lake reads it. Statistics are kept of three columns
only: what came in is not copied into the transaction log.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from camelopard.core.errors import CamelopardError, told
from camelopard.store.log_columns import SCHEMA

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties

READERS_HOURS = 6  # a reader that opened the table may take that long before files that were replaced go away
ROWS_TOGETHER = 16_384  # rows that are read at once, at least: a page needs few
RETRIES = 100  # of a commit, when other processes add rows at the same time
ATTEMPTS = 3  # when they change the table otherwise
STATISTICS = ("time", "model", "route")
WORDS = ("model", "firewall", "kept", "prediction", "route", "done", "doubt")
CONFIGURATION = {
    "delta.dataSkippingStatsColumns": ",".join(STATISTICS),
    "delta.logRetentionDuration": f"interval {READERS_HOURS} hours",  # a commit each second: nobody travels back in time through them
    "delta.deletedFileRetentionDuration": f"interval {READERS_HOURS} hours",
    "delta.setTransactionRetentionDuration": "interval 1 days",
}
Options = Mapping[str, str]


class NoLog(CamelopardError):
    """There is no log here yet."""


def shown(place: str | os.PathLike[str]) -> str:
    """Return where the log is without a password that the address may hold.

    >>> shown("s3://me:secret@bucket/log?token=1")
    's3://bucket/log'
    """
    text = os.fspath(place)
    scheme, mark, rest = text.partition("://")
    if not mark:
        return text
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def address(place: str | os.PathLike[str]) -> str:
    """Return where the log is, a folder as an absolute path.

    Raises
    ------
    CamelopardError
        If it is no folder and no URL.
    """
    if not isinstance(place, (str, os.PathLike)) or not os.fspath(place):
        raise CamelopardError(f"a log cannot be kept in {place!r}. Give a folder, or a URL such as s3://bucket/verdicts.")
    text = os.fspath(place)
    if "://" in text:
        return text
    path = os.path.abspath(os.path.expanduser(text))
    if os.path.exists(path) and not os.path.isdir(path):
        raise CamelopardError(f"{path}: this is a file; a log is kept in a folder.")
    return path


def opened(place: str | os.PathLike[str], options: Options | None = None) -> DeltaTable:
    """Return the table of a log that is there.

    Raises
    ------
    CamelopardError
        If there is none (NoLog), it cannot be read, or it is another table.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    where = address(place)
    try:
        table = DeltaTable(where, storage_options=dict(options or {}))
    except TableNotFoundError:
        raise NoLog(f"{shown(place)}: there is no log of verdicts here yet. It begins with the first verdict.") from None
    except (DeltaError, OSError, ValueError) as error:
        raise CamelopardError(f"{shown(place)}: the log cannot be opened ({told(error)}).") from error
    names = {field.name for field in table.schema().fields}
    if not {"time", "day", "model", "request", "row", "route"} <= names:
        raise CamelopardError(
            f"{shown(place)}: this is another table; its columns are {', '.join(sorted(names)[:10])}. Keep the log in a folder of its own."
        )
    return table


def made(place: str | os.PathLike[str], options: Options | None = None) -> DeltaTable:
    """Return the table of a log, which is begun if it is not there. Raises CamelopardError or OSError where that cannot be done."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    where, settings = address(place), dict(options or {})
    if not DeltaTable.is_deltatable(where, storage_options=settings):
        try:
            DeltaTable.create(
                where, SCHEMA, mode="ignore", partition_by=["day"], name="verdicts", configuration=CONFIGURATION, storage_options=settings
            )
        except DeltaError:
            if not DeltaTable.is_deltatable(where, storage_options=settings):  # another process may have been faster
                raise
    return opened(place, options)


def add(table: DeltaTable, rows: pa.Table, writer: str, count: int, millis: int) -> None:
    """Add rows as the `count`-th portion of this writer, all of them or none; what others change at the same time does not matter."""
    from deltalake import CommitProperties, Transaction, write_deltalake
    from deltalake.exceptions import CommitFailedError

    for attempt in range(ATTEMPTS):
        lacking = set(SCHEMA.names) - {field.name for field in table.schema().fields}
        try:
            write_deltalake(
                table,
                rows,
                mode="append",
                schema_mode="merge" if lacking else None,  # a log that an earlier version began
                writer_properties=packed("SNAPPY"),
                commit_properties=CommitProperties(app_transactions=[Transaction(writer, count, millis)], max_commit_retries=RETRIES),
            )
            return
        except CommitFailedError:  # old days were dropped, or columns added, since the table was last looked at
            if has(table, writer, count):
                return
            if attempt == ATTEMPTS - 1:
                raise


def has(table: DeltaTable, writer: str, count: int) -> bool:
    """Return whether the `count`-th portion of this writer is in the table: an error does not mean that nothing was written."""
    table.update_incremental()
    found = table.transaction_version(writer)
    return found is not None and found >= count


def packed(compression: Any, level: int | None = None) -> WriterProperties:
    """Return how files are written: rows in small groups, the words that recur once for all, and statistics of what is asked for."""
    from deltalake import ColumnProperties, WriterProperties

    asked = {name: ColumnProperties(dictionary_enabled=name in WORDS, statistics_enabled="CHUNK") for name in (*STATISTICS, "request")}
    words = {name: ColumnProperties(dictionary_enabled=True, statistics_enabled="NONE") for name in WORDS if name not in asked}
    return WriterProperties(
        compression=compression,
        compression_level=level,
        max_row_group_size=ROWS_TOGETHER,
        default_column_properties=ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE"),
        column_properties={**asked, **words},
    )
