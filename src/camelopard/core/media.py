"""Reads what is no table: a list of texts, of pairs of texts, or of pictures. Each becomes a batch of one column, or of two.

A text stays the str it is; a picture is an array of shape (h, w) or (h, w, c), or an encoded file as bytes. What is neither stays in its cell as it
came, and is a problem of its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch, Form
from camelopard.core.cells import cell

TEXT, PAIR, IMAGE = ("text",), ("first", "second"), ("image",)  # the names of their columns
PLAIN_MODES = ("L", "RGB", "RGBA", "I", "I;16", "F")  # of Pillow: pictures whose numbers are light


def read_media(X: object) -> Batch | None:
    """Return the batch of a list or array of texts, pairs or pictures; None where X is none of these.

    >>> read_media(["good", "bad"]).columns["text"].tolist()
    ['good', 'bad']
    >>> read_media([("one?", "yes"), ("two?", "no")]).names
    ('first', 'second')
    >>> read_media(np.zeros((3, 8, 8))).columns["image"][0].shape
    (8, 8)
    """
    if isinstance(X, np.ndarray) and X.ndim in (3, 4) and X.dtype.kind in "uifb":
        return _pictures(list(X))
    rows = _listed(X)
    if not rows:
        return None
    first = next((row for row in rows if row is not None), None)
    if isinstance(first, str):
        return _texts(rows)
    if _is_picture(first):
        return _pictures(rows)
    return _pairs(rows) if _is_pair(first) else None


def media(X: object, kind: str, columns: int) -> Batch:
    """Return whatever came as texts, pairs (two columns) or pictures, by what is expected: a cell may then hold anything.

    >>> media(["a", 3, None], "texts", 1).columns["text"].tolist()
    ['a', 3, None]
    """
    rows = list(X) if isinstance(X, np.ndarray) else _listed(X)
    if kind == "images":
        return _pictures(rows)
    return _texts(rows) if columns == 1 else _pairs(rows)


def picture(value: Any) -> Any:
    """Return one cell of a column of pictures: an array of numbers, bytes, None, or what came instead."""
    if isinstance(value, np.ndarray):
        return (value.astype(np.uint8) if value.dtype.kind == "b" else value) if value.dtype.kind in "uifb" else cell(value)
    if type(value).__module__.startswith("PIL."):
        return np.asarray(value if value.mode in PLAIN_MODES else value.convert("RGB"))
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else cell(value)


def _listed(X: object) -> list[Any]:
    """Return the rows of a list, of an array of one dimension, or of a column of a table; nothing for all else."""
    if isinstance(X, (list, tuple)):
        return list(X)
    if isinstance(X, np.ndarray):
        return X.tolist() if X.ndim == 1 and X.dtype.kind in "OU" else []
    if hasattr(X, "columns") or hasattr(X, "column_names") or isinstance(X, (Mapping, str, bytes)):
        return []
    if getattr(X, "ndim", 0) == 1 and hasattr(X, "items"):  # of pandas: a column, or a row whose labels are the names of columns
        return [] if all(isinstance(label, str) for label in X.index) else X.tolist()  # type: ignore[attr-defined]
    read = getattr(X, "to_pylist", None) or getattr(X, "to_list", None)
    found = read() if callable(read) else []
    return found if isinstance(found, list) else []


def _is_picture(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim in (2, 3) and value.dtype.kind in "uifb"
    return isinstance(value, (bytes, bytearray)) or (type(value).__module__.startswith("PIL.") and hasattr(value, "convert"))


def _is_pair(value: object) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(v is None or isinstance(v, str) for v in value) and any(value)


def _texts(rows: Sequence[Any]) -> Batch:
    return _batch({TEXT[0]: objects(map(cell, rows))}, "texts")


def _pairs(rows: Sequence[Any]) -> Batch:
    pairs = [row if isinstance(row, (tuple, list)) and len(row) == 2 else (row, None) for row in rows]
    return _batch({name: objects(cell(pair[k]) for pair in pairs) for k, name in enumerate(PAIR)}, "texts")


def _pictures(rows: Sequence[Any]) -> Batch:
    return _batch({IMAGE[0]: objects(map(picture, rows))}, "images")


def _batch(columns: dict[str, Array], kind: Any) -> Batch:
    return Batch(columns, np.arange(len(next(iter(columns.values())))), Form(kind))
