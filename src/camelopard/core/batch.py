"""Rows of one kind with ids: the form in which data passes through every room.

A column is one NumPy array: float64, int64, bool or datetime64[us] where every cell fits, otherwise objects, with None for what is missing.
A text is a cell, and so is a picture (an array of its own, or an encoded file as bytes). How the rows looked when they came (pandas, Polars, Arrow,
rows, texts, images) travels along as their `Form`, so that a model can be asked in its own language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import FLOAT, Array, Ints, objects
from camelopard.core.errors import InputError

FormKind = Literal["pandas", "polars", "arrow", "rows", "numpy", "texts", "images"]


@dataclass(frozen=True)
class Form:
    """How a table looked when it came: its library, and the native type of each column.

    `dtypes` holds the library's own names ("int64", "category", "Int64", …); `categories` the fixed values of categorical columns.
    """

    kind: FormKind = "rows"
    dtypes: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Coded:
    """A column of few distinct values, shape (k,), and which of them each cell holds, shape (n,)."""

    values: Array
    codes: Ints


@dataclass(frozen=True)
class Batch:
    """Rows with ids. Columns are read-only by convention: change a batch with `with_columns`, never in place.

    `coded` holds some of the columns a second time: what is read from a value is then read once for all cells that hold it.

    >>> batch = Batch.of([{"age": 36, "sex": "Female"}, {"age": None, "sex": "Male"}])
    >>> batch.names, len(batch)
    (('age', 'sex'), 2)
    >>> batch.row(0)
    {'age': 36.0, 'sex': 'Female'}
    """

    columns: Mapping[str, Array]
    ids: Array
    form: Form = field(default_factory=Form)
    coded: Mapping[str, Coded] = field(default_factory=dict)

    @classmethod
    def of(cls, X: object) -> Batch:
        """Read any table: a batch, pandas, Polars, Arrow, dicts of cells or of columns, a 2-d array of numbers; or texts, pairs, pictures.

        A dict is one row, unless it holds a list, an array of one dimension or a series under every name: then these are columns, of one length.

        Texts come as a list of str (or a column of a table), pairs of texts as a list of tuples, pictures as an array of shape (n, h, w) or
        (n, h, w, c), or as a list of arrays, of Pillow images or of encoded files as bytes. See `camelopard.core.media`.

        Raises
        ------
        InputError
            If it is none of these, or if column names are missing or repeated.
        """
        from camelopard.core.tables import read_table

        return X if isinstance(X, Batch) else read_table(X)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self.row(i) for i in range(len(self)))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    @cached_property
    def floats(self) -> bool:
        """Whether all columns are of plain floats."""
        return all(values.dtype is FLOAT for values in self.columns.values())

    def row(self, i: int) -> dict[str, Any]:
        """Return row i as plain Python values."""
        return {name: plain(values[i]) for name, values in self.columns.items()}

    def take(self, index: Ints | slice | Sequence[int]) -> Batch:
        """Return the rows at `index` (positions, a slice or a boolean mask), in that order."""
        index = index if isinstance(index, slice) else np.asarray(index)
        coded = {name: Coded(column.values, column.codes[index]) for name, column in self.coded.items()}
        return replace(self, columns={name: values[index] for name, values in self.columns.items()}, ids=self.ids[index], coded=coded)

    def with_columns(self, changes: Mapping[str, Array]) -> Batch:
        """Return a batch in which the given columns are replaced (or added at the end)."""
        for name, values in changes.items():
            if len(values) != len(self):
                raise InputError(f"column {name!r} has {len(values)} values for {len(self)} rows.")
        coded = {name: column for name, column in self.coded.items() if name not in changes}
        return replace(self, columns={**self.columns, **changes}, coded=coded)

    def select(self, names: Iterable[str]) -> Batch:
        """Return a batch with just these columns, in this order."""
        columns = {name: self.columns[name] for name in names}
        return replace(self, columns=columns, coded={name: self.coded[name] for name in columns if name in self.coded})

    def renumbered(self) -> Batch:
        """Return the same rows with ids 0 … n-1."""
        return replace(self, ids=np.arange(len(self)))


def concat(batches: Sequence[Batch]) -> Batch:
    """Return the rows of all batches below each other; all must have the same column names, in any order.

    >>> len(concat([Batch.of([{"a": 1}]), Batch.of([{"a": "x"}])]))
    2
    """
    first = batches[0]
    if len(batches) == 1:
        return first
    columns = {name: _stacked([b.columns[name] for b in batches]) for name in first.names}
    return replace(first, columns=columns, ids=_stacked([b.ids for b in batches]), coded={})


def plain(value: Any) -> Any:
    """Return a cell as a plain Python value: NumPy scalars become int, float, bool or datetime, NaN and NaT None.

    >>> plain(np.int64(3)), plain(np.float64("nan"))
    (3, None)
    """
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and value != value else value


def _stacked(parts: Sequence[Array]) -> Array:
    kinds = {part.dtype for part in parts}
    if len(kinds) == 1:
        return np.concatenate(parts)
    if all(kind.kind in "fi" for kind in kinds):
        return np.concatenate([part.astype(np.float64) for part in parts])
    return objects(chain.from_iterable(map(_plain_cells, parts)))


def _plain_cells(values: Array) -> list[Any]:
    """Return the cells of a column as `plain` does; those of object columns as they are."""
    cells: list[Any] = values.tolist()
    return [None if v != v else v for v in cells] if values.dtype.kind == "f" else cells
