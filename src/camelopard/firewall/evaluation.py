"""How good is a fitted firewall on someone's own data? The same figures as at fitting, on rows that it has never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from camelopard.confidence.acceptance import Accepted, RiskCoverage
from camelopard.confidence.covering import MOST_SEGMENTS, segments
from camelopard.core.arrays import Array, Ints
from camelopard.core.batch import Batch
from camelopard.core.errors import InputError
from camelopard.core.labels import checked_labels, with_labels
from camelopard.core.protocols import Model, Progress, silent
from camelopard.core.schema import Schema
from camelopard.firewall.large import Large
from camelopard.firewall.learn import FEWEST_ROWS
from camelopard.firewall.learned import Learned
from camelopard.firewall.material import CALIBRATION_DAMAGED, Lesson, Purse, examined, repaired_right, right_answers
from camelopard.firewall.measure import clean_stopped, measure
from camelopard.firewall.policy import Policy
from camelopard.firewall.stressed import gather
from camelopard.firewall.summary import quality
from camelopard.stress.budget import PIXELS
from camelopard.stress.damages import catalogue
from camelopard.stress.runner import run
from camelopard.stress.truth import Truth

DAMAGING = 60_000  # model rows to damage rows with, without a budget
SHARE = 0.4  # of a budget


@dataclass(frozen=True)
class Quality:
    """Figures of a firewall, each with its 95 % interval; printed, they are a table.

    `within`: how far a number may be from the truth and still be right, None where answers are classes.
    """

    figures: Mapping[str, Any]
    within: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return dict(self.figures)

    def __repr__(self) -> str:
        return "\n".join(quality(self.figures, self.within))


def evaluate(
    model: Model,
    learned: Learned,
    schema: Schema,
    tolerance: float,
    policy: Policy,
    X: Any,
    y: Any,
    budget: int | None,
    seed: int,
    progress: Progress,
) -> Quality:
    """Return the quality of a firewall on clean rows and every kind of damage done to them. See `Firewall.evaluate`."""
    rng = np.random.default_rng(seed)
    batch, labels = with_labels(Batch.of(X), y)
    test, rows = damaged(model, learned, schema, tolerance, batch, labels, budget, rng, progress)
    known = None if labels is None else labels[rows]
    if learned.strange is not None:
        test = replace(test, odd=learned.strange.oddness(test.table))
    right, mended = None if known is None else right_answers(test, known, tolerance), repaired_right(test, known, tolerance)
    within = tolerance if model.task == "regression" else None
    judged = learned.judge(test.answer, test.table)
    figures = measure(test, right, judged, learned.threshold, rng, policy=policy, repaired_right=mended)
    return Quality({**figures, **clean_stopped(test, judged.score, learned.threshold)}, within)


def accept_by(
    model: Model, learned: Learned, schema: Schema, tolerance: float, by: str, X: Any, y: Any, errors: float, sureness: float, seed: int
) -> dict[Any, Accepted]:
    """Return from which confidence on answers are accepted in each segment. See `Firewall.accept_by`."""
    batch, labels = with_labels(Batch.of(X), y)
    if labels is None:
        raise InputError("accept_by() holds answers against labels; give them as y.")
    segment = segments(batch, by)
    names = sorted(set(segment.tolist()), key=str)
    if len(names) > MOST_SEGMENTS:
        raise InputError(f"the column {by!r} has {len(names)} values; expected one of at most {MOST_SEGMENTS}.")
    test, rows = damaged(model, learned, schema, tolerance, batch, labels, None, np.random.default_rng(seed), silent)
    wrong = ~right_answers(test, labels[rows], tolerance)
    confidence = learned.judge(test.answer, test.table).confidence
    mine = segment[rows][test.origin]
    found = {}
    for name in names:
        some = np.flatnonzero([value == name for value in mine.tolist()])
        curve = RiskCoverage.of(confidence[some], wrong[some], test.weight[some], test.origin[some])
        found[name] = curve.accept(errors, sureness, tolerance if model.task == "regression" else None)
    return found


def damaged(
    model: Model,
    learned: Learned,
    schema: Schema,
    tolerance: float,
    batch: Batch,
    labels: Array | None,
    budget: int | None,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[Lesson, Ints]:
    """Return the evidence of clean rows and of every kind of damage done to them, and the positions in the batch of the rows that it counts."""
    if len(batch) < FEWEST_ROWS:
        raise InputError(f"{len(batch)} rows are too few to judge by; expected at least {FEWEST_ROWS} clean rows.")
    batch, truth = schema.conform(batch), Truth(model.task, tolerance)
    panel = learned.panel
    large = Large.of(batch, budget)
    purse = Purse(
        model.session(budget, thrifty=True),
        None if budget is None else int((1 - SHARE) * budget),
        panel.extra_rows,
        panel.suspicious,
        large.damaged,
    )
    rows = np.sort(rng.permutation(len(batch))[: purse.clean(len(batch))][: large.clean])
    clean = panel.reader.views.opened(batch.take(rows))[0]
    answer = purse.session.predict(clean)
    if labels is not None:
        checked_labels(labels[rows], model, answer)
    room, pixels = (DAMAGING, PIXELS) if budget is None else (int(SHARE * budget), None)
    cases = run(
        purse.session, clean, schema, truth, list(catalogue().values()), rng=rng, budget=room, pool=len(clean), pixels=pixels, progress=progress
    )
    stressed = gather(cases, schema, purse.damaged(CALIBRATION_DAMAGED), rng, of_stack=purse.of_stack)
    return examined(learned.panel, clean, stressed, truth, purse, schema.form, rng, trust=learned.trust), rows
