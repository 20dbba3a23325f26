"""Damages rows and asks the model before and after: every kind, on every column it fits, at every severity, within a budget.

The one idea: a damaged row is judged against itself. Its answer is held against the answer to the undamaged row, and against the answers when a
random legal value (the floor), or the typical one, stands in the same place.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Ints, is_missing, objects
from camelopard.core.batch import Batch, concat
from camelopard.core.cells import alike
from camelopard.core.errors import BudgetSpent, CamelopardError
from camelopard.core.protocols import Damage, Progress, Session, silent
from camelopard.core.records import Prediction
from camelopard.core.schema import LADDER, MEDIA, Column, Schema, date_days
from camelopard.models.sizes import pictures_within, rows_at_once, weight
from camelopard.stress.budget import DEFAULT_ROWS, Clock
from camelopard.stress.examples import shown, surest
from camelopard.stress.plan import MOST, Plan, Step, plan
from camelopard.stress.remade import remade
from camelopard.stress.truth import Truth
from camelopard.stress.visibility import visible_cells

FLOOR = "in-range-resample"
POOL = 2000  # rows that damages are tried on
CALL = 2048  # rows asked at once: many, so that calls are few, and few, so that one that raises costs little
ROUND = 16_384  # rows damaged before the model is asked
HELD = 128_000_000  # bytes of damaged pictures: so many before the model is asked, and so many of a run are kept; further ones are made again
FIRST_LOOK = 64  # rows asked to learn how fast the model is, where seconds count
POOL_TIME = 0.1  # share of the seconds that the pool may take
ROUND_TIME = 0.05  # share of the seconds that may pass before the clock is looked at again
STAGE = "damaging rows and asking the model"


@dataclass(frozen=True)
class Case:
    """One damage, on one target, at one severity, and what it did to some rows.

    Arrays have one entry per damaged row: `rows` its position in the batch given, `fooled`, `flipped`, `changed` (the row differs from the original
    at all), `visible` (every cell that differs shows what clean data never showed, or the set of columns is another one), `floor` (a random legal
    value in the same place fools the model too), `floor_raised` (and does so because the model raises), `typical` (the typical value in the same
    place, put there by a careful pipeline, fools the model too). `note` says why a case could not run; it is None otherwise.

    The `batch` of damaged rows may be one that is made again whenever it is looked at. The row that a report shows of it is then kept as `example`.
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
    floor_raised: Bools
    typical: Bools
    note: str | None = None
    example: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Pool:
    """Clean rows that the model answers: their positions, the rows, the answers.

    `failures` are the errors, by position, of rows that it does not answer; `seconds` is what asking one row takes.
    """

    rows: Ints
    batch: Batch
    answer: Prediction
    failures: dict[int, str]
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def draw(cls, session: Session, batch: Batch, size: int, rng: np.random.Generator, clock: Clock) -> Pool:
        """Ask the model about up to `size` rows, fewer where that would take too much of the seconds.

        Raises
        ------
        BudgetSpent
            If not even one row can be asked.
        """
        order = rng.permutation(len(batch))[:size]
        first = order[:FIRST_LOOK]
        start = clock.spent
        answers = [session.predict(batch.take(first))]
        seconds = (clock.spent - start) / max(len(first), 1)
        if clock.seconds is not None:
            order = order[: max(len(first), int(POOL_TIME * clock.seconds / max(seconds, 1e-9)))]
        if len(order) > len(first):
            start = clock.spent
            answers.append(session.predict(batch.take(order[len(first) :])))
            seconds = (clock.spent - start) / (len(order) - len(first))
        failed = np.concatenate([a.failed for a in answers])
        errors = np.concatenate([a.errors for a in answers])
        failures = {int(i): str(e) for i, e in zip(order[failed], errors[failed], strict=True)}
        good = np.sort(order[~failed])
        return cls(good, batch.take(good), session.predict(batch.take(good)), failures, seconds)  # from memory: nothing is asked twice


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
    budget: int = DEFAULT_ROWS,
    clock: Clock | None = None,
    pixels: int | None = None,
    progress: Progress = silent,
) -> list[Case]:
    """Return a case for everything that was tried, in the order of the plan; fewer than planned where the budget or the seconds end first.

    Parameters
    ----------
    session
        The model; its budget of rows, if it has one, is kept.
    batch, schema
        Clean rows, conformed to the schema.
    rows_per_case, budget
        Rows for each (kind, target, severity); model rows in all but the pool, at most, from which the former follow where they are not given.
    pool
        Rows of the batch that damages are tried on, at most.
    pixels
        Pixels that all damaged pictures together show, about; None for no limit.
    """
    clock = clock or Clock()
    drawn = Pool.draw(session, batch, min(pool, len(batch)), rng, clock)
    todo = plan(damages, schema, len(drawn), budget, rng, rows_per_case=rows_per_case, **limits(drawn, pixels))
    return execute(session, drawn, schema, truth, todo, rng, floor=floor_of(damages), clock=clock, room=budget, progress=progress)


def limits(pool: Pool, pixels: int | None) -> dict[str, Any]:
    """Return what a plan is told of the pictures in a pool: how many can be in memory at once, and how many show that many pixels."""
    return {"at_once": rows_at_once(pool.batch, MOST), "pictures": None if pixels is None else pictures_within(pool.batch, pixels)}


def execute(
    session: Session,
    pool: Pool,
    schema: Schema,
    truth: Truth,
    todo: Plan,
    rng: np.random.Generator,
    *,
    floor: Damage,
    clock: Clock,
    room: int | None = None,
    progress: Progress = silent,
) -> list[Case]:
    """Return the cases of a plan, as many as the session's budget and the clock allow. Every case has random numbers of its own.

    `room` is how many model rows they may take, None for no limit: rounds get smaller towards its end, so that no row is asked in vain.
    """
    trial = Trial(session, pool, schema, truth, todo.rows_per_case, int(rng.integers(2**63)), floor)
    most = max(1, rows_at_once(pool.batch, ROUND, HELD) // todo.rows_per_case)
    cases = [trial.not_run(kind, kind, "*", 0, note) for kind, note in todo.broken.items()]
    total, done, asked, begun = len(todo.steps), 0, session.asked, clock.spent
    seconds = None
    while len(pool) and done < total and not clock.over and (room is None or session.asked - asked < room):
        progress(STAGE, done, total)
        start = clock.spent
        size = min(most, _round(seconds, todo.rows_per_case, clock))
        if room is not None:
            size = min(size, max(1, (room - session.asked + asked) // (4 * todo.rows_per_case)))  # cases and floors: half of what is left
        steps = todo.steps[done : done + size]
        found = trial.tried(steps)
        cases += found
        done += len(found)
        if len(found) < len(steps):
            break
        seconds = max(clock.spent - start, (clock.spent - begun) / done * len(steps)) / len(steps)  # some steps cost nothing: no hurry after them
    progress(STAGE, done, total)
    return cases


def floor_of(damages: Sequence[Damage]) -> Damage:
    """Return the damage that is the floor: one of these, or the catalogue's."""
    from camelopard.stress.damages import named

    return next((damage for damage in damages if damage.kind == FLOOR), None) or named(FLOOR)


class Trial:
    """Damages rows of a pool and asks the model. The rows for a target and severity are the same for every kind, so the floor is asked once."""

    def __init__(self, session: Session, pool: Pool, schema: Schema, truth: Truth, n: int, seed: int, floor: Damage) -> None:
        self.session, self.pool, self.schema, self.truth, self.n, self.seed, self.floor = session, pool, schema, truth, min(n, len(pool)), seed, floor
        self._parts: dict[tuple[str, int], tuple[Ints, Batch, Prediction]] = {}
        self._suspects = Suspects()
        self._floors: dict[tuple[str, int], tuple[Bools, Bools, Bools]] = {}
        self._room = HELD

    def tried(self, steps: Sequence[Step]) -> list[Case]:
        """Return the cases of these steps: all of them, or the first ones where the budget ends."""
        try:
            self._ask_floors(steps)
            done = self._asked([self._damaged(*step) for step in steps])
            return [case if case.note is not None else self._kept(case, step) for case, step in zip(done, steps, strict=True)]
        except BudgetSpent:
            half = len(steps) // 2
            if not half:
                return []
            first = self.tried(steps[:half])
            return first if len(first) < half else first + self.tried(steps[half:])

    def _kept(self, case: Case, step: Step) -> Case:
        """Return the case with its rows, or, where there are too many bytes of pictures by now, with rows that are made again when looked at."""
        size = weight(case.batch)
        if size <= self._room:
            self._room -= size
            return case
        damage, target, severity = step
        _, part, _ = self._part(target, severity)
        i = surest(case)
        example = None if i is None else shown(case, i, part.row(i), case.batch.row(i), self.schema)
        batch = remade(case.batch, lambda: damage.apply(part, target, severity, self._rng(damage.kind, target, severity), self.schema))
        return replace(case, batch=batch, example=example)

    def not_run(self, kind: str, family: str, target: str, severity: int, note: str) -> Case:
        """Return the case of a damage that could not be done."""
        no, rows = np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)
        batch, answer = self.pool.batch.take(slice(0)), self.pool.answer.take(slice(0))
        return Case(kind, family, target, severity, True, rows, batch, answer, answer, no, no, no, no, no, no, no, note)

    def _rng(self, *names: str | int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *(n if isinstance(n, int) else zlib.crc32(n.encode("utf-8", "surrogatepass")) for n in names)])

    def _part(self, target: str, severity: int) -> tuple[Ints, Batch, Prediction]:
        """Return positions in the pool, rows and answers; every severity of a target has its own rows where the pool is large enough."""
        key = (target, severity)
        if key not in self._parts:
            places = np.arange((severity - 1) * self.n, severity * self.n) % len(self.pool)
            at = self._rng("rows", target).permutation(len(self.pool))[places]
            self._parts[key] = at, self.pool.batch.take(at), self.pool.answer.take(at)
        return self._parts[key]

    def _damaged(self, damage: Damage, target: str, severity: int) -> Case:
        """Return the case before the model is asked again; a damage that cannot be applied leaves its reason."""
        at, part, before = self._part(target, severity)
        try:
            bad = damage.apply(part, target, severity, self._rng(damage.kind, target, severity), self.schema)
            if len(bad) != len(part):
                raise CamelopardError(f"it returned {len(bad)} rows for {len(part)}; a damage keeps the rows and their order.")
            changed, seen = compared(part, bad, self.schema)
        except Exception as error:  # a damage may be anyone's; what it raises becomes a finding
            return self.not_run(damage.kind, damage.family, target, severity, f"{type(error).__name__}: {error}")
        no, rows = np.zeros(len(part), dtype=bool), self.pool.rows[at]
        return Case(damage.kind, damage.family, target, severity, damage.keeps_label, rows, bad, before, before, no, no, seen, changed, no, no, no)

    def _asked(self, cases: Sequence[Case]) -> list[Case]:
        asked = [case for case in cases if case.note is None]
        answers = iter(
            _answers(self.session, [case.batch for case in asked], [case.kind for case in asked], [case.target for case in asked], self._suspects)
        )
        done = []
        for case in cases:
            if case.note is None:
                after = next(answers)
                fooled, flipped = self.truth.fooled(case.before, after), self.truth.flipped(case.before, after)
                floor, raised, typical = self._floors[case.target, case.severity]
                case = replace(case, after=after, fooled=fooled, flipped=flipped, floor=floor, floor_raised=raised, typical=typical)
            done.append(case)
        return done

    def _ask_floors(self, steps: Sequence[Step]) -> None:
        """Ask what a random legal value and the typical one do, for every target and severity of these steps that was not asked yet."""
        new = [key for key in dict.fromkeys((target, severity) for _, target, severity in steps) if key not in self._floors]
        parts = [self._part(*key) for key in new]
        legal = [self._legal(*key, part) for key, (_, part, _) in zip(new, parts, strict=True)]
        usual = [self._typical(target, part) for (target, _), (_, part, _) in zip(new, parts, strict=True)]
        answers = _answers(self.session, [*legal, *usual], [""] * 2 * len(new), [target for target, _ in new] * 2, self._suspects)
        for i, (key, (_, _, before)) in enumerate(zip(new, parts, strict=True)):
            drawn, typical = answers[i], answers[len(new) + i]
            self._floors[key] = self.truth.fooled(before, drawn), drawn.failed, self.truth.fooled(before, typical)

    def _columns(self, target: str) -> list[str]:
        """Return the columns that a target is about: itself, both of a pair, or none where it is neither."""
        names = [target] if target in self.schema.columns else target.split("|")
        return names if all(name in self.schema.columns for name in names) else []

    def _typical(self, target: str, part: Batch) -> Batch:
        return part.with_columns({name: filled(part.columns[name], self.schema[name]) for name in self._columns(target) or self.schema.names})

    def _legal(self, target: str, severity: int, part: Batch) -> Batch:
        """Return the rows with random legal values. For a target that is no column or pair all are drawn anew: the highest floor there is."""
        known = target if self._columns(target) else "*"
        return self.floor.apply(part, known, severity, self._rng("floor", target, severity), self.schema)


def compared(before: Batch, after: Batch, schema: Schema) -> tuple[Bools, Bools]:
    """Return which rows differ in any cell, and which of them only in cells that show what clean data never showed, both of shape (n,).

    A column gained or lost changes every row. That, and another order of columns, can be seen in every row.
    """
    n = len(before)
    changed, hidden = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for name, old in before.columns.items():
        new = after.columns.get(name)
        if new is None or new is old:
            continue
        other = different(old, new)
        if other.any():
            changed |= other
            hidden |= other & ~visible_cells(schema[name], new)
    return changed | (set(before.names) != set(after.names)), (changed & ~hidden) | (before.names != after.names)


def filled(values: Array, column: Column) -> Array:
    """Return a column in which every cell that is not missing holds the typical value: the median, or the most common one.

    No text and no picture is typical: these stay as they are.

    >>> column = Schema.infer(Batch.of([{"a": 1}, {"a": 2}, {"a": 9}]))["a"]
    >>> filled(np.array([1.0, np.nan]), column)
    array([ 2., nan])
    """
    if column.kind in MEDIA:
        return values
    missing = is_missing(values)
    if column.kind in ("number", "date") and len(column.quantiles):
        middle = float(np.interp(0.5, LADDER, column.quantiles))
        if column.kind == "number":
            typical: Any = np.round(middle) if column.integral else middle
            return np.where(missing, np.nan, typical)
        shown = np.nanargmin(np.abs(date_days(values, column.date_format) - middle)) if not missing.all() else 0
        typical = values[shown] if len(values) else None
    else:
        typical = next(iter(column.values), None)
    if values.dtype != object:
        return values if typical is None else np.where(missing, values, np.full(len(values), typical, dtype=values.dtype))
    return objects(v if gone else typical for v, gone in zip(values.tolist(), missing, strict=True))


def different(old: Array, new: Array) -> Bools:
    """Return which cells are not the same, shape (n,): missing is missing, 1 is 1.0 but neither "1" nor True.

    >>> different(np.array([1.0, np.nan, 2.0]), np.array([1, None, "2"], dtype=object)).tolist()
    [False, False, True]
    """
    if old.dtype == new.dtype and old.dtype.kind in "fibM":
        other = np.asarray(old != new)
    elif old.dtype.kind in "fi" and new.dtype.kind in "fi":
        other = old.astype(np.float64) != new.astype(np.float64)
    else:
        other = np.fromiter((not alike(a, b) for a, b in zip(old.tolist(), new.tolist(), strict=True)), dtype=bool, count=len(old))
    return other & ~(is_missing(old) & is_missing(new))


@dataclass
class Suspects:
    """What the model was seen to raise on: pairs of kind and target; and the kinds on which it was asked so far."""

    pairs: set[tuple[str, str]] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)

    @property
    def kinds(self) -> set[str]:
        """The kinds on which the model raises, on some target."""
        return {kind for kind, _ in self.pairs}


def _answers(session: Session, batches: Sequence[Batch], kinds: Sequence[str], targets: Sequence[str], suspects: Suspects) -> list[Prediction]:
    """Return the answers to each batch. Those with the same columns are asked together, since every call has its price.

    But rows that raise would have to be searched for among thousands, and every step of that search asks thousands again. So one row of each batch
    goes ahead, kind by kind where little is known. Where one raises, now and later, its kind and target is asked batch by batch, its kind apart.
    """
    pairs, bad_kinds = list(zip(kinds, targets, strict=True)), suspects.kinds
    heads: dict[tuple[tuple[str, ...], str], list[int]] = {}
    for i, batch in enumerate(batches):
        if pairs[i] not in suspects.pairs:
            heads.setdefault((batch.names, kinds[i] if kinds[i] in bad_kinds or kinds[i] not in suspects.tried else ""), []).append(i)
    for members in heads.values():
        raises = session.predict(_stacked([batches[i].take(slice(0, 1)) for i in members])).failed
        suspects.pairs.update(pairs[i] for i, bad in zip(members, raises, strict=True) if bad)
    suspects.tried.update(kinds)
    bad_kinds = suspects.kinds
    together: dict[Any, list[int]] = {}
    for i, batch in enumerate(batches):
        key = i if pairs[i] in suspects.pairs else (batch.names, pairs[i] if kinds[i] in bad_kinds else None)
        together.setdefault(key, []).append(i)
    found: list[Prediction | None] = [None] * len(batches)
    for members in together.values():
        for some in _chunks(members, [len(batch) for batch in batches]):
            answer = session.predict(_stacked([batches[i] for i in some]))
            start = 0
            for i in some:
                found[i] = answer.take(slice(start, start + len(batches[i])))
                start += len(batches[i])
    return [answer for answer in found if answer is not None]


def _stacked(batches: Sequence[Batch]) -> Batch:
    return concat(batches).renumbered()


def _chunks(members: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """Give the members in runs of up to CALL rows."""
    chunk: list[int] = []
    rows = 0
    for i in members:
        if chunk and rows + sizes[i] > CALL:
            yield chunk
            chunk, rows = [], 0
        chunk.append(i)
        rows += sizes[i]
    if chunk:
        yield chunk


def _round(seconds: float | None, n: int, clock: Clock) -> int:
    """Return how many cases to try before the clock is looked at again; `seconds` is what one took, None where that is not known."""
    most = max(1, ROUND // n)
    if clock.seconds is None:
        return most
    return min(most, 8) if seconds is None else int(np.clip(ROUND_TIME * clock.seconds / max(seconds, 1e-9), 1, most))
