"""What is known about each column of clean data: kind, spread, range, values. Learned once, used by damages, contract and evidence."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import FLOAT, Array, Floats, is_missing, objects
from camelopard.core.batch import Batch, Form
from camelopard.core.cells import cell, number
from camelopard.core.errors import InputError, UnknownName

Kind = Literal["number", "category", "boolean", "date", "text", "image"]
MEDIA: tuple[Kind, ...] = ("text", "image")  # what a person reads or looks at: measured as a whole, never as one of some known values
LEVELS = 201  # quantiles kept per number column: half-percent steps
MOST_VALUES = 20_000  # distinct values kept per category column
PICTURE_FILES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\x00", b"MM\x00*")  # how PNG, JPEG, GIF, BMP, WebP and TIFF begin
FEWEST_OPEN, ONCE, USUAL = 20, 5, 0.01  # of so many cells or more, so many values seen once, and in such a share of them: new ones are usual
FEWEST_SENTENCES, MOSTLY, WORDS = 20, 0.8, 5  # a column is text if of so many cells so many differ, and most have so many words
DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d")


@dataclass(frozen=True)
class Column:
    """What clean data says about one column.

    kind
        "number", "category", "boolean", "date", "text" (sentences, of which hardly two are the same) or "image".
    integral
        Every number is whole.
    null_rate
        Share of missing cells, 0–1.
    quantiles
        For numbers and dates (days since 1970): the values at LEVELS equal steps of probability, shape (LEVELS,); empty otherwise.
    values
        For categories and booleans: each value and how often it was seen, most frequent first.
    date_format
        For dates that came as text: the strptime format of nearly all of them.
    n
        How many rows were seen.
    new_rate
        For categories of texts to which new values keep coming (names, order numbers): the share of cells, 0–1, that bring one never seen before, as
        large as the share of those whose value was seen once (Good 1953, after Turing). 0 where nearly all values there are were seen.
    """

    name: str
    kind: Kind
    integral: bool = False
    null_rate: float = 0.0
    quantiles: Floats = field(default_factory=lambda: np.empty(0))
    mean: float = 0.0
    sd: float = 0.0
    values: Mapping[Any, int] = field(default_factory=dict)
    date_format: str | None = None
    n: int = 0
    new_rate: float = 0.0

    @property
    def open(self) -> bool:
        """Whether new values are usual in clean data: one that was never seen is then no sign of damage."""
        return self.new_rate > 0

    @property
    def low(self) -> float:
        return float(self.quantiles[0]) if len(self.quantiles) else np.nan

    @property
    def high(self) -> float:
        return float(self.quantiles[-1]) if len(self.quantiles) else np.nan

    @property
    def spread(self) -> float:
        """A robust standard deviation, never zero unless the column is constant: (q84 − q16) / 2, or the plain one where that vanishes."""
        if not len(self.quantiles):
            return 0.0
        robust = float(np.interp(0.84, LADDER, self.quantiles) - np.interp(0.16, LADDER, self.quantiles)) / 2
        return robust if robust > 0 else self.sd

    @property
    def constant(self) -> bool:
        if self.kind in MEDIA:
            return False
        return len(self.values) <= 1 if self.kind in ("category", "boolean") else not self.high > self.low


LADDER: Floats = np.linspace(0.0, 1.0, LEVELS)


@dataclass(frozen=True)
class Schema:
    """The columns of clean data, in order, and the form in which they came.

    >>> schema = Schema.infer(Batch.of([{"age": 36, "sex": "F"}, {"age": 51, "sex": "M"}]))
    >>> schema["age"].kind, schema["age"].high, schema["sex"].kind
    ('number', 51.0, 'category')
    """

    columns: Mapping[str, Column]
    form: Form = field(default_factory=Form)

    @classmethod
    def infer(cls, batch: Batch) -> Schema:
        """Learn what clean data looks like. Raises InputError for an empty table."""
        if not batch.names:
            raise InputError("the table has no columns.")
        if not len(batch):
            raise InputError("the table has no rows; clean rows are needed to learn from.")
        given: Kind | None = {"texts": "text", "images": "image"}.get(batch.form.kind)  # type: ignore[assignment]
        return cls({name: _column(name, values, given) for name, values in batch.columns.items()}, batch.form)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    @cached_property
    def numbers(self) -> bool:
        """Whether all columns are of numbers."""
        return all(column.kind == "number" for column in self.columns.values())

    def __getitem__(self, name: str) -> Column:
        try:
            return self.columns[name]
        except KeyError:
            raise UnknownName.among(name, self.columns, "column") from None

    @property
    def tabular(self) -> bool:
        """Whether there is a column that is neither text nor image."""
        return any(column.kind not in MEDIA for column in self.columns.values())

    @cached_property
    def pictures(self) -> tuple[str, ...]:
        """The names of the columns of pictures."""
        return tuple(column.name for column in self.of_kind("image"))

    def of_kind(self, *kinds: Kind) -> tuple[Column, ...]:
        return tuple(c for c in self.columns.values() if c.kind in kinds)

    def conform(self, batch: Batch) -> Batch:
        """Return the batch with exactly these columns in this order and form: absent ones are missing, extra ones dropped.

        Cells that fit the column's kind are brought to its type; all others stay as they came, in an object column.
        """
        if self.numbers and batch.floats and batch.names == self.names:
            return replace(batch, form=self.form)
        n = len(batch)
        columns: dict[str, Array] = {}
        for name, column in self.columns.items():
            values = batch.columns.get(name)
            if values is None:
                columns[name] = absent(column, n)
            else:
                columns[name] = values if values.dtype is FLOAT and column.kind == "number" else fitted(column, values)
        coded = {name: known for name, known in batch.coded.items() if columns.get(name) is batch.columns[name]}
        return Batch(columns, batch.ids, self.form, coded)


def absent(column: Column, n: int) -> Array:
    """Return n missing cells of this column."""
    return np.full(n, np.nan) if column.kind == "number" else objects([None] * n)


def fitted(column: Column, values: Array) -> Array:
    """Return the values in the column's own type where every cell allows it, else untouched objects; a picture is a cell among pictures only."""
    if column.kind != "image" and values.dtype == object and np.ndarray in set(map(type, values.tolist())):
        values = objects(map(cell, values))
    if column.kind == "number":
        if values.dtype.kind in "fi":
            return values
        if values.dtype == object:
            cells = values.tolist()
            if all(v is None or type(v) is float or type(v) is int for v in cells):
                return np.array([np.nan if v is None else number(v) for v in cells], dtype=np.float64)
        return values if values.dtype == object else objects(values.tolist())
    if column.kind == "date" and values.dtype.kind == "M":
        return values
    if column.kind == "boolean" and values.dtype.kind == "b":
        return values
    if values.dtype == object:
        return values
    missing = is_missing(values)
    return objects(None if gone else v for v, gone in zip(values.tolist(), missing, strict=True))


def date_days(values: Array, date_format: str | None) -> Floats:
    """Return dates as days since 1970, NaN where a cell is missing or is no date, shape (n,).

    >>> date_days(objects(["1970-01-02", "no date"]), "%Y-%m-%d")
    array([ 1., nan])
    """
    if values.dtype.kind == "M":
        days = values.astype("datetime64[us]").astype(np.int64) / 86_400e6
        return np.where(np.isnat(values), np.nan, days)
    return np.array([_day(v, date_format) for v in values], dtype=np.float64)


EPOCH = dt.datetime(1970, 1, 1)


def _day(value: Any, date_format: str | None) -> float:
    if isinstance(value, str) and date_format:
        try:
            value = dt.datetime.strptime(value, date_format)
        except ValueError:
            return np.nan
    if isinstance(value, dt.datetime):
        return (value.replace(tzinfo=None) - EPOCH).total_seconds() / 86_400
    if isinstance(value, dt.date):
        return float((dt.datetime(value.year, value.month, value.day) - EPOCH).days)
    return np.nan


def _column(name: str, values: Array, given: Kind | None = None) -> Column:
    missing = is_missing(values)
    present = values[~missing]
    null_rate = float(missing.mean())
    n = len(values)
    media = given or _media(present)
    if media is not None:
        return Column(name, media, null_rate=null_rate, n=n)
    if present.dtype.kind == "b" or (len(present) and present.dtype == object and all(type(v) is bool for v in present)):
        return Column(name, "boolean", null_rate=null_rate, values=_counts(present), n=n)
    if present.dtype == object and len(present) and all(type(v) in (int, float) for v in present):
        present = np.array([number(v) for v in present])
    if present.dtype.kind in "fi":
        return _numbers(name, "number", present.astype(np.float64), null_rate, n)
    if present.dtype.kind == "M" or (len(present) and all(isinstance(v, (dt.datetime, dt.date)) for v in present)):
        return _numbers(name, "date", date_days(present, None), null_rate, n)
    found = _date_format(present)
    if found:
        days = date_days(present, found)
        return replace(_numbers(name, "date", days[~np.isnan(days)], null_rate, n), date_format=found)
    return Column(name, "category", null_rate=null_rate, values=_counts(present), n=n, new_rate=_new_rate(present))


def written(value: object) -> bool:
    """Return whether a cell is a text with a letter or a digit in it: what a name or an order number is, and "" or "-" is not."""
    return type(value) is str and any(map(str.isalnum, value))


def _media(present: Array) -> Kind | None:
    """Return whether cells are pictures or sentences: nearly all different, most of them of several words."""
    if present.dtype != object or not len(present):
        return None
    if isinstance(present[0], np.ndarray) or (isinstance(present[0], bytes) and present[0].startswith(PICTURE_FILES)):
        return "image"
    sample = present[:: max(1, len(present) // 500)].tolist()
    if len(sample) < FEWEST_SENTENCES or not all(type(v) is str for v in sample) or len(set(sample)) < MOSTLY * len(sample):
        return None
    return "text" if float(np.median([len(v.split(None, WORDS)) for v in sample])) >= WORDS else None


def _numbers(name: str, kind: Kind, present: Floats, null_rate: float, n: int) -> Column:
    finite = present[np.isfinite(present)]
    if not len(finite):
        return Column(name, kind, null_rate=null_rate, n=n)
    quantiles = np.quantile(finite, LADDER)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, sd = float(finite.mean()), float(finite.std())
    integral = bool(kind == "number" and np.all(finite == np.round(finite)))
    return Column(name, kind, integral, null_rate, quantiles, mean, sd if np.isfinite(sd) else float(np.ptp(quantiles)), n=n)


def _counts(present: Array) -> dict[Any, int]:
    counts = Counter(v if _hashable(v) else repr(v) for v in present.tolist())
    return dict(sorted(counts.most_common(MOST_VALUES), key=lambda item: (-item[1], str(item[0]))))


def _new_rate(present: Array) -> float:
    """Return the share of cells whose value was seen once, if it is so large that new values are usual; 0 otherwise, and where not all are texts."""
    cells = present.tolist()
    if len(cells) < FEWEST_OPEN or not all(type(v) is str for v in cells):
        return 0.0
    once = sum(count == 1 for count in Counter(cells).values())
    return once / len(cells) if once >= ONCE and once >= USUAL * len(cells) else 0.0


def _hashable(value: object) -> bool:
    return isinstance(value, (str, int, float, bool, dt.date))


DATE_LIKE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")


def _date_format(present: Array) -> str | None:
    """Return the one format that at least 99 of 100 cells follow, or None. A day that could be a month speaks for no format."""
    sample = present[:: max(1, len(present) // 500)].tolist()
    if len(sample) < 2 or not all(isinstance(v, str) and DATE_LIKE.match(v) for v in sample[:5]):
        return None
    for candidate in DATE_FORMATS:
        days = date_days(objects(sample), candidate)
        if np.isnan(days).mean() <= 0.01:
            return candidate
    return None
