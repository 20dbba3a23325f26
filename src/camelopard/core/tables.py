"""Reads any table into a batch: pandas, Polars and Arrow through narwhals; dicts and arrays by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Ints, objects
from camelopard.core.batch import Batch, Coded, Form
from camelopard.core.cells import cell, number
from camelopard.core.errors import InputError
from camelopard.core.media import pictures_of, read_media

NUMBERS, TEXTS = {float, int}, {str, type(None)}  # of these alone a column is quickly made


def read_table(X: object) -> Batch:
    """Return the batch that X holds. See `Batch.of`."""
    if isinstance(X, Mapping):
        columns = columns_of(X)
        return _from_rows([X]) if columns is None else _from_columns(columns)
    found = read_media(X)
    if found is not None:
        return found
    if getattr(X, "ndim", 0) == 1 and hasattr(X, "items"):  # a row of a pandas table
        return _from_rows([dict(X.items())])
    if isinstance(X, np.ndarray):
        return _from_array(X)
    if isinstance(X, (list, tuple)):
        return _from_rows(X)
    return _from_frame(X)


def columns_of(X: Mapping[Any, Any]) -> dict[Any, list[Any]] | None:
    """Return the columns of a mapping that holds a list, an array of one dimension or a series under every name; None for one row.

    >>> columns_of({"a": [1, 2], "b": ("x", "y")}), columns_of({"a": [1, 2], "b": 3})
    ({'a': [1, 2], 'b': ['x', 'y']}, None)
    """
    found: dict[Any, list[Any]] = {}
    for name, values in X.items():
        cells = _cells_in(values)
        if cells is None:
            return None
        found[name] = cells
    return found or None


def _cells_in(values: Any) -> list[Any] | None:
    """Return the cells of what can be a column, None for what is a cell itself."""
    if isinstance(values, (list, tuple)):
        return list(values)
    if values is None or isinstance(values, (str, bytes, bytearray, int, float, Mapping)):
        return None
    try:
        if getattr(values, "ndim", None) == 1:  # NumPy, pandas
            return list(values)
        read = getattr(values, "to_pylist", None) or getattr(values, "to_list", None)  # Arrow, Polars
        found = read() if callable(read) else None
    except Exception:  # a cell may be of any class, and its methods may do anything
        return None
    return found if isinstance(found, list) else None


def column_of(values: Sequence[object]) -> Array:
    """Return plain Python values as the narrowest column that holds all of them.

    Integers and floats become float64 (int64 only where a library said so), so that one missing cell does not change the type of the others.

    >>> column_of([1, 2.5, None])
    array([1. , 2.5, nan])
    >>> column_of([True, False])
    array([ True, False])
    >>> column_of([1, "a"])
    array([1, 'a'], dtype=object)
    """
    kinds = set(map(type, values))
    kinds.discard(type(None))
    if kinds and kinds <= {int, float}:
        return np.array([np.nan if v is None else number(v) for v in values], dtype=np.float64)
    if kinds == {bool} and None not in values:
        return np.array(values, dtype=bool)
    if kinds and kinds <= {dt.datetime, dt.date} and all(v is None or _plain_date(v) for v in values):
        return np.array(values, dtype="datetime64[us]")
    return objects(map(cell, values))


def _plain_date(value: Any) -> bool:
    return not (isinstance(value, dt.datetime) and value.tzinfo is not None)


def _from_rows(rows: Sequence[object]) -> Batch:
    names: dict[str, None] = {}
    for i, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InputError(f"row {i} is a {type(row).__name__}; expected a dict of column name to value, or a dataframe.")
        names.update(dict.fromkeys(row))
    if not set(map(type, names)) <= {str}:
        for name in names:
            _check_name(name)
    columns = _of_row(rows[0]) if len(rows) == 1 else {name: _of_cells([row.get(name) for row in rows]) for name in names}  # type: ignore[arg-type, attr-defined]
    return Batch(columns, np.arange(len(rows)), Form("rows"))


def _from_columns(columns: Mapping[Any, list[Any]]) -> Batch:
    """Return a table that came as lists by column: what its cells become is the same as if it had come as rows.

    Raises
    ------
    InputError
        If the lists are not of one length, or a name is no text.
    """
    for name in columns:
        _check_name(name)
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name[:40]!r} has {n}" for name, n in list(lengths.items())[:5])
        raise InputError(f"the columns have different lengths: {told}{', …' if len(lengths) > 5 else ''}. Give every column one value for each row.")
    n = next(iter(lengths.values()))
    return Batch({name: _of_cells(cells) for name, cells in columns.items()}, np.arange(n), Form("rows"))


def _of_row(row: Mapping[str, object]) -> dict[str, Array]:
    """Return the cells of a row as columns: the same as `_of_cells` of each, and quicker."""
    if set(map(type, row.values())) == {float}:
        cells = np.array(list(row.values()))
        if not np.isnan(cells).any():
            return dict(zip(row, cells[:, None], strict=True))
    return {name: _of_cell(value) for name, value in row.items()}


def _of_cell(value: object) -> Array:
    """Return the only cell of a column as a column: the same as `_of_cells`, and quicker."""
    kind = type(value)
    if kind is float or kind is int:
        return np.array([number(value)]) if value == value else objects([None])
    if kind is str or value is None:
        column = np.empty(1, dtype=object)
        column[0] = value
        return column
    return _of_cells([value])


def _of_cells(values: list[object]) -> Array:
    """Return cells of rows as a column. What a cell becomes does not hang on the cells around it: numbers are floats, dates stay as they are."""
    plain = _of_plain(values)
    if plain is not None:
        return plain
    pictures = pictures_of(values)
    if pictures is not None:
        return pictures
    cells = [cell(v) for v in values]
    kinds = {type(v) for v in cells}
    kinds.discard(type(None))
    if kinds == {float} or kinds == {int} or kinds == {int, float}:
        return np.array([np.nan if v is None else number(v) for v in cells], dtype=np.float64)
    if kinds == {bool} and None not in cells:
        return np.array(cells, dtype=bool)
    return objects(number(v) if type(v) is int else v for v in cells)


def _of_plain(values: list[object]) -> Array | None:
    """Return the same column as `_of_cells`, quicker, where all cells are numbers, or all texts or missing; None for any other column."""
    kinds = set(map(type, values))
    if kinds <= NUMBERS:
        try:
            numbers = np.array(values, dtype=np.float64)
        except OverflowError:  # a whole number too large for a float
            return None
        return None if np.isnan(numbers).all() else numbers
    if kinds <= TEXTS:
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return column
    return None


def _from_array(X: Array) -> Batch:
    if X.ndim != 2:
        raise InputError(f"an array of shape {X.shape}; expected two dimensions (rows and columns), or three or four of numbers (pictures).")
    X = np.asarray(X)  # a matrix's columns have two dimensions again
    values = X if X.dtype == object else None
    columns: dict[str, Array] = {}
    for j in range(X.shape[1]):
        columns[f"x{j}"] = column_of([cell(v) for v in X[:, j]]) if values is not None else _native(X[:, j])
    return Batch(columns, np.arange(len(X)), Form("numpy", dict.fromkeys(columns, str(X.dtype))))


def _from_frame(X: Any) -> Batch:
    import narwhals.stable.v2 as nw

    try:
        frame = nw.from_native(X, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise InputError(f"repeated column names: {_repeated(X)}. Give every column its own name.") from error
    except TypeError as error:
        raise InputError(
            f"cannot read a {type(X).__name__} as a table. Give a pandas, Polars or Arrow table, a list of dicts, one dict, a dict of lists, "
            "a 2-d array, a list of texts, or pictures (an array of shape (n, h, w) or (n, h, w, c), or a list of them)."
        ) from error
    names = list(frame.columns)
    if len(set(names)) != len(names):
        raise InputError(f"repeated column names: {_repeated(X)}. Give every column its own name.")
    for name in names:
        _check_name(name)
    kind = frame.implementation.name.lower()
    form_kind = {"pandas": "pandas", "polars": "polars", "pyarrow": "arrow"}.get(kind, "pandas")
    native = nw.to_native(frame)
    dtypes: dict[str, str] = {}
    categories: dict[str, tuple[Any, ...]] = {}
    columns: dict[str, Array] = {}
    coded: dict[str, Coded] = {}
    for name in names:
        series = frame[name]
        own = nw.to_native(series)
        dtypes[name] = str(native.schema.field(name).type if form_kind == "arrow" else own.dtype)
        if isinstance(series.dtype, (nw.Categorical, nw.Enum)):
            categories[name] = tuple(cell(v) for v in series.cat.get_categories().to_list())
            if kind == "pandas":
                coded[name] = _coded(own.cat.codes.to_numpy(dtype=np.int64), categories[name])
            else:
                columns[name] = column_of([cell(v) for v in series.to_list()])
        elif kind == "pandas" and isinstance(series.dtype, nw.String):
            codes, words = own.factorize()
            coded[name] = _coded(codes, [cell(v) for v in words.tolist()])
        else:
            columns[name] = _native(series.to_numpy() if form_kind == "pandas" else _array_of(series))
    columns = {name: coded[name].values[coded[name].codes] if name in coded else columns[name] for name in names}
    return Batch(columns, np.arange(len(frame)), Form(form_kind, dtypes, categories), coded)  # type: ignore[arg-type]


def _coded(codes: Ints, categories: Sequence[object]) -> Coded:
    """Return the categories that occur, and codes of them, for the codes of a column, −1 for a missing cell."""
    places: Ints = codes + 1
    counts = np.bincount(places, minlength=len(categories) + 1)
    used = counts.nonzero()[0]
    position = np.zeros(len(counts), dtype=np.int64)
    position[used] = np.arange(len(used))
    return Coded(column_of([categories[place - 1] if place else None for place in used.tolist()]), position[places])


def _array_of(series: Any) -> Array:
    """Return a Polars or Arrow series as an array; anything NumPy cannot hold plainly comes as objects."""
    import narwhals.stable.v2 as nw

    if series.dtype.is_numeric() and not isinstance(series.dtype, nw.Decimal):
        if series.null_count() == 0:
            return np.asarray(series.to_numpy())
        return np.array([np.nan if v is None else v for v in series.to_list()], dtype=np.float64)
    if isinstance(series.dtype, nw.Datetime) and series.dtype.time_zone is None and series.null_count() == 0:
        return np.asarray(series.to_numpy())
    return objects(series.to_list())


def _native(values: Array) -> Array:
    """Return a library's array in the form that batches hold."""
    kind = values.dtype.kind
    if kind == "f":
        return values.astype(np.float64, copy=False)
    if kind == "b":
        return values
    if kind in "iu":
        small = len(values) == 0 or values.dtype != np.uint64 or int(values.max()) < 2**63
        return values.astype(np.int64 if small else np.float64, copy=False)
    if kind == "M":
        return values.astype("datetime64[us]")
    return _narrowed(values)


def _narrowed(values: Array) -> Array:
    pictures = pictures_of(values.tolist()) if values.dtype == object else None
    if pictures is not None:
        return pictures
    cells = list(map(cell, values))
    kinds = set(map(type, cells))
    if str in kinds or kinds <= {type(None)}:
        return objects(cells)
    return column_of(cells)


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise InputError(f"column name {name!r} is a {type(name).__name__}; expected text. Rename it, e.g. to {str(name)!r}.")


def _repeated(X: Any) -> str:
    names = [str(name) for name in getattr(X, "columns", getattr(X, "column_names", []))]
    return ", ".join(repr(n) for n in sorted({n for n in names if names.count(n) > 1})) or "unknown"
