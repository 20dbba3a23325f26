"""What does each cell hold? Reads a conformed batch into numbers: values, normal scores, and a state per cell.

Numbers get the normal score of their empirical quantile, continued beyond the observed range so that far is farther; categories get the
normal score of their place when ordered by the model's mean answer. One small encoder per column, all of them plain arrays. A column of texts or
pictures is seen as several columns of numbers (see `camelopard.evidence.views`), and one that says whether there is anything to read.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any, Self

import numpy as np

from camelopard.core import kernel
from camelopard.core.arrays import FLOAT, Array, Bools, Floats, objects
from camelopard.core.batch import Batch
from camelopard.core.cells import number
from camelopard.core.schema import DATE_FORMATS, LADDER, Column, Schema, date_days, written
from camelopard.evidence.recovery import plain_forms, recovered_boolean, recovered_category, recovered_number
from camelopard.evidence.scoring import Scorer, pieces
from camelopard.evidence.views import Views

CALENDAR = (-719_162.0, 2_932_895.0)  # days since 1970 that Python's dates reach
OK, MISSING, UNSEEN, TYPE, VARIANT, FRACTION = range(6)  # from UNSEEN on: states that no clean cell has
NO_EDGES = (-np.inf, np.inf)
STATES = ("ok", "missing", "unseen", "type", "variant", "fraction")


@dataclass(frozen=True)
class Reading:
    """A batch in numbers.

    values
        Numbers, days, or positions among the known categories, shape (n, d); NaN where nothing could be made of a cell. Where new values are usual,
        all of them share the position behind the known ones.
    scores
        Normal scores, shape (n, d); NaN where `values` is.
    states
        One of OK, MISSING, UNSEEN, TYPE, VARIANT (unusual form of a known value, which `values` holds), FRACTION; shape (n, d).
    rarities
        −log of the share of each category among clean rows, 0 where there is none, shape (n, columns of categories).
    """

    values: Floats
    scores: Floats
    states: Array
    rarities: Floats

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def odd(self) -> bool:
        """Whether any cell is in a state but OK."""
        return bool(self.states.any())


class Reader:
    """Reads batches of one schema.

    >>> batch = Batch.of([{"age": a, "sex": s} for a, s in [(20, "F"), (30, "M"), (40, "F"), (50, "M")]])
    >>> reader = Reader.learn(batch, Schema.infer(batch), axis=np.array([0.0, 1.0, 0.0, 1.0]))
    >>> reading = reader.read(Batch.of([{"age": "40", "sex": "female"}]))
    >>> float(reading.values[0, 0]), STATES[reading.states[0, 0]], STATES[reading.states[0, 1]]
    (40.0, 'variant', 'unseen')
    """

    def __init__(self, encoders: Sequence[NumberEncoder | CategoryEncoder], views: Views | None = None) -> None:
        self.encoders = tuple(encoders)
        self.views = views or Views({})
        self.columns = tuple(self.views.source.get(e.name, e.name) for e in self.encoders)  # that each encoder is about
        self.whole = np.array([not isinstance(e, FigureEncoder) for e in self.encoders], dtype=bool)  # a cell of the batch, not one of its numbers
        self.cells = np.array([column not in self.views.of for column in self.columns], dtype=bool)  # of a table: can be put into a batch
        self._open = [(j, e.after) for j, e in enumerate(self.encoders) if isinstance(e, CategoryEncoder) and e.new is not None]
        # Each encoder; of plain numbers, whether they are whole. Figures have states of their own.
        self._plain = [(e, e.integral if type(e) is NumberEncoder and not e.date else None) for e in self.encoders]
        self.edges = np.array([e.edges for e in self.encoders], dtype=np.float64).reshape(-1, 2).T  # of the scores of clean cells, shape (2, d)
        ranges = [(e.low, e.high) if isinstance(e, NumberEncoder) else NO_EDGES for e in self.encoders]
        self.low, self.high = np.array(ranges, dtype=np.float64).reshape(-1, 2).T  # of clean numbers, each of shape (d,)
        self.scorer = Scorer(
            [(j, e) for j, e in enumerate(self.encoders) if isinstance(e, NumberEncoder)],
            [(j, e) for j, e in enumerate(self.encoders) if isinstance(e, CategoryEncoder)],
        )

    @classmethod
    def learn(cls, batch: Batch, schema: Schema, axis: Floats) -> Reader:
        """Learn the encoders from clean rows; `axis` is one number per row that orders the model's answers, shape (n,)."""
        return cls.learned(batch, schema, axis)[0]

    @classmethod
    def learned(cls, batch: Batch, schema: Schema, axis: Floats) -> tuple[Reader, Reading]:
        """Return a reader learned from clean rows, and what it reads in them: texts and pictures as if they were new to it."""
        views, seen = Views.learn(batch, schema)
        reader = cls([e for column in schema.columns.values() for e in _encoders(column, seen, views, axis)], views)
        return reader, reader.read_seen(seen)

    def read(self, batch: Batch) -> Reading:
        """Return the batch in numbers. The batch must have the schema's columns; cells may hold anything."""
        return self.read_seen(self.views.seen(batch))

    def read_seen(self, batch: Batch) -> Reading:
        """Return a batch in numbers whose texts and pictures are numbers already."""
        n, d = len(batch), len(self.encoders)
        if n == 1:
            return self._read_one(batch)
        values, states = np.empty((d, n)).T, np.zeros((d, n), dtype=np.uint8).T  # a column's cells lie side by side
        for j, encoder in enumerate(self.encoders):
            coded = batch.coded.get(encoder.name)
            if coded is None:
                values[:, j], states[:, j] = encoder.encode(batch.columns[encoder.name])
            else:
                found, state = encoder.encode(coded.values)
                values[:, j], states[:, j] = found[coded.codes], state[coded.codes]
        scores, rarities = self.scorer.score(values)
        return Reading(values, scores, states, rarities)

    def _read_one(self, batch: Batch) -> Reading:
        """Read a single row cell by cell: the same numbers, and several times faster."""
        columns = batch.columns
        found: list[float] = []
        marked: list[int] = []
        for encoder, whole in self._plain:
            column = columns[encoder.name]
            if whole is not None and column.dtype is FLOAT:
                value: float = column.item()
                state = MISSING if value != value else FRACTION if whole and not value.is_integer() and abs(value) != np.inf else OK
            else:
                value, state = encoder.encode_one(column)
            found.append(value)
            marked.append(state)
        values, states = np.array([found], dtype=np.float64), np.array([marked], dtype=np.uint8)
        if kernel.compiled is not None:
            scores, rarities = self.scorer.score(values)
            return Reading(values, scores, states, rarities)
        scored = [encoder.score_one(value) for encoder, value in zip(self.encoders, found, strict=True)]
        if None in scored:  # a number beyond the range
            scores, rarities = self.scorer.score(values)
        else:
            scores = np.array([scored], dtype=np.float64)
            rarities = self.scorer.rarities(values)
        return Reading(values, scores, states, rarities)

    def new(self, values: Floats) -> Bools | None:
        """Return which cells hold a new value in a column where these are usual, same shape; None where there is no such column."""
        if not self._open:
            return None
        found = np.zeros(values.shape, dtype=bool)
        for j, after in self._open:
            found[:, j] = values[:, j] == after
        return found

    def state(self) -> list[dict[str, Any]]:
        """Return the encoders, as plain data and arrays; what the views learned is their own to keep."""
        return [encoder.state() for encoder in self.encoders]

    @classmethod
    def from_state(cls, state: Sequence[Mapping[str, Any]], views: Sequence[Mapping[str, Any]] = ()) -> Reader:
        """Rebuild a reader from `state()` and the state of its views."""
        return cls([ENCODERS[part["encoder"]].from_state(part) for part in state], Views.from_state(views))


class NumberEncoder:
    """Numbers and dates: quantile knots and their normal scores."""

    encoder = "number"

    def __init__(self, name: str, quantiles: Floats, n: int, spread: float, integral: bool, date_format: str | None, date: bool) -> None:
        self.name, self.quantiles, self.n, self.spread = name, quantiles, n, spread
        ladder = LADDER if len(quantiles) == len(LADDER) else np.array([0.5])
        knots, first, counts = np.unique(quantiles, return_index=True, return_counts=True)
        self.knots = knots
        self.knot_scores = _normal_scores((ladder[first] + ladder[first + counts - 1]) / 2, n)  # ties share the score of their middle
        self.ladder_scores = _normal_scores(ladder, n)
        self.integral, self.date_format, self.date = integral, date_format, date
        self.low, self.high = float(knots[0]), float(knots[-1])
        self.pieces = pieces(knots, self.knot_scores)
        self._knots, self._pieces = knots.tolist(), tuple(part.tolist() for part in self.pieces)
        self.edges = float(self.knot_scores[0]), float(self.knot_scores[-1])

    @classmethod
    def learn(cls, column: Column) -> Self:
        """Learn from the column's quantiles."""
        quantiles = column.quantiles if len(column.quantiles) else np.zeros(1)
        spread = column.spread if column.spread > 0 else max(abs(float(quantiles[-1])), 1.0)
        return cls(column.name, quantiles, column.n, spread, column.integral, column.date_format, column.kind == "date")

    def encode(self, values: Array) -> tuple[Floats, Array]:
        """Return (numbers, states), each of shape (n,)."""
        states = np.zeros(len(values), dtype=np.uint8)
        if self.date:
            numbers = date_days(values, self.date_format)
            if np.isnan(numbers).any():
                self._recover(values, numbers, states)
            return numbers, states
        if values.dtype == object:
            numbers = np.empty(len(values))
            self._parse(values, numbers, states)
        else:
            numbers = values.astype(np.float64)
        gone = np.isnan(numbers) & (states == OK)
        if gone.any():
            states[gone] = MISSING
        if self.integral:
            broken = (numbers != np.rint(numbers)) & (states == OK)
            if broken.any():
                states[broken] = FRACTION
        return numbers, states

    def encode_one(self, values: Array) -> tuple[float, int]:
        """Return (number, state) of the only cell: the same as `encode`."""
        if self.date:
            numbers, states = self.encode(values)
            return float(numbers[0]), int(states[0])
        cell = values.tolist()[0]
        kind = type(cell)
        if kind is float or kind is int:
            value = number(cell)
            if value != value:
                return value, MISSING
            return value, FRACTION if self.integral and not value.is_integer() and abs(value) != np.inf else OK
        if cell is None:
            return np.nan, MISSING
        found = recovered_number(cell)
        return (np.nan, TYPE) if found is None else (found, VARIANT)

    def score_one(self, value: float) -> float | None:
        """Return the normal score of a number, as the scorer does; None beyond the range, where it is the scorer's."""
        if value != value:
            return value
        if not self.low <= value <= self.high:
            return None
        starts, heights, slopes = self._pieces
        k = bisect_right(self._knots, value)
        return float(heights[k] + slopes[k] * (value - starts[k]))

    def _parse(self, values: Array, numbers: Floats, states: Array) -> None:
        for i, v in enumerate(values.tolist()):
            if type(v) is float or type(v) is int:
                numbers[i] = number(v)
            elif v is None:
                numbers[i] = np.nan
            else:
                found = recovered_number(v)
                numbers[i] = np.nan if found is None else found
                states[i] = TYPE if found is None else VARIANT

    def _recover(self, values: Array, numbers: Floats, states: Array) -> None:
        for i in np.flatnonzero(np.isnan(numbers)):
            cell = values[i]
            if cell is None or values.dtype.kind == "M":
                states[i] = MISSING
                continue
            found = np.nan
            for candidate in DATE_FORMATS:
                found = float(date_days(objects([cell]), candidate)[0])
                if found == found:
                    break
            numbers[i], states[i] = found, (TYPE if found != found else VARIANT)

    def decode(self, scores: Floats) -> Floats:
        """Return the numbers at these normal scores, within the range, whole where the column is; shape (n,)."""
        numbers = np.interp(scores, self.ladder_scores, self.quantiles)
        return np.rint(numbers) if self.integral else numbers

    def cells(self, numbers: Floats) -> Array:
        """Return numbers as cells of this column, shape (n,)."""
        if not self.date:
            return numbers
        micros = np.where(np.isnan(numbers), 0, np.clip(numbers, *CALENDAR) * 86_400e6).astype(np.int64)
        dates = micros.astype("datetime64[us]")
        dates[np.isnan(numbers)] = np.datetime64("NaT")
        if self.date_format is None:
            return dates
        return objects(None if np.isnat(day) else day.item().strftime(self.date_format) for day in dates)

    def state(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder,
            "name": self.name,
            "quantiles": self.quantiles,
            "n": self.n,
            "spread": self.spread,
            "integral": self.integral,
            "date_format": self.date_format,
            "date": self.date,
        }

    @classmethod
    def from_state(cls, s: Mapping[str, Any]) -> Self:
        return cls(s["name"], s["quantiles"], s["n"], s["spread"], s["integral"], s["date_format"], s["date"])


class FigureEncoder(NumberEncoder):
    """A number of a text or a picture: missing where there is nothing to read, never seen where clean data knows but one other value."""

    encoder = "figure"

    def __init__(self, name: str, quantiles: Floats, n: int, spread: float, integral: bool, date_format: str | None, date: bool) -> None:
        super().__init__(name, quantiles, n, spread, integral, date_format, date)
        self.edges = NO_EDGES  # what lies beyond is told by oddity, and by how the numbers fit each other

    def encode(self, values: Array) -> tuple[Floats, Array]:
        numbers = values.astype(np.float64)
        states = np.zeros(len(numbers), dtype=np.uint8)
        states[np.isnan(numbers)] = MISSING
        if self.low == self.high:
            states[~np.isnan(numbers) & (numbers != self.low)] = UNSEEN
        return numbers, states

    def encode_one(self, values: Array) -> tuple[float, int]:
        value = float(values[0])
        return value, MISSING if value != value else UNSEEN if self.low == self.high != value else OK


class _Places(dict[Any, float]):
    """Where each known value stands, NaN for a missing one; −1 for one that is not known."""

    def __missing__(self, value: Any) -> float:
        return -1.0


@dataclass(frozen=True)
class New:
    """What stands for all values that were seen once or never, where new ones are usual: their share and their normal score, and one of them."""

    share: float
    score: float
    like: str


class CategoryEncoder:
    """Categories and booleans: each known value has a position, a normal score and a rarity.

    Where new values are usual (`new`), those seen once and those never seen are one and the same to it, a value like the others: at the position
    behind the known ones.
    """

    def __init__(self, name: str, known: Sequence[Any], known_scores: Floats, shares: Floats, boolean: bool, new: New | None = None) -> None:
        self.name, self.known, self.known_scores, self.shares, self.boolean = name, tuple(known), known_scores, shares, boolean
        self.new, self.after = new, float(len(self.known))
        self.all_scores = known_scores if new is None else np.append(known_scores, new.score)
        self.all_shares = shares if new is None else np.append(shares, new.share)
        self.position = _Places({None: np.nan, **{value: float(i) for i, value in enumerate(self.known)}})
        self.plain = plain_forms(self.known)
        self.cell_of = objects([*self.known, *([] if new is None else [new.like]), None])
        self._scores, self.edges = self.all_scores.tolist(), NO_EDGES
        order = np.argsort(self.all_scores, kind="stable")
        drawn = order < len(self.known)  # a new value is never put in place of another
        self._ladder, self._by_score = _heights(np.cumsum(self.all_shares[order])[drawn]), order[drawn]

    @classmethod
    def learn(cls, column: Column, values: Array, axis: Floats) -> CategoryEncoder:
        """Learn the order of the categories from the mean of `axis` within each, shrunk to the overall mean for rare ones."""
        known = [v for v, count in column.values.items() if count > 1 or not column.open]
        counts = np.array([column.values[v] for v in known], dtype=np.float64)
        position = {v: i for i, v in enumerate(known)}
        codes = np.array([position.get(v, -1) if _simple(v) else -1 for v in values.tolist()], dtype=np.int64)
        if column.open:
            counts = np.append(counts, column.new_rate / (1.0 - column.new_rate) * counts.sum() if known else 1.0)
            codes[[codes[i] < 0 and type(v) is str for i, v in enumerate(values.tolist())]] = len(known)
        seen = codes >= 0
        total = np.bincount(codes[seen], weights=axis[seen], minlength=len(counts)) if len(counts) else np.empty(0)
        support = np.bincount(codes[seen], minlength=len(counts)) if len(counts) else np.empty(0)
        overall = float(axis[seen].mean()) if seen.any() else 0.0
        place = (total + 10.0 * overall) / (support + 10.0)
        shares = counts / counts.sum() if len(counts) else counts
        order = np.argsort(place, kind="stable")
        middle = np.empty(len(counts))
        middle[order] = np.cumsum(shares[order]) - shares[order] / 2
        normal = NormalDist()
        scores = np.array([normal.inv_cdf(float(np.clip(p, 1e-4, 1 - 1e-4))) for p in middle])
        if not column.open:
            return cls(column.name, known, scores, shares, column.kind == "boolean")
        like = list(column.values)[-1]  # the rarest come last
        return cls(column.name, known, scores[:-1], shares[:-1], False, New(float(shares[-1]), float(scores[-1]), like))

    def encode(self, values: Array) -> tuple[Floats, Array]:
        """Return (positions among the known values, states), each of shape (n,)."""
        cells = values.tolist()
        try:
            codes = np.fromiter(map(self.position.__getitem__, cells), dtype=np.float64, count=len(cells))
        except TypeError:  # an unhashable cell: a list or a dict
            codes = np.array([self.position[v] if v is None or _simple(v) else -1.0 for v in cells], dtype=np.float64)
        states = np.where(np.isnan(codes), MISSING, OK).astype(np.uint8)
        odd = np.flatnonzero(codes < 0)
        memo: dict[Any, tuple[float, int]] = {}
        for i in odd:
            cell = cells[i]
            if type(cell) is float and cell != cell:
                codes[i], states[i] = np.nan, MISSING
            elif _simple(cell):
                if cell not in memo:
                    memo[cell] = self._recovered(cell)
                codes[i], states[i] = memo[cell]
            else:
                codes[i], states[i] = np.nan, TYPE
        return codes, states

    def encode_one(self, values: Array) -> tuple[float, int]:
        """Return (position, state) of the only cell: the same as `encode`."""
        cell = values.tolist()[0]
        try:
            code = self.position[cell]
        except TypeError:  # an unhashable cell: a list or a dict
            return np.nan, TYPE
        if code >= 0:
            return code, OK
        if code != code or (type(cell) is float and cell != cell):
            return np.nan, MISSING
        return self._recovered(cell) if _simple(cell) else (np.nan, TYPE)

    def score_one(self, value: float) -> float:
        """Return the normal score of a position, as the scorer does."""
        return self._scores[int(value)] if value == value else np.nan

    def _recovered(self, cell: Any) -> tuple[float, int]:
        if self.new is not None and type(cell) is not str:
            return np.nan, TYPE
        found = recovered_boolean(cell) if self.boolean else recovered_category(cell, self.plain, self.known, self.new is None)
        if self.new is not None and found is None and written(cell):
            return self.after, OK
        return (np.nan, UNSEEN) if found is None or found not in self.position else (self.position[found], VARIANT)

    def decode(self, scores: Floats) -> Floats:
        """Return the positions of the categories at these normal scores, shape (n,): known ones, wherever there are any."""
        if not len(self.known):
            return np.full(len(scores), np.nan if self.new is None else self.after)
        rung = np.minimum(np.searchsorted(self._ladder, scores), len(self.known) - 1)
        return self._by_score[rung].astype(np.float64)

    def cells(self, codes: Floats) -> Array:
        """Return positions as cells of this column, None where there is none, shape (n,); one of the new values stands for them all."""
        found: Array = self.cell_of[np.where(np.isnan(codes), len(self.cell_of) - 1, codes).astype(np.int64)]
        return found

    def state(self) -> dict[str, Any]:
        return {
            "encoder": "category",
            "name": self.name,
            "known": list(self.known),
            "known_scores": self.known_scores,
            "shares": self.shares,
            "boolean": self.boolean,
            **({} if self.new is None else {"new": vars(self.new)}),
        }

    @classmethod
    def from_state(cls, s: Mapping[str, Any]) -> CategoryEncoder:
        return cls(s["name"], s["known"], s["known_scores"], s["shares"], s["boolean"], New(**s["new"]) if "new" in s else None)


def _normal_scores(p: Floats, n: int) -> Floats:
    edge = 0.5 / max(n, 2)
    normal = NormalDist()
    return np.array([normal.inv_cdf(float(np.clip(x, edge, 1 - edge))) for x in p])


ENCODERS: Mapping[str, type[NumberEncoder] | type[CategoryEncoder]] = {
    "number": NumberEncoder,
    "figure": FigureEncoder,
    "category": CategoryEncoder,
}


def _encoders(column: Column, seen: Batch, views: Views, axis: Floats) -> Sequence[NumberEncoder | CategoryEncoder]:
    """Return the encoder of a column; of one of texts or pictures, that of whether it can be read, and those of its numbers."""
    if column.name in views.of:
        there = Column(column.name, "number", null_rate=column.null_rate, quantiles=np.zeros(len(LADDER)), n=column.n)
        figures = [name for name, of in views.source.items() if of == column.name and name != column.name]
        known = Schema.infer(Batch({name: seen.columns[name] for name in figures}, seen.ids)).columns.values()
        return NumberEncoder.learn(there), *(FigureEncoder.learn(figure) for figure in known)
    if column.kind in ("number", "date"):
        return (NumberEncoder.learn(column),)
    return (CategoryEncoder.learn(column, seen.columns[column.name], axis),)


def _simple(value: object) -> bool:
    return isinstance(value, (str, int, float, dt.date))


def _heights(p: Floats) -> Floats:
    """Return where the normal distribution function reaches these probabilities."""
    normal = NormalDist()
    return np.array([normal.inv_cdf(x) if 0 < x < 1 else np.copysign(np.inf, x - 0.5) for x in p.tolist()], dtype=np.float64)
