"""What the judges see: clean test rows, every kind of damage done to them, attacks; and what is true of each row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.fooled.data import Part
from camelopard.core.arrays import Array, Bools
from camelopard.core.batch import Batch, concat
from camelopard.core.protocols import Model
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.firewall.stressed import gather
from camelopard.stress.attack import attack
from camelopard.stress.damages import catalogue
from camelopard.stress.runner import run
from camelopard.stress.truth import Truth

MODEL_ROWS = 25_000  # that making the damaged rows may take
DAMAGED = 4_000  # rows, each kind alike
ATTACKED, QUERIES = 60, 200
NOISES = (0.02, 0.05, 0.1)  # spreads


@dataclass(frozen=True)
class Traffic:
    """Rows and what is true of them; arrays have shape (n,).

    `kind`: the damage, "" for clean rows, "attack: …" for attacks. `origin`: the undamaged row's position among the test rows. `fooled`: the answer is
    not that to the undamaged row. `wrong`: it is not the label. `flip`: a right answer made wrong. `harmless`: damaged, the answer unchanged and right.
    """

    batch: Batch
    answer: Prediction
    kind: Array
    origin: Array
    fooled: Bools
    wrong: Bools
    flip: Bools
    harmless: Bools

    @property
    def clean(self) -> Bools:
        return np.asarray(self.kind == "", dtype=bool)


def make(model: Model, test: Part, schema: Schema, truth: Truth, seed: int) -> Traffic:
    """Return the traffic; rows that the model does not answer are left out, nobody needs to judge them."""
    rng = np.random.default_rng([seed, 11])
    clean = schema.conform(Batch.of(test.X))
    session = model.session(None, thrifty=True)
    answer = session.predict(clean)
    good = np.flatnonzero(~answer.failed)
    cases = run(session, clean.take(good), schema, truth, list(catalogue().values()), rng=rng, budget=MODEL_ROWS, pool=len(good))
    stressed = gather(cases, schema, DAMAGED, rng)
    assert stressed is not None
    batches, kinds, origins = (
        [clean.take(good), stressed.batch],
        [np.full(len(good), "", dtype=object), stressed.kind.astype(object)],
        [good, good[stressed.origin]],
    )
    for name, (batch, origin) in attacks(model, clean.take(good), schema, truth, rng).items():
        batches.append(batch)
        kinds.append(np.full(len(batch), f"attack: {name}", dtype=object))
        origins.append(good[origin])
    batch, kind, origin = concat(batches).renumbered(), np.concatenate(kinds), np.concatenate(origins)
    after = session.predict(batch)
    before = answer.take(origin)
    keep = np.flatnonzero(~after.failed)
    batch, kind, origin, after, before = batch.take(keep), kind[keep], origin[keep], after.take(keep), before.take(keep)
    fooled = truth.fooled(before, after)
    wrong, was_wrong = (wrongly(p, test.y[origin], truth) for p in (after, before))
    damaged = kind != ""
    return Traffic(batch, after, kind, origin, fooled & damaged, wrong, fooled & wrong & ~was_wrong & damaged, damaged & ~fooled & ~wrong)


def wrongly(answer: Prediction, y: Array, truth: Truth) -> Bools:
    """Return which answers are wrong: another class; for numbers, off by more than the model's own median error."""
    if truth.task == "regression":
        return np.asarray(np.abs(answer.value.astype(np.float64) - y.astype(np.float64)) > truth.tolerance, dtype=bool)
    return np.array([a != b for a, b in zip(answer.value.tolist(), y.tolist(), strict=True)], dtype=bool)


def attacks(model: Model, clean: Batch, schema: Schema, truth: Truth, rng: np.random.Generator) -> dict[str, tuple[Batch, Array]]:
    """Return the attacks that succeed: small noise on all numbers, and the smallest valid change that moves the answer."""
    found = {}
    result = attack(model.session(), clean, schema, truth, rng, rows=ATTACKED, queries_per_row=QUERIES)
    won = np.flatnonzero(result.succeeded)
    if len(won):
        found["smallest change"] = schema.conform(result.batch.take(won)), result.rows[won]
    rows = np.sort(rng.permutation(len(clean))[:600])
    part = clean.take(rows)
    before = model.session().predict(part)
    numbers = [c for c in schema.of_kind("number") if not c.constant]
    noisy, origins = [], []
    for size in NOISES:
        moved = part.with_columns({c.name: _noised(part.columns[c.name], size * c.spread, c.integral, rng) for c in numbers})
        won = np.flatnonzero(truth.fooled(before, model.session().predict(moved)))
        noisy.append(schema.conform(moved.take(won)))
        origins.append(rows[won])
    if numbers and sum(map(len, noisy)):
        found["small noise"] = concat(noisy).renumbered(), np.concatenate(origins)
    return found


def _noised(values: Array, spread: float, integral: bool, rng: np.random.Generator) -> Array:
    moved = values.astype(np.float64) + spread * rng.standard_normal(len(values))
    return np.rint(moved) if integral else moved
