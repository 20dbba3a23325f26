"""The newest rows of many files: parts are looked into in the order of their newest row, until no other part can hold a newer one.

The same the other way round: the rows that come next after a place, towards now.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from camelopard.core.arrays import Bools, Ints
from camelopard.store.log_columns import SCHEMA
from camelopard.store.log_files import File, Group, Span

FEW, TOGETHER = 8, 512  # rows that are taken piece by piece, and rows of a piece
AT_ONCE = 16  # groups of rows that are looked into together, when many have to be
Last = tuple[int, str, int]


def newest(
    files: Sequence[File],
    span: Span,
    limit: int,
    last: Last | None,
    *,
    upwards: bool = False,
    leave_out: Collection[str] = (),
    most: float = math.inf,
) -> tuple[list[dict[str, Any]], int | None]:
    """Return the newest rows that are asked for, by time from the newest, then by request and row; of those only what follows `last`.

    Upwards it goes the other way, from the oldest on. Columns named by `leave_out` are not read. After about `most` rows no further ones are looked
    at: then the rows are told that come before, and the time (in microseconds) from which on it is to be looked further.
    """
    sign = -1 if upwards else 1
    candidates, end = _candidates(files, span, limit, None if last is None else sign * last[0], sign, most)
    stopped = None if end == -math.inf else sign * int(end)
    if not len(candidates.times):
        return [], stopped
    ids = _read(candidates, ["request", "row"])
    requests, rows = np.array(ids["request"].to_pylist(), dtype=object), ids["row"].to_numpy()
    order = np.lexsort((rows, np.unique(requests, return_inverse=True)[1], -sign * candidates.times))
    if last is not None:
        place = (-last[0], *last[1:])
        told = [(-sign * int(candidates.times[i]), requests[i], int(rows[i])) for i in order]
        order = order[np.array([one < place if upwards else one > place for one in told], dtype=bool)]
    if upwards:
        order = order[::-1]
    columns = [name for name in SCHEMA.names if name not in leave_out] if leave_out else None
    return [dict(row) for row in _read(candidates.take(order[:limit]), columns).to_pylist()] if len(order) else [], stopped


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


def _candidates(files: Sequence[File], span: Span, limit: int, last: float | None, sign: int, most: float) -> tuple[_Candidates, float]:
    """Return the newest rows by time alone: all that are as new as the last one that can be asked for, or newer; with the `sign` −1 the oldest.

    All times here are times that sign, those of the candidates too, and the time that is returned beside them: after `most` rows, where it stopped.
    """
    ties = count()
    heap: list[tuple[float, int, File | Group]] = [(-_end(file, sign), next(ties), file) for file in files]
    heapq.heapify(heap)
    found, oldest, at_once, looked = _Candidates(), -np.inf, 1, 0
    while heap and -heap[0][0] >= oldest:
        if looked >= most:
            end = -heap[0][0]
            return found.take(found.times > end), end
        part = heapq.heappop(heap)[2]
        if isinstance(part, File):
            for group in part.groups(span):
                heapq.heappush(heap, (-_end(group, sign), next(ties), group))
            continue
        groups = [part]
        while heap and len(groups) < at_once and isinstance(heap[0][2], Group) and heap[0][2].file is part.file and -heap[0][0] >= oldest:
            groups.append(heapq.heappop(heap)[2])  # type: ignore[arg-type]
        at_once, looked = min(2 * at_once, AT_ONCE), looked + sum(group.rows for group in groups)
        for group, times, position in _matching(groups, span):
            found = found.with_rows(group, sign * times, position)
        older = found.times if last is None else found.times[found.times < last]
        if len(older) >= limit:
            oldest = np.partition(older, len(older) - limit)[len(older) - limit]
            found = found.take(found.times >= oldest)
    return found, -math.inf


def _end(part: File | Group, sign: int) -> float:
    """Return the largest time of a part, times the sign."""
    return part.high if sign > 0 else -part.low


def _matching(groups: Sequence[Group], span: Span) -> list[tuple[Group, Ints, Ints]]:
    """Return times and positions of the rows asked for in each of some groups of one file."""
    rows = groups[0].file.read([group.index for group in groups], span, "time")
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
        parts.append(_taken(group, candidates.position[mine], columns))
        order.append(mine)
    places = np.empty(len(candidates.times), dtype=np.int64)
    places[np.concatenate(order)] = np.arange(len(places))
    return pa.concat_tables([_plain(part) for part in parts], promote_options="default").take(pa.array(places))


def _taken(group: Group, positions: Ints, columns: Sequence[str] | None) -> pa.Table:
    """Return rows at these positions of a group. Few are taken piece by piece: of pictures, a whole group may be more than memory should hold."""
    if len(positions) > FEW or (columns is not None and "input" not in columns):
        return group.file.parquet.read_row_group(group.index, columns=columns).take(pa.array(positions))
    found, places, start = [], np.sort(positions), 0
    for batch in group.file.parquet.iter_batches(TOGETHER, row_groups=[group.index], columns=columns):
        here = places[(places >= start) & (places < start + len(batch))] - start
        if len(here):
            found.append(batch.take(pa.array(here)))
        start += len(batch)
        if start > places[-1]:
            break
    return pa.Table.from_batches(found).take(pa.array(np.searchsorted(places, positions)))


def _plain(rows: pa.Table) -> pa.Table:
    """Return rows with plain types: files that were written by others may hold the same texts in other forms."""
    wanted = pa.schema([SCHEMA.field(name) if name in SCHEMA.names else rows.schema.field(name) for name in rows.column_names])
    return rows.cast(wanted)
