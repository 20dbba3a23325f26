from __future__ import annotations

import numpy as np
import pytest

from camelopard.confidence.unlabelled import AVERAGE, CALIBRATED, DIFFERENCE, THRESHOLD, UNCHANGED, Rivals
from camelopard.core.errors import InputError


def test_each_estimate_is_what_its_authors_say() -> None:
    word = np.array([0.95, 0.9, 0.85, 0.8, 0.7, 0.65, 0.6, 0.55, 0.9, 0.75])
    right = np.array([1, 1, 1, 1, 0, 1, 0, 1, 1, 0], dtype=bool)
    rivals = Rivals.fit(word, right)
    found = rivals.estimates(np.array([0.6, 0.8]))
    assert found[UNCHANGED] == 0.7
    assert found[AVERAGE] == pytest.approx(0.7)
    assert found[DIFFERENCE] == pytest.approx(0.7 - (0.765 - 0.7))  # Guillory et al. 2021
    assert found[THRESHOLD] == 0.5  # 3 of 10 are wrong: the threshold lies between the third and fourth lowest word (Garg et al. 2022)
    assert 0.65 < rivals.threshold < 0.75


def test_on_rows_like_those_known_all_but_the_raw_word_are_right() -> None:
    rng = np.random.default_rng(0)
    truth = rng.beta(4, 1, 20_000)
    word = np.clip(1 - (1 - truth) / 2, 0, 0.999)  # twice too sure
    right = rng.random(20_000) < truth
    found = Rivals.fit(word[:10_000], right[:10_000]).estimates(word[10_000:])
    accuracy = right[10_000:].mean()
    for name in (UNCHANGED, DIFFERENCE, THRESHOLD, CALIBRATED):
        assert found[name] == pytest.approx(accuracy, abs=0.015), name
    assert found[AVERAGE] > accuracy + 0.05


def test_what_is_harder_by_the_models_own_word_is_estimated_lower() -> None:
    rng = np.random.default_rng(0)
    word = rng.uniform(0.5, 1, 5000)
    right = rng.random(5000) < word
    found = Rivals.fit(word, right).estimates(rng.uniform(0.5, 0.6, 1000))
    assert found[UNCHANGED] > 0.7
    assert found[CALIBRATED] == pytest.approx(0.55, abs=0.03)


def test_a_model_without_a_word_leaves_only_that_nothing_changed() -> None:
    right = np.arange(100) % 4 != 0
    assert Rivals.fit(np.ones(100), right).estimates(np.ones(10)) == {UNCHANGED: 0.75}
    assert Rivals.fit(np.linspace(0.5, 1, 100), right).estimates(np.zeros(0)) == {UNCHANGED: 0.75}


def test_without_rows_there_is_nothing_to_learn_from() -> None:
    with pytest.raises(InputError, match="no labelled rows"):
        Rivals.fit(np.zeros(0), np.zeros(0, dtype=bool))


@pytest.mark.parametrize("word", [np.linspace(0.5, 1, 100), np.ones(100)])
def test_what_was_learned_survives_being_kept(word: np.ndarray) -> None:
    rivals = Rivals.fit(word, np.arange(100) % 3 != 0)
    assert Rivals.from_state(rivals.state()).estimates(word) == rivals.estimates(word)
