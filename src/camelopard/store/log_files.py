"""Which parts of the log are to be read: files by what the transaction log says of them, groups of rows by what the files say of these."""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from camelopard.core.arrays import Bools
from camelopard.core.errors import InputError
from camelopard.store.log_columns import DAY, micros
from camelopard.store.log_table import Options, opened, shown

if TYPE_CHECKING:
    from deltalake import DeltaTable

REASONS, CODE = "reasons.", ".code"  # how the path of the column of codes begins and ends, whoever wrote the file
COARSE = 1000  # microseconds by which the largest time of a file may be told too small: the transaction log knows milliseconds
EVER = math.inf


@dataclass(frozen=True)
class Span:
    """What is asked for: times from `since` to before `until`, in microseconds, and rows with these values; `reason` is the code of one of theirs."""

    since: float = -EVER
    until: float = EVER
    model: str | None = None
    route: str | None = None
    request: str | None = None
    reason: str | None = None
    row: int | None = None

    @classmethod
    def of(
        cls,
        since: dt.datetime | None,
        until: dt.datetime | None,
        model: str | None,
        route: str | None,
        request: str | None = None,
        reason: str | None = None,
    ) -> Span:
        return cls(-EVER if since is None else micros(since), EVER if until is None else micros(until), model, route, request, reason)

    @property
    def selective(self) -> bool:
        """Return whether anything but time is asked for."""
        return bool(self.named) or self.reason is not None or self.row is not None

    @property
    def named(self) -> dict[str, str]:
        """Return the values that are asked for, by column."""
        found = {"model": self.model, "route": self.route, "request": self.request}
        return {name: value for name, value in found.items() if value is not None}

    def within(self, rows: pa.Table) -> pa.Array:
        """Return which rows are asked for."""
        asked: Any = pa.array(np.ones(len(rows), dtype=bool))
        if self.since > -EVER:
            asked = pc.and_(asked, pc.greater_equal(rows["time"].cast(pa.int64()), int(self.since)))
        if self.until < EVER:
            asked = pc.and_(asked, pc.less(rows["time"].cast(pa.int64()), int(self.until)))
        for name, value in self.named.items():
            asked = pc.and_(asked, pc.equal(rows[name], value))
        if self.row is not None:
            asked = pc.and_(asked, pc.equal(rows["row"], self.row))
        if self.reason is not None:
            asked = pc.and_(asked, pa.array(_gives(rows["reasons"], self.reason)))
        return pc.fill_null(asked, False)


@dataclass(frozen=True)
class Group:
    """Some rows of a file, and between which times they lie, in microseconds."""

    file: File
    index: int
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class File:
    """A file of the log, and between which times its rows lie, in microseconds; `table` is where the log is."""

    path: str
    low: float
    high: float
    system: Any
    table: str = ""

    @cached_property
    def parquet(self) -> pq.ParquetFile:
        """Return the opened file."""
        return pq.ParquetFile(self.system.open_input_file(self.path), read_dictionary=["model", "route"])

    def read(self, groups: Sequence[int], span: Span, *more: str) -> pa.Table:
        """Return of these groups of rows the columns that `span` looks at, times only if they are bounded, and `more`."""
        names = [*span.named, *more, *(["row"] if span.row is not None else []), *(["time"] if span.since > -EVER or span.until < EVER else [])]
        if span.reason is not None:
            paths = (column.path for column in self.parquet.schema)
            names += [path for path in paths if path.startswith(REASONS) and path.endswith(CODE)]
        return self.parquet.read_row_groups(groups, columns=list(dict.fromkeys(names)))

    def groups(self, span: Span) -> list[Group]:
        """Return the groups of rows in which there may be some that are asked for, the newest first."""
        about = self.parquet.metadata
        places = {about.schema.column(k).path: k for k in range(about.num_columns)}
        found = []
        for index in range(about.num_row_groups):
            group = about.row_group(index)
            times = group.column(places["time"]).statistics
            known = times is not None and times.has_min_max
            low, high = (micros(times.min), micros(times.max)) if known else (self.low, self.high)
            if high >= span.since and low < span.until and all(_may_hold(group.column(places[n]), v) for n, v in span.named.items()):
                found.append(Group(self, index, low, high, group.num_rows))
        return sorted(found, key=lambda group: -group.high)


def files(table: DeltaTable, place: str, span: Span, options: Options | None) -> list[File]:
    """Return the files in which there may be rows that are asked for, the newest first."""
    about = pa.table(table.get_add_actions(flatten=True))
    if "partition.day" not in about.column_names:
        raise InputError(f"{shown(place)}: a Delta table, but no log of verdicts: it is not partitioned by day.")
    paths, days = about["path"].to_pylist(), about["partition.day"].to_pylist()
    named = span.named
    bounds: dict[str, list[Any]] = {
        f"{end}.{name}": about[f"{end}.{name}"].to_pylist() if f"{end}.{name}" in about.column_names else [None] * len(paths)
        for end in ("min", "max")
        for name in ("time", *named)
    }
    system = _system(place, options)
    found = []
    for i, path in enumerate(paths):
        begin = micros(dt.datetime.combine(days[i], dt.time(), dt.UTC))
        first, last = bounds["min.time"][i], bounds["max.time"][i]
        low = begin if first is None else micros(first)
        high = begin + DAY - 1 if last is None else micros(last) + COARSE
        if high < span.since or low >= span.until:
            continue
        if any(_outside(value, bounds[f"min.{name}"][i], bounds[f"max.{name}"][i]) for name, value in named.items()):
            continue
        found.append(File(path, low, high, system, place))
    return sorted(found, key=lambda file: -file.high)


def chosen(place: str | os.PathLike[str], span: Span, options: Options | None) -> list[File]:
    """Return the files of the log at this place in which there may be rows that are asked for, the newest first."""
    table = opened(place, options)
    return files(table, table.table_uri, span, options)


def _system(uri: str, options: Options | None) -> Any:
    """Return what opens the files below an address: the local disk, or the object store that the table itself is read from."""
    from pyarrow import fs

    if uri.startswith("file://") or "://" not in uri:
        local, path = (fs.FileSystem.from_uri(uri)) if "://" in uri else (fs.LocalFileSystem(), uri)
        return fs.SubTreeFileSystem(path, local)
    from deltalake.fs import DeltaStorageHandler

    return fs.PyFileSystem(DeltaStorageHandler(uri, options=dict(options or {})))


def _gives(reasons: pa.ChunkedArray, code: str) -> Bools:
    """Return in which rows a reason has this code, shape (n,)."""
    found, start = np.zeros(len(reasons), dtype=bool), 0
    for chunk in reasons.chunks:
        of_row = pc.list_parent_indices(chunk).to_numpy()
        same = pc.fill_null(pc.equal(pc.struct_field(chunk.flatten(), "code"), code), False).to_numpy(zero_copy_only=False)
        found[start + of_row[same]] = True
        start += len(chunk)
    return found


def _may_hold(column: pq.ColumnChunkMetaData, value: str) -> bool:
    about = column.statistics
    return about is None or not about.has_min_max or not _outside(value, about.min, about.max)


def _outside(value: str, low: str | None, high: str | None) -> bool:
    """Whether a value lies outside of bounds, which may be cut after some characters."""
    return (low is not None and value < low) or (high is not None and value > high and not high.startswith(value[: len(high)]))
