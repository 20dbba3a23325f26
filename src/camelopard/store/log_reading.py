"""Reads the log for a page: the newest verdicts first, and how many went which way. Reads what the page shows, and hardly more."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa

from camelopard.core.errors import CamelopardError, InputError, UnknownName
from camelopard.store.log_cells import restored
from camelopard.store.log_columns import EPOCH, MICROSECOND, micros
from camelopard.store.log_files import File, Span, chosen
from camelopard.store.log_newest import newest
from camelopard.store.log_privacy import Kept
from camelopard.store.log_table import Options

By = Literal["minute", "hour", "day"]
WIDTHS = {"minute": 60_000_000, "hour": 3_600_000_000, "day": 86_400_000_000}
MOST = 10_000  # rows of a page
Place = tuple[dt.datetime, str, int]


@dataclass(frozen=True)
class Told:
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
    reasons: tuple[Told, ...]
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
            If nothing of it is kept, or only a hash.
        """
        if self.kept in ("none", "hashed") or self.input is None:
            raise InputError(f"of row {self.id} {'only a hash is kept' if self.kept == 'hashed' else 'nothing is kept but its verdict'}.")
        return restored(self.input)


NAMES = tuple(one.name for one in fields(Logged))


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
    request: str | None = None,
    before: Place | None = None,
    limit: int = 100,
    storage_options: Options | None = None,
) -> list[Logged]:
    """Return verdicts, the newest first; rows of one request in their order.

    Parameters
    ----------
    since, until
        Times from which on, and before which.
    model, route, request
        Only those of this model, route or request.
    before
        Only those that follow this place: `read(…, before=page[-1].place)` is the next page.
    limit
        How many at most.

    Raises
    ------
    CamelopardError
        If there is no log, or the limit makes no sense.
    """
    if type(limit) is not int or not 1 <= limit <= MOST:
        raise CamelopardError(f"limit={limit!r}: expected a whole number from 1 to {MOST:,}.")
    span = Span.of(since, until, model, route, request)
    if before is not None:
        span = replace(span, until=min(span.until, micros(before[0]) + 1))
    found = newest(chosen(place, span, storage_options), span, limit, None if before is None else (micros(before[0]), *before[1:]))
    return [_logged(row) for row in found]


def counts(
    place: str | os.PathLike[str],
    by: By = "hour",
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    model: str | None = None,
    storage_options: Options | None = None,
) -> list[Count]:
    """Return how many rows went which way in each minute, hour or day (of UTC), the oldest first; those without rows are left out.

    Raises
    ------
    CamelopardError
        If there is no log, or `by` is none of these words.
    """
    if by not in get_args(By):
        raise UnknownName.among(by, get_args(By), "width of time")
    span, width = Span.of(since, until, model, None), WIDTHS[by]
    found: dict[int, dict[str, int]] = {}
    for file in chosen(place, span, storage_options):
        for start, route, n in _counted(file, span, width):
            rows = found.setdefault(start, {})
            rows[route] = rows.get(route, 0) + n
    return [Count(EPOCH + start * width * MICROSECOND, dict(sorted(rows.items()))) for start, rows in sorted(found.items())]


def _counted(file: File, span: Span, width: int) -> Iterator[tuple[int, str, int]]:
    """Yield how many rows of a file went which way in each piece of time, by the number of the piece."""
    indices = [group.index for group in file.groups(span)]
    if not indices:
        return
    rows = file.parquet.read_row_groups(indices, columns=["time", "route", *span.named])
    if file.low < span.since or file.high >= span.until or span.named:
        rows = rows.filter(span.within(rows))
    if not len(rows):
        return
    routes = rows["route"].combine_chunks()
    pieces = rows["time"].cast(pa.int64()).to_numpy() // width
    first = int(pieces.min())
    names = routes.dictionary.to_pylist()
    table = np.bincount((pieces - first) * len(names) + routes.indices.to_numpy()).tolist()
    for k, n in enumerate(table):
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
            "reasons": tuple(Told(**reason) for reason in found["reasons"] or ()),
            "repair": None if repair is None else restored(repair),
        }
    )
