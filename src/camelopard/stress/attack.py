"""How small a change suffices? Searches, for some rows, the smallest *valid* change that moves the answer, asking the model as a black box.

Every round asks one batch for all rows. First one column at a time, in growing steps; then, for rows that no single column moves, several columns at
once towards the most moving of them; at the end every step is halved back as far as the answer stays moved.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import BudgetSpent
from camelopard.core.intervals import share
from camelopard.core.protocols import Session
from camelopard.core.records import Finding, Prediction
from camelopard.core.schema import Column, Schema
from camelopard.stress.truth import Truth

LADDER = (0.01, 0.05, 0.25, 1.0, 2.0)  # steps tried, in spreads of the column
HALVINGS = 5
MOST_CATEGORIES = 6  # other categories tried per column, the most frequent first
WITHIN = (0.01, 0.05, 0.1, 0.5, 1.0)  # costs at which the share of moved rows is stated
TINY, ALARMING = 0.01, 0.10  # share of rows moved by a change this small from which there is a finding


@dataclass(frozen=True)
class Move:
    """One valid change of one column: by `step` spreads (numbers), or to `value` (categories). Costs |step|, or 1 for a category."""

    column: str
    step: float = 0.0
    value: Any = None

    @property
    def cost(self) -> float:
        """How large the change is."""
        return abs(self.step) if self.value is None else 1.0


@dataclass(frozen=True)
class AttackResult:
    """What the search found: per attacked row the smallest moving change (empty where there was none), its cost, and the attacked rows themselves."""

    rows: Ints
    batch: Batch
    succeeded: Bools
    costs: Floats
    changes: tuple[tuple[Move, ...], ...]
    moved_by: dict[str, Floats]
    before: Prediction
    after: Prediction
    original: Batch
    queries: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        n = len(self.rows)
        by_column = [
            {"column": name, "flipped": float(np.isfinite(costs).mean()), "median_change": float(np.median(costs[np.isfinite(costs)]))}
            for name, costs in self.moved_by.items()
            if np.isfinite(costs).any()
        ]
        return {
            "rows": n,
            "attacked": n,
            "succeeded": int(self.succeeded.sum()),
            "fooled_within": {str(limit): float((self.costs <= limit).mean()) for limit in WITHIN},
            "by_column": sorted(by_column, key=lambda c: (-c["flipped"], c["median_change"])),
            "examples": [self._example(int(i)) for i in np.argsort(self.costs, kind="stable")[:5] if self.succeeded[i]],
            "queries": self.queries,
        }

    def findings(self) -> list[Finding]:
        """Return a finding where many rows are moved by next to nothing: a smooth model has few rows that close to a boundary."""
        n, k = len(self.rows), int((self.costs <= TINY).sum())
        interval = share(k, n)
        if not n or interval.low <= ALARMING:
            return []
        message = f"A change of a hundredth of a spread moves the answer of {k / n:.0%} of the rows attacked: the model hangs on noise."
        return [
            Finding("small-change", "*", message, "medium", k / n, ALARMING, interval, rows=tuple(int(i) for i in self.rows[self.costs <= TINY][:5]))
        ]

    def _example(self, i: int) -> dict[str, Any]:
        old, new = self.original.row(i), self.batch.row(i)
        return {
            "row": int(self.rows[i]),
            "changes": {m.column: [old[m.column], new[m.column]] for m in self.changes[i]},
            "answer": [plain(self.before.value[i]), plain(self.after.value[i])],
            "cost": float(self.costs[i]),
        }


def attack(
    session: Session,
    batch: Batch,
    schema: Schema,
    truth: Truth,
    rng: np.random.Generator,
    rows: int = 100,
    queries_per_row: int = 200,
    frozen: Collection[str] = (),
) -> AttackResult:
    """Search the smallest valid change that moves the answer, for up to `rows` rows drawn at random.

    Types, observed ranges and categories are respected; whole numbers stay whole; the columns in `frozen` stay as they are. No row costs more than
    `queries_per_row` model rows. The cost of a change is the sum of |Δ| / spread over its columns, 1 for a changed category.
    """
    chosen = np.sort(rng.permutation(len(batch))[:rows])
    original = batch.take(chosen).renumbered()
    before = session.predict(original)
    search = _Search(session, original, before, schema, truth, queries_per_row)
    free = [c for c in schema.columns.values() if c.name not in frozen and not c.constant and c.kind != "date"]
    try:
        search.singles(free)
        search.jointly(free)
        search.shrink()
    except BudgetSpent:
        pass
    return search.result(chosen)


class _Search:
    def __init__(self, session: Session, original: Batch, before: Prediction, schema: Schema, truth: Truth, limit: int) -> None:
        self.session, self.original, self.before, self.schema, self.truth, self.limit = session, original, before, schema, truth, limit
        n = len(original)
        self.best: list[tuple[Move, ...]] = [() for _ in range(n)]
        self.costs = np.full(n, np.inf)
        self.used = np.zeros(n, dtype=np.int64)
        self.moved_by: dict[str, Floats] = {}
        self.pull: dict[str, Floats] = {}

    def singles(self, columns: list[Column]) -> None:
        """Try every column alone, in growing steps both ways, or every other frequent category."""
        for step in LADDER:
            for column in columns:
                if column.kind == "number":
                    for sign in (1.0, -1.0):
                        self._try_all([(Move(column.name, sign * step),) for _ in range(len(self.original))], column.name)
        for column in columns:
            if column.kind != "number":
                for value in list(column.values)[:MOST_CATEGORIES]:
                    self._try_all([(Move(column.name, value=value),) for _ in range(len(self.original))], column.name)

    def jointly(self, columns: list[Column]) -> None:
        """For rows that no single column moves: the two, three, then all numbers that pull hardest, each in its own direction."""
        numbers = [c.name for c in columns if c.kind == "number" and c.name in self.pull]
        for count in (2, 3, len(numbers)):
            for step in (0.25, 1.0, 2.0):
                moves: list[tuple[Move, ...]] = []
                for i in range(len(self.original)):
                    if np.isfinite(self.costs[i]) or count > len(numbers):
                        moves.append(())
                        continue
                    order = sorted(numbers, key=lambda name: -abs(self.pull[name][i]))[:count]
                    moves.append(tuple(Move(name, float(np.copysign(step, self.pull[name][i]))) for name in order))
                self._try_all(moves, None)

    def shrink(self) -> None:
        """Halve the steps of the best change found, as far as the answer stays moved."""
        low = [0.0] * len(self.best)
        high = [1.0] * len(self.best)
        start = list(self.best)
        for _ in range(HALVINGS):
            middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
            moves = [
                tuple(Move(m.column, m.step * f, m.value) for m in moves) if any(m.value is None for m in moves) else ()
                for moves, f in zip(start, middle, strict=True)
            ]
            moved = self._try_all(moves, None)
            for i, f in enumerate(middle):
                if moved[i]:
                    high[i] = f
                else:
                    low[i] = f

    def result(self, chosen: Ints) -> AttackResult:
        """Return what was found; the changed rows are asked once more from memory."""
        changed = self._apply(self.best)
        return AttackResult(
            chosen,
            changed,
            np.isfinite(self.costs),
            self.costs,
            tuple(self.best),
            self.moved_by,
            self.before,
            self._known(changed),
            self.original,
            int(self.used.sum()),
        )

    def _known(self, changed: Batch) -> Prediction:
        try:
            return self.session.predict(changed)
        except BudgetSpent:
            return self.before

    def _try_all(self, moves: list[tuple[Move, ...]], single: str | None) -> Bools:
        """Ask about one change per row (an empty one asks nothing); keep those that move the answer for less than what is known."""
        wanted = np.array([bool(m) and self.used[i] < self.limit and sum(x.cost for x in m) < self.costs[i] for i, m in enumerate(moves)])
        moved = np.zeros(len(moves), dtype=bool)
        rows = np.flatnonzero(wanted)
        if not len(rows):
            return moved
        changed = self._apply(moves).take(rows)
        after = self.session.predict(changed)
        self.used[rows] += 1
        before = self.before.take(rows)
        moved[rows] = self.truth.flipped(before, after)
        if single is not None:
            self._note(single, moves, rows, moved[rows], before, after)
        for i in np.flatnonzero(moved):
            real = self._real_cost(int(i), moves[i])
            if real < self.costs[i]:
                self.best[i], self.costs[i] = moves[i], real
        return moved

    def _note(self, name: str, moves: list[tuple[Move, ...]], rows: Ints, moved: Bools, before: Prediction, after: Prediction) -> None:
        """Remember the smallest step of this column alone, and in which direction it pulls the answer."""
        known = self.moved_by.setdefault(name, np.full(len(self.original), np.inf))
        cost = np.array([moves[i][0].cost for i in rows])
        known[rows] = np.where(moved, np.minimum(known[rows], cost), known[rows])
        step = np.array([moves[i][0].step for i in rows])
        pull = self.pull.setdefault(name, np.zeros(len(self.original)))
        drop = _drop(before, after)
        pull[rows] = np.where(np.abs(drop) > np.abs(pull[rows]), np.sign(step) * drop, pull[rows])

    def _real_cost(self, i: int, moves: tuple[Move, ...]) -> float:
        """Return the cost of the change as it really is, after ranges and whole numbers."""
        total = 0.0
        for m in moves:
            if m.value is not None:
                total += 1.0
                continue
            column = self.schema[m.column]
            old = float(self.original.columns[m.column][i])
            total += abs(float(_stepped(np.array([old]), np.array([m.step]), column)[0]) - old) / column.spread
        return total

    def _apply(self, moves: list[tuple[Move, ...]]) -> Batch:
        changes: dict[str, Array] = {}
        for name in dict.fromkeys(m.column for row in moves for m in row):
            column = self.schema[name]
            own = [next((m for m in row if m.column == name), None) for row in moves]
            values = changes.get(name, self.original.columns[name])
            if column.kind == "number":
                steps = np.array([m.step if m is not None else 0.0 for m in own])
                changes[name] = _stepped(values.astype(np.float64), steps, column)
            elif values.dtype.kind == "b":
                changes[name] = np.array([v if m is None else bool(m.value) for v, m in zip(values.tolist(), own, strict=True)], dtype=bool)
            else:
                new = values.copy()
                for i, m in enumerate(own):
                    if m is not None:
                        new[i] = m.value
                changes[name] = new
        return self.original.with_columns(changes)


def _stepped(values: Floats, steps: Floats, column: Column) -> Floats:
    """Return values moved by steps in spreads, within the observed range, whole where the column is, by at least one."""
    moved: Floats = values + steps * column.spread
    if column.integral:
        moved = np.where(steps > 0, np.ceil(moved - 1e-9), np.where(steps < 0, np.floor(moved + 1e-9), moved))
    bounded: Floats = np.where(steps == 0, values, np.clip(moved, np.minimum(column.low, values), np.maximum(column.high, values)))
    return bounded


def _drop(before: Prediction, after: Prediction) -> Floats:
    """Return how far the answer was pulled down, shape (n,): the loss of probability of the old class, or the change of the number."""
    if before.proba is not None and after.proba is not None:
        best = np.argmax(np.nan_to_num(before.proba), axis=1)
        at = np.arange(len(best))
        return np.asarray(np.nan_to_num(before.proba[at, best] - after.proba[at, best]))
    if before.classes:
        return np.asarray(before.value != after.value, dtype=np.float64)
    return np.asarray(np.nan_to_num(np.abs(after.value.astype(np.float64) - before.value.astype(np.float64))))
