"""Every threshold at once: how many rows of each kind a classifier names, from nobody to everyone, and the curves that are read off that.

Rows are counted by distinct score, so that a resample of the rows is a resample of counts, and whatever is read off the counts gets an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.intervals import share
from camelopard.core.records import Interval

RESAMPLES = 400
GRID = 101


@dataclass(frozen=True)
class Sweep:
    """What is named at each cut of the scores. Cut 0 names nobody, cut j the rows with the j highest distinct scores, the last everyone.

    scores
        The distinct scores, falling, shape (k,).
    found, alarms
        How many of the rows named at each cut are of the class sought, and how many are not, shape (k + 1,).

    >>> rows = Sweep.of(np.array([0.9, 0.2, 0.9, 0.4]), np.array([True, False, False, True]))
    >>> rows.found.tolist(), rows.alarms.tolist(), rows.threshold(1), rows.threshold(3)
    ([0, 1, 2, 2], [0, 1, 1, 2], 0.9, 0.0)
    """

    scores: Floats
    found: Ints
    alarms: Ints

    @classmethod
    def of(cls, score: Floats, event: Bools) -> Sweep:
        """Count rows by their score (n,) and whether they are of the class sought (n,)."""
        rising, place = np.unique(score, return_inverse=True)
        cell = 2 * (len(rising) - 1 - place) + event
        return cls._counted(rising[::-1], np.bincount(cell, minlength=2 * len(rising)))

    @classmethod
    def _counted(cls, scores: Floats, cells: Ints) -> Sweep:
        at_or_above = np.zeros((len(scores) + 1, 2), dtype=np.int64)
        np.cumsum(cells.reshape(-1, 2), axis=0, out=at_or_above[1:])
        return cls(scores, at_or_above[:, 1], at_or_above[:, 0])

    @property
    def events(self) -> int:
        return int(self.found[-1])

    @property
    def others(self) -> int:
        return int(self.alarms[-1])

    @property
    def rows(self) -> int:
        return self.events + self.others

    @property
    def named(self) -> Ints:
        """How many rows are named at each cut, shape (k + 1,)."""
        named: Ints = self.found + self.alarms
        return named

    def threshold(self, cut: int) -> float:
        """Return the score from which rows are named at a cut: infinite where nobody is, 0 where everyone is."""
        if cut == 0:
            return math.inf
        return 0.0 if cut == len(self.scores) else float(self.scores[cut - 1])

    def cut(self, threshold: float | Floats) -> Array:
        """Return the cut that names the rows with at least this score, shape as given."""
        found: Array = np.searchsorted(-self.scores, -np.asarray(threshold), side="right")
        return found

    def costs(self, costs: OutcomeCosts, cut: Array | slice = slice(None)) -> Floats:
        """Return what the rows cost per 1,000 at each cut, shape (k + 1,), or at some."""
        found, alarms = self.found[cut], self.alarms[cut]
        per_1000: Floats = 1000 * (costs.missed * (self.events - found) + costs.false_alarm * alarms + costs.net_found * found) / self.rows
        return per_1000

    def precision(self) -> Floats:
        """Return the share of the named that are of the class sought, at each cut but the first, shape (k,); NaN where nobody is named."""
        return _ratio(self.found[1:], self.named[1:])

    def resamples(self, rng: np.random.Generator, times: int = RESAMPLES) -> Iterator[Sweep]:
        """Give resamples of the rows (Efron & Tibshirani 1993), counted."""
        cells = np.stack([self.alarms[1:] - self.alarms[:-1], self.found[1:] - self.found[:-1]], axis=1).ravel()
        row = np.repeat(np.arange(len(cells)), cells)
        for _ in range(times):
            yield Sweep._counted(self.scores, np.bincount(row[rng.integers(len(row), size=len(row))], minlength=len(cells)))

    def resampled(self, statistic: Callable[[Sweep], Floats], rng: np.random.Generator) -> Floats:
        """Return a statistic of the resamples, shape (times, …)."""
        return np.array([statistic(sweep) for sweep in self.resamples(rng)], dtype=np.float64)


@dataclass(frozen=True)
class Curve:
    """A curve with its pointwise 95 % band, as plain arrays of one length.

    name, x_name, y_name
        What it shows, and over what.
    x, value, low, high
        Shape (m,); NaN where there is nothing to measure.
    beside
        What it is held against: name and values, shape (m,).
    """

    name: str
    x_name: str
    y_name: str
    x: Floats
    value: Floats
    low: Floats
    high: Floats
    beside: dict[str, Floats] = field(default_factory=dict)


def ranking(sweep: Sweep) -> Floats:
    """Return the area under the ROC curve, ties counted half, and the average precision, shape (2,).

    >>> ranking(Sweep.of(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))).round(2)
    array([0.75, 0.83])
    """
    found, alarms = np.diff(sweep.found), np.diff(sweep.alarms)
    area = float((alarms * (sweep.found[1:] + sweep.found[:-1])).sum()) / 2
    pairs, events = sweep.events * sweep.others, sweep.events
    average = float(np.nansum(found * sweep.precision()))
    return np.array([area / pairs if pairs else math.nan, average / events if events else math.nan])


def curves(sweep: Sweep, costs: OutcomeCosts | None, rng: np.random.Generator) -> tuple[dict[str, Curve], tuple[Interval, Interval]]:
    """Return the curves by name, `roc`, `precision-recall`, `net-benefit` and, with costs, `cost`; and the intervals of `ranking`.

    Net benefit is that of Vickers & Elkin (2006): found rows, less the false alarms weighted by the odds of the threshold, per row.
    """
    grid = np.linspace(0, 1, GRID)
    recalls, shown = grid[1:], _shown(sweep)
    worth = shown[(shown > 0) & (shown <= 0.99)]
    odds = worth / (1 - worth)
    parts: dict[str, Callable[[Sweep], Floats]] = {
        "roc": lambda s: _roc(s, grid),
        "precision-recall": lambda s: _precision_at(s, recalls),
        "net-benefit": lambda s: 1000 * (s.found[s.cut(worth)] - odds * s.alarms[s.cut(worth)]) / s.rows,
    }
    if costs is not None:
        parts["cost"] = lambda s: s.costs(costs, s.cut(shown))
    values = {name: part(sweep) for name, part in parts.items()}
    drawn = sweep.resampled(lambda s: np.concatenate([ranking(s), *(part(s) for part in parts.values())]), rng)
    area, average = (around(float(v), drawn[:, i], min(sweep.events, sweep.others)) for i, v in enumerate(ranking(sweep)))
    low, high = _band(drawn)
    ends = np.cumsum([2, *(len(v) for v in values.values())])
    at = {name: slice(ends[i], ends[i + 1]) for i, name in enumerate(values)}
    prevalence = sweep.events / sweep.rows
    told = {
        "roc": ("false alarms among the others", "found (recall)", grid, {"guessing": grid}),
        "precision-recall": ("found (recall)", "right among the named (precision)", recalls, {"guessing": np.full(GRID - 1, prevalence)}),
        "net-benefit": (
            "threshold",
            "net benefit per 1,000",
            worth,
            {"name everyone": 1000 * (prevalence - (1 - prevalence) * odds), "name nobody": np.zeros(len(worth))},
        ),
        "cost": ("threshold", "cost per 1,000", shown, {}),
    }
    if costs is not None:
        everyone, nobody = float(sweep.costs(costs)[-1]), float(sweep.costs(costs)[0])
        told["cost"][3].update({"name everyone": np.full(len(shown), everyone), "name nobody": np.full(len(shown), nobody)})
    found = {}
    for name, value in values.items():
        x_name, y_name, x, beside = told[name]
        found[name] = Curve(name, x_name, y_name, x, value, low[at[name]], high[at[name]], beside)
    return found, (area, average)


def around(value: float, drawn: Floats, rows: int) -> Interval:
    """Return the 95 % percentile interval of a share; Wilson's of so many rows where all resamples agree on 0 or 1.

    >>> around(1.0, np.ones(100), 50).low < 0.95
    True
    """
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn) or value != value:
        return Interval(math.nan, math.nan)
    if value in (0.0, 1.0) and np.ptp(drawn) == 0:
        return share(value * rows, rows)
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return Interval(min(low, value), max(high, value))


def _shown(sweep: Sweep) -> Floats:
    """Return thresholds at which a curve over thresholds is drawn: even ones, and more where the scores lie."""
    many = sweep.scores[np.linspace(0, len(sweep.scores) - 1, min(GRID, len(sweep.scores))).astype(int)]
    shown: Floats = np.unique(np.concatenate([np.linspace(0, 1, GRID), np.clip(many, 0, 1)]))
    return shown


def _roc(sweep: Sweep, grid: Floats) -> Floats:
    """Return the share found at shares of the others named, on straight lines between the cuts (ties are broken by chance)."""
    if not sweep.events or not sweep.others:
        return np.full(len(grid), np.nan)
    up, along = sweep.found / sweep.events, sweep.alarms / sweep.others
    left = np.searchsorted(along, grid, side="right") - 1
    right = np.minimum(left + 1, len(along) - 1)
    width = along[right] - along[left]
    part = np.divide(grid - along[left], width, out=np.zeros(len(grid)), where=width > 0)
    value: Floats = up[left] + part * (up[right] - up[left])
    return value


def _precision_at(sweep: Sweep, recalls: Floats) -> Floats:
    """Return the precision at the first cut that finds so much."""
    if not sweep.events:
        return np.full(len(recalls), np.nan)
    cut = np.searchsorted(sweep.found, recalls * sweep.events - 1e-9, side="left")
    found: Floats = sweep.precision()[np.maximum(cut, 1) - 1]
    return found


def _band(drawn: Floats) -> tuple[Floats, Floats]:
    empty = np.isnan(drawn).all(axis=0)
    low, high = np.nanquantile(np.where(empty, 0.0, drawn), [0.025, 0.975], axis=0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _ratio(part: Ints, whole: Ints) -> Floats:
    found: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return found
