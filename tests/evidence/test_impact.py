"""Which plausible originals is the model asked about?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from camelopard.core.batch import Batch
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.evidence.copula import Copula
from camelopard.evidence.impact import CANDIDATES, Impact, impact
from camelopard.evidence.reading import OK, Reader

NEVER, N = 6.0, 400


class Asked:
    """A model that remembers what it was asked."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def predict(self, batch: Batch) -> Prediction:
        self.batches.append(batch)
        return Prediction(np.zeros(len(batch), dtype=object))


def asked(rows: list[dict[str, object]]) -> tuple[Impact, Batch]:
    """Return what repairs of all these rows do, and the rows that the model was asked: with a name of their own, a colour and two sizes."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=N)
    names = ["Ann"] * 20 + [f"name {i}" for i in range(N - 20)]
    colours = rng.choice(["red", "green"], N)
    clean = Batch.of(pd.DataFrame({"name": names, "colour": colours, "size": size, "twice": 2 * size + 0.1 * rng.normal(size=N)}))
    schema = Schema.infer(clean)
    reader = Reader.learn(clean, schema, size)
    copula = Copula.learn(reader.read(clean).scores)
    batch, session = schema.conform(Batch.of(rows)), Asked()
    reading = reader.read(batch)
    costs = np.where(reading.states != OK, NEVER, 0.5 * copula.surprise(reading.scores).residual ** 2)
    about: Session = session  # type: ignore[assignment]
    answer = Prediction(np.zeros(len(rows), dtype=object))
    found = impact(
        batch,
        reading,
        costs,
        np.arange(len(rows)),
        answer,
        reader=reader,
        copula=copula,
        session=about,
        task="regression",
        tolerance=1.0,
        form=schema.form,
        far=3.0,
    )
    return found, session.batches[0]


def of(batch: Batch, name: str, row: int) -> list[object]:
    return list(batch.columns[name][row * CANDIDATES : (row + 1) * CANDIDATES])


def test_a_name_never_seen_stays_in_every_candidate_while_other_cells_are_repaired() -> None:
    _, batch = asked([{"name": "Zoe", "colour": "red", "size": 0.0, "twice": 50.0}, {"name": "Bob", "colour": "mauve", "size": 0.1, "twice": 0.2}])
    assert of(batch, "name", 0) == ["Zoe"] * CANDIDATES
    assert of(batch, "name", 1) == ["Bob"] * CANDIDATES
    assert len(set(of(batch, "twice", 0))) > 5 and max(of(batch, "twice", 0)[:5]) < 10  # type: ignore[type-var,operator]
    assert set(of(batch, "colour", 1)) <= {"red", "green"}


def test_a_row_of_nothing_but_new_and_sound_cells_keeps_its_name() -> None:
    found, batch = asked(
        [{"name": "Zoe", "colour": "red", "size": 0.1, "twice": 0.2}, {"name": "name 7", "colour": "red", "size": 0.1, "twice": 0.2}]
    )
    assert of(batch, "name", 0) == ["Zoe"] * CANDIDATES
    assert of(batch, "name", 1) == ["name 7"] * CANDIDATES
    assert np.unique(found.values[:, :, 0]).tolist() == [1.0]


def test_a_name_that_is_damaged_is_repaired_to_a_known_one() -> None:
    _, batch = asked([{"name": cell, "colour": "red", "size": 0.1, "twice": 0.2} for cell in (None, 12.5, " ann ", "?")])
    for row in range(4):
        assert set(of(batch, "name", row)[:5]) == {"Ann"}
