"""Reads the log for a page: the newest verdicts first, one by its id, and how many went which way. Reads what the page shows, and hardly more."""

from __future__ import annotations

import datetime as dt
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa

from camelopard.core.errors import CamelopardError, InputError, UnknownName
from camelopard.store.log_cells import restored
from camelopard.store.log_columns import EPOCH, MICROSECOND, micros
from camelopard.store.log_files import EVER, File, Span, chosen
from camelopard.store.log_newest import newest
from camelopard.store.log_privacy import Kept
from camelopard.store.log_table import Options

By = Literal["minute", "hour", "day"]
WIDTHS = {"minute": 60_000_000, "hour": 3_600_000_000, "day": 86_400_000_000}
MOST = 10_000  # rows of a page
LOOKED = 2_000_000  # rows that a page looks at: a third of a second on a machine that is busy
COUNTED = 4096  # files whose counts are remembered: a file of the log is never changed
NAMED = re.compile(r"[0-9a-f]{21}")  # a request that a gateway named: microseconds since 1970, then chance
EARLY, LATE = dt.timedelta(minutes=10), dt.timedelta(hours=2)  # from a request's name to its verdict's time, at most: clocks are set
LONGEST_ID = 300  # characters
Place = tuple[dt.datetime, str, int]
Piece = tuple[int, str, int]  # number of a piece of time, route, rows

_remembered: OrderedDict[tuple[str, str, Span, int], Sequence[Piece]] = OrderedDict()
_turn = threading.Lock()


@dataclass(frozen=True)
class LoggedReason:
    """A reason as the log keeps it; `message` is None where it may tell what is not kept."""

    code: str
    field: str | None
    message: str | None
    contribution: float


@dataclass(frozen=True)
class Logged:
    """One row of the log. What the columns hold is said in `camelopard.store.log_columns`; `prediction` and `repair` are plain values here."""

    time: dt.datetime
    model: str
    firewall: str
    request: str
    row: int
    kept: Kept
    input: str | None = field(repr=False)
    prediction: Any
    probabilities: tuple[float, ...] | None
    risk: float | None
    confidence: float | None
    oddity: float | None
    novelty: float | None
    route: str
    done: str
    doubt: str | None
    reasons: tuple[LoggedReason, ...]
    repair: Mapping[str, Any] | None

    @property
    def id(self) -> str:
        """Return the id by which clients know the row."""
        return f"{self.request}-{self.row}"

    @property
    def place(self) -> Place:
        """Return where in the log the row stands: `read(before=...)` goes on there."""
        return self.time, self.request, self.row

    @property
    def cells(self) -> Any:
        """Return the row as it came, as far as it is kept.

        Raises
        ------
        InputError
            If nothing of it is kept, or only a hash; if it was read without its cells.
        """
        if self.input is None and self.kept in ("whole", "partly"):
            raise InputError(f"row {self.id} was read without its cells. Read it by its id: row(place, {self.id!r}).")
        if self.kept in ("none", "hashed") or self.input is None:
            raise InputError(f"of row {self.id} {'only a hash is kept' if self.kept == 'hashed' else 'nothing is kept but its verdict'}.")
        return restored(self.input)


NAMES = tuple(one.name for one in fields(Logged))


@dataclass(frozen=True)
class Page:
    """Some verdicts, and where to go on.

    next
        The place that the next page is `before`; None where nothing follows.
    whole
        Whether there is a full page, or nothing else that fits; otherwise there may be more, further back than was looked.
    """

    rows: tuple[Logged, ...]
    next: Place | None
    whole: bool = True


@dataclass(frozen=True)
class Count:
    """How many rows went which way from `start` on, by route."""

    start: dt.datetime
    rows: Mapping[str, int]


def read(
    place: str | os.PathLike[str],
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    model: str | None = None,
    route: str | None = None,
    reason: str | None = None,
    request: str | None = None,
    before: Place | None = None,
    after: Place | None = None,
    limit: int = 100,
    cells: bool = True,
    storage_options: Options | None = None,
) -> list[Logged]:
    """Return verdicts, the newest first; rows of one request in their order.

    Parameters
    ----------
    since, until
        Times from which on, and before which.
    model, route, request
        Only those of this model, route or request.
    reason
        Only those with a reason of this code.
    before
        Only those that follow this place: `read(…, before=page[-1].place)` is the next page.
    after
        The other way round: those that come right before this place, `limit` of them at most, the newest of these first.
    limit
        How many at most.
    cells
        Whether the rows themselves are read, too: a page that shows none is then quicker.

    Raises
    ------
    CamelopardError
        If there is no log (NoLog), the limit makes no sense, or both `before` and `after` are given.
    """
    if type(limit) is not int or not 1 <= limit <= MOST:
        raise CamelopardError(f"limit={limit!r}: expected a whole number from 1 to {MOST:,}.")
    if before is not None and after is not None:
        raise CamelopardError("before and after: give one of them.")
    span = Span.of(since, until, model, route, request, reason)
    if before is not None:
        span = replace(span, until=min(span.until, micros(before[0]) + 1))
    if after is not None:
        span = replace(span, since=max(span.since, micros(after[0])))
    return looked_up(chosen(place, span, storage_options), span, limit, before or after, upwards=after is not None, cells=cells)[0]


def page(
    place: str | os.PathLike[str],
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    model: str | None = None,
    route: str | None = None,
    reason: str | None = None,
    before: Place | None = None,
    limit: int = 100,
    most: int = LOOKED,
    storage_options: Options | None = None,
) -> Page:
    """Return a page of verdicts without their cells, the newest first, and where the next one begins.

    Parameters
    ----------
    since, until, model, route, reason, before, limit
        As for `read`.
    most
        About so many rows are looked at: what fits few rows is then found over several pages, each of them quick, some of them empty.

    Raises
    ------
    CamelopardError
        As `read`.
    """
    if type(limit) is not int or not 1 <= limit < MOST:
        raise CamelopardError(f"limit={limit!r}: expected a whole number from 1 to {MOST - 1:,}.")
    span = Span.of(since, until if before is None else _earlier(until, before[0] + MICROSECOND), model, route, None, reason)
    found, stopped = looked_up(chosen(place, span, storage_options), span, limit + 1, before, cells=False, most=most)
    if len(found) > limit:
        return Page(tuple(found[:limit]), found[limit - 1].place)
    return Page(tuple(found), None if stopped is None else (EPOCH + stopped * MICROSECOND, "", -1), stopped is None)


def row(place: str | os.PathLike[str], id: str, *, storage_options: Options | None = None) -> Logged:
    """Return the verdict with this id, "<request>-<row>", by which clients know it.

    Raises
    ------
    UnknownName
        If there is none, or the id is none.
    CamelopardError
        If there is no log (NoLog).
    """
    request, _, number = id.rpartition("-")
    unknown = UnknownName(f"there is no verdict {id[:80]!r} in this log. One is there about a second after its request; old ones may have gone.")
    if not request or len(id) > LONGEST_ID or not (number.isascii() and number.isdigit() and len(number) < 10) or number != str(int(number)):
        raise unknown
    since, until = None, None
    if NAMED.fullmatch(request):
        try:
            named = EPOCH + int(request[:13], 16) * MICROSECOND
            since, until = named - EARLY, named + LATE
        except OverflowError:
            raise unknown from None
    span = replace(Span.of(since, until, None, None, request), row=int(number))
    found, _ = looked_up(chosen(place, span, storage_options), span, 1)
    if not found:
        raise unknown
    return found[0]


def counts(
    place: str | os.PathLike[str],
    by: By = "hour",
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    model: str | None = None,
    route: str | None = None,
    reason: str | None = None,
    storage_options: Options | None = None,
) -> list[Count]:
    """Return how many rows went which way in each minute, hour or day (of UTC), the oldest first; those without rows are left out.

    Parameters
    ----------
    since, until, model, route, reason
        As for `read`.

    Raises
    ------
    CamelopardError
        If there is no log (NoLog), or `by` is none of these words.
    """
    if by not in get_args(By):
        raise UnknownName.among(by, get_args(By), "width of time")
    span, width = Span.of(since, until, model, route, None, reason), WIDTHS[by]
    found: dict[int, dict[str, int]] = {}
    for file in chosen(place, span, storage_options):
        for start, way, n in _counted(file, span, width):
            rows = found.setdefault(start, {})
            rows[way] = rows.get(way, 0) + n
    return [Count(EPOCH + start * width * MICROSECOND, dict(sorted(rows.items()))) for start, rows in sorted(found.items())]


def looked_up(
    files: Sequence[File],
    span: Span,
    limit: int,
    last: Place | None = None,
    *,
    upwards: bool = False,
    cells: bool = True,
    most: float = EVER,
) -> tuple[list[Logged], int | None]:
    """Return rows of some files as records, the newest first, and where it was stopped: see `camelopard.store.log_newest.newest`."""
    place = None if last is None else (micros(last[0]), *last[1:])
    found, stopped = newest(files, span, limit, place, upwards=upwards, leave_out=() if cells else ("input",), most=most)
    return [_logged(one) for one in (reversed(found) if upwards else found)], stopped


def _earlier(one: dt.datetime | None, other: dt.datetime) -> dt.datetime:
    return other if one is None or micros(one) > micros(other) else one


def _counted(file: File, span: Span, width: int) -> Sequence[Piece]:
    """Return how many rows of a file went which way in each piece of time; remembered where all of its rows are of the times asked for."""
    if file.low < span.since or file.high >= span.until:
        return tuple(_pieces(file, span, width))
    key = (file.table, file.path, replace(span, since=-EVER, until=EVER), width)
    with _turn:
        known = _remembered.get(key)
        if known is not None:
            _remembered.move_to_end(key)
            return known
    found = tuple(_pieces(file, span, width))
    with _turn:
        _remembered[key] = found
        while len(_remembered) > COUNTED:
            _remembered.popitem(last=False)
    return found


def _pieces(file: File, span: Span, width: int) -> Iterator[Piece]:
    """Yield how many rows of a file went which way in each piece of time, by the number of the piece."""
    indices = [group.index for group in file.groups(span)]
    if not indices:
        return
    within = file.low >= span.since and file.high < span.until
    asked = replace(span, since=-EVER, until=EVER) if within else span
    first, last = int(file.low // width), int(file.high // width)
    rows = file.read(indices, asked, "route", *(["time"] if first != last else []))
    if asked.selective or not within:
        rows = rows.filter(asked.within(rows))
    if not len(rows):
        return
    routes = rows["route"].combine_chunks()
    names, codes = routes.dictionary.to_pylist(), routes.indices.to_numpy()
    if first != last:
        pieces = rows["time"].cast(pa.int64()).to_numpy() // width
        first = int(pieces.min())
        codes = (pieces - first) * len(names) + codes
    for k, n in enumerate(np.bincount(codes).tolist()):
        if n:
            yield first + k // len(names), names[k % len(names)], n


def _logged(row: Mapping[str, Any]) -> Logged:
    """Return one row of the table as a record."""
    found: dict[str, Any] = {name: row.get(name) for name in NAMES}
    shares, repair = found["probabilities"], found["repair"]
    return Logged(
        **{
            **found,
            "time": found["time"].astimezone(dt.UTC),
            "kept": found["kept"] or "partly",
            "prediction": None if found["prediction"] is None else restored(found["prediction"]),
            "probabilities": None if shares is None else tuple(shares),
            "reasons": tuple(LoggedReason(**reason) for reason in found["reasons"] or ()),
            "repair": None if repair is None else restored(repair),
        }
    )
