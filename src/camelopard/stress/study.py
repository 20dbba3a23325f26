"""`stress`: read, ask, serve, damage, attack, infer the assumptions, and say what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Ints, is_missing
from camelopard.core.batch import Batch
from camelopard.core.errors import BudgetSpent, CamelopardError, InputError, ModelError
from camelopard.core.protocols import Damage, Model, Progress, Session, silent
from camelopard.core.records import Finding, Prediction
from camelopard.core.schema import Schema
from camelopard.stress import findings as finding
from camelopard.stress.budget import DEFAULT_ROWS, Budget, parse
from camelopard.stress.damages import catalogue, named
from camelopard.stress.report import StressReport
from camelopard.stress.runner import Clock, plan, run
from camelopard.stress.truth import Truth, tolerance_of

ATTACKED = 60  # rows attacked by default
QUERIES = 150  # model rows per attacked row
ATTACK_SHARE = 0.25  # of the budget at most
MOST_ROWS = 50_000  # rows that the schema and the assumptions are learned from


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
        Model rows, or time as "60s". None: a plan of about 120,000 model rows. The cost is stated in `report.cost` before and after.
    seed
        Seed of everything random.
    damages
        Kinds, or objects with the protocol of a damage; None: the whole catalogue.
    attacks
        Rows to search the smallest moving change for; False or 0 for none, None for a default.
    schema
        What clean data looks like, where it is known from more rows than X.

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
    schema = schema or Schema.infer(batch)
    batch = schema.conform(batch)
    limit = parse(budget)
    data = {"rows": len(batch), "columns": [_described(schema, name) for name in schema.names]}
    if model is None:
        from camelopard.stress.assumptions import infer

        verdict = "No model was given: the assumptions below are what the data shows; what fools a model cannot be said."
        return StressReport(verdict, [], [], infer(batch, schema), [], [], {}, [], {"asked": 0, "complete": True}, None, data, seed, "data")
    return _with_model(model, batch, labels, schema, limit, seed, damages, attacks, data, progress, Clock(limit.seconds, clock))


def _with_model(
    model: Model,
    batch: Batch,
    labels: Array | None,
    schema: Schema,
    limit: Budget,
    seed: int,
    damages: Sequence[str | Damage] | None,
    attacks: bool | int | None,
    data: dict[str, Any],
    progress: Progress,
    clock: Clock,
) -> StressReport:
    from camelopard.stress.assumptions import infer

    rng = np.random.default_rng(seed)
    rows = limit.rows or DEFAULT_ROWS
    session = model.session(limit.rows, thrifty=True)
    progress("asking the model about clean rows", 0, 1)
    part = _part(len(batch), max(200, rows // 4), rng) if limit.rows else np.arange(len(batch))
    base, base_labels = batch.take(part), None if labels is None else labels[part]
    answer = _clean_answers(model, session, base)
    good = np.flatnonzero(~answer.failed)
    truth = Truth(model.task, tolerance_of(answer, base_labels, model.task))
    chosen = [d if not isinstance(d, str) else named(d) for d in damages] if damages is not None else list(catalogue().values())
    wanted = (ATTACKED if attacks is None or attacks is True else int(attacks)) if attacks is not False else 0
    for_attacks = min(wanted * QUERIES, int(ATTACK_SHARE * rows))
    serving = _serving(model, base.take(good), rng)
    if len(good) < len(base):
        serving.append(_raises_on_clean(base, answer))
    room = max(rows - session.asked - for_attacks, 0)
    todo = plan(chosen, schema, len(good), room, np.random.default_rng(seed))
    cases = run(session, base.take(good), schema, truth, chosen, rng=rng, budget=room, clock=clock, progress=progress)
    attacked, by_attack = _attack(session, base.take(good), schema, truth, rng, for_attacks, clock, progress)
    ignored = finding.ignored(cases, schema.names)
    found = finding.findings(cases, base.take(good), [*serving, *by_attack])
    certified = [c["column"] for c in ignored if c["certified"]]
    done = sum(1 for case in cases)
    cost = {
        "planned": todo.model_rows + for_attacks + len(base),
        "asked": session.asked,
        "seconds": round(getattr(session, "seconds", 0.0), 3),
        "cases": done,
        "complete": done == len(todo.steps),
        "share_done": done / max(len(todo.steps), 1),
        "rows_per_case": todo.rows_per_case,
        "targets_left_out": todo.left_out,
    }
    progress("inferring what the model assumes", 0, 1)
    assumptions = infer(batch, schema, cases=cases, ignored=ignored)
    about = {"name": model.name, "task": model.task, "classes": list(model.classes)}
    return StressReport(
        finding.verdict(found, model.name, certified),
        found,
        finding.curves(cases, None if base_labels is None else base_labels[good], model.task),
        assumptions,
        ignored,
        cases,
        attacked,
        serving,
        cost,
        about,
        data,
        seed,
        "predictions" if hasattr(model, "agreement") else "model",
    )


def _part(n: int, most: int, rng: np.random.Generator) -> Ints:
    return np.arange(n) if n <= most else np.sort(rng.permutation(n)[:most])


def _clean_answers(model: Model, session: Session, base: Batch) -> Prediction:
    try:
        answer = session.predict(base)
    except BudgetSpent as error:
        raise CamelopardError(
            f"the budget is too small to ask the model about the {len(base)} clean rows once. Give at least {4 * len(base)} model rows."
        ) from error
    if answer.failed.mean() > 0.5:
        first = next(e for e in answer.errors if e is not None)
        raise ModelError(
            f"{model.name} answers {int((~answer.failed).sum())} of the {len(base)} rows given; the first error: {first}. "
            "Give rows in the form the model was trained on."
        )
    return answer


def _serving(model: Model, clean: Batch, rng: np.random.Generator) -> list[Finding]:
    from camelopard.stress.serving import check

    try:
        return list(check(model, clean, rng))
    except CamelopardError as error:
        return [Finding.not_run("serving", error)]


def _attack(
    session: Session, clean: Batch, schema: Schema, truth: Truth, rng: np.random.Generator, rows: int, clock: Clock, progress: Progress
) -> tuple[dict[str, Any], list[Finding]]:
    from camelopard.stress.attack import attack

    count = min(rows // QUERIES, len(clean))
    if count < 1 or clock.over:
        return {}, []
    progress("searching the smallest change that moves the answer", 0, 1)
    try:
        result = attack(session, clean, schema, truth, rng, rows=count, queries_per_row=QUERIES)
    except CamelopardError as error:
        return {}, [Finding.not_run("attack", error)]
    return result.to_dict(), list(result.findings())


def _raises_on_clean(base: Batch, answer: Prediction) -> Finding:
    bad = np.flatnonzero(answer.failed)
    message = f"The model raises on {len(bad)} of {len(base)} clean rows; the first error: {answer.errors[bad[0]]}"
    return Finding("raises-on-clean", "*", message, "high", len(bad) / len(base), 0.0, rows=tuple(int(i) for i in bad[:5]))


def with_labels(batch: Batch, y: Any) -> tuple[Batch, Array | None]:
    """Return the batch and its labels: an array-like of one label per row, or the name of the column that holds them.

    Raises
    ------
    InputError
        If the length differs, a label is missing, or there is no such column.
    """
    if y is None:
        return batch, None
    if isinstance(y, str):
        if y not in batch.columns:
            raise InputError(f"y={y!r} is no column of X. Its columns: {', '.join(batch.names[:30])}.")
        values: Array = batch.columns[y]
        batch = batch.select([name for name in batch.names if name != y])
    else:
        values = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    if values.ndim != 1 or len(values) != len(batch):
        raise InputError(f"y has shape {values.shape} for {len(batch)} rows; expected one label per row.")
    gone = is_missing(values)
    if gone.any():
        raise InputError(f"y is missing in {int(gone.sum())} rows, the first at position {int(np.flatnonzero(gone)[0])}. Leave those rows out.")
    return batch, values


def _described(schema: Schema, name: str) -> dict[str, Any]:
    column = schema[name]
    return {"name": name, "kind": column.kind, "null_rate": column.null_rate, "low": column.low, "high": column.high, "values": len(column.values)}
