"""The newest rows of many files: parts are looked into in the order of their newest row, until no other part can hold a newer one."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from camelopard.core.arrays import Bools, Ints
from camelopard.store.log_columns import SCHEMA
from camelopard.store.log_files import File, Group, Span

AT_ONCE = 16  # groups of rows that are looked into together, when many have to be
Last = tuple[int, str, int]


def newest(files: Sequence[File], span: Span, limit: int, last: Last | None) -> list[dict[str, Any]]:
    """Return the newest rows that are asked for, by time from the newest, then by request and row; of those only what follows `last`."""
    candidates = _candidates(files, span, limit, last)
    if not len(candidates.times):
        return []
    ids = _read(candidates, ["request", "row"])
    requests, rows = np.array(ids["request"].to_pylist(), dtype=object), ids["row"].to_numpy()
    order = np.lexsort((rows, np.unique(requests, return_inverse=True)[1], -candidates.times))
    if last is not None:
        after = [(-int(candidates.times[i]), requests[i], int(rows[i])) > (-last[0], *last[1:]) for i in order]
        order = order[np.array(after, dtype=bool)]
    return [dict(row) for row in _read(candidates.take(order[:limit]), None).to_pylist()] if len(order) else []


@dataclass
class _Candidates:
    """Rows that may be among those asked for: their times, and where they are. Arrays have shape (n,)."""

    groups: list[Group] = field(default_factory=list)
    times: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    group: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    position: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def take(self, index: Ints | Bools) -> _Candidates:
        return _Candidates(self.groups, self.times[index], self.group[index], self.position[index])

    def with_rows(self, group: Group, times: Ints, position: Ints) -> _Candidates:
        return _Candidates(
            [*self.groups, group],
            np.concatenate([self.times, times]),
            np.concatenate([self.group, np.full(len(times), len(self.groups))]),
            np.concatenate([self.position, position]),
        )


def _candidates(files: Sequence[File], span: Span, limit: int, last: Last | None) -> _Candidates:
    """Return the newest rows by time alone: all that are as new as the last one that can be asked for, or newer."""
    ties = count()
    heap: list[tuple[float, int, File | Group]] = [(-file.high, next(ties), file) for file in files]
    heapq.heapify(heap)
    found, oldest, at_once = _Candidates(), -np.inf, 1
    while heap and -heap[0][0] >= oldest:
        part = heapq.heappop(heap)[2]
        if isinstance(part, File):
            for group in part.groups(span):
                heapq.heappush(heap, (-group.high, next(ties), group))
            continue
        groups = [part]
        while heap and len(groups) < at_once and isinstance(heap[0][2], Group) and heap[0][2].file is part.file and -heap[0][0] >= oldest:
            groups.append(heapq.heappop(heap)[2])  # type: ignore[arg-type]
        at_once = min(2 * at_once, AT_ONCE)
        for group, times, position in _matching(groups, span):
            found = found.with_rows(group, times, position)
        older = found.times if last is None else found.times[found.times < last[0]]
        if len(older) >= limit:
            oldest = np.partition(older, len(older) - limit)[len(older) - limit]
            found = found.take(found.times >= oldest)
    return found


def _matching(groups: Sequence[Group], span: Span) -> list[tuple[Group, Ints, Ints]]:
    """Return times and positions of the rows asked for in each of some groups of one file."""
    rows = groups[0].file.parquet.read_row_groups([group.index for group in groups], columns=["time", *span.named])
    asked = pc.indices_nonzero(span.within(rows)).to_numpy().astype(np.int64)
    times = rows["time"].cast(pa.int64()).to_numpy()
    found, start = [], 0
    for group in groups:
        mine = asked[(asked >= start) & (asked < start + group.rows)]
        found.append((group, times[mine], mine - start))
        start += group.rows
    return found


def _read(candidates: _Candidates, columns: Sequence[str] | None) -> pa.Table:
    """Return these columns of the candidates, all where none are named, in the candidates' order."""
    parts, order = [], []
    for k in np.unique(candidates.group).tolist():
        mine = np.flatnonzero(candidates.group == k)
        group = candidates.groups[k]
        parts.append(group.file.parquet.read_row_group(group.index, columns=columns).take(pa.array(candidates.position[mine])))
        order.append(mine)
    places = np.empty(len(candidates.times), dtype=np.int64)
    places[np.concatenate(order)] = np.arange(len(places))
    return pa.concat_tables([_plain(part) for part in parts], promote_options="default").take(pa.array(places))


def _plain(rows: pa.Table) -> pa.Table:
    """Return rows with plain types: files that were written by others may hold the same texts in other forms."""
    wanted = pa.schema([SCHEMA.field(name) if name in SCHEMA.names else rows.schema.field(name) for name in rows.column_names])
    return rows.cast(wanted)
