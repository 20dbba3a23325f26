"""Reads cells that came as text: as what a known column holds, or as what all of the column turns out to hold.

Each cell is read by itself, so that it means the same alone and in any chunk. A text that does not fit stays text: the firewall must see it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch, Form
from camelopard.core.schema import Column
from camelopard.core.tables import column_of

EMPTY = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")  # read as missing, unless a known category of the column
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
LARGEST_WHOLE = 2**53  # beyond it, floats skip whole numbers
NOT_PLAIN = re.compile(r"[\s_\0]")  # Python or NumPy would read over it, but it is damage in a number
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6}(\d{3})?)?)?)?", re.ASCII)


def read(texts: Sequence[str], column: Column | None) -> Array:
    """Return texts as what the column holds, in its own type where every cell fits, shape (n,).

    >>> read(["36", "", "3 years"], Column("age", "number")).tolist()
    [36.0, None, '3 years']
    """
    if column is None or column.kind == "category" or (column.kind == "date" and column.date_format):
        known = {} if column is None else {str(value): value for value in column.values}
        return objects(known.get(t, None if t in EMPTY else t) for t in texts)
    if column.kind == "number":
        return _numbers(texts)
    if column.kind == "boolean":
        cells = [None if t in EMPTY else TRUTH.get(t, t) for t in texts]
        return np.array(cells, dtype=bool) if all(type(c) is bool for c in cells) else objects(cells)
    return dates(texts)


def dates(cells: Sequence[object]) -> Array:
    """Return cells as dates where they are written in the ISO form without a time zone; all others stay as they are.

    >>> dates(["2024-02-29", "2024-02-30"]).tolist()
    [datetime.datetime(2024, 2, 29, 0, 0), '2024-02-30']
    """
    read_cells = [_date(c) if type(c) is str else c for c in cells]
    plain = all(c is None or (type(c) is dt.datetime and c.tzinfo is None) for c in read_cells)
    return np.array(read_cells, dtype="datetime64[us]") if plain else objects(read_cells)


def typed(batch: Batch) -> Batch:
    """Return a batch of texts with each column as all of it allows: numbers, truth values, or texts; in the form pandas would give it."""
    return settled(Batch({name: _inferred(values) for name, values in batch.columns.items()}, batch.ids, Form("pandas")))


def settled(batch: Batch) -> Batch:
    """Return a batch with each column in the narrowest type that holds all of it, in the form pandas would give it."""
    columns = {name: column_of(values.tolist()) if values.dtype == object else values for name, values in batch.columns.items()}
    dtypes = {name: "category" if name in batch.form.categories else dtype_of(values) for name, values in columns.items()}
    return Batch(columns, batch.ids, Form("pandas", dtypes, batch.form.categories))


def dtype_of(values: Array) -> str:
    """Return the name that pandas gives a column of these values.

    >>> dtype_of(np.array([1.5])), dtype_of(objects(["a", None])), dtype_of(objects([1, "a"]))
    ('float64', 'str', 'object')
    """
    if values.dtype != object:
        return str(values.dtype)
    return "str" if all(v is None or type(v) is str for v in values.tolist()) else "object"


def _numbers(texts: Sequence[str]) -> Array:
    if not NOT_PLAIN.search("".join(texts)):
        try:
            return np.array(texts, dtype=np.float64)
        except ValueError:
            pass
    cells = [_number(t) for t in texts]
    if all(c is None or type(c) is float for c in cells):
        return np.array([np.nan if c is None else c for c in cells], dtype=np.float64)
    return objects(cells)


def _number(text: str) -> float | str | None:
    if text in EMPTY:
        return None
    try:
        return text if NOT_PLAIN.search(text) else float(text)
    except ValueError:
        return text


def _date(text: str) -> dt.datetime | str | None:
    if text in EMPTY:
        return None
    if not ISO_DATE.fullmatch(text):
        return text
    try:
        return dt.datetime.fromisoformat(text[:26])  # nanoseconds are cut: batches hold microseconds
    except ValueError:
        return text


def _inferred(values: Array) -> Array:
    texts = values.tolist()
    present = [t for t in texts if t not in EMPTY]
    if present and all(t in TRUTH for t in present):
        return read(texts, Column("", "boolean"))
    numbers = _numbers(texts)
    if present and numbers.dtype.kind == "f":
        whole = len(present) == len(texts) and all(t.lstrip("+-").isdecimal() for t in present)
        return numbers.astype(np.int64) if whole and np.abs(numbers).max() < LARGEST_WHOLE else numbers
    return objects(None if t in EMPTY else t for t in texts)
