"""Damaged texts beyond those that the model is asked about again: what a text looks like needs no answer.

A stress run damages many more texts than evidence is collected of, since evidence costs questions. Whoever learns what damage looks like reads
them all. In a table, and of two texts that belong together, what is odd lies between the columns as well, and there all evidence is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.core.schema import Schema
from camelopard.firewall.panel import Panel
from camelopard.firewall.portions import Stack
from camelopard.firewall.stressed import gather
from camelopard.stress.runner import Case

MOST = 16_000
PIECE = 4_096  # rows looked at together


@dataclass(frozen=True)
class Further:
    """What of the evidence no answer is needed for, shape (n, f), zeros elsewhere, and the kind of damage of each row, shape (n,)."""

    table: Floats
    kind: Array

    @classmethod
    def of(cls, panel: Panel, cases: Sequence[Case], schema: Schema, rng: np.random.Generator) -> Further | None:
        """Return up to MOST damaged rows, each kind alike; None where a row is more than one text."""
        if [column.kind for column in schema.columns.values()] != ["text"]:
            return None
        drawn = gather(cases, schema, MOST, rng)
        if drawn is None or isinstance(drawn.batch, Stack):
            return None
        n = len(drawn.kind)
        parts = [panel.unasked(drawn.batch.take(np.arange(start, min(start + PIECE, n)))) for start in range(0, n, PIECE)]
        return cls(np.vstack(parts), drawn.kind)

    def without(self, kinds: Collection[str]) -> Further:
        """Return the same without these kinds of damage."""
        keep = ~np.isin(self.kind, list(kinds))
        return Further(self.table[keep], self.kind[keep])

    def by_family(self, families: Mapping[str, str]) -> list[tuple[Floats, Floats]]:
        """Return the rows of each family, shape (n, f), and how much each counts, shape (n,): every kind alike."""
        kinds, place, count = np.unique(self.kind, return_inverse=True, return_counts=True)
        family = np.array([families.get(str(kind), str(kind)) for kind in kinds.tolist()])
        weight = (1.0 / count)[place]
        return [(self.table[mine], weight[mine]) for mine in ((family == name)[place] for name in np.unique(family).tolist())]
