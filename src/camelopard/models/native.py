"""Builds what a model eats from a batch: the table it was fitted on, with the same column types and fixed categories.

The one idea: the type of a column must not hang on one odd cell. Rows whose cells fit the declared types are asked together in those types;
the others are asked apart, grouped by which of their columns hold which type, as a table of that row alone would hold them.
"""

from __future__ import annotations

import datetime as dt
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import FLOAT, Array, Bools, Floats, Ints, is_missing, objects
from camelopard.core.batch import Batch, Form
from camelopard.core.cells import number
from camelopard.models import media
from camelopard.models.dtypes import TypeClass, class_of, limits_of

TableKind = Literal["pandas", "polars", "arrow", "rows", "numpy", "texts", "images", "flat", "batch"]
Signature = Mapping[str, str]
MEDIA = ("texts", "images")
EXACT = 2.0**53  # beyond it not every whole number is a float64
NANOSECONDS = (np.datetime64("1677-09-22", "us"), np.datetime64("2262-04-11", "us"))  # what datetime64[ns] can hold


@dataclass(frozen=True)
class Eats:
    """What a model can be given.

    features
        The column names it was fitted on, in order; None where it knows none.
    kinds
        The kinds of table it takes; one of another kind is turned into the first.
    types, categories
        Column types and fixed categories that the model itself is sure of: they overrule the table's own.
    defaults
        Column types to take where the table declares none.
    underscored
        White space in column names became "_" when the model was fitted.
    """

    features: tuple[str, ...] | None = None
    kinds: tuple[TableKind, ...] = ("pandas", "polars", "arrow", "rows", "numpy", "texts", "images")
    types: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    underscored: bool = False


@dataclass(frozen=True)
class ColumnPlan:
    """How one column is handed over: its class, the library's own type name ("" for the library's choice), whether that type can hold a gap."""

    name: str
    of: TypeClass
    native: str = ""
    gaps: bool = False
    categories: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The table to build: its kind, and its columns in the order the model wants."""

    kind: TableKind
    columns: tuple[ColumnPlan, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, as the batch knows them."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def floats(self) -> bool:
        """Whether there are columns, and all are plain floats."""
        return bool(self.columns) and all(column.of == "float" and column.native in ("", "float64") for column in self.columns)


def plan(eats: Eats, form: Form, names: tuple[str, ...]) -> Plan:
    """Decide on the table for a batch of this form with these columns. Here, and only here, features are chosen and put in order.

    A feature that the batch lacks is left out; a column that the model does not know is dropped.

    >>> plan(Eats(features=("b", "a")), Form("rows"), ("a", "extra", "b")).columns[0].name
    'b'
    """
    kind: TableKind = form.kind if form.kind in eats.kinds else eats.kinds[0]
    if kind == "batch":
        return Plan(kind, ())
    if form.kind in MEDIA:
        whole: TableKind = "flat" if form.kind == "images" and kind != "images" else form.kind
        return Plan(whole, tuple(ColumnPlan(name, "other") for name in names))
    chosen = _chosen(eats, names)
    if not chosen and form.kind == "numpy":
        kind, chosen = "numpy", dict(zip(names, names, strict=True))
    return Plan(kind, tuple(_column_plan(name, feature, eats, form, kind) for name, feature in chosen.items()))


def groups(batch: Batch, table: Plan) -> Iterator[tuple[Ints, Signature]]:
    """Yield the rows that can be asked in one table: their positions, and the columns that are not of their declared type, with what they hold.

    The first group, where there is one, is that of the regular rows. A row's group depends on that row alone.
    """
    n = len(batch)
    if n == 0:
        return
    if table.kind == "batch":
        yield np.arange(n), {}
        return
    if table.kind in media.BUILDERS:
        yield from media.groups(batch)
        return
    if table.floats and _floats_in(batch, table):
        yield np.arange(n), {}
        return
    labels: Ints = np.zeros(n, dtype=np.int64)
    odd: list[tuple[str, Ints, list[str]]] = []
    for column in table.columns:
        found = _tags(batch.columns[column.name], column)
        if found is not None:
            tags, known = found
            odd.append((column.name, tags, known))
            _, joined = np.unique(labels * (len(known) + 1) + tags, return_inverse=True)
            labels = joined.astype(np.int64)
    if not odd:
        yield np.arange(n), {}
        return
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    for index in np.split(order, cuts):
        first = index[0]
        yield index, {name: known[tags[first] - 1] for name, tags, known in odd if tags[first]}


def build(batch: Batch, table: Plan, signature: Signature) -> Any:
    """Return the batch, whose rows all have this signature, as the table that the model eats."""
    if table.kind == "batch":
        return batch
    return _BUILDERS[table.kind](batch, table, signature)


_CANONICAL: Mapping[TypeClass, str] = {
    "integer": "int64",
    "float": "float64",
    "boolean": "bool",
    "datetime": "datetime64[us]",
    "category": "category",
}
_FIT: Mapping[TypeClass, frozenset[type]] = {
    "integer": frozenset({int, float}),
    "float": frozenset({int, float}),
    "boolean": frozenset({bool}),
    "date": frozenset({dt.date}),
    "text": frozenset({str, type(None)}),
    "open": frozenset({str, type(None)}),
}


def _chosen(eats: Eats, names: tuple[str, ...]) -> dict[str, str]:
    """Return the columns to hand over, in order, and the name by which the model knows each."""
    if eats.features is None:
        return dict(zip(names, names, strict=True))
    known = {name: name for name in names}
    if eats.underscored:
        known = {re.sub(r"\s", "_", name): name for name in names} | known
    return {known[feature]: feature for feature in eats.features if feature in known}


def _column_plan(name: str, feature: str, eats: Eats, form: Form, kind: TableKind) -> ColumnPlan:
    native = eats.types.get(feature) or form.dtypes.get(name) or eats.defaults.get(feature) or ""
    of = class_of(native)
    if kind == "numpy" and native == "object":
        of = "open"
    categories = eats.categories.get(feature) or form.categories.get(name, ())
    if kind == "pandas":
        if form.kind != "pandas" or feature in eats.types or name not in form.dtypes:
            native = _CANONICAL.get(of, "")
        gaps = native[:1].isupper() or native == "boolean" or native.endswith("[pyarrow]")
    else:
        gaps = kind in ("polars", "arrow")
        native = native if form.kind == kind else ""
    return ColumnPlan(name, of, native, gaps, categories)


# Which rows fit


def _tags(values: Array, column: ColumnPlan) -> tuple[Ints, list[str]] | None:
    """Return per row 0 where the cell fits the column's type, else 1 + the position of its tag; None where all cells fit."""
    if column.of == "other":
        return None
    kind = values.dtype.kind
    if column.of == "open" and kind != "O":
        return None
    if column.of == "category":
        return _category_tags(values, column)
    if column.of == "float" and kind in "fi":
        return None
    if column.of == "integer" and kind in "fi":
        return _as_tags(~_whole(values, column), "float")
    if (column.of == "boolean" and kind == "b") or (column.of == "moment" and kind == "M"):
        return None
    if column.of in ("datetime", "date") and kind == "M":
        fits = _datable(values, column) if column.of == "datetime" else (values == values.astype("datetime64[D]")) | np.isnat(values)
        return _as_tags(~fits, "datetime")
    if kind != "O":
        name = {"f": "float", "i": "int", "b": "bool", "M": "datetime"}.get(kind, "other")
        missing = is_missing(values)
        if column.of in ("text", "moment", "date"):  # their gaps are as good as None
            return _as_tags(~missing, name)
        return _as_tags(np.ones(len(values), dtype=bool), name)
    return _object_tags(values.tolist(), column)


def _object_tags(cells: list[Any], column: ColumnPlan) -> tuple[Ints, list[str]] | None:
    fit = _FIT.get(column.of, frozenset())
    kinds = set(map(type, cells))
    if column.of in ("text", "open", "float") and kinds <= fit:
        return None
    if column.of == "integer" and kinds == {int} and _fits_integer(min(cells), column) and _fits_integer(max(cells), column):
        return None
    known: dict[str, int] = {}
    tags = np.zeros(len(cells), dtype=np.int64)
    for i, value in enumerate(cells):
        tag = _tag(value, column, fit)
        if tag is not None:
            tags[i] = known.setdefault(tag, len(known) + 1)
    return (tags, list(known)) if known else None


def _tag(value: Any, column: ColumnPlan, fit: frozenset[type]) -> str | None:
    """Return None for a cell that fits its column, else a name for what it is."""
    of = column.of
    if value is None or (isinstance(value, float) and value != value):
        gap_fits = of not in ("integer", "boolean") or column.gaps
        return None if gap_fits else ("float" if of == "integer" else "none")
    kind = type(value)
    if of == "integer" and kind in fit:
        return None if _fits_integer(value, column) else "float"
    if kind in fit:
        return None
    if isinstance(value, dt.datetime):
        if of == "moment" and value.tzinfo is not None:
            return None
        if of == "date" and value.tzinfo is None and value.time() == dt.time():  # how batches hold dates
            return None
        if of == "datetime" and value.tzinfo is None:
            return None if _datable(np.array([value], dtype="datetime64[us]"), column)[0] else "datetime"
        return "datetime" if value.tzinfo is None else f"datetime {value.tzinfo}"
    if of == "datetime" and kind is dt.date:
        return None
    if of == "open" and kind in (int, float):
        return "number"
    if kind is int and not -(2**63) <= value < 2**63:
        return "large int"
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _category_tags(values: Array, column: ColumnPlan) -> tuple[Ints, list[str]] | None:
    if not column.categories:
        return None
    seen = set(column.categories)
    known: dict[str, int] = {}
    tags = np.zeros(len(values), dtype=np.int64)
    for i, value in enumerate(_cells(values)):
        if value is not None and not _among(value, seen):
            tags[i] = known.setdefault(f"unseen {type(value).__qualname__}", len(known) + 1)
    return (tags, list(known)) if known else None


def _among(value: Any, known: set[Any]) -> bool:
    try:
        return value in known
    except TypeError:
        return False


def _as_tags(odd: Bools, tag: str) -> tuple[Ints, list[str]] | None:
    return (odd.astype(np.int64), [tag]) if odd.any() else None


def _whole(values: Array, column: ColumnPlan) -> Bools:
    """Return which numbers fit an integer column; a gap fits where the type can hold one."""
    low, high = limits_of(column.native)
    if values.dtype.kind == "i":
        if column.native in ("", "int64", "Int64"):
            return np.ones(len(values), dtype=bool)
        return np.asarray((values >= low) & ((values <= high) | (high >= 2**63)))
    with np.errstate(invalid="ignore"):
        fits = (values == np.floor(values)) & (values >= max(low, -EXACT)) & (values <= min(high, EXACT))
    return np.asarray(fits | np.isnan(values)) if column.gaps else np.asarray(fits)


def _fits_integer(value: float, column: ColumnPlan) -> bool:
    low, high = limits_of(column.native)
    if type(value) is int:
        return low <= value <= min(high, 2**63 - 1)
    return value == value // 1 and max(low, -EXACT) <= value <= min(high, EXACT)


def _datable(values: Array, column: ColumnPlan) -> Bools:
    if "[ns" not in column.native and "'ns'" not in column.native:
        return np.ones(len(values), dtype=bool)
    low, high = NANOSECONDS
    return np.asarray(np.isnat(values) | ((values >= low) & (values <= high)))


# Cells in plain forms


def _floats(values: Array) -> Floats:
    if values.dtype != object:
        return values.astype(np.float64, copy=False)
    return np.array([np.nan if v is None else number(v) for v in values.tolist()], dtype=np.float64)


def _integers(values: Array) -> tuple[Ints, Bools]:
    """Return whole numbers and which cells are gaps (held as 0)."""
    missing = is_missing(values)
    if values.dtype.kind == "i":
        return values, missing
    if values.dtype == object:
        return np.array([0 if gone else int(v) for v, gone in zip(values.tolist(), missing, strict=True)], dtype=np.int64), missing
    return np.where(missing, 0, values).astype(np.int64), missing


def _cells(values: Array, gap: Any = None) -> list[Any]:
    """Return plain Python values, with `gap` where one is missing."""
    cells: list[Any] = values.tolist()
    if values.dtype == object and gap is None:
        return [None if isinstance(v, float) and v != v else v for v in cells] if float in set(map(type, cells)) else cells
    missing = is_missing(values)
    if missing.any():
        return [gap if gone else v for v, gone in zip(cells, missing, strict=True)]
    return cells


def _datetimes(values: Array) -> Array:
    return values if values.dtype.kind == "M" else np.array(_cells(values), dtype="datetime64[us]")


def _dates(values: Array) -> list[dt.date | None]:
    return [v.date() if isinstance(v, dt.datetime) else v for v in _cells(values)]


# The tables


def _pandas(batch: Batch, table: Plan, signature: Signature) -> Any:
    pd = _library("pandas")
    data = {c.name: _pandas_column(batch.columns[c.name], c, signature.get(c.name)) for c in table.columns}
    return pd.DataFrame(data, index=pd.RangeIndex(len(batch)), copy=False)


def _pandas_column(values: Array, column: ColumnPlan, tag: str | None) -> Any:
    pd = _library("pandas")
    if column.of == "category":
        return _pandas_category(values, column)
    if tag in ("float", "number"):
        return _floats(values)
    if tag is not None:
        return pd.Series(_cells(values))
    native = column.native
    if column.of == "float":
        with np.errstate(over="ignore"):
            numbers = _floats(values)
            return _nullable(numbers, np.isnan(numbers), native) if column.gaps else numbers.astype(native or np.float64, copy=False)
    if column.of == "integer":
        whole, missing = _integers(values)
        return _nullable(whole, missing, native) if column.gaps else whole.astype(native or np.int64, copy=False)
    if column.of == "boolean":
        cells = _cells(values)
        return pd.array(cells, dtype=native) if column.gaps else np.array(cells, dtype=bool)
    if column.of == "datetime":
        times = _datetimes(values)
        return times if native in ("", "datetime64[us]") else pd.array(times, dtype=native)
    if column.of in ("text", "open"):
        return _pandas_text(values, native)
    if column.of == "moment" and values.dtype.kind == "M":  # batches hold what came with a time zone as UTC
        times = pd.Series(values).dt.tz_localize("UTC")
        return times.astype(native) if native else times
    cells = _dates(values) if column.of == "date" else _cells(values)
    return pd.Series(cells, dtype=native) if native else pd.Series(cells)


def _nullable(values: Array, missing: Bools, native: str) -> Any:
    pd = _library("pandas")
    if native.endswith("[pyarrow]"):
        pa = _library("pyarrow")
        return pd.array(pa.array(values, mask=missing), dtype=native)
    plain = pd.arrays.FloatingArray(values, missing) if values.dtype.kind == "f" else pd.arrays.IntegerArray(values, missing)
    return plain.astype(native)


def _pandas_text(values: Array, native: str) -> Any:
    pd = _library("pandas")
    if values.dtype != object and native == "":
        return values
    if native == "object":
        return pd.Series([np.nan if v is None else v for v in values.tolist()], dtype=object)
    if native in ("", "str"):
        text = pd.Series(["a"]).dtype  # what this pandas makes of text
        return pd.array(_cells(values), dtype=text) if text != np.dtype(object) else _pandas_text(values, "object")
    return pd.array(_cells(values), dtype=native)


def _pandas_category(values: Array, column: ColumnPlan) -> Any:
    pd = _library("pandas")
    cells = list(map(_hashable, _cells(values)))
    known = set(column.categories)
    unseen = [v for v in dict.fromkeys(cells) if v is not None and v not in known]
    if not known and not unseen:
        return pd.Categorical(cells, categories=pd.Index([], dtype=pd.Series(["a"]).dtype))
    return pd.Categorical(cells, categories=[*column.categories, *unseen] if known else None)


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _polars(batch: Batch, table: Plan, signature: Signature) -> Any:
    pl = _library("polars")
    frame = pl.DataFrame([_polars_column(batch.columns[c.name], c, signature.get(c.name)) for c in table.columns])
    return frame if table.columns else pl.DataFrame()


def _polars_column(values: Array, column: ColumnPlan, tag: str | None) -> Any:
    pl = _library("polars")
    name = column.name
    if column.of == "category" and tag is None and column.native.lower().startswith("enum"):
        return pl.Series(name, _cells(values), dtype=pl.Enum(list(column.categories)))
    if column.of == "category":
        return pl.Series(name, [None if v is None else str(v) for v in _cells(values)], dtype=pl.Categorical)
    if tag in ("float", "number"):
        return pl.Series(name, _floats(values)).fill_nan(None)
    if tag is not None:
        return pl.Series(name, _cells(values))
    if column.of == "float":
        numbers = pl.Series(name, _floats(values)).fill_nan(None)
        return numbers.cast(pl.Float32) if column.native == "Float32" else numbers
    if column.of == "integer":
        whole, missing = _integers(values)
        series = pl.Series(name, whole)
        if missing.any():
            series = pl.select(pl.when(pl.Series("gap", ~missing)).then(series).alias(name)).to_series()
        return series.cast(getattr(pl, column.native)) if column.native else series
    if column.of == "boolean":
        return pl.Series(name, _cells(values), dtype=pl.Boolean)
    if column.of == "datetime":
        unit = re.search(r"'(\w+)'", column.native)
        return pl.Series(name, _datetimes(values)).cast(pl.Datetime(unit.group(1) if unit else "us"))
    if column.of == "text":
        return pl.Series(name, _cells(values), dtype=pl.String)
    if column.of == "date":
        return pl.Series(name, _dates(values), dtype=pl.Date)
    return pl.Series(name, _cells(values))


def _arrow(batch: Batch, table: Plan, signature: Signature) -> Any:
    pa = _library("pyarrow")
    return pa.table({c.name: _arrow_column(batch.columns[c.name], c, signature.get(c.name)) for c in table.columns})


def _arrow_column(values: Array, column: ColumnPlan, tag: str | None) -> Any:
    pa = _library("pyarrow")
    if column.of == "category":
        cells = [None if v is None else _hashable(v) for v in _cells(values)]
        fixed = list(dict.fromkeys([*column.categories, *(v for v in cells if v is not None)]))
        position = {v: i for i, v in enumerate(fixed)}
        codes = pa.array([None if v is None else position[v] for v in cells], type=pa.int32())
        return pa.DictionaryArray.from_arrays(codes, pa.array(fixed))
    if tag in ("float", "number"):
        return pa.array(_floats(values), from_pandas=True)
    if tag is not None:
        return pa.array(_cells(values))
    if column.of == "float":
        return pa.array(_floats(values), from_pandas=True).cast(_arrow_type(column, "double"))
    if column.of == "integer":
        whole, missing = _integers(values)
        return pa.array(whole, mask=missing).cast(_arrow_type(column, "int64"))
    if column.of == "datetime":
        return pa.array(_datetimes(values)).cast(_arrow_type(column, "timestamp[us]"))
    if column.of == "date":
        return pa.array(_dates(values), type=pa.date32()).cast(_arrow_type(column, "date32"))
    if column.of == "text":
        return pa.array(_cells(values), type=_arrow_type(column, "string"))
    return pa.array(_cells(values))


def _arrow_type(column: ColumnPlan, default: str) -> Any:
    pa = _library("pyarrow")
    name = re.sub(r"^(date\d+)\[\w+\]$", r"\1", column.native or default)
    unit = re.fullmatch(r"timestamp\[(\w+)\]", name)
    return pa.timestamp(unit.group(1)) if unit else pa.type_for_alias(name)


def _rows(batch: Batch, table: Plan, signature: Signature) -> list[dict[str, Any]]:
    names = [c.name for c in table.columns]
    columns = [_cells(batch.columns[name]) for name in names]
    if not names:
        return [{} for _ in range(len(batch))]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _floats_in(batch: Batch, table: Plan) -> bool:
    """Whether all columns that the model eats are of plain floats."""
    return batch.floats or all(batch.columns[name].dtype is FLOAT for name in table.names)


def _numpy(batch: Batch, table: Plan, signature: Signature) -> Array:
    if not signature and table.floats and _floats_in(batch, table):
        columns = [batch.columns[name] for name in table.names]
        return np.concatenate(columns)[None] if len(batch) == 1 else np.column_stack(columns)
    columns = [_numpy_column(batch.columns[c.name], c, signature.get(c.name)) for c in table.columns]
    if not columns:
        return np.empty((len(batch), 0))
    if all(c.dtype.kind in "fib" for c in columns):
        return np.column_stack(columns)
    array = np.empty((len(batch), len(columns)), dtype=object)
    for j, column in enumerate(columns):
        array[:, j] = _cells(column, np.nan)
    return array


def _numpy_column(values: Array, column: ColumnPlan, tag: str | None) -> Array:
    if tag in ("float", "number"):
        return _floats(values)
    if tag is not None or column.of not in ("float", "integer", "boolean", "open"):
        return values if values.dtype == object else objects(values.tolist())
    if column.of == "float":
        with np.errstate(over="ignore"):
            return _floats(values).astype(column.native or np.float64, copy=False)
    if column.of == "integer":
        return _integers(values)[0].astype(column.native or np.int64, copy=False)
    if column.of == "boolean" and values.dtype == object:
        return np.array(values.tolist(), dtype=bool)
    return values


def _library(name: str) -> Any:
    """Return a dataframe library untyped: what its stubs promise about element types is not known before the cells are."""
    return importlib.import_module(name)


_BUILDERS = {**media.BUILDERS, "pandas": _pandas, "polars": _polars, "arrow": _arrow, "rows": _rows, "numpy": _numpy}
