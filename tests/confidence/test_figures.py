from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from camelopard.confidence.figures import Words, of_several, told
from camelopard.core.arrays import Floats, Ints
from camelopard.core.intervals import share


def answers(n: int, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Return probabilities of three classes, and which it is: not quite as they say."""
    odds = rng.normal(size=(n, 3))
    shares: Floats = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    truth: Ints = (odds + rng.gumbel(size=(n, 3)) * 1.5).argmax(axis=1).astype(np.int64)
    return shares, truth


def test_figures_of_several_classes_are_those_of_scikit_learn() -> None:
    shares, truth = answers(600, np.random.default_rng(0))
    said = shares.argmax(axis=1)
    found = {m.name: m.value for m in of_several(said, truth, shares, "people", np.random.default_rng(0))}
    assert found["mean F1"] == pytest.approx(reference.f1_score(truth, said, average="macro"))
    assert found["mean precision"] == pytest.approx(reference.precision_score(truth, said, average="macro"))
    assert found["mean AUROC"] == pytest.approx(reference.roc_auc_score(truth, shares, multi_class="ovr"))
    assert found["log loss"] == pytest.approx(reference.log_loss(truth, shares))
    assert found["Brier score"] == pytest.approx(reference.brier_score_loss(truth, shares))


def test_the_interval_of_the_mean_auroc_holds_the_true_one() -> None:
    rng = np.random.default_rng(1)
    shares, truth = answers(100_000, rng)
    area = reference.roc_auc_score(truth, shares, multi_class="ovr")
    held = 0
    for _ in range(20):
        shares, truth = answers(300, rng)
        found = next(m for m in of_several(shares.argmax(axis=1), truth, shares, "people", rng) if m.name == "mean AUROC")
        held += found.interval.low <= area <= found.interval.high
    assert held >= 17


def test_what_is_told_of_rare_cases_is_in_whole_people() -> None:
    event = np.zeros(20_000, dtype=bool)
    event[:30] = True
    named = np.zeros(20_000, dtype=bool)
    named[:20] = named[100:160] = True
    words = told(named, event, Words("people", "sick", "well"), None)[0]
    assert words.startswith("Of 10,000 people 15 are `sick`. By its own answers the model finds 10 of them (")
    assert "misses 5, and wrongly names 30 (" in words
    assert words.endswith("of the 9,985 others.")


def test_a_mean_auroc_of_few_rows_all_ranked_right_is_not_certain() -> None:
    truth = np.repeat(np.arange(3), 4)
    found = next(m for m in of_several(truth, truth, np.eye(3)[truth], "people", np.random.default_rng(0)) if m.name == "mean AUROC")
    assert found.value == found.interval.high == 1.0
    assert found.interval.low == pytest.approx(share(4, 4).low)
