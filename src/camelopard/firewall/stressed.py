"""Damaged rows drawn from the cases of a stress run, for evidence: each kind alike, in an order that may be left anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch, concat
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.firewall.portions import Stack
from camelopard.stress.remade import bytes_of
from camelopard.stress.runner import Case

HELD = 256_000_000  # bytes of damaged pictures that are drawn and kept until they are examined; of more, each part is made again for that


@dataclass(frozen=True)
class Stressed:
    """Damaged rows drawn from cases, each kind alike: the rows, the model's answers before the damage, where they come from. Where they are too many
    bytes of pictures, they are a stack that is made again, part by part.

    `order`: their positions in the order in which they are to be examined, so that the first ones are a draw of their own, of any number, each kind
    alike. `stratum` and `size`: rows of a kind that fooled the model in the stress run, or those that did not; and how many there were to draw from.
    """

    batch: Batch | Stack
    before: Prediction
    origin: Ints
    kind: Array
    order: Ints
    stratum: Ints
    size: Floats

    def stands_for(self, rows: Ints) -> Floats:
        """Return how many rows each of these stands for, where they are all that were examined, shape (m,)."""
        found = self.stratum[rows]
        return np.asarray((self.size / np.maximum(np.bincount(found, minlength=len(self.size)), 1))[found], dtype=np.float64)


def gather(
    cases: Sequence[Case], schema: Schema, most: int, rng: np.random.Generator, *, enriched: bool = False, of_stack: int | None = None
) -> Stressed | None:
    """Return up to `most` damaged rows, the same number from every kind as far as there are any, only rows that the damage changed.

    With `enriched`, up to half of a kind's rows are such that fooled the model in the stress run: few damages fool a good model, and evidence is
    dear. `of_stack`: how many rows at most where they are a stack, which is examined part by part and in no order of its own. The rows are brought to
    the schema, as in screening, and are to be asked about in that form: a column that is absent is missing there.
    """
    kinds: dict[str, list[Case]] = {}
    for case in cases:
        if case.batch is not None and case.changed.any():
            kinds.setdefault(case.kind, []).append(case)
    drawn = [part for group in kinds.values() for part in _drawn(group, max(1, most // len(kinds)), rng, enriched)]
    if not drawn:
        return None
    many = sum(bytes_of(part.case.batch) * len(part.rows) / len(part.case.rows) for part in drawn) > HELD
    if many and of_stack is not None and of_stack < most:
        return gather(cases, schema, of_stack, rng, enriched=enriched)
    makes = [partial(_conformed, part.case, part.rows, schema) for part in drawn]
    batch = Stack(makes, [len(part.rows) for part in drawn]) if many else concat([make() for make in makes]).renumbered()
    kind = np.concatenate([np.full(len(part.rows), part.case.kind) for part in drawn])
    hit, turn = (np.concatenate([getattr(part, name) for part in drawn]) for name in ("hit", "turn"))
    names, which = np.unique(kind, return_inverse=True)
    size = np.zeros(2 * len(names))
    for part in drawn:
        size[2 * np.searchsorted(names, part.case.kind) + np.array([0, 1])] = part.others, part.hits
    return Stressed(
        batch,
        Prediction.joined([part.case.before.take(part.rows) for part in drawn]),
        np.concatenate([part.case.rows[part.rows] for part in drawn]),
        kind,
        np.lexsort((rng.spawn(1)[0].random(len(turn)), turn)),
        2 * which + hit,
        size,
    )


def _conformed(case: Case, rows: Ints, schema: Schema) -> Batch:
    return schema.conform(case.batch.take(rows))


@dataclass(frozen=True)
class _Part:
    """Rows drawn from a case: whether each is drawn as one that fooled the model, and its turn among the rows of the kind, of which there are so many
    of either."""

    case: Case
    rows: Ints
    hit: Bools
    turn: Ints
    hits: int
    others: int


def _drawn(group: Sequence[Case], quota: int, rng: np.random.Generator, enriched: bool) -> list[_Part]:
    """Return rows of the cases of one kind, drawn at random, those that fooled the model and the others by turns."""
    case_of = np.concatenate([np.full(int(case.changed.sum()), k) for k, case in enumerate(group)])
    row_of = np.concatenate([np.flatnonzero(case.changed) for case in group])
    fooled = np.concatenate([case.fooled[case.changed] for case in group]) if enriched else np.zeros(len(row_of), dtype=bool)
    hits, others = rng.permutation(np.flatnonzero(fooled)), rng.permutation(np.flatnonzero(~fooled))
    most = min(len(hits), max(quota // 2, quota - len(others)))
    hits_taken, others_taken = hits[:most], others[: quota - most]
    taken, hit = np.concatenate([hits_taken, others_taken]), np.arange(len(hits_taken) + len(others_taken)) < len(hits_taken)
    turn = np.argsort(np.argsort(np.concatenate([2 * np.arange(len(hits_taken)), 2 * np.arange(len(others_taken)) + 1])))
    order = np.lexsort((row_of[taken], case_of[taken]))
    cuts = np.flatnonzero(np.diff(case_of[taken[order]])) + 1
    return [
        _Part(group[int(case_of[taken[some[0]]])], row_of[taken[some]], hit[some], turn[some], len(hits), len(others))
        for some in np.split(order, cuts)
        if len(some)
    ]
