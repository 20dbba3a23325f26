"""`stress`: read, ask, serve, damage, attack, infer the assumptions, and say what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Ints
from camelopard.core.batch import Batch
from camelopard.core.errors import BudgetSpent, CamelopardError, InputError, ModelError
from camelopard.core.labels import checked_labels, with_labels
from camelopard.core.protocols import Damage, Model, Progress, Session, silent, wrapped
from camelopard.core.records import Assumption, Finding, Prediction
from camelopard.core.schema import Schema
from camelopard.modality.image import opened
from camelopard.modality.picture_files import drawn_within
from camelopard.models.sizes import pictures_within
from camelopard.stress import findings as finding
from camelopard.stress import invariance
from camelopard.stress.budget import ATTACK_PIXELS, DEFAULT_ROWS, PIXELS, Budget, Clock, parse, pixel_seconds
from camelopard.stress.damages import catalogue, named
from camelopard.stress.findings import ran
from camelopard.stress.invariance import MOST, look
from camelopard.stress.plan import Plan, plan
from camelopard.stress.report import StressReport
from camelopard.stress.runner import POOL, Case, Pool, execute, floor_of, limits
from camelopard.stress.truth import Truth, tolerance_of

ATTACKED = 60  # rows attacked by default
QUERIES = 150  # model rows per attacked row
ATTACK_SHARE = 0.25  # of the budget at most
LOOK_SHARE = 0.1  # of the budget at most, to look closer at what the model seems to ignore
POOL_SHARE = 0.1  # of the model rows at most that clean rows may take
FEWEST_POOLED = 200
OWN_SECONDS = 60e-6  # what a damaged row costs besides the model, for turning seconds into rows
TIME_SHARE = 0.8  # of the seconds are planned: the clock must not end what the plan holds
MOST_VALUES = 30  # values per column in the report's description of the data


def stress(
    model: Model | None,
    X: Any,
    y: Any = None,
    budget: int | str | None = None,
    seed: int = 0,
    damages: Sequence[str | Damage] | None = None,
    attacks: bool | int | None = None,
    *,
    schema: Schema | None = None,
    progress: Progress = silent,
    clock: Callable[[], float] = time.perf_counter,
) -> StressReport:
    """Find out what fools a model.

    Parameters
    ----------
    model
        A wrapped model (`camelopard.wrap`), or None to learn the assumptions from data alone.
    X, y
        Clean rows, best such that the model was not trained on; labels (or the name of their column in X) where there are any.
    budget
        Model rows, or time as "60s". None: a plan of about 120,000 model rows, of large pictures fewer: damaged ones of about 0.7 gigapixels in all.
        `report.cost` holds what was planned and what was asked.
    seed
        Seed of everything random. With a budget in rows, the same inputs give the same report.
    damages
        Kinds, or objects with the protocol of a damage; None: the whole catalogue.
    attacks
        Rows to search the smallest moving change for; False or 0 for none, None for a default.
    schema
        What clean data looks like, where it is known from more rows than X.
    progress, clock
        Told how far the run has come; where the time comes from.

    Raises
    ------
    InputError
        If X is no table of clean rows, or y does not fit it.
    ModelError
        If the model answers fewer than half of the clean rows.

    >>> import camelopard
    >>> model = camelopard.wrap(lambda rows: ["old" if row["age"] > 50 else "young" for row in rows], classes=["old", "young"])
    >>> report = stress(model, [{"age": age} for age in range(20, 90)], budget=2000, attacks=False)
    >>> report.worst in ("medium", "high")
    True
    """
    batch, labels = with_labels(Batch.of(X), y)
    some = drawn_within(batch, np.random.default_rng(seed))
    if some is not None:
        batch, labels = batch.take(some), None if labels is None else labels[some]
    batch = opened(batch)
    limit, ticking = parse(budget), Clock(None, clock)
    ticking.seconds = limit.seconds
    schema = schema or Schema.infer(batch)
    batch = schema.conform(batch)
    if not len(batch):
        raise InputError("X has no rows; expected clean rows.")
    data = {"rows": len(batch), "columns": [_described(schema, name) for name in schema.names]}
    if model is None:
        verdict = "No model was given: the assumptions below are what the data shows; what fools a model cannot be said."
        assumptions, failed = _assumptions(batch, schema, [], [])
        return StressReport(verdict, failed, [], assumptions, [], [], {}, [], {"asked": 0, "complete": True}, None, data, seed, "data")
    study = _Study(wrapped(model), batch, labels, schema, limit, ticking, np.random.default_rng(seed), chosen(damages), progress)
    report = study.report(attacks, data, seed)
    return report if some is None else _as_given(report, some)


@dataclass(frozen=True)
class _Study:
    """One run on one model."""

    model: Model
    batch: Batch
    labels: Array | None
    schema: Schema
    limit: Budget
    clock: Clock
    rng: np.random.Generator
    damages: Sequence[Damage]
    progress: Progress

    def report(self, attacks: bool | int | None, data: dict[str, Any], seed: int) -> StressReport:
        model, schema, rng = self.model, self.schema, self.rng
        session = model.session(self.limit.rows, thrifty=True)
        pool, labels = self._pool(session)
        truth = Truth(model.task, tolerance_of(pool.answer, None if labels is None else labels[pool.rows], model.task))
        watched = Watched(model)
        serving = _serving(watched, pool.batch, rng)
        if pool.failures:
            serving.insert(0, finding.raises_on_clean(pool.failures, len(pool) + len(pool.failures), model.name))
        room = max(self._room(session, pool), 0)
        free = self.limit == Budget()
        queries = _queries(attacks, room, self.limit.rows or DEFAULT_ROWS, len(pool))
        if free and attacks is None and (most := pictures_within(pool.batch, ATTACK_PIXELS)) is not None:
            queries = min(queries, most)
        looks = min(int(LOOK_SHARE * room), MOST * len(schema.names))
        todo = plan(self.damages, schema, len(pool), room - queries - looks, rng, **limits(pool, PIXELS if free else None))
        planned = session.asked + watched.asked + queries + looks + todo.model_rows
        self.progress(f"planned: {planned:,} model rows for {len(todo.steps):,} damages of {todo.rows_per_case} rows each", 0, 1)
        left = None if self.limit.rows is None else room - queries - looks
        floor = floor_of(self.damages)
        cases = execute(session, pool, schema, truth, todo, rng, floor=floor, clock=self.clock, room=left, progress=self.progress)
        attacked, by_attack, moved = self._attack(session, pool, truth, queries // QUERIES)
        further = look(session, pool, schema, cases, 0 if self.clock.over else looks, rng)
        ignored = invariance.ignored(cases, schema.names, further)
        self.progress("inferring what the model assumes", 0, 1)
        assumptions, failed = _assumptions(self.batch, schema, cases, ignored)
        assumptions = [*assumptions, *self._directions(session, pool)]
        found = finding.findings(cases, self.batch, schema, [*serving, *by_attack, *failed])
        cost = self._cost(session, watched, planned, todo, cases)
        about = {"name": model.name, "task": model.task, "classes": list(model.classes), "tolerance": truth.tolerance, **_agreement(model)}
        return StressReport(
            finding.verdict(found, model.name, invariance.certified(ignored), bool(cost["complete"])),
            found,
            finding.curves(cases, labels, model.task),
            assumptions,
            ignored,
            [*cases, *moved],
            attacked,
            serving,
            cost,
            about,
            data,
            seed,
            "predictions" if hasattr(model, "agreement") else "model",
            _notes(todo, free, labels is not None, model.task),
        )

    def _pool(self, session: Session) -> tuple[Pool, Array | None]:
        """Return the clean rows that damages are tried on, and the labels of the whole batch, checked against the model."""
        self.progress("asking the model about clean rows", 0, 1)
        most = POOL if self.limit.rows is None else max(FEWEST_POOLED, int(POOL_SHARE * self.limit.rows))
        try:
            pool = Pool.draw(session, self.batch, min(most, POOL, len(self.batch)), self.rng, self.clock)
        except BudgetSpent as error:
            raise CamelopardError(
                f"budget={self.limit.rows}: too few to ask the model about {min(most, len(self.batch))} clean rows. Give some thousand model rows."
            ) from error
        if len(pool.failures) > len(pool):
            raise ModelError(
                f"{self.model.name} answers {len(pool)} of {len(pool) + len(pool.failures)} clean rows; the first error: "
                f"{next(iter(pool.failures.values()))}. Give rows in the form the model was trained on."
            )
        return pool, None if self.labels is None else checked_labels(self.labels, self.model, pool.answer)

    def _room(self, session: Session, pool: Pool) -> int:
        """Return the model rows that are left to spend; where seconds are the limit, as many as they allow at the model's pace."""
        if self.limit.seconds is not None:
            return int(TIME_SHARE * max(self.clock.left, 0.0) / (pool.seconds + OWN_SECONDS + pixel_seconds(pool.batch)))
        return (self.limit.rows or DEFAULT_ROWS) - session.asked

    def _attack(self, session: Session, pool: Pool, truth: Truth, rows: int) -> tuple[dict[str, Any], list[Finding], list[Case]]:
        if rows < 1 or self.clock.over:
            return {}, [], []
        from camelopard.stress.searching import search

        self.progress("searching the smallest change that moves the answer", 0, 1)
        try:
            results = search(session, pool.batch, self.schema, truth, self.rng, rows=rows, queries_per_row=QUERIES)
        except BudgetSpent:
            return {}, [], []
        except CamelopardError as error:
            return {}, [Finding.not_run("attack", error)], []
        told, *more = [result.to_dict() for result in results]
        for texts in more:
            told |= {"texts": texts}
        moved = [case for result in results for case in result.cases(pool.rows)]
        return told, [found for result in results for found in result.findings()], moved

    def _directions(self, session: Session, pool: Pool) -> list[Assumption]:
        """Return in which directions the model always goes, where the budget still allows to look."""
        from camelopard.stress.monotone import ROWS, STEPS, directions

        cost = ROWS * STEPS * len(self.schema.of_kind("number"))
        if cost * (pool.seconds + OWN_SECONDS) > self.clock.left:
            return []
        try:
            return directions(session, pool.batch, self.schema, self.rng)
        except BudgetSpent:
            return []

    def _cost(self, session: Session, watched: Watched, planned: int, todo: Plan, cases: Sequence[Case]) -> dict[str, Any]:
        done = len({(case.kind, case.target, case.severity) for case in cases if case.severity})
        return {
            "planned": planned,
            "asked": session.asked + watched.asked,
            "seconds": round(self.clock.spent, 3),
            "model_seconds": round(float(getattr(session, "seconds", 0.0)), 3),
            "cases": len(ran(cases)),
            "complete": done >= len(todo.steps),
            "share_done": done / max(len(todo.steps), 1),
            "rows_per_case": todo.rows_per_case,
            "targets_left_out": todo.targets_left_out,
        }


class Watched:
    """A model of which the rows asked outside a session are counted."""

    def __init__(self, model: Model) -> None:
        self.model, self.asked = model, 0
        self.name, self.task, self.classes = model.name, model.task, model.classes

    def predict(self, X: Any) -> Prediction:
        answer = self.model.predict(X)
        self.asked += len(answer)
        return answer

    def session(self, budget: int | None = None, *, thrifty: bool = False) -> Session:
        return self.model.session(budget, thrifty=thrifty)


def chosen(damages: Sequence[str | Damage] | None) -> list[Damage]:
    """Return the damages of these kinds, for None the whole catalogue. Raises UnknownName for an unknown kind, InputError for one given twice."""
    if damages is None:
        return list(catalogue().values())
    found = [named(d) if isinstance(d, str) else d for d in ([damages] if isinstance(damages, str) else damages)]
    kinds = [d.kind for d in found]
    if twice := sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        raise InputError(f"damages={twice[0]!r} is given more than once; give every kind of damage its own name, once.")
    return found


def _as_given(report: StressReport, some: Ints) -> StressReport:
    """Return the report on some of the rows given, which it then calls by their places among all."""

    def named(found: Finding) -> Finding:
        shown = found.details.get("example")
        details = {**found.details, "example": {**shown, "row": int(some[shown["row"]])}} if shown else found.details
        return replace(found, rows=tuple(int(some[i]) for i in found.rows), details=details)

    notes = [*report.notes, f"Of the pictures given as files, {len(some):,} were looked at, drawn at random."]
    cases = [replace(case, rows=some[case.rows]) for case in report.cases]
    return replace(report, findings=[named(found) for found in report.findings], cases=cases, notes=notes)


def _serving(model: Model, clean: Batch, rng: np.random.Generator) -> list[Finding]:
    from camelopard.stress.serving import check

    try:
        return list(check(model, clean, rng))
    except CamelopardError as error:
        return [Finding.not_run("serving", error)]


def _assumptions(
    batch: Batch, schema: Schema, cases: Sequence[Case], ignored: Sequence[dict[str, Any]]
) -> tuple[Sequence[Assumption], list[Finding]]:
    from camelopard.stress.assumptions import infer

    try:
        return infer(batch, schema, cases=ran(cases), ignored=ignored), []
    except CamelopardError as error:
        return [], [Finding.not_run("assumptions", error)]


def _queries(attacks: bool | int | None, room: int, budget: int, pool: int) -> int:
    """Return the model rows that the attacks may take."""
    wanted = ATTACKED if attacks is None or attacks is True else int(attacks)
    return max(0, min(min(wanted, pool) * QUERIES, int(ATTACK_SHARE * min(room, budget))))


def _notes(todo: Plan, free: bool, labelled: bool, task: str) -> list[str]:
    notes = []
    if todo.targets_left_out:
        notes.append(f"To keep the budget, {todo.targets_left_out:,} columns or pairs were left out, drawn at random for each kind of damage.")
    if todo.fewer:
        notes.append(
            f"The pictures are large: each damage is tried on {todo.rows_per_case} of them at each severity, "
            f"{todo.rows_per_case * len(todo.steps):,} in all.{' A budget in model rows tries more, and takes longer.' * free}"
        )
    if task == "regression" and not labelled:
        notes.append("Without labels an answer counts as another one from a tenth of the answers' robust spread on.")
    return notes


def _agreement(model: Model) -> dict[str, Any]:
    """Return how far a stand-in agrees with the model it imitates, where this is one."""
    found = getattr(model, "agreement", None)
    if found is None:
        return {}
    return {"agreement": {"value": found.value, "low": found.interval.low, "high": found.interval.high, "measure": found.measure}}


def _described(schema: Schema, name: str) -> dict[str, Any]:
    column = schema[name]
    values = {str(value): count for value, count in list(column.values.items())[:MOST_VALUES]}
    numeric = bool(len(column.quantiles))
    return {
        "name": name,
        "kind": column.kind,
        "integral": column.integral,
        "null_rate": column.null_rate,
        "low": column.low if numeric else None,
        "high": column.high if numeric else None,
        "values": values,
        "distinct": len(column.values),
    }
