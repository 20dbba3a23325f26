"""How small a change suffices? Searches, for some rows, the smallest *valid* change that moves the answer, asking the model as a black box.

Every round asks one batch for all rows. First one column at a time, in growing steps, and the smallest step that suffices by bisection. Then, for
rows that no single column moves, several columns at once: the columns that lower the margin most for their cost, or the nearest row that gets another
answer; what is not needed is put back, and the rest shrunk, column by column (as in decision-based attacks: Brendel, Rauber & Bethge 2018).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import BudgetSpent, CamelopardError, UnknownName
from camelopard.core.intervals import share
from camelopard.core.protocols import Session
from camelopard.core.records import Finding, Prediction
from camelopard.core.schema import Schema
from camelopard.stress.axis import Axis, axes_of
from camelopard.stress.runner import Case
from camelopard.stress.truth import Truth

KIND = "smallest-change"
LADDER = (0.01, 0.05, 0.25, 1.0, 2.0, 4.0, np.inf)  # steps of one column, in spreads; the last one reaches the end of its range
MOST_CATEGORIES = 8  # other categories tried per column, the most frequent first
PROBE = 1.0  # the step with which columns are compared where there are too many to climb the ladder in each
BISECTIONS = 6
TIGHT = 1.1  # a step known up to this factor is not bisected further
PREFIXES = (2, 3, 5, 8, 13, 21, 34)  # how many columns are moved at once
NEIGHBOURS = 3  # rows with another answer that are tried as a starting point
CALL = 8192  # rows asked at once
PROBING, CLIMBING, SINGLES = 0.3, 0.6, 0.7  # share of a row's queries that may be spent by the end of these stages
BLOCK = 0.2  # share of a row's queries that the columns climbed side by side may take
CHEAP = 0.25  # cost up to which a row moved by one column is not tried with several
WITHIN = (0.01, 0.05, 0.1, 0.5, 1.0)  # costs at which the share of moved rows is stated
TINY, ALARMING = 0.01, 0.10  # share of rows moved by a change this small from which the finding is more than low
EXAMPLES = 5
ROUNDING = 1e-9


@dataclass(frozen=True)
class AttackResult:
    """What the search found. Arrays have one entry per attacked row: a row drawn on which the model has an answer.

    rows
        Positions in the batch that was given.
    original, batch
        The rows as they were, and with the smallest change that moves the answer; where none was found, the change that came closest.
    succeeded
        Whether the answer moves, or the model raises.
    costs
        Σ |Δ| / spread over the columns changed, 1 for a changed category; infinite where nothing was found.
    moved_by
        Per column, what changing it alone costs: infinite where that did not suffice, NaN where it was not tried.
    queries
        Model rows spent on each row.
    drawn
        How many rows were drawn, with those on which the model has no answer.
    complete
        False where the session's budget ended before the search did.
    """

    rows: Ints
    original: Batch
    batch: Batch
    succeeded: Bools
    costs: Floats
    moved_by: dict[str, Floats]
    spreads: dict[str, float]
    before: Prediction
    after: Prediction
    queries: Ints
    drawn: int
    complete: bool = True

    def changes(self, i: int) -> dict[str, tuple[Any, Any]]:
        """Return what was changed in attacked row i: the old and the new cell by column."""
        old, new = self.original.row(i), self.batch.row(i)
        return {name: (old[name], new[name]) for name in old if old[name] != new[name]}

    def cases(self, rows: Ints) -> list[Case]:
        """Return the changes that moved the answer as a case, as if a damage had done them; `rows` are the positions of the batch's rows."""
        won = np.flatnonzero(self.succeeded)
        if not len(won):
            return []
        no, yes = np.zeros(len(won), dtype=bool), np.ones(len(won), dtype=bool)
        at, before, after = rows[self.rows[won]], self.before.take(won), self.after.take(won)
        return [Case(KIND, "attack", "*", 0, True, at, self.batch.take(won), before, after, yes, ~after.failed, no, yes, no, no, no)]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        best = [int(i) for i in np.argsort(self.costs, kind="stable")[:EXAMPLES] if self.succeeded[i]]
        n = max(len(self.rows), 1)
        return {
            "rows": self.drawn,
            "attacked": len(self.rows),
            "succeeded": int(self.succeeded.sum()),
            "fooled_within": {str(limit): float((self.costs <= limit + ROUNDING).sum()) / n for limit in WITHIN},
            "by_column": self._by_column(),
            "examples": [self._example(i) for i in best],
            "queries": int(self.queries.sum()),
            "complete": self.complete,
        }

    def findings(self) -> list[Finding]:
        """Return a finding where next to nothing moves the answer of some rows; medium only where it surely is more than one row in ten.

        A smooth model has few rows that close to a boundary.
        """
        tiny = self.costs <= TINY + ROUNDING
        n, k = len(self.rows), int(tiny.sum())
        if not k:
            return []
        interval = share(k, n)
        alarming = interval.low > ALARMING
        meaning = "the model hangs on noise" if alarming else "these rows lie next to a boundary of the model"
        message = f"A change of a hundredth of a spread moves the answer of {k / n:.0%} of the rows attacked: {meaning}."
        rows = tuple(int(i) for i in self.rows[tiny][:EXAMPLES])
        return [Finding("small-change", "*", message, "medium" if alarming else "low", k / n, ALARMING, interval, rows=rows)]

    def _by_column(self) -> list[dict[str, Any]]:
        found = []
        for name, costs in self.moved_by.items():
            moved = costs[np.isfinite(costs)]
            if len(moved):
                spread, middle = self.spreads.get(name), float(np.median(moved))
                share_moved = len(moved) / int((~np.isnan(costs)).sum())
                step = None if spread is None else middle * spread
                found.append({"column": name, "flipped": share_moved, "median_change": middle, "median_step": step})
        return sorted(found, key=lambda c: (-c["flipped"], c["median_change"]))

    def _example(self, i: int) -> dict[str, Any]:
        return {
            "row": int(self.rows[i]),
            "changes": {name: list(pair) for name, pair in self.changes(i).items()},
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

    Types, observed ranges and categories are respected; whole numbers stay whole, missing cells missing, and the columns in `frozen` as they are. No
    row costs more than `queries_per_row` model rows. Where the session's budget ends first, what was found by then is returned.

    Raises
    ------
    UnknownName
        If a frozen column is none of the schema's.
    BudgetSpent
        If not even the rows themselves can be asked.
    """
    chosen, before, drawn = begun(session, batch, schema, rng, rows, queries_per_row, frozen)
    search = _Search(session, batch.take(chosen), before, schema, truth, rng, queries_per_row, frozen)
    try:
        search.singles()
        search.jointly()
    except BudgetSpent:
        search.complete = False
    return search.result(chosen, drawn)


def begun(
    session: Session, batch: Batch, schema: Schema, rng: np.random.Generator, rows: int, queries_per_row: int, frozen: Collection[str]
) -> tuple[Ints, Prediction, int]:
    """Return the rows to attack, drawn at random among those that the model answers, its answers to them, and how many were drawn.

    Raises
    ------
    UnknownName, CamelopardError
        If a frozen column is none of the schema's, or a row may not even be asked itself.
    BudgetSpent
        If not even the rows themselves can be asked.
    """
    for name in frozen:
        if name not in schema.columns:
            raise UnknownName.among(name, schema.names, "column")
    if queries_per_row < 1:
        raise CamelopardError(f"queries_per_row={queries_per_row}: expected at least 1, the row itself.")
    drawn = np.sort(rng.permutation(len(batch))[:rows])
    before = session.predict(batch.take(drawn))
    return drawn[~before.failed], before.take(~before.failed), len(drawn)


class _Search:
    """The state of one search. A row is a point: one number per axis (column) that may be changed."""

    def __init__(
        self,
        session: Session,
        original: Batch,
        before: Prediction,
        schema: Schema,
        truth: Truth,
        rng: np.random.Generator,
        limit: int,
        frozen: Collection[str],
    ) -> None:
        self.session, self.original, self.before, self.truth, self.rng, self.limit = session, original, before, truth, rng, limit
        self.axes: list[Axis] = axes_of(original, schema, frozen)
        n, d = len(original), len(self.axes)
        self.start: Floats = np.column_stack([a.start for a in self.axes]) if d else np.zeros((n, 0))
        self.free: Bools = ~np.isnan(self.start)
        self.spent = np.ones(n, dtype=np.int64)
        self.complete = True
        self.best, self.costs = self.start.copy(), np.full(n, np.inf)
        self.closest = np.full(n, -np.inf)
        self.answers: list[tuple[Prediction, int]] = [(before, i) for i in range(n)]
        self.signs = (1.0, -1.0) if truth.task == "regression" else (1.0,)
        self.gains = np.zeros((len(self.signs), n, d))  # the furthest that a column alone pulls the answer, and to where
        self.pulls = np.repeat(self.start[None], len(self.signs), axis=0)
        self.tried = np.zeros((n, d), dtype=bool)
        self.enough, self.short = np.full((n, d), np.nan), self.start.copy()  # per column: a value that moves the answer; the next one known not to

    # --- one column at a time ---------------------------------------------------------------------------------------------------------

    def singles(self) -> None:
        """Climb the ladder in every column, or in those that pull most where there are too many; bisect what suffices."""
        cost = np.array([a.queries(len(LADDER), MOST_CATEGORIES) for a in self.axes], dtype=np.int64)
        blocks = [np.arange(len(self.axes))]
        if cost.sum() > CLIMBING * self.limit:
            order = self._probed()
            blocks = np.split(order, np.flatnonzero(np.diff(np.cumsum(cost[order]) // max(1, int(BLOCK * self.limit)))) + 1)
        for columns in blocks:
            for rung in range(max(len(LADDER), MOST_CATEGORIES)):
                groups = []
                for j in columns:
                    still = self.free[:, j] & np.isnan(self.enough[:, j])
                    groups += [(np.flatnonzero(still & ok), int(j), at[still & ok], below[still & ok]) for at, below, ok in self._rung(int(j), rung)]
                self._climb(groups, CLIMBING)
        self._bisect()

    def _rung(self, j: int, rung: int) -> list[tuple[Floats, Floats, Bools]]:
        """Return the candidates of one rung of one column, (values, the values one rung below, where they differ), once per direction."""
        axis = self.axes[j]
        if axis.legal:
            other = axis.other(rung) if rung < MOST_CATEGORIES else None
            return [] if other is None else [(other, axis.start, ~np.isnan(other))]
        if rung >= len(LADDER):
            return []
        found = []
        for sign in (1.0, -1.0):
            at = axis.stepped(sign * LADDER[rung])
            below = axis.stepped(sign * LADDER[rung - 1]) if rung else axis.start
            found.append((at, below, (at != axis.start) & (at != below)))
        return found

    def _probed(self) -> Ints:
        """Return the columns, most moving first: each row tries some, one large step both ways; together the rows compare all."""
        n, d = self.free.shape
        per_row = max(1, int(PROBING * self.limit / 2))
        lot = self.rng.random((n, d)).argsort(axis=1).argsort(axis=1) < per_row
        groups = []
        for j, axis in enumerate(self.axes):
            for at in (axis.other(0), axis.other(1)) if axis.legal else (axis.stepped(PROBE), axis.stepped(-PROBE)):
                if at is not None:
                    ok = lot[:, j] & ~np.isnan(at) & (at != axis.start)
                    groups.append((np.flatnonzero(ok), j, at[ok], axis.start[ok]))
        self._climb(groups, PROBING)
        pull = self.gains.max(axis=0)
        known = np.maximum(self.tried.sum(axis=0), 1)
        merit = np.where(self.tried & ~np.isnan(self.enough), 2 * max(pull.max(initial=0.0), 1.0), pull).sum(axis=0) / known
        return np.argsort(-merit, kind="stable")

    def _climb(self, groups: list[tuple[Ints, int, Floats, Floats]], share_of_limit: float) -> None:
        """Ask about single-column candidates (rows, column, values, values known not to suffice) and note what they do."""
        if not groups:
            return
        rows = np.concatenate([g[0] for g in groups])
        columns = np.concatenate([np.full(len(g[0]), g[1]) for g in groups]).astype(np.int64)
        values, below = np.concatenate([g[2] for g in groups]), np.concatenate([g[3] for g in groups])
        asked, moved, gain = self._ask(rows, self._with(rows, columns, values), share_of_limit)
        self.tried[rows[asked], columns[asked]] = True
        for s, sign in enumerate(self.signs):
            for k in np.argsort(sign * gain, kind="stable"):
                if sign * gain[k] > self.gains[s, rows[k], columns[k]]:
                    self.gains[s, rows[k], columns[k]], self.pulls[s, rows[k], columns[k]] = sign * gain[k], values[k]
        for k in np.flatnonzero(moved):
            i, j = rows[k], columns[k]
            known = self.enough[i, j]
            if np.isnan(known) or self.axes[j].cost(values[k], self.start[i, j]) < self.axes[j].cost(known, self.start[i, j]):
                self.enough[i, j], self.short[i, j] = values[k], below[k]

    def _bisect(self) -> None:
        """Bring the smallest sufficient step of each column down, the cheapest column of a row first."""
        numeric = np.array([not a.legal for a in self.axes], dtype=bool)
        spreads = np.array([a.spread for a in self.axes])
        for _ in range(BISECTIONS):
            rows, columns = np.nonzero(~np.isnan(self.enough) & numeric)
            if not len(rows):
                return
            high, low, start = self.enough[rows, columns], self.short[rows, columns], self.start[rows, columns]
            middle = self._whole(columns, start + _between(low - start, high - start))
            loose = (middle != high) & (middle != low) & (np.abs(high - start) > TIGHT * np.abs(low - start))
            order = np.argsort(np.abs(low - start) / spreads[columns], kind="stable")
            order = order[loose[order]]
            rows, columns, middle = rows[order], columns[order], middle[order]
            asked, moved, _ = self._ask(rows, self._with(rows, columns, middle), SINGLES)
            self.enough[rows[moved], columns[moved]] = middle[moved]
            self.short[rows[asked & ~moved], columns[asked & ~moved]] = middle[asked & ~moved]

    # --- several columns at once ------------------------------------------------------------------------------------------------------

    def jointly(self) -> None:
        """For rows that one column does not move cheaply: find any joint change that does, then put back and shrink what is not needed."""
        rows = np.flatnonzero((self.costs > CHEAP) & self.free.any(axis=1))
        self.at, self.at_costs = self.start.copy(), np.full(len(self.start), np.inf)
        if not len(rows):
            return
        self._begin(*self._pulled(rows))
        self._begin(*self._neighbours(rows))
        rows = rows[np.isfinite(self.at_costs[rows])]
        self._put_back_halves(rows)
        self._put_back_each(rows)
        self._shrink(rows)

    def _begin(self, rows: Ints, points: Floats) -> None:
        """Keep, per row, the cheapest of these points that moves the answer."""
        _, moved, _ = self._ask(rows, points, 1.0)
        costs = np.where(moved, self._cost_of_each(rows, points).sum(axis=1), np.inf)
        for k in np.argsort(-costs, kind="stable"):
            if costs[k] < self.at_costs[rows[k]]:
                self.at[rows[k]], self.at_costs[rows[k]] = points[k], costs[k]

    def _go(self, rows: Ints, points: Floats) -> tuple[Bools, Bools]:
        """Move to these points, one per row, where the answer stays moved."""
        asked, moved, _ = self._ask(rows, points, 1.0)
        self.at[rows[moved]] = points[moved]
        return asked, moved

    def _pulled(self, rows: Ints) -> tuple[Ints, Floats]:
        """Return points in which the 2, 3, 5 … columns that pull most for their cost are moved as far as was tried."""
        sign = np.maximum(self.gains[:, rows], 0).sum(axis=2).argmax(axis=0)
        gain, pull = self.gains[sign, rows], self.pulls[sign, rows]
        worth = np.where(gain > 0, gain / np.maximum(self._cost_of_each(rows, pull), ROUNDING), -np.inf)
        rank, useful = _ranks(-worth), np.isfinite(worth).sum(axis=1)
        counts = [c for c in PREFIXES if c < self.start.shape[1]] + [self.start.shape[1]]
        fits = [useful > earlier for earlier in [1, *counts[:-1]]]
        points = [np.where((rank < count) & np.isfinite(worth), pull, self.start[rows])[fit] for count, fit in zip(counts, fits, strict=True)]
        return np.concatenate([rows[fit] for fit in fits]), np.concatenate(points)

    def _neighbours(self, rows: Ints) -> tuple[Ints, Floats]:
        """Return the nearest rows that get another answer; what may not be changed stays."""
        n = len(self.start)
        a, b = np.repeat(rows, n), np.tile(np.arange(n), len(rows))
        other = self.truth.flipped(self.before.take(a), self.before.take(b))
        points = np.where(self.free[a] & ~np.isnan(self.start[b]), self.start[b], self.start[a])
        cost = np.where(other, self._cost_of_each(a, points).sum(axis=1), np.inf).reshape(len(rows), n)
        near = np.argsort(cost, axis=1, kind="stable")[:, :NEIGHBOURS]
        good = np.isfinite(np.take_along_axis(cost, near, axis=1))
        return np.repeat(rows, good.sum(axis=1)), points.reshape(len(rows), n, points.shape[1])[np.arange(len(rows))[:, None], near][good]

    def _put_back_halves(self, rows: Ints) -> None:
        """Put the half of the changed columns back that pulls least for its cost, as long as the answer stays moved."""
        while len(rows):
            rank, count = self._by_worth(rows)
            rows, rank, count = rows[count > 3], rank[count > 3], count[count > 3]
            _, moved = self._go(rows, np.where(rank < (count // 2)[:, None], self.start[rows], self.at[rows]))
            rows = rows[moved]

    def _put_back_each(self, rows: Ints) -> None:
        """Try each changed column alone, those first that pull least for their cost."""
        rank, count = self._by_worth(rows)
        for k in range(int(count.max(initial=0))):
            left = rows[count > k]
            self._go(left, np.where(rank[count > k] == k, self.start[left], self.at[left]))

    def _shrink(self, rows: Ints) -> None:
        """Bisect each changed number towards its old value, those first that pull least for their cost."""
        numeric = np.array([not a.legal for a in self.axes], dtype=bool)
        rank, count = self._by_worth(rows)
        for k in range(int(count.max(initial=0))):
            own = rows[count > k]
            j = np.argmax(rank[count > k] == k, axis=1)
            own, j = own[numeric[j]], j[numeric[j]]
            low = self.start[own, j].copy()
            for _ in range(BISECTIONS):
                points = self.at[own].copy()
                middle = points[np.arange(len(own)), j] = self._whole(j, (low + self.at[own, j]) / 2)
                loose = (middle != low) & (middle != self.at[own, j])
                asked, moved = np.zeros(len(own), dtype=bool), np.zeros(len(own), dtype=bool)
                asked[loose], moved[loose] = self._go(own[loose], points[loose])
                low = np.where(asked & ~moved, middle, low)

    def _by_worth(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return the rank of each changed column, 0 the one that pulls least for its cost (others last), and how many are changed."""
        changed = self.free[rows] & (self.at[rows] != self.start[rows])
        cost = self._cost_of_each(rows, self.at[rows])
        worth = self.gains.max(axis=0)[rows] / np.maximum(cost, ROUNDING) - 1e-6 * cost
        return _ranks(np.where(changed, worth, np.inf)), changed.sum(axis=1)

    # --- asking -----------------------------------------------------------------------------------------------------------------------

    def _ask(self, rows: Ints, points: Floats, share_of_limit: float) -> tuple[Bools, Bools, Floats]:
        """Ask about points (m, d) of rows (m,): which were asked (the rest is beyond the row's queries), which move the answer, and how far.

        Remembers the cheapest point per row that moves it, else the one that comes closest.
        """
        m = len(rows)
        asked, moved, gain = np.zeros(m, dtype=bool), np.zeros(m, dtype=bool), np.zeros(m)
        allowed = np.flatnonzero(self.spent[rows] + _turn(rows) < int(share_of_limit * self.limit))
        for begin in range(0, len(allowed), CALL):
            at = allowed[begin : begin + CALL]
            after = self.session.predict(self._cells(rows[at], points[at]))
            before = self.before.take(rows[at])
            asked[at] = True
            self.spent += np.bincount(rows[at], minlength=len(self.spent))
            moved[at], gain[at] = self.truth.fooled(before, after), pulled(before, after, self.truth.task)
            self._remember(rows[at], points[at], after, moved[at], gain[at])
        return asked, moved, gain

    def _remember(self, rows: Ints, points: Floats, after: Prediction, moved: Bools, gain: Floats) -> None:
        costs = self._cost_of_each(rows, points).sum(axis=1)
        for k, i in enumerate(rows.tolist()):
            if moved[k]:
                if costs[k] < self.costs[i]:
                    self.best[i], self.costs[i], self.answers[i] = points[k], costs[k], (after, k)
            elif not np.isfinite(self.costs[i]) and abs(gain[k]) > self.closest[i]:
                self.best[i], self.closest[i], self.answers[i] = points[k], abs(gain[k]), (after, k)

    def _with(self, rows: Ints, columns: Ints, values: Floats) -> Floats:
        points = self.start[rows].copy()
        points[np.arange(len(rows)), columns] = values
        return points

    def _whole(self, columns: Ints, values: Floats) -> Floats:
        whole = np.array([a.whole for a in self.axes], dtype=bool)
        return np.where(whole[columns], np.rint(values), values)

    def _cost_of_each(self, rows: Ints, points: Floats) -> Floats:
        costs = np.zeros(points.shape)
        for j, axis in enumerate(self.axes):
            costs[:, j] = np.nan_to_num(axis.cost(points[:, j], self.start[rows, j]))
        return costs

    def _cells(self, rows: Ints, points: Floats) -> Batch:
        batch = self.original.take(rows)
        changes = {}
        for j, axis in enumerate(self.axes):
            other = self.free[rows, j] & (points[:, j] != self.start[rows, j])
            if other.any():
                changes[axis.name] = axis.cells(batch.columns[axis.name], points[:, j], other)
        return batch.with_columns(changes).renumbered()

    def result(self, chosen: Ints, drawn: int) -> AttackResult:
        """Return what was found."""
        moved_by = {}
        for j, axis in enumerate(self.axes):
            alone = np.where(np.isnan(self.enough[:, j]), np.inf, axis.cost(self.enough[:, j], self.start[:, j]))
            moved_by[axis.name] = np.where(self.tried[:, j], alone, np.nan)
        spreads = {a.name: a.spread for a in self.axes if not a.legal}
        batch = self._cells(np.arange(len(chosen)), self.best)
        done = np.isfinite(self.costs)
        return AttackResult(
            chosen,
            self.original,
            batch,
            done,
            self.costs,
            moved_by,
            spreads,
            self.before,
            self._after(),
            self.spent,
            drawn,
            self.complete,
        )

    def _after(self) -> Prediction:
        """Return the answers to the rows remembered, gathered from the calls in which they were given."""
        if not self.answers:
            return self.before
        return Prediction.joined([p.take(slice(k, k + 1)) for p, k in self.answers])


def _between(near: Floats, far: Floats) -> Floats:
    """Return distances between two: the geometric mean where they are of one sign and far apart, else the middle, shape (m,).

    >>> _between(np.array([0.0, 1.0, -1.0]), np.array([1.0, 100.0, -2.0])).tolist()
    [0.5, 10.0, -1.5]
    """
    apart = (near * far > 0) & (np.abs(far) > 4 * np.abs(near))
    return np.where(apart, np.sign(far) * np.sqrt(np.abs(near * far)), (near + far) / 2)


def _ranks(values: Floats) -> Ints:
    """Return the rank of each value in its row, 0 the smallest, shape (m, d)."""
    return np.argsort(np.argsort(values, axis=1, kind="stable"), axis=1, kind="stable")


def _turn(rows: Ints) -> Ints:
    """Return how many earlier entries name the same row, shape (m,).

    >>> _turn(np.array([3, 1, 3, 3])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    first = np.searchsorted(ordered, ordered, side="left")
    turn = np.empty(len(rows), dtype=np.int64)
    turn[order] = np.arange(len(rows)) - first
    return turn


def pulled(before: Prediction, after: Prediction, task: str) -> Floats:
    """Return how far the answer was pulled, shape (m,): the loss of margin of the old class, or the change of the number; 0 where that is unknown."""
    if task == "regression":
        return _finite(after.value.astype(np.float64) - before.value.astype(np.float64))
    old, new = _votes(before), _votes(after)
    if old is None or new is None or old.shape != new.shape:
        return np.zeros(len(after))
    own = np.argmax(np.where(np.isnan(old), -np.inf, old), axis=1)
    return _finite(_margin(old, own) - _margin(new, own))


def _votes(answer: Prediction) -> Array | None:
    """Return one number per class that grows with the model's belief: log-probabilities, else scores; None where there are none."""
    if answer.proba is not None:
        with np.errstate(invalid="ignore"):
            return np.log(np.clip(answer.proba, 1e-12, 1.0))
    if answer.scores is None:
        return None
    scores = answer.scores.reshape(len(answer), -1)
    return np.column_stack([-scores[:, 0], scores[:, 0]]) if scores.shape[1] == 1 else scores


def _margin(votes: Array, own: Ints) -> Floats:
    at = np.arange(len(votes))
    others = votes.astype(np.float64)
    mine = others[at, own].copy()
    others[at, own] = -np.inf
    return np.asarray(mine - others.max(axis=1))


def _finite(values: Array) -> Floats:
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
