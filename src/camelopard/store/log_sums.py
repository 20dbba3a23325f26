"""Sums over the log: how many rows of each model went which way, and how sure their answers were, by pieces of time.

Profiles are sums: whoever looks every minute adds the newest pieces to those that are known already, and never reads a day twice.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass

import numpy as np
import pyarrow as pa

from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.store.log_columns import EPOCH, MICROSECOND, micros
from camelopard.store.log_files import File, Span, chosen
from camelopard.store.log_table import Options

COLUMNS = ("time", "model", "route", "done", "confidence")
PIECE = 300_000_000  # microseconds: five minutes


@dataclass(frozen=True)
class Sum:
    """What is known of some rows of one model; sums of two pieces of time are added.

    rows, passed, waiting
        How many; how many of them passed; how many went to review, and their answers were held back for it.
    sure, confidence
        Of how many there is a confidence, and the sum of it.

    >>> Sum(10, 9, 1, 8, 7.2) + Sum(2, 2, 0, 2, 1.8)
    Sum(rows=12, passed=11, waiting=1, sure=10, confidence=9.0)
    """

    rows: int = 0
    passed: int = 0
    waiting: int = 0
    sure: int = 0
    confidence: float = 0.0

    def __add__(self, other: Sum) -> Sum:
        return Sum(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


def sums(
    place: str | os.PathLike[str], since: dt.datetime, until: dt.datetime | None = None, *, storage_options: Options | None = None
) -> dict[tuple[dt.datetime, str], Sum]:
    """Return sums by the start of a piece of five minutes (of UTC), and by model; pieces without rows are left out.

    Rows that nobody judged count as rows, and not as passed.

    Raises
    ------
    CamelopardError
        If there is no log.
    """
    span = Span(float(micros(since)), *(() if until is None else (float(micros(until)),)))
    found: dict[tuple[dt.datetime, str], Sum] = {}
    for file in chosen(place, span, storage_options):
        for piece, model, one in _summed(file, span):
            key = (EPOCH + piece * PIECE * MICROSECOND, model)
            found[key] = found[key] + one if key in found else one
    return found


def _summed(file: File, span: Span) -> Iterator[tuple[int, str, Sum]]:
    """Yield the sums of a file, by the number of the piece of time and by model."""
    indices = [group.index for group in file.groups(span)]
    if not indices:
        return
    rows = file.parquet.read_row_groups(indices, columns=list(COLUMNS))
    if file.low < span.since or file.high >= span.until:
        rows = rows.filter(span.within(rows))
    if not len(rows):
        return
    pieces = rows["time"].cast(pa.int64()).to_numpy() // PIECE
    first = int(pieces.min())
    names, models = _words(rows["model"])
    routes, route = _words(rows["route"])
    dones, done = _words(rows["done"])
    confidence = rows["confidence"].to_numpy().astype(np.float64, copy=False)
    sure = ~np.isnan(confidence)
    places, size = (pieces - first) * len(names) + models, (int(pieces.max()) - first + 1) * len(names)

    def summed(weights: Floats | None = None, among: Bools | None = None) -> Floats:
        at = places if among is None else places[among]
        return np.bincount(at, weights, size).astype(np.float64)

    def said(codes: Ints, known: list[str], word: str) -> Bools:
        return np.asarray(codes == (known.index(word) if word in known else -1), dtype=bool)

    table = np.stack(
        [
            summed(),
            summed(among=said(route, routes, "pass")),
            summed(among=said(route, routes, "review") & said(done, dones, "hold")),
            summed(among=sure),
            summed(confidence[sure], sure),
        ]
    )
    for k in np.flatnonzero(table[0]).tolist():
        n, passed, waiting, told, total = table[:, k].tolist()
        yield first + k // len(names), names[k % len(names)], Sum(int(n), int(passed), int(waiting), int(told), total)


def _words(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """Return the words in a column, and which one each row has."""
    whole = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    joined = whole.unify_dictionaries().combine_chunks()
    if isinstance(joined, pa.ChunkedArray):  # of no rows
        return [], np.empty(0, dtype=np.int64)
    return joined.dictionary.to_pylist(), joined.indices.to_numpy(zero_copy_only=False).astype(np.int64)
