"""Reads what is no table: a list of texts, of pairs of texts, or of pictures. Each becomes a batch of one column, or of two.

A text stays the str it is; a picture is an array of shape (h, w) or (h, w, c), or an encoded file as bytes. What is neither stays in its cell as it
came, and is a problem of its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Objects, objects
from camelopard.core.batch import Batch, Form
from camelopard.core.cells import Opaque, cell
from camelopard.core.errors import InputError

TEXT, PAIR, IMAGE = ("text",), ("first", "second"), ("image",)  # the names of their columns
MOST_PIXELS, MOST_CHANNELS = 64_000_000, 4  # of a picture that is looked at; an array of more numbers is none
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

    A single text, pair or picture is a row of its own.

    Raises
    ------
    InputError
        If it is no list, array or column.

    >>> media(["a", 3, None], "texts", 1).columns["text"].tolist()
    ['a', 3, None]
    """
    rows = [X] if _is_single(X, kind, columns) else _rows(X)
    if rows is None:
        what = "pictures" if kind == "images" else "texts" if columns == 1 else "pairs of texts"
        raise InputError(f"a {type(X).__name__} is no list of {what}. Give a list, an array, or a column of a table.")
    if kind == "images":
        return _pictures(rows)
    return _texts(rows) if columns == 1 else _pairs(rows)


def picture(value: Any) -> Any:
    """Return one cell of a column of pictures: an array of numbers, bytes, None, or what came instead.

    An array that is no picture (without pixels, of another number of dimensions, of more numbers than are ever looked at) is known by its shape only.

    >>> picture(np.broadcast_to(0, (20_000, 20_000)))
    <array of 20000 × 20000>
    """
    if isinstance(value, np.ndarray):
        return _array(value)
    if _is_pillow(value):
        return _drawn(value)
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else cell(value)


def pictures_of(cells: Sequence[Any]) -> Objects | None:
    """Return the cells of a table's column that begins with a picture, an array or of Pillow, shape (n,); None for any other column.

    >>> pictures_of([None, np.zeros((2, 3)), "a.png"])[1].shape, pictures_of([np.zeros(3)])
    ((2, 3), None)
    """
    first = next((cell for cell in cells if cell is not None), None)
    if not _is_picture(first) or isinstance(first, (bytes, bytearray)):
        return None
    return objects(map(picture, cells))


def _drawn(image: Any) -> Any:
    """Return the pixels of a Pillow image, which may be a file that was not read yet, and damaged or far too large."""
    try:
        width, height = image.size
        if width * height > MOST_PIXELS:
            return Opaque(f"picture of {height} × {width}")
        return _array(np.asarray(image if image.mode in PLAIN_MODES else image.convert("L" if image.mode == "1" else "RGB")))
    except Exception as error:  # readers of hostile files raise whatever they like
        return Opaque(f"picture that cannot be read ({type(error).__name__})")


def _array(value: Array) -> Any:
    if value.dtype.kind not in "uifb" or (isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value)):
        return cell(value)
    if value.ndim not in (2, 3) or not 0 < value.size <= MOST_PIXELS * MOST_CHANNELS or value.shape[0] * value.shape[1] > MOST_PIXELS:
        return Opaque(f"array of {' × '.join(map(str, value.shape))}"[:40] if value.ndim else "array")
    return value.astype(np.uint8) if value.dtype.kind == "b" else np.asarray(value)


def _rows(X: object) -> list[Any] | None:
    """Return the rows of what is expected to hold some, None for what has none."""
    if isinstance(X, np.ndarray) and X.ndim > 1:
        one = X.ndim == 2 and X.dtype.kind in "OU"  # a table of texts: a row is a text, or a pair of them
        return [row[0] if len(row) == 1 else row for row in X.tolist()] if one else list(X)
    if isinstance(X, np.ndarray) and X.ndim:
        return list(X)
    if isinstance(X, (str, bytes)) or hasattr(X, "columns"):
        return None
    if getattr(X, "ndim", 0) == 1 and hasattr(X, "tolist"):  # of pandas: whatever its labels are
        return list(X.tolist())
    listed = isinstance(X, (list, tuple)) or callable(getattr(X, "to_pylist", None)) or callable(getattr(X, "to_list", None))
    return _listed(X) if listed else None


def _is_single(X: object, kind: str, columns: int) -> bool:
    """Whether something is a row by itself where rows of this kind are expected."""
    if kind == "images":
        return isinstance(X, (bytes, bytearray)) or (isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "uifb") or _is_pillow(X)
    return isinstance(X, (str, bytes)) or (columns == len(PAIR) and isinstance(X, tuple) and _is_pair(X))


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
    return isinstance(value, (bytes, bytearray)) or _is_pillow(value)


def _is_pillow(value: object) -> bool:
    return type(value).__module__.startswith("PIL.") and hasattr(value, "convert")


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
