"""Two texts that are compared: exchanged, one of them twice, or one of them from another row.

Errors of recording, as with two columns of a table: what is true of the pair that was meant stays true.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damage import BatchDamage
from camelopard.stress.damages._cells import fields
from camelopard.stress.damages._texts import others, pairs


def exchanged(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Put each text in the place of the other."""
    first, second = fields(target, schema)
    return batch.with_columns({first: batch.columns[second], second: batch.columns[first]})


def with_itself(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Put the first text in the place of the second, too."""
    first, second = fields(target, schema)
    return batch.with_columns({second: batch.columns[first]})


def mismatched(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Put the text of another row in the place of the first or of the second."""
    first, second = fields(target, schema)
    other, at_first = others(len(batch), rng), rng.random(len(batch)) < 0.5
    changes = {}
    for name, hit in ((first, at_first), (second, ~at_first)):
        values = batch.columns[name]
        changes[name] = objects(b if h else a for a, b, h in zip(values.tolist(), values[other].tolist(), hit.tolist(), strict=True))
    return batch.with_columns(changes)


DAMAGES = (
    BatchDamage("exchanged-texts", "pair", "pair", exchanged, pairs, graded=False, media=True),
    BatchDamage("text-with-itself", "pair", "pair", with_itself, pairs, graded=False, media=True),
    BatchDamage("text-of-another-pair", "pair", "pair", mismatched, pairs, graded=False, media=True),
)
