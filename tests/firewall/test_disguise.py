"""A wrong number is as wrong in quotes: what a client sends as text is judged by what it says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Array
from camelopard.core.batch import Batch


def shares(rows: pd.DataFrame) -> Array:
    """Return the probabilities of a model that reads numbers in quotes as numbers, shape (n, 2)."""
    score = 0.06 * (rows["age"].to_numpy(dtype=float) - 50) + 0.04 * (rows["hours"].to_numpy(dtype=float) - 40)
    high = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
    return np.column_stack([1 - high, high])


@pytest.fixture(scope="module")
def firewall() -> cp.Firewall:
    rng = np.random.default_rng(1)
    held = pd.DataFrame({"age": rng.integers(18, 90, 700).astype(float), "hours": rng.integers(1, 80, 700).astype(float)})
    truth = np.where(shares(held)[:, 1] > rng.random(700), "yes", "no")
    return cp.Firewall(alpha=0.05, budget=20_000).fit(cp.wrap(shares, name="promotion", task="classification", classes=["no", "yes"]), held, truth)


@pytest.mark.parametrize("age", [1985.0, 400.0, 1985])
def test_a_number_that_never_occurs_does_not_pass_because_it_is_in_quotes(firewall: cp.Firewall, age: float) -> None:
    plain, quoted = (firewall.screen([{"age": cell, "hours": 2.0}]) for cell in (age, str(age)))
    assert plain.route[0] != "pass" and quoted.route[0] != "pass"
    assert quoted.prediction[0] == plain.prediction[0] == "yes" and quoted.risk[0] == plain.risk[0]
    repair = quoted.repair(0)
    assert repair is not None and 18 <= repair.changes["age"] <= 90 and repair.prediction == "no"


def test_a_usual_number_in_quotes_means_what_it_says(firewall: cp.Firewall) -> None:
    found = firewall._examined(Batch.of([{"age": "41", "hours": 38.0}]))
    assert float(found.reading.values[0, 0]) == 41.0
    assert firewall.screen([{"age": "41", "hours": 38.0}]).risk[0] < 0.1


def test_in_quotes_a_worse_number_is_never_less_suspicious(firewall: cp.Firewall) -> None:
    found = firewall._examined(Batch.of([{"age": str(age), "hours": 38.0} for age in range(54, 400)])).suspicions[:, 0]
    assert (np.diff(found) >= -1e-9).all()


def test_in_quotes_a_cell_is_never_less_suspicious_than_without(firewall: cp.Firewall) -> None:
    for age in (18.0, 41.0, 95.0, 400.0, 1985.0, -3.0):
        plain, quoted = (firewall._examined(Batch.of([{"age": cell, "hours": 38.0}])).suspicions[0, 0] for cell in (age, str(age)))
        assert quoted >= plain
