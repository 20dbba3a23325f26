"""The search for the smallest change that moves the answer, by what the rows are: numbers and categories, texts, or pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.errors import BudgetSpent
from camelopard.core.protocols import Session
from camelopard.core.schema import Schema
from camelopard.stress.attack import AttackResult, attack
from camelopard.stress.truth import Truth


def search(
    session: Session, batch: Batch, schema: Schema, truth: Truth, rng: np.random.Generator, *, rows: int, queries_per_row: int
) -> list[AttackResult]:
    """Return the smallest changes found that move the answers to up to `rows` rows.

    In a table with texts there are two results: of half of the rows the texts are changed, of the others all other columns.

    Raises
    ------
    BudgetSpent
        If not even the rows themselves can be asked.
    """
    found: list[AttackResult] = []
    texts = 0 if not schema.of_kind("text") else rows // 2 if schema.tabular else rows
    if schema.tabular:
        found.append(attack(session, batch, schema, truth, rng, rows=rows - texts, queries_per_row=queries_per_row))
    if texts:
        from camelopard.stress.text_attack import text_attack

        try:
            found.append(text_attack(session, batch, schema, truth, rng, rows=texts, queries_per_row=queries_per_row))
        except BudgetSpent:
            if not found:
                raise
    if found:
        return found
    from camelopard.stress.image_attack import image_attack

    gradient = getattr(session, "gradient", None)
    follow = None if gradient is None else as_they_came(gradient, batch.columns[schema.of_kind("image")[0].name])
    return [image_attack(session, batch, schema, truth, rng, rows=rows, queries_per_row=queries_per_row, gradient=follow)]


def as_they_came(gradient: Callable[[Array, Sequence[object]], Array], images: Array) -> Callable[[Array, Sequence[object]], Array]:
    """Return the gradient at pictures in the type of numbers that the model knows: a search between two grey levels asks at the nearer one."""
    kinds = {cell.dtype for cell in images.tolist() if isinstance(cell, np.ndarray)}
    own = next(iter(kinds)) if len(kinds) == 1 else None
    if own is None or own.kind not in "iu":
        return gradient
    return lambda pictures, labels: gradient(np.rint(pictures).astype(own), labels)
