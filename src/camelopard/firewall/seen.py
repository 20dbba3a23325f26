"""Were these rows used to train the model? Then everything measured on them looks better than it is."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.intervals import paired_excess, share
from camelopard.core.protocols import Model, Session
from camelopard.core.schema import Schema

MOST_ROWS = 2000  # rows of which twins are asked
LOOKED = 5000  # rows that are looked for in the reference
MOST_SHARED = 0.2  # of these, beside those that chance would make
PIECE = 100_000  # reference rows looked through at once


class OptimisticWarning(UserWarning):
    """The rows given to fit look like the model's own training rows: confidence will be too high."""


def warn_if_seen(
    model: Model,
    batch: Batch,
    y: Array | None,
    reference: Batch | None,
    schema: Schema,
    session: Session,
    rng: np.random.Generator,
    most: int | None = None,
) -> None:
    """Warn where the rows given look like the model's own training rows: they stand in `reference`, or tiny changes cost much accuracy."""
    if reference is not None:
        shared, looked = overlap(batch, reference), min(len(batch), LOOKED)
        by_chance = twins(batch, reference) if shared > MOST_SHARED else 0.0
        if shared - by_chance > MOST_SHARED * (1.0 - by_chance) and share(shared * looked, looked).low > by_chance:
            more = f", where chance would make it {by_chance:.0%}" if by_chance >= 0.01 else ""
            warnings.warn(
                f"{shared:.0%} of the rows given to fit also stand in `reference`{more}: the model knows them, and its confidence will look better "
                "than it is. Give rows that the model was not trained on.",
                OptimisticWarning,
                stacklevel=5,
            )
    numbers = [c for c in schema.of_kind("number") if not c.constant]
    if y is None or model.task != "classification" or not numbers:
        return
    rows = np.sort(rng.permutation(len(batch))[: min(most or MOST_ROWS, MOST_ROWS)])
    part = batch.take(rows)
    moved = part.with_columns({c.name: part.columns[c.name].astype(np.float64) + 0.01 * c.spread * rng.standard_normal(len(part)) for c in numbers})
    labels = y[rows].tolist()
    right, still = (np.array([a == b for a, b in zip(session.predict(x).value.tolist(), labels, strict=True)]) for x in (part, moved))
    loss, interval = paired_excess(int((right & ~still).sum()), int((still & ~right).sum()), len(part))
    if interval.low > 0.03:
        warnings.warn(
            f"the model is right on {right.mean():.0%} of the rows given but on only {still.mean():.0%} of twins changed by a hundredth of a "
            f"spread: it seems to know these rows. Its confidence will be too high by about {loss:.0%}. Give rows that it was not trained on.",
            OptimisticWarning,
            stacklevel=5,
        )


def overlap(batch: Batch, reference: Batch, most: int = LOOKED) -> float:
    """Return the share of the rows (of up to `most`, evenly spread) that also stand in `reference`."""
    names = [name for name in batch.names if name in reference.columns]
    if not names or not len(batch):
        return 0.0
    at = np.unique(np.linspace(0, len(batch) - 1, most).astype(np.int64))
    rows = _rows(batch.select(names).take(at))
    looked_for, found = set(rows), set()
    for start in range(0, len(reference), PIECE):
        found |= looked_for.intersection(_rows(reference.select(names).take(slice(start, start + PIECE))))
    return sum(row in found for row in rows) / len(rows)


def twins(batch: Batch, reference: Batch) -> float:
    """Return the share of rows that would stand in `reference` by chance: of few columns with few values most rows are like another.

    It is the share of rows that have a twin among those given, or in `reference`, whichever is less: rows that were copied into one of them are no
    chance. A row without a twin among k others has none among n with a probability of at least its (n / k)th power (Jensen).
    """
    names = [name for name in batch.names if name in reference.columns]
    found: list[float] = []
    for rows, most in ((batch, LOOKED), (reference, PIECE)):
        at = np.unique(np.linspace(0, len(rows) - 1, most).astype(np.int64))
        counts = Counter(_rows(rows.select(names).take(at)))
        alone = sum(count == 1 for count in counts.values()) / len(at)
        found.append(1.0 - float(alone) ** max(1.0, len(reference) / max(len(at) - 1, 1)))
    return min(found)


def _rows(batch: Batch) -> list[str]:
    columns = [[float(v) if isinstance(v, (int, float)) else v for v in values.tolist()] for values in batch.columns.values()]
    return [repr(row) for row in zip(*columns, strict=True)]
