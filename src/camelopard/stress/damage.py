"""The two shapes a damage has: a function on one column, or a function on the whole batch.

Data may hold infinities and numbers near the largest float, so arithmetic in a damage never warns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.schema import MEDIA, Column, Kind, Schema

ON_COLUMN = Callable[[Array, Column, int, np.random.Generator], Array]
ON_BATCH = Callable[[Batch, str, int, np.random.Generator, Schema], Batch]


@dataclass(frozen=True)
class ColumnDamage:
    """A damage to the cells of one column at a time.

    kind, family
        Its name and its relatives: families are left out together when transfer is measured.
    on
        The kinds of column it can be done to.
    breaks
        The code of the assumption it breaks.
    change
        (values, column, severity 1–5, rng) -> values, vectorised, same length.
    fits
        Which of those columns really: for example only whole numbers.
    keeps_label
        Whether the true answer stays what it was: true for errors of recording.
    graded
        Whether severity changes anything; where not, one severity is tried.
    """

    kind: str
    family: str
    on: tuple[Kind, ...]
    breaks: str
    change: ON_COLUMN
    fits: Callable[[Column], bool] = lambda column: True
    keeps_label: bool = True
    graded: bool = True

    def targets(self, schema: Schema) -> Sequence[str]:
        return [c.name for c in schema.of_kind(*self.on) if self.fits(c)]

    def apply(self, batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
        with np.errstate(all="ignore"):
            return batch.with_columns({target: self.change(batch.columns[target], schema[target], severity, rng)})


@dataclass(frozen=True)
class BatchDamage:
    """A damage to several columns at once, or to the table itself. `media`: it is one to columns of texts or pictures, which others leave alone."""

    kind: str
    family: str
    breaks: str
    change: ON_BATCH
    where: Callable[[Schema], Sequence[str]]
    keeps_label: bool = True
    graded: bool = True
    media: bool = False

    def targets(self, schema: Schema) -> Sequence[str]:
        if self.media:
            return self.where(schema)
        columns = {name: column for name, column in schema.columns.items() if column.kind not in MEDIA}
        if len(columns) == len(schema.columns):
            return self.where(schema)
        return self.where(replace(schema, columns=columns)) if columns else ()

    def apply(self, batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
        with np.errstate(all="ignore"):
            return self.change(batch, target, severity, rng, schema)
