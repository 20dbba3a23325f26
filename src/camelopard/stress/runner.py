"""Damages rows and asks the model before and after: every kind, on every column it fits, at every severity, within a budget.

Cases are visited so that stopping at any moment leaves a balanced picture: first severities 3 and 5 of everything, round the kinds, then the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from camelopard.core.arrays import Array, Bools, Ints
from camelopard.core.batch import Batch, concat
from camelopard.core.errors import BudgetSpent, CamelopardError
from camelopard.core.protocols import Damage, Progress, Session, silent
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.stress.truth import Truth
from camelopard.stress.visibility import visible

FLOOR = "in-range-resample"
POOL = 2000  # rows that damages are tried on
FEWEST, MOST = 10, 200  # rows per case
MOST_TARGETS = 60  # targets per kind; beyond them some are drawn
CALL = 8192  # rows asked at once
ORDER = (3, 5, 1, 4, 2)  # severities, the most telling first


@dataclass(frozen=True)
class Case:
    """One damage, on one target, at one severity, and what it did to some rows.

    Arrays have one entry per damaged row: `rows` its position in the batch given, `fooled`, `flipped`, `visible` (the row shows a value that
    clean data never showed), `changed` (it differs from the original at all), `floor` (a random legal value in the same place fools the model too).
    `note` says why a case could not run; it is None otherwise.
    """

    kind: str
    family: str
    target: str
    severity: int
    keeps_label: bool
    rows: Ints
    batch: Batch
    before: Prediction
    after: Prediction
    fooled: Bools
    flipped: Bools
    visible: Bools
    changed: Bools
    floor: Bools
    note: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a run will try: (damage, target, severity) in order, rows for each, and what that costs in model rows."""

    steps: tuple[tuple[Damage, str, int], ...]
    rows_per_case: int
    pool: int
    model_rows: int
    left_out: int = 0


@dataclass
class Clock:
    """Stops a run when its seconds are over; None never stops it."""

    seconds: float | None = None
    now: Callable[[], float] = time.perf_counter
    start: float = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.now()

    @property
    def over(self) -> bool:
        """Whether the seconds are used up."""
        return self.seconds is not None and self.now() - self.start > self.seconds


def plan(
    damages: Sequence[Damage], schema: Schema, n: int, budget: int, rng: np.random.Generator, *, rows_per_case: int | None = None, pool: int = POOL
) -> Plan:
    """Return what will be tried on n clean rows within `budget` model rows, and what it will cost."""
    targets: dict[str, list[str]] = {}
    left_out = 0
    for damage in damages:
        found = list(damage.targets(schema))
        if len(found) > MOST_TARGETS:
            left_out += len(found) - MOST_TARGETS
            found = [found[i] for i in np.sort(rng.choice(len(found), MOST_TARGETS, replace=False))]
        targets[damage.kind] = found
    steps = []
    for severity in ORDER:
        longest = max((len(t) for t in targets.values()), default=0)
        for place in range(longest):
            steps += [
                (damage, targets[damage.kind][place], severity)
                for damage in damages
                if place < len(targets[damage.kind]) and (damage.graded or severity == ORDER[0])
            ]
    pool = min(pool, n)
    floors = len({target for _, target, _ in steps})
    if rows_per_case is None:
        rows_per_case = int(np.clip(budget / max(len(steps) + 2 * floors, 1), FEWEST, MOST))
    rows_per_case = max(1, min(rows_per_case, pool))
    cost = pool + len(steps) * rows_per_case + floors * min(pool, 5 * rows_per_case)
    return Plan(tuple(steps), rows_per_case, pool, cost, left_out)


def run(
    session: Session,
    batch: Batch,
    schema: Schema,
    truth: Truth,
    damages: Sequence[Damage],
    *,
    rng: np.random.Generator,
    rows_per_case: int | None = None,
    pool: int = POOL,
    budget: int = 120_000,
    clock: Clock | None = None,
    progress: Progress = silent,
) -> list[Case]:
    """Return a case for everything that was tried, in the order of the plan. Fewer than planned where the budget or the seconds end first."""
    clock = clock or Clock()
    todo = plan(damages, schema, len(batch), budget, rng, rows_per_case=rows_per_case, pool=pool)
    order = rng.permutation(len(batch))[: todo.pool]
    answer = session.predict(batch.take(order))
    order, answer = order[~answer.failed], answer.take(~answer.failed)
    if not len(order):
        return []
    pooled = batch.take(order)
    floors = Floors(session, pooled, answer, schema, truth, int(rng.integers(2**31)))
    cases: list[Case] = []
    waiting: list[Case] = []
    size = 0
    places: dict[tuple[str, str], Ints] = {}
    for number, (damage, target, severity) in enumerate(todo.steps):
        if clock.over:
            break
        key = (damage.kind, target)
        if key not in places:
            places[key] = rng.permutation(len(order))
        start = (severity - 1) * todo.rows_per_case
        at = np.sort(np.take(places[key], np.arange(start, start + min(todo.rows_per_case, len(order))), mode="wrap"))
        waiting.append(_damaged(damage, target, severity, pooled.take(at), at, answer.take(at), schema, rng))
        size += len(at)
        if size >= CALL or number == len(todo.steps) - 1:
            progress("damaging rows and asking the model", number + 1, len(todo.steps))
            try:
                cases += _asked(session, waiting, truth, floors)
            except BudgetSpent:
                waiting = []
                break
            waiting, size = [], 0
    if waiting and not clock.over:
        cases += _asked(session, waiting, truth, floors)
    return [replace(case, rows=order[case.rows]) for case in cases]


def _damaged(damage: Damage, target: str, severity: int, part: Batch, at: Ints, before: Prediction, schema: Schema, rng: np.random.Generator) -> Case:
    """Return the case before the model is asked again; a damage that cannot be applied leaves its reason."""
    nothing = np.zeros(len(part), dtype=bool)
    seed = np.random.default_rng(rng.integers(2**63))
    try:
        bad = damage.apply(part, target, severity, seed, schema)
        if len(bad) != len(part):
            raise CamelopardError(f"it returned {len(bad)} rows for {len(part)}; a damage keeps the rows and their order.")
    except Exception as error:  # a damage may be anyone's; what it raises becomes a finding
        note = f"{type(error).__name__}: {error}"
        return Case(
            damage.kind,
            damage.family,
            target,
            severity,
            damage.keeps_label,
            at,
            part,
            before,
            before,
            nothing,
            nothing,
            nothing,
            nothing,
            nothing,
            note,
        )
    seen = np.asarray(visible(schema, bad).any(axis=1))
    changed = changed_rows(part, bad)
    return Case(damage.kind, damage.family, target, severity, damage.keeps_label, at, bad, before, before, nothing, nothing, seen, changed, nothing)


def _asked(session: Session, waiting: Sequence[Case], truth: Truth, floors: Floors) -> list[Case]:
    """Return the cases with the model's answers: those with the same columns are asked together, since every call has its price."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, case in enumerate(waiting):
        if case.note is None:
            groups.setdefault(tuple(case.batch.names), []).append(i)
    answers: dict[int, Prediction] = {}
    for members in groups.values():
        answer = session.predict(concat([waiting[i].batch for i in members]).renumbered())
        start = 0
        for i in members:
            answers[i] = answer.take(slice(start, start + len(waiting[i].rows)))
            start += len(waiting[i].rows)
    done = []
    for i, case in enumerate(waiting):
        if case.note is None:
            after = answers[i]
            floor = floors.fooled(case.target, case.rows)
            case = replace(case, after=after, fooled=truth.fooled(case.before, after), flipped=truth.flipped(case.before, after), floor=floor)
        done.append(case)
    return done


class Floors:
    """Asks, per target and once per row, whether a random legal value in its place fools the model: what nobody can see."""

    def __init__(self, session: Session, pooled: Batch, answer: Prediction, schema: Schema, truth: Truth, seed: int) -> None:
        from camelopard.stress.damages import named

        self.session, self.pooled, self.answer, self.schema, self.truth, self.seed = session, pooled, answer, schema, truth, seed
        self.damage = named(FLOOR)
        self._known: dict[str, Array] = {}

    def fooled(self, target: str, at: Ints) -> Bools:
        """Return for the pool rows at these positions whether a legal value fools the model, shape (n,)."""
        known = self._known.setdefault(target, np.full(len(self.pooled), -1, dtype=np.int8))
        new = at[known[at] < 0]
        if len(new):
            # Every row of the pool is resampled alike each time, so that a row's floor does not hang on who asks first.
            rng = np.random.default_rng([self.seed, *target.encode()[:64]])
            bad = self.damage.apply(self.pooled, target, 3, rng, self.schema).take(new)
            known[new] = self.truth.fooled(self.answer.take(new), self.session.predict(bad))
        return known[at] > 0


def changed_rows(before: Batch, after: Batch) -> Bools:
    """Return which rows differ in any cell, shape (n,); a column gained or lost changes every row."""
    if set(before.names) != set(after.names):
        return np.ones(len(before), dtype=bool)
    changed = np.zeros(len(before), dtype=bool)
    for name, old in before.columns.items():
        new = after.columns[name]
        if new is not old:
            changed |= _different(old, new)
    return changed


def _different(old: Array, new: Array) -> Bools:
    if old.dtype.kind in "fi" and new.dtype.kind in "fi":
        return np.asarray(~((old == new) | (np.isnan(old.astype(np.float64)) & np.isnan(new.astype(np.float64)))))
    pairs = zip(old.tolist(), new.tolist(), strict=True)
    return np.fromiter((type(a) is not type(b) or repr(a) != repr(b) for a, b in pairs), dtype=bool, count=len(old))
