"""Teaches what one pixel can do, and what it mostly does not: a search among the pictures whose answer hardly leads, and the same pixels elsewhere.

Only answers that hardly lead are moved by one pixel; a search among all pictures would spend its budget and find next to none. And a camera has
dead pixels: the pixels that were found are put into other pictures, too, lest every speck is taken for an attack.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Ints, objects
from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.firewall.panel import lead
from camelopard.stress.image_attack_result import ImageAttackResult
from camelopard.stress.runner import Case
from camelopard.stress.truth import Truth

ROWS, QUERIES = 80, 60  # pictures tried of each half, and model rows for each, without a limit
FEWEST = 8  # answers moved below which nothing is taught: each would stand for much
ELSEWHERE = 2  # other pictures that each pixel found is put into


def struck(
    session: Session, batch: Batch, answer: Prediction, narrow: float, schema: Schema, truth: Truth, rng: np.random.Generator, most: int | None
) -> list[Case]:
    """Return pictures with one pixel changed, as cases: such that move the answer, and others with the same pixels.

    None where a pixel moves fewer than FEWEST answers, or where the budget ends.

    Parameters
    ----------
    batch, answer
        Clean rows and the model's answers to them.
    narrow
        The lead below which an answer is in doubt; 0 where there are no pictures.
    most
        Model rows that the search may spend; None for no limit.
    """
    rows = ROWS if most is None else min(ROWS, most // QUERIES)
    among = np.flatnonzero((lead(answer) < narrow) & ~answer.failed)
    if min(rows, len(among)) < FEWEST:
        return []
    from camelopard.stress.image_attack import image_attack

    try:
        found = image_attack(session, batch.take(among), schema, truth, rng, rows=rows, queries_per_row=QUERIES, ways=("one-pixel",))
        if int(found.succeeded.sum()) < FEWEST:
            return []
        return [*found.cases(among), *_elsewhere(session, batch, answer, found, among, truth, rng)]
    except CamelopardError:
        return []


def _elsewhere(
    session: Session, batch: Batch, answer: Prediction, found: ImageAttackResult, among: Ints, truth: Truth, rng: np.random.Generator
) -> list[Case]:
    """Return other pictures with the pixels that moved an answer, of the same shape and type, as a case."""
    won = np.flatnonzero(found.succeeded)
    others = rng.permutation(np.setdiff1d(np.flatnonzero(~answer.failed), among[found.rows[won]]))[: ELSEWHERE * len(won)]
    rows, cells = [], []
    for k, row in enumerate(others.tolist()):
        old, new = found.changes(int(won[k % len(won)]))[found.column]
        picture = _with_change(batch.columns[found.column][row], old, new)
        if picture is not None:
            rows.append(row)
            cells.append(picture)
    if not rows:
        return []
    at = np.array(rows, dtype=np.int64)
    changed, before = batch.take(at).with_columns({found.column: objects(cells)}), answer.take(at)
    after = session.predict(changed.renumbered())
    no, yes = np.zeros(len(at), dtype=bool), np.ones(len(at), dtype=bool)
    fooled, flipped = truth.fooled(before, after), truth.flipped(before, after)
    return [Case("one-pixel-attack", "attack", "*", 0, True, at, changed, before, after, fooled, flipped, no, yes, no, no, no)]


def _with_change(picture: object, old: Array, new: Array) -> Array | None:
    """Return a picture with what is other in `new` than in `old`; None where it is of another form, or was like that already."""
    if not isinstance(picture, np.ndarray) or picture.shape != old.shape or picture.dtype != old.dtype:
        return None
    found = np.where(old != new, new, picture)
    return None if np.array_equal(found, picture) else found
