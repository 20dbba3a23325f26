"""Builds what a model of texts or pictures eats: a list of texts or of pairs, an array of pictures of one shape, or pictures as rows of numbers.

Rows are asked together where their cells are alike in type, and pictures in shape and type of numbers: one odd picture must not keep the others
from being stacked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Ints
from camelopard.core.batch import Batch
from camelopard.core.cells import Opaque
from camelopard.core.media import PAIR


def groups(batch: Batch) -> Iterator[tuple[Ints, Mapping[str, str]]]:
    """Yield the rows that can be asked together: their positions, and what each of their columns holds.

    >>> from camelopard.core.batch import Batch
    >>> [(rows.tolist(), dict(what)) for rows, what in groups(Batch.of(["a", None, "b"]))]
    [([0, 2], {'text': 'str'}), ([1], {'text': 'NoneType'})]
    """
    names = batch.names
    found: dict[tuple[str, ...], list[int]] = {}
    for i, cells in enumerate(zip(*(values.tolist() for values in batch.columns.values()), strict=True)):
        found.setdefault(tuple(map(held, cells)), []).append(i)
    for kinds, rows in found.items():
        yield np.array(rows, dtype=np.int64), dict(zip(names, kinds, strict=True))


def held(cell: Any) -> str:
    """Return what a cell holds: its type, for a picture its shape and type of numbers.

    >>> held(np.zeros((8, 8))), held(None)
    ('float64 (8, 8)', 'NoneType')
    """
    return f"{cell.dtype} {cell.shape}" if isinstance(cell, np.ndarray) else type(cell).__name__


def _texts(batch: Batch, table: object, signature: object) -> list[Any]:
    if len(batch.names) > len(PAIR):
        raise TypeError(f"the model reads texts; expected one column of them, or two of pairs, got {', '.join(batch.names[:5])}")
    columns = [values.tolist() for values in batch.columns.values()]
    for cell in (cell for column in columns for cell in column[:1]):  # rows of a group are alike
        if cell is not None and not isinstance(cell, str):
            raise TypeError(f"{_named(cell)} is no text; expected a str")
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def _images(batch: Batch, table: object, signature: object) -> Array:
    values = next(iter(batch.columns.values()))
    for cell in values[:1]:  # rows of a group are alike
        if not isinstance(cell, np.ndarray):
            raise TypeError(f"{_named(cell)} is no picture; expected an array of shape (h, w) or (h, w, c)")
    return np.stack(values.tolist()) if len(values) else np.empty((0, 0, 0))


def _named(cell: Any) -> str:
    """Return what stands in a cell instead of a picture."""
    if isinstance(cell, bytes):
        return f"a file of {len(cell):,} bytes"
    return repr(cell) if isinstance(cell, Opaque) else f"a cell that holds {cell!r}" if cell is None else f"a cell of the type {type(cell).__name__}"


def _flat(batch: Batch, table: object, signature: object) -> Array:
    images = _images(batch, table, signature)
    return images.reshape(len(images), -1)


BUILDERS: dict[str, Callable[[Batch, Any, Any], Any]] = {"texts": _texts, "images": _images, "flat": _flat}
