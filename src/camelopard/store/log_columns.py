"""The log's columns, and how whole requests become rows of them: column by column, words only for rows that did not pass.

One row of the log is one verdict:

==============  ==========================  =====================================================================================================
column          type                        holds
==============  ==========================  =====================================================================================================
time            timestamp (µs, UTC)         when the request was answered
day             date                        the same day in UTC: the table is partitioned by it
model           text                        name of the model
firewall        text                        content hash of the fitted firewall, see `camelopard.store.log_replay.version_of`
request, row    text, whole number          id of the request, and the place of the row in it, from 0
kept            text                        how much of the input is kept: "whole", "partly", "hashed" or "none"
input           text, JSON                  the row as it came, see `camelopard.store.log_cells`; its keyed hash; or nothing
prediction      text, JSON                  the model's answer: a class in quotes, a number bare, nothing where there was none
probabilities   list of numbers             of the classes in the model's order; nothing where there are none
risk            number                      and likewise confidence, oddity, novelty: as in a verdict; nothing where it has none
route           text                        "pass", "repair", "review" or "block"; "unjudged" where the firewall was not asked or failed
done            text                        what was done with the answer: "answer", "repaired", "hold" or "refuse"
doubt           text                        "boundary", "region" or "data"; nothing for rows that pass
reasons         list of records             code, field, message, contribution; strongest first, none for rows that pass
repair          text, JSON                  changes (by column), prediction, probabilities; nothing where there is none
==============  ==========================  =====================================================================================================
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from camelopard.core.arrays import Array, Floats, Objects
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import InputError
from camelopard.core.records import Reason, Repair
from camelopard.store.log_cells import Nameless, careful, encoded
from camelopard.store.log_privacy import Kept, Privacy, Said

UNJUDGED = "unjudged"
UNTOLD = "untold"  # code of the reason where a verdict could not say why
ROWS_AT_ONCE, PARCELS_AT_ONCE = 1024, 64  # other threads wait that long, about two milliseconds
NAMES = ("model", "firewall", "request")
LONGEST = 1000  # characters of a reason
FEW = 16  # cells that are sooner looked at one by one
FIGURES = ("risk", "confidence", "oddity", "novelty")
REASON = pa.struct([("code", pa.string()), ("field", pa.string()), ("message", pa.string()), ("contribution", pa.float64())])
SCHEMA = pa.schema(
    [
        ("time", pa.timestamp("us", "UTC")),
        ("day", pa.date32()),
        ("model", pa.string()),
        ("firewall", pa.string()),
        ("request", pa.string()),
        ("row", pa.int32()),
        ("kept", pa.string()),
        ("input", pa.large_string()),
        ("prediction", pa.large_string()),
        ("probabilities", pa.list_(pa.float64())),
        *((name, pa.float64()) for name in FIGURES),
        ("route", pa.string()),
        ("done", pa.string()),
        ("doubt", pa.string()),
        ("reasons", pa.list_(REASON)),
        ("repair", pa.string()),
    ]
)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND, DAY = dt.timedelta(microseconds=1), 86_400_000_000


class Judged(Protocol):
    """Verdicts, as `Firewall.screen` returns them."""

    @property
    def prediction(self) -> Array: ...
    @property
    def proba(self) -> Floats | None: ...
    @property
    def risk(self) -> Floats: ...
    @property
    def confidence(self) -> Floats: ...
    @property
    def oddity(self) -> Floats: ...
    @property
    def novelty(self) -> Floats | None: ...
    @property
    def route(self) -> Objects: ...
    @property
    def doubt(self) -> Objects: ...
    def reasons(self, i: int, /) -> Sequence[Said]: ...
    def repair(self, i: int, /) -> Repair | None: ...


class Parcel(NamedTuple):
    """One request, as it waits to be written. `rows` are as they were screened: a batch, a table or a list; None where they are not at hand."""

    model: str
    firewall: str
    request: str
    verdicts: Judged | None
    rows: Any
    done: Sequence[str]
    time: int


class Piece(NamedTuple):
    """The rows of a parcel from `start` to `stop`, and their cells, None where they are not at hand."""

    parcel: Parcel
    start: int
    stop: int
    rows: Sequence[Any] | None
    doubt: Sequence[Any] | None

    @property
    def n(self) -> int:
        """Return how many rows there are."""
        return self.stop - self.start

    def part(self, name: str) -> Any:
        """Return these rows of one of the verdicts' arrays, None where there is none."""
        values = None if self.parcel.verdicts is None else getattr(self.parcel.verdicts, name)
        return values if values is None or self.stop - self.start == len(values) else values[self.start : self.stop]


def micros(moment: dt.datetime) -> int:
    """Return microseconds since 1970; a moment without a time zone is taken for UTC.

    >>> micros(dt.datetime(1970, 1, 2, tzinfo=dt.UTC)) == DAY
    True
    """
    return ((moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)) - EPOCH) // MICROSECOND


def groups(parcels: Iterable[Parcel], at_once: int = PARCELS_AT_ONCE) -> Iterator[list[Piece]]:
    """Yield the rows of all parcels in groups of so few that nobody waits for one of them to be written."""
    group: list[Piece] = []
    rows = 0
    for piece in (piece for parcel in parcels for piece in _pieces(parcel)):
        if group and (rows + piece.n > ROWS_AT_ONCE or len(group) >= at_once):
            yield group
            group, rows = [], 0
        group.append(piece)
        rows += piece.n
    if group:
        yield group


def table(pieces: Sequence[Piece], privacy: Privacy) -> pa.Table:
    """Return some pieces as rows of the log."""
    sizes = [piece.n for piece in pieces]
    of_row = np.repeat(np.arange(len(pieces)), sizes)
    time = np.array([piece.parcel.time for piece in pieces], dtype=np.int64)[of_row]
    inputs, kept = _inputs(pieces, privacy)
    answers = _answers(pieces)
    reasons, repairs = _words(pieces, privacy)
    columns = {
        "time": pa.array(time, pa.timestamp("us", "UTC")),
        "day": pa.array((time // DAY).astype(np.int32), pa.date32()),
        **{name: pa.array([text(getattr(piece.parcel, name)) for piece in pieces], pa.string()).take(pa.array(of_row)) for name in NAMES},
        "row": pa.array(np.concatenate([np.arange(piece.start, piece.stop, dtype=np.int32) for piece in pieces])),
        "kept": pa.array(kept, pa.string()),
        "input": inputs,
        "prediction": lines_of(encoded(answers)[0], [answer is None for answer in answers]),
        "probabilities": _probabilities(pieces),
        **{name: pa.array(_figures(pieces, name), pa.float64(), from_pandas=True) for name in FIGURES},
        "route": pa.array([route for piece in pieces for route in _routes(piece)], pa.string()),
        "done": pa.array([done for piece in pieces for done in piece.parcel.done[piece.start : piece.stop]], pa.string()),
        "doubt": pa.array([doubt for piece in pieces for doubt in piece.doubt or (None,) * piece.n], pa.string()),
        "reasons": reasons,
        "repair": pa.array(repairs, pa.string()),
    }
    return pa.Table.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _pieces(parcel: Parcel) -> Iterator[Piece]:
    rows, n = _source(parcel), len(parcel.done)
    doubt = _doubt(parcel)
    for start in range(0, n, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, n)
        yield Piece(parcel, start, stop, _part(rows, start, stop), None if doubt is None else doubt[start:stop])


def _doubt(parcel: Parcel) -> Sequence[Any] | None:
    """Return the kind of doubt of each row; None where all rows passed."""
    try:
        return None if parcel.verdicts is None or (parcel.verdicts.route == "pass").all() else list(parcel.verdicts.doubt)
    except Exception:  # a defect there is no reason to lose the verdict
        return [None] * len(parcel.done)


def _source(parcel: Parcel) -> Batch | Sequence[Any] | None:
    """Return the rows of a parcel as something that can be divided; None where they are not at hand, or cannot be told apart."""
    rows = parcel.rows
    if rows is None:
        return None
    if isinstance(rows, (Mapping, str, bytes)):
        rows = [rows]
    try:
        found = rows if isinstance(rows, (list, tuple, Batch)) else Batch.of(rows)
    except Exception:  # a table may be of any class; the firewall could not read it either, and its reasons say so
        return None
    return found if len(found) == len(parcel.done) else None


def _part(rows: Batch | Sequence[Any] | None, start: int, stop: int) -> Sequence[Any] | None:
    """Return the cells of some rows; None where they are not at hand, or a batch made by hand is none."""
    if not isinstance(rows, Batch):
        return None if rows is None else rows[start:stop]
    try:
        return _cells(rows.take(slice(start, stop)))
    except Exception:  # no reason to lose the verdict
        return None


def _cells(batch: Batch) -> list[Any]:
    """Return the rows of a batch, with their names where it has any."""
    columns = [cells_of(values) for values in batch.columns.values()]
    if batch.form.kind == "numpy":
        return list(map(Nameless, zip(*columns, strict=True)))
    names = batch.names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] if columns else [{} for _ in range(len(batch))]


def cells_of(values: Array) -> list[Any]:
    """Return the cells of a column as plain values, None for what is missing."""
    if values.dtype.kind == "M":
        values = values.astype("datetime64[us]")
    cells: list[Any] = values.tolist()
    return [None if v != v else v for v in cells] if values.dtype.kind == "f" and (len(cells) < FEW or np.isnan(values).any()) else cells


def _inputs(pieces: Sequence[Piece], privacy: Privacy) -> tuple[pa.Array, list[Kept]]:
    """Return the cells of all rows in JSON, and how much of each row they tell."""
    values: list[Any] = []
    kept: list[Kept] = []
    for piece in pieces:
        told, how = privacy.rows([None] * piece.n if piece.rows is None else list(map(_row, piece.rows)))
        values += told
        kept += ["none" if piece.rows is None else how] * piece.n
    lines, lost = encoded(values)
    for i in lost:
        kept[i] = "partly" if kept[i] == "whole" else kept[i]
    return lines_of(lines, [how == "none" for how in kept]), kept


def _row(row: Any) -> Any:
    return dict(row) if type(row) is not dict and isinstance(row, Mapping) else row


def lines_of(lines: bytes, absent: Sequence[bool]) -> pa.Array:
    """Return lines of JSON as texts, nothing where there is none."""
    found = np.frombuffer(lines, dtype=np.uint8)
    ends = np.flatnonzero(found == ord("\n"))
    places = np.concatenate([[0], ends + 1]) - np.arange(len(ends) + 1)
    there = pa.py_buffer(np.packbits(~np.array(absent, dtype=bool), bitorder="little").tobytes()) if any(absent) else None
    buffers = [there, pa.py_buffer(places.astype(np.int64)), pa.py_buffer(lines.replace(b"\n", b""))]
    return pa.Array.from_buffers(pa.large_string(), len(ends), buffers)


def _answers(pieces: Sequence[Piece]) -> list[Any]:
    found: list[Any] = []
    for piece in pieces:
        values = piece.part("prediction")
        found += [None] * piece.n if values is None else values.tolist()
    return [None if v != v else v for v in found] if float in set(map(type, found)) else found


def _figures(pieces: Sequence[Piece], name: str) -> Floats:
    parts = [piece.part(name) for piece in pieces]
    return np.concatenate([np.full(piece.n, np.nan) if part is None else part for piece, part in zip(pieces, parts, strict=True)])


def _routes(piece: Piece) -> list[str]:
    values = piece.part("route")
    if values is None:
        return [UNJUDGED] * piece.n
    assert piece.parcel.verdicts is not None
    if len(piece.parcel.verdicts.route) != len(piece.parcel.done):
        raise InputError(f"{len(piece.parcel.verdicts.route)} verdicts, and {len(piece.parcel.done)} rows of which it is said what was done.")
    return list(values.tolist())


def _probabilities(pieces: Sequence[Piece]) -> pa.Array:
    """Return the probabilities of all rows, nothing where there are none; models may have different numbers of classes."""
    parts = [piece.part("proba") for piece in pieces]
    tables: list[Floats] = [np.empty((piece.n, 0)) if part is None else part for piece, part in zip(pieces, parts, strict=True)]
    widths = np.repeat([part.shape[1] for part in tables], [len(part) for part in tables])
    cells = np.concatenate([part.ravel() for part in tables]).astype(np.float64, copy=False)
    told = np.zeros(len(cells) + 1, dtype=np.int64)
    np.cumsum(~np.isnan(cells), out=told[1:])
    ends = widths.cumsum()
    absent = told[ends] == told[ends - widths]
    places = np.concatenate([[0], ends]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(places), pa.array(cells), mask=pa.array(absent))


def _words(pieces: Sequence[Piece], privacy: Privacy) -> tuple[pa.Array, list[str | None]]:
    """Return the reasons of all rows, and their repairs in JSON; nothing for rows that passed."""
    n = sum(piece.n for piece in pieces)
    counts = np.zeros(n + 1, dtype=np.int32)
    repairs: list[str | None] = [None] * n
    codes: list[str] = []
    fields: list[str | None] = []
    messages: list[str | None] = []
    weights: list[float] = []
    start = 0
    for piece in pieces:
        verdicts = piece.parcel.verdicts
        if verdicts is not None and piece.doubt is not None:
            for k in np.flatnonzero(piece.part("route") != "pass").tolist():
                row = None if piece.rows is None else _row(piece.rows[k])
                reasons, repair = _why(verdicts, piece.start + k)
                counts[start + k + 1] = len(reasons)
                repairs[start + k] = None if repair is None else _repair(repair, privacy)
                for reason in reasons:
                    codes.append(text(reason.code))
                    fields.append(None if reason.field is None else text(reason.field))
                    message = privacy.message(reason, row)
                    messages.append(None if message is None else text(message[:LONGEST]))
                    weights.append(float(reason.contribution))
        start += piece.n
    records = pa.StructArray.from_arrays(
        [pa.array(codes, pa.string()), pa.array(fields, pa.string()), pa.array(messages, pa.string()), pa.array(weights, pa.float64())],
        fields=list(REASON),
    )
    return pa.ListArray.from_arrays(pa.array(counts.cumsum(dtype=np.int32)), records), repairs


def _why(verdicts: Judged, i: int) -> tuple[Sequence[Said], Repair | None]:
    """Return the reasons and the repair of a row; if they cannot be told, the verdict is kept without them."""
    try:
        return verdicts.reasons(i), verdicts.repair(i)
    except Exception as error:  # a defect in the words is no reason to lose the verdict
        return [Reason(UNTOLD, None, None, "", 0.0, f"the reasons could not be told ({type(error).__name__})")], None


def _repair(repair: Repair, privacy: Privacy) -> str:
    shares = None if repair.proba is None else np.asarray(repair.proba, dtype=np.float64).tolist()
    line, _ = careful({"changes": privacy.changes(repair.changes), "prediction": plain(repair.prediction), "probabilities": shares})
    return line.decode()


def text(value: Any) -> str:
    """Return a text that every reader can read: halves of surrogate pairs are written out."""
    found = str(value)
    return found if found.isascii() else found.encode("utf-8", "backslashreplace").decode()
