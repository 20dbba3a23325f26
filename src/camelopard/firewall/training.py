"""From a model and clean rows to a firewall: read, split, stress, learn, calibrate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.batch import Batch
from camelopard.core.errors import InputError
from camelopard.core.protocols import Model, Progress
from camelopard.core.schema import Schema
from camelopard.firewall.learn import FEWEST_ROWS, Split, answered, learn, learn_panel, learn_without_model, weights_of
from camelopard.firewall.learned import Learned
from camelopard.firewall.seen import warn_if_seen
from camelopard.stress.budget import parse
from camelopard.stress.damages import catalogue
from camelopard.stress.report import StressReport
from camelopard.stress.runner import run
from camelopard.stress.study import stress, with_labels
from camelopard.stress.truth import Truth, tolerance_of

STRESS_SHARE = 0.4  # of the budget goes to the stress run, the rest to evidence on its outcomes


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
    session = model.session(None, thrifty=True)
    good, answer = answered(model, batch, session)
    batch, answer = batch.take(good), answer.take(good)
    labels = None if labels is None else labels[good]
    warn_if_seen(model, batch, labels, None if reference is None else known, schema, session, rng)
    truth = Truth(model.task, tolerance_of(answer, labels, model.task))
    split = Split.of(len(batch), rng)
    taught = batch.take(split.teach)
    plan = parse(budget)
    report = stress(
        model, taught, None if labels is None else labels[split.teach], budget=plan.part(STRESS_SHARE), seed=seed, schema=schema, progress=progress
    )
    weights = weights_of(report, schema)
    anchor = known if reference is not None else taught
    panel = learn_panel(
        schema, anchor, session.predict(anchor) if reference is not None else answer.take(split.teach), model, truth, weights, session
    )
    held = batch.take(split.calibrate)
    twins = run(session, held, schema, truth, list(catalogue().values()), rows_per_case=12, pool=len(held), rng=rng, progress=progress)
    learned = learn(
        model,
        panel,
        schema,
        truth,
        (taught, report.cases),
        (held, twins, None if labels is None else labels[split.calibrate]),
        session,
        alpha,
        rng,
        progress,
    )
    about = {
        "model": {"name": model.name, "task": model.task, "classes": list(model.classes)},
        "mode": "model",
        "rows": {"taught": len(taught), "calibrated": len(held), "reference": len(known) if reference is not None else 0},
        "tolerance": truth.tolerance,
        "labelled": labels is not None,
        "mix": "half clean rows, half damaged rows, every kind of damage alike",
        "asked": session.asked + int(report.cost.get("asked", 0)),
    }
    return Trained(schema, learned, report, about)


def _from_data(batch: Batch, known: Batch, schema: Schema, alpha: float, budget: int | str | None, seed: int, progress: Progress) -> Trained:
    report = stress(None, known, budget=budget, seed=seed, progress=progress)
    panel = learn_panel(schema, known, None, None, None, np.ones(len(schema.names)), None)
    about = {"model": None, "mode": "data", "rows": {"taught": len(known), "calibrated": len(batch), "reference": 0}, "labelled": False, "asked": 0}
    return Trained(schema, learn_without_model(panel, batch, schema.form, alpha), report, about)
