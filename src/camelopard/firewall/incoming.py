"""Reads whatever comes to be screened: a row that cannot be read becomes a problem of that row, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, objects
from camelopard.core.batch import Batch
from camelopard.core.errors import InputError, told
from camelopard.core.media import PAIR, media, picture
from camelopard.core.records import Reason
from camelopard.core.schema import Schema, absent
from camelopard.core.tables import columns_of

LONGEST = 300  # characters of a problem
MEDIA_FORMS = ("texts", "images")
MOST_EXTRA = 50  # unknown columns that are looked at


def read(X: Any, schema: Schema, problems: dict[int, str]) -> tuple[Batch, dict[int, str], list[Reason]]:
    """Return the batch, the rows that could not be read with why, and remarks on the table as a whole (absent and extra columns)."""
    media_form = schema.form.kind in MEDIA_FORMS
    try:
        if _is_row(X, schema):
            X = [dict(X.items())]
        elif isinstance(X, Mapping) and any(_is_cell(X[name]) for name in schema.pictures if name in X):
            X = [X]
        if media_form and not _has_names(X):
            return media(X, schema.form.kind, len(schema.names)), problems, []
        if isinstance(X, (list, tuple)):
            X, problems = _readable([_row(row, schema) for row in X] if media_form else X, schema, problems)
            if not X:
                return _nothing(schema, 0), problems, []
        batch = _pictured(_named(Batch.of(X), schema), X, schema)
    except Exception as error:  # a table may be of any class, and hold what its own library cannot read
        n = _length(X)
        why = str(error) if isinstance(error, InputError) else f"a {type(X).__name__} that cannot be read ({told(error)})"
        return _nothing(schema, n), dict.fromkeys(range(n), why[:LONGEST]), []
    if not batch.names and len(batch):
        return _nothing(schema, len(batch)), problems, remarks(batch, schema)
    return batch, problems, remarks(batch, schema)


def _is_row(X: Any, schema: Schema) -> bool:
    """Whether something is one row of a pandas table: its labels are the names of columns."""
    return hasattr(X, "items") and getattr(X, "ndim", 0) == 1 and not {label for label in X.index if isinstance(label, str)}.isdisjoint(schema.names)


def _is_cell(value: Any) -> bool:
    """Whether what stands under the name of a column of pictures is one cell: numbers, in an array or in lists, and no list of pictures."""
    if isinstance(value, np.ndarray):
        return bool(value.dtype != object)
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(part, (int, float, list, tuple)) for part in value)


def _has_names(X: Any) -> bool:
    """Whether something is a table, a row with names, or a list with such a row in it."""
    if isinstance(X, (Batch, Mapping)) or hasattr(X, "columns") or hasattr(X, "column_names"):
        return True
    return isinstance(X, (list, tuple)) and any(isinstance(row, Mapping) for row in X)


def _row(row: Any, schema: Schema) -> Any:
    """Return a text, a pair or a picture that stands among rows with names as such a row: it is judged as it is alone."""
    if isinstance(row, Mapping):
        return row
    pair = row if isinstance(row, (tuple, list)) and len(row) == len(schema.names) == len(PAIR) else (row,)
    return dict(zip(schema.names, pair, strict=False))


def _pictured(batch: Batch, X: Any, schema: Schema) -> Batch:
    """Return the batch with the pictures that a table or rows with names held: to a table, an array is no cell."""
    names = [name for name in schema.pictures if name in batch.columns]
    if not names or isinstance(X, Batch):
        return batch
    if isinstance(X, (Mapping, list)):
        by_column = columns_of(X) if isinstance(X, Mapping) else None
        if by_column is not None:
            return batch.with_columns({name: objects(map(picture, by_column[name])) for name in names})
        rows = [X] if isinstance(X, Mapping) else X
        return batch.with_columns({name: objects(picture(row.get(name)) for row in rows) for name in names})
    return batch.with_columns({name: objects(map(picture, X[name].tolist())) for name in names}) if batch.form.kind == "pandas" else batch


def _length(X: Any) -> int:
    """Return how many rows something that cannot be read has; one where that cannot be told."""
    try:
        if isinstance(X, (Mapping, str, bytes)) or getattr(X, "ndim", 2) != 2:
            return 1
        return int(X.shape[0]) if hasattr(X, "shape") else len(X)
    except Exception:  # it may be of any class
        return 1


def empty(batch: Batch, schema: Schema, missing: Bools) -> dict[int, str]:
    """Return why rows in which every cell is missing are no rows, by position; none where the only column may be missing."""
    gone = missing.all(axis=1)
    if not gone.any() or (len(schema.names) == 1 and schema[schema.names[0]].null_rate > 0):
        return {}
    shown = f"{', '.join(schema.names[:5])}{' …' if len(schema.names) > 5 else ''}"
    return dict.fromkeys(np.flatnonzero(gone).tolist(), f"none of the expected columns holds a value; expected {shown}")


def _named(batch: Batch, schema: Schema) -> Batch:
    """Return a batch from an array, which has no names, with the names that belong to its places.

    Raises
    ------
    InputError
        If it has another number of columns.
    """
    if batch.form.kind != "numpy":
        return batch
    if len(batch.names) != len(schema.names):
        raise InputError(f"an array of {len(batch.names)} columns without names; expected {len(schema.names)}")
    return Batch(dict(zip(schema.names, batch.columns.values(), strict=True)), batch.ids, batch.form)


def remarks(batch: Batch, schema: Schema) -> list[Reason]:
    """Return remarks of weight 0 on columns that are absent or not known."""
    if batch.columns.keys() == schema.columns.keys():
        return []
    extra = [name for name in batch.names if name not in schema.columns]
    found = [
        Reason("extra-column", name[:80], None, "no such column", 0.0, f"the column {name[:80]!r} is not known and was ignored")
        for name in extra[:20]
    ]
    lacking = [name for name in schema.names if name not in batch.columns]
    return found + [
        Reason("missing-column", name, None, "a column", 0.0, f"the column {name!r} is absent: treated as missing values") for name in lacking[:20]
    ]


def _readable(rows: Any, schema: Schema, problems: dict[int, str]) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Return rows as dicts with text keys, few of them unknown; what is no row becomes an empty one with a problem."""
    read_rows: list[dict[str, Any]] = []
    problems = dict(problems)
    extra: set[str] = set()
    for i, row in enumerate(rows):
        try:
            found = row if type(row) is dict else dict(row) if isinstance(row, Mapping) else None
            if found is None:
                problems[i] = f"a {type(row).__name__} is not a row; expected column names and values"
            elif not set(map(type, found)) <= {str}:
                found = {key: value for key, value in found.items() if type(key) is str}
        except Exception as error:  # a mapping may be of any class
            found, problems[i] = None, f"a {type(row).__name__} that cannot be read ({type(error).__name__})"
        if found is not None and len(found) + len(extra) > len(schema.columns):
            extra.update([key for key in found if key not in schema.columns][: MOST_EXTRA - len(extra)])
            found = {key: value for key, value in found.items() if key in schema.columns or key in extra}
        read_rows.append(found or {})
    return read_rows, problems


def _nothing(schema: Schema, n: int) -> Batch:
    return Batch({name: absent(column, n) for name, column in schema.columns.items()}, np.arange(n), schema.form)
