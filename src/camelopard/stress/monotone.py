"""Does more of it always mean more? Walks each number through its range, row by row, and looks whether the model's answer only ever goes one way."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch
from camelopard.core.intervals import upper_share
from camelopard.core.protocols import Session
from camelopard.core.records import Assumption, Prediction
from camelopard.core.schema import LADDER, Schema

ROWS = 100  # rows walked; without an exception, at most 3 % of all rows go the other way
STEPS = 9  # values per walk: equal steps of probability
MOVING = 0.2  # share of rows on which the answer must move at all
MOST_COLUMNS = 30
SAME = 1e-9  # a change of the answer smaller than this is none


def directions(session: Session, batch: Batch, schema: Schema, rng: np.random.Generator) -> list[Assumption]:
    """Return an assumption for every number whose rise never lowers, or never raises, the model's answer, on rows drawn from the batch.

    Only where the answer is one number: a regression, or the probability of the last of two classes. A column is claimed where no walked row goes
    the other way. Asks ROWS × STEPS model rows per column at most; BudgetSpent passes through.
    """
    rows = np.sort(rng.permutation(len(batch))[:ROWS])
    part = batch.take(rows)
    if not len(part) or _height(session.predict(part)) is None:
        return []
    found = []
    for column in [c for c in schema.of_kind("number") if not c.constant][:MOST_COLUMNS]:
        grid = np.unique(np.interp(np.linspace(0.02, 0.98, STEPS), LADDER, column.quantiles))
        grid = np.unique(np.rint(grid)) if column.integral else grid
        if len(grid) < 3:
            continue
        walked = part.take(np.repeat(np.arange(len(part)), len(grid))).with_columns({column.name: np.tile(grid, len(part))})
        heights = _height(session.predict(walked.renumbered()))
        if heights is not None:
            found += _claims(column.name, heights.reshape(len(part), len(grid)))
    return found


def _claims(name: str, heights: Floats) -> list[Assumption]:
    steps = np.diff(heights[~np.isnan(heights).any(axis=1)], axis=1)
    n = len(steps)
    if n < ROWS / 2:
        return []
    up, down = (steps > SAME).any(axis=1), (steps < -SAME).any(axis=1)
    for with_it, against, word, way in ((up, down, "lowers", "rising"), (down, up, "raises", "falling")):
        if not against.any() and with_it.mean() >= MOVING:
            words = f"A higher {name} never {word} the model's answer (0 of {n} rows tried; at most {upper_share(0, n):.1%})."
            return [Assumption("monotone", (name,), words, {"direction": way}, {"rows": n, "exceptions": 0})]
    return []


def _height(answer: Prediction) -> Floats | None:
    """Return the answer as one number per row, NaN where there is none; None where it is not one number."""
    if not answer.classes:
        return np.where(answer.failed, np.nan, np.where(answer.failed, 0.0, answer.value)).astype(np.float64)
    table = answer.proba if answer.proba is not None else answer.scores
    return table[:, -1] if table is not None and len(answer.classes) == 2 else None
