"""What many damages need: cells read, written back in the form in which they came, and columns chosen. Nothing here is a damage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints, Objects, is_missing, objects
from camelopard.core.schema import EPOCH, Column, Schema, date_days

MOST_PAIRS = 12  # pairs of columns that one kind of damage is tried on
FARTHEST_PAIR = 50  # columns apart: a wide table must not cost the square of its width
FIRST_DAY, LAST_DAY = -354_285.0, 2_932_896.0  # 1000-01-01 and 9999-12-31: what every date format can write in four digits of a year


def varies(column: Column) -> bool:
    """Return whether the column has more than one value."""
    return not column.constant


def measured(column: Column) -> bool:
    """Return whether a number column measures something: it varies, and is no yes-or-no in digits."""
    return varies(column) and not (column.integral and column.low >= 0 and column.high <= 1)


def worded(column: Column) -> bool:
    """Return whether a category column varies and holds words (a letter in one of its first hundred values)."""
    return varies(column) and any(isinstance(v, str) and any(c.isalpha() for c in v) for v in islice(column.values, 100))


def pairs(schema: Schema, fits: Callable[[Column, Column], bool]) -> list[str]:
    """Return at most MOST_PAIRS targets "a|b" of columns that vary and fit, neighbours first."""
    columns = [c for c in schema.columns.values() if varies(c)]
    names = (f"{a.name}|{b.name}" for a, b in _by_distance(columns) if fits(a, b))
    return list(islice((name for name in names if name not in schema.columns), MOST_PAIRS))


def fields(target: str, schema: Schema) -> list[str]:
    """Return the columns that a target is about: itself, both of a pair, or all.

    >>> from camelopard.core.batch import Batch
    >>> schema = Schema.infer(Batch.of([{"a": 1, "b": 2, "c|d": 3}]))
    >>> fields("b", schema), fields("a|b", schema), fields("a|c|d", schema), fields("*", schema)
    (['b'], ['a', 'b'], ['a', 'c|d'], ['a', 'b', 'c|d'])
    """
    if target in schema.columns:
        return [target]
    if target == "*":
        return list(schema.names)
    parts = target.split("|")
    for i in range(1, len(parts)):
        first, second = "|".join(parts[:i]), "|".join(parts[i:])
        if first in schema.columns and second in schema.columns:
            return [first, second]
    return [schema[target].name]


def settled(changed: Floats, column: Column) -> Floats:
    """Return changed numbers, whole where the column holds whole numbers."""
    return np.round(changed) if column.integral else changed


def emptied(values: Array, where: Bools) -> Array:
    """Return the values with the cells at `where` missing."""
    if values.dtype.kind in "iuf":
        return np.where(where, np.nan, values.astype(np.float64))
    if values.dtype.kind == "M":
        return np.where(where, np.datetime64("NaT", "us"), values)
    cells = values.astype(object)
    cells[where] = None
    return cells


def filled(values: Array, new: Any) -> Array:
    """Return the values with every cell that is not missing replaced by one and the same."""
    gone = is_missing(values)
    if values.dtype.kind in "iuf" and type(new) in (int, float):
        return np.where(gone, np.nan, float(new))
    if values.dtype.kind == "b" and type(new) is bool:
        return np.full(len(values), new)
    return objects(None if g else new for g in gone.tolist())


def texts(values: Array) -> list[str | None]:
    """Return numbers as text, whole ones without a point; None where missing.

    >>> texts(np.array([36.0, 0.5, np.nan]))
    ['36', '0.5', None]
    """
    return [None if v != v else str(int(v)) if v.is_integer() and abs(v) < 1e15 else repr(v) for v in values.astype(np.float64).tolist()]


def told(values: Array, change: Callable[[str], str]) -> Objects:
    """Return text cells changed, each different text once; cells that are no text stay."""
    memo: dict[str, str] = {}
    cells = []
    for v in values.tolist():
        if type(v) is str:
            new = memo.get(v)
            if new is None:
                new = memo[v] = change(v)
            cells.append(new)
        else:
            cells.append(v)
    return objects(cells)


def other_values(values: Array, column: Column, flatness: float, rng: np.random.Generator) -> Array:
    """Return for every cell another known value, drawn by how often it was seen (flatness 0) up to all alike (flatness 1)."""
    known = list(column.values)
    if len(known) < 2:
        return values
    weights = np.fromiter(column.values.values(), dtype=np.float64, count=len(known)) ** (1 - flatness)
    edges = np.cumsum(weights / weights.sum())
    edges[-1] = 1.0
    own = places(values, known)
    pick = np.searchsorted(edges, rng.random(len(values)), side="right")
    for _ in range(4):  # where a value dominates, a few draws more stay close to its rivals' shares
        again = pick == own
        pick[again] = np.searchsorted(edges, rng.random(int(again.sum())), side="right")
    pick = np.where(pick == own, (pick + 1) % len(known), pick)
    return picked(values, known, pick)


def picked(values: Array, known: Sequence[Any], pick: Ints) -> Array:
    """Return known[pick] for every cell that is not missing, in the type that the values have."""
    gone = is_missing(values).tolist()
    cells = [None if g else known[i] for g, i in zip(gone, pick.tolist(), strict=True)]
    return np.array(cells, dtype=bool) if values.dtype.kind == "b" else objects(cells)


def places(values: Array, known: Sequence[Any]) -> Ints:
    """Return where each cell stands among the known values, −1 where it does not."""
    place = {v: i for i, v in enumerate(known)}
    return np.fromiter((_place(place, v) for v in values.tolist()), dtype=np.int64, count=len(values))


def most_first(key: Floats, present: Bools, share: float, rng: np.random.Generator) -> Bools:
    """Return a mask of that share of the present cells with the largest keys, rounded up; ties fall at random."""
    order = np.lexsort((rng.random(len(key)), key))
    order = order[present[order]]
    mask = np.zeros(len(key), dtype=bool)
    mask[order[len(order) - int(np.ceil(share * len(order))) :]] = True
    return mask


def days_of(values: Array, column: Column) -> Floats:
    """Return dates as days since 1970, NaN where a cell is missing or no date."""
    if values.dtype == object:
        different = {v: np.nan for v in values.tolist() if isinstance(v, str)}
        if different:
            days = date_days(objects(different), column.date_format)
            different = dict(zip(different, days.tolist(), strict=True))
            return np.array([different[v] if isinstance(v, str) else date_days(objects([v]), None)[0] for v in values.tolist()])
    return date_days(values, column.date_format)


def dated(days: Floats, values: Array, column: Column) -> Array:
    """Return days since 1970 as the values are: datetime64, text in the column's format, or Python dates. NaN leaves a cell as it is."""
    days = np.clip(days, FIRST_DAY, LAST_DAY)
    if values.dtype.kind == "M":
        there = ~np.isnan(days)
        moved = values.astype("datetime64[us]")
        moved[there] = np.round(days[there] * 86_400e6).astype(np.int64).astype("datetime64[us]")
        return moved
    return objects(v if d != d else _date_like(moment(d), v, column) for v, d in zip(values.tolist(), days.tolist(), strict=True))


def moment(days: float) -> dt.datetime:
    """Return days since 1970 as a datetime."""
    return EPOCH + dt.timedelta(days=days)


def _date_like(when: dt.datetime, cell: Any, column: Column) -> Any:
    if isinstance(cell, dt.datetime):
        return when.replace(tzinfo=cell.tzinfo)
    if isinstance(cell, dt.date):
        return when.date()
    return when.strftime(column.date_format or "%Y-%m-%d")


def _by_distance(columns: Sequence[Column]) -> Iterator[tuple[Column, Column]]:
    for distance in range(1, min(len(columns), FARTHEST_PAIR)):
        yield from zip(columns, columns[distance:], strict=False)


def _place(place: dict[Any, int], value: Any) -> int:
    try:
        return place.get(value, -1)
    except TypeError:  # a list or a dict in a cell
        return -1
