"""From a model and clean rows to a firewall: read, split, stress, learn, calibrate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.errors import InputError
from camelopard.core.protocols import Model, Progress
from camelopard.core.schema import Schema
from camelopard.firewall.learn import FEWEST_ROWS, Purse, Split, answered, learn, learn_panel, learn_without_model, weights_of
from camelopard.firewall.learned import Learned
from camelopard.firewall.seen import warn_if_seen
from camelopard.stress.budget import Budget, Clock, parse
from camelopard.stress.damages import catalogue
from camelopard.stress.report import StressReport
from camelopard.stress.runner import run
from camelopard.stress.study import stress, with_labels
from camelopard.stress.truth import Truth, tolerance_of

SHARES = {  # of the model rows, where a budget limits them
    "clean": 0.1,
    "reference": 0.05,
    "seen": 0.015,
    "stress": 0.3,
    "twins": 0.1,
    "teach": 0.22,
    "calibrate": 0.2,
}
TWINS = 12  # calibration rows per damage, column and severity, without a limit
FIRST_LOOK = 64  # rows asked to learn how fast the model is, where seconds count
OWN_SECONDS = 120e-6  # what a model row costs besides the model
TIME_SHARE = 0.8  # of the seconds are planned


@dataclass(frozen=True)
class Trained:
    """A fitted firewall's parts: what clean data looks like, what was learned, the stress report, and what it is about."""

    schema: Schema
    learned: Learned
    report: StressReport
    about: Mapping[str, Any]


def train(model: Model | None, X: Any, y: Any, reference: Any, *, alpha: float, budget: int | str | None, seed: int, progress: Progress) -> Trained:
    """Return a trained firewall. See `Firewall.fit`."""
    batch, labels = with_labels(Batch.of(X), y)
    known = batch if reference is None else Batch.of(reference)
    schema = Schema.infer(known.select([name for name in known.names if name in batch.columns]) if reference is not None else batch)
    if not schema.names:
        raise InputError(f"X and reference share no column. X has {list(batch.names)[:10]}, reference has {list(known.names)[:10]}.")
    if len(batch) < FEWEST_ROWS:
        raise InputError(
            f"{len(batch)} rows are too few to learn from; expected at least {FEWEST_ROWS} clean rows that the model was not trained on."
        )
    batch, known = schema.conform(batch), schema.conform(known)
    rng = np.random.default_rng(seed)
    if model is None:
        return _from_data(batch, known, schema, alpha, budget, seed, progress)
    rows = rows_allowed(parse(budget), model, batch)
    session = model.session(None, thrifty=True)
    batch, labels = _fewer(batch, labels, rows, SHARES["clean"], rng)
    known, _ = _fewer(known, None, rows, SHARES["reference"], rng)
    good, answer = answered(model, batch, session)
    batch, answer = batch.take(good), answer.take(good)
    labels = None if labels is None else labels[good]
    warn_if_seen(model, batch, labels, None if reference is None else known, schema, session, rng, _part(rows, SHARES["seen"]))
    truth = Truth(model.task, tolerance_of(answer, labels, model.task))
    split = Split.of(len(batch), rng)
    taught, held = batch.take(split.teach), batch.take(split.calibrate)
    taught_labels, held_labels = (None, None) if labels is None else (labels[split.teach], labels[split.calibrate])
    report = stress(model, taught, taught_labels, budget=_part(rows, SHARES["stress"]), seed=seed, schema=schema, progress=progress)
    anchor = known if reference is not None else taught
    anchored = session.predict(anchor) if reference is not None else answer.take(split.teach)
    panel = learn_panel(schema, anchor, anchored, model, truth, weights_of(report, schema), session)
    purses = {
        name: Purse(model.session(_part(rows, SHARES[name]), thrifty=True), _part(rows, SHARES[name])) for name in ("twins", "teach", "calibrate")
    }
    damages = list(catalogue().values())
    few = {"rows_per_case": TWINS} if rows is None else {"budget": _part(rows, SHARES["twins"])}
    twins = run(
        purses["twins"].session, held, schema, truth, damages, pool=_part(rows, SHARES["twins"] / 4) or len(held), rng=rng, progress=progress, **few
    )
    learned = learn(
        model, panel, schema, truth, (taught, report.cases, purses["teach"]), (held, twins, held_labels, purses["calibrate"]), alpha, rng, progress
    )
    about = {
        "model": {"name": model.name, "task": model.task, "classes": list(model.classes)},
        "mode": "model",
        "rows": {"taught": len(taught), "calibrated": len(held), "reference": len(known) if reference is not None else 0},
        "tolerance": truth.tolerance,
        "labelled": labels is not None,
        "mix": "half clean rows, half damaged rows, every kind of damage alike",
        "asked": session.asked + int(report.cost["asked"]) + sum(purse.session.asked for purse in purses.values()),
    }
    return Trained(schema, learned, report, about)


def rows_allowed(limit: Budget, model: Model, batch: Batch) -> int | None:
    """Return the model rows that a budget allows, None for no limit; seconds are turned into rows at the model's own pace."""
    if limit.seconds is None:
        return limit.rows
    clock, look = Clock(limit.seconds), model.session(None)
    some = batch.take(slice(0, FIRST_LOOK))
    look.predict(some)
    return max(1000, int(TIME_SHARE * limit.seconds / (clock.spent / len(some) + OWN_SECONDS)))


def _part(rows: int | None, share: float) -> int | None:
    return None if rows is None else max(40, int(share * rows))


def _fewer(batch: Batch, labels: Array | None, rows: int | None, share: float, rng: np.random.Generator) -> tuple[Batch, Array | None]:
    """Return as many rows, drawn at random, as their share of the budget pays for."""
    most = _part(rows, share)
    if most is None or len(batch) <= most:
        return batch, labels
    kept = np.sort(rng.permutation(len(batch))[:most])
    return batch.take(kept), None if labels is None else labels[kept]


def _from_data(batch: Batch, known: Batch, schema: Schema, alpha: float, budget: int | str | None, seed: int, progress: Progress) -> Trained:
    report = stress(None, known, budget=budget, seed=seed, progress=progress)
    panel = learn_panel(schema, known, None, None, None, np.ones(len(schema.names)), None)
    about = {"model": None, "mode": "data", "rows": {"taught": len(known), "calibrated": len(batch), "reference": 0}, "labelled": False, "asked": 0}
    return Trained(schema, learn_without_model(panel, batch, schema.form, alpha), report, about)
