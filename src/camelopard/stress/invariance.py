"""What the model ignores: a certificate per column, with an upper bound for the share of rows on which it might not.

A row counts once, however many values were tried in it: damages are tried on the same rows again and again, and a column that matters on few rows
would look certain to be ignored if every trial counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Ints, is_missing
from camelopard.core.batch import concat
from camelopard.core.errors import BudgetSpent
from camelopard.core.intervals import share, upper_share
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction
from camelopard.core.schema import Column, Schema, absent
from camelopard.stress.damages import named
from camelopard.stress.findings import ran
from camelopard.stress.runner import FLOOR, Case, Pool, different
from camelopard.stress.truth import Truth

FEWEST = 200  # rows without a single fooled one from which a column counts as ignored
MOST = 2000  # rows on which a column is looked at: enough for "at most 0.15 % of rows"
OUTLIERS = 10.0  # spreads beyond the range
EXACT = 1e-9  # of the largest answer: rounding is no other answer


def ignored(cases: Sequence[Case], columns: Sequence[str], further: Sequence[Looked] = ()) -> list[dict[str, Any]]:
    """Return per column on how many rows other values were tried and how many of them fooled the model, least first.

    `further` are rows on which a column was looked at besides the cases. `upper` is the 95 % upper bound of the share of rows (exact where none was
    fooled, else Wilson's); `certified` says that at least FEWEST rows were tried and none was fooled. Columns that are gone altogether try no value
    and do not count.
    """
    found: list[dict[str, Any]] = []
    for name in columns:
        own = [case for case in ran(cases) if case.target == name and name in case.batch.columns]
        tried = [(case.rows[case.changed], moved(case.before, case.after)[case.changed]) for case in own]
        tried += [(rows, fooled) for column, rows, fooled in further if column == name]
        trials = sum(len(rows) for rows, _ in tried)
        if not trials:
            continue
        rows, fooled = (np.concatenate(parts) for parts in zip(*tried, strict=True))
        n, k = len(np.unique(rows)), len(np.unique(rows[fooled]))
        upper = upper_share(0, n) if k == 0 else share(k, n, 0.9).high
        found.append({"column": name, "tried": n, "trials": trials, "fooled": k, "upper": upper, "certified": k == 0 and n >= FEWEST})
    return sorted(found, key=lambda c: (c["fooled"] / c["tried"], c["column"]))


Looked = tuple[str, Ints, Bools]


def look(session: Session, pool: Pool, schema: Schema, cases: Sequence[Case], room: int, rng: np.random.Generator) -> list[Looked]:
    """Try a legal or an extreme value on more rows, in the columns whose values have changed no answer so far: (column, rows, which were fooled).

    At most `room` model rows are asked.
    """
    candidates = [str(c["column"]) for c in ignored(cases, schema.names) if not c["fooled"]]
    rows = np.sort(rng.permutation(len(pool))[: min(MOST, room // max(len(candidates), 1))])
    found: list[Looked] = []
    if not len(rows):
        return found
    part, before = pool.batch.take(rows), pool.answer.take(rows)
    legal = named(FLOOR)
    for name in candidates:
        values = part.columns[name]
        odd = rng.random(len(part)) < 0.5
        sides = [part.take(np.flatnonzero(~odd)), part.take(np.flatnonzero(odd))]
        tried = [legal.apply(sides[0], name, 3, rng, schema), sides[1].with_columns({name: _extreme(values[odd], schema[name], rng)})]
        try:
            answers = session.predict(concat(tried).renumbered())
        except BudgetSpent:
            break
        at = np.concatenate([np.flatnonzero(~odd), np.flatnonzero(odd)])
        changed = np.concatenate([different(side.columns[name], other.columns[name]) for side, other in zip(sides, tried, strict=True)])
        fooled = moved(before.take(at), answers)
        found.append((name, pool.rows[rows[at]][changed], fooled[changed]))
    return found


def _extreme(values: Array, column: Column, rng: np.random.Generator) -> Array:
    """Return values beyond the range on either side, the rarest category, or nothing."""
    n = len(values)
    if column.kind == "number" and len(column.quantiles):
        far = np.where(rng.random(n) < 0.5, column.low - OUTLIERS * column.spread, column.high + OUTLIERS * column.spread)
        return np.where(is_missing(values), np.nan, np.rint(far) if column.integral else far)
    rarest = list(column.values)[-1] if column.values else None
    if column.kind == "category" and rarest is not None and values.dtype == object:
        return np.full(n, rarest, dtype=object)
    return absent(column, n)


def moved(before: Prediction, after: Prediction) -> Bools:
    """Return which answers are others at all, shape (n,): another class, another number, or none. A tolerance would hide what the column does."""
    if before.classes or after.classes:
        return Truth("classification", 0.0).fooled(before, after)
    values = before.value[~before.failed].astype(np.float64)
    return Truth("regression", EXACT * float(np.abs(values).max(initial=1.0))).fooled(before, after)


def certified(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the columns with a certificate."""
    return [str(c["column"]) for c in found if c["certified"]]
