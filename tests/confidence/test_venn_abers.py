from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.confidence.venn_abers import VennAbers
from camelopard.core.arrays import Bools, Floats
from camelopard.core.codec import read, write
from camelopard.core.errors import InputError


def world(n: int, seed: int) -> tuple[Floats, Bools, Floats]:
    """Return scores, events, and the probability of each event."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n) * 1.5
    p = 1 / (1 + np.exp(-score))
    return score, rng.random(n) < p, p


def by_definition(score: Floats, event: Bools, new: float) -> tuple[float, float]:
    """Return the isotonic fit at the new score, with the new row as no event and as one."""
    from sklearn.isotonic import IsotonicRegression

    low, high = (float(IsotonicRegression().fit(np.append(score, new), np.append(event, label)).predict([new])[0]) for label in (0, 1))
    return low, high


@pytest.mark.parametrize("values", [2, 6, 1000])
def test_both_ends_are_the_isotonic_fit_with_the_row_added(values: int) -> None:
    """With many ties, with few and with none; at the scores given, between them, and beyond."""
    rng = np.random.default_rng(values)
    for n in (1, 2, 5, 17, 40):
        score = rng.integers(0, values, n) / values
        event = rng.random(n) < score
        new = np.concatenate([[-0.1, 1.1], rng.choice(score, 4), rng.random(4)])
        low, high = VennAbers.fit(score, event).interval(new)
        expected = np.array([by_definition(score, event, float(s)) for s in new])
        assert np.abs(np.column_stack([low, high]) - expected).max() < 1e-12


def test_it_agrees_with_the_package_of_the_authors_students() -> None:
    """Golden numbers of venn-abers 1.5.4."""
    score = np.array([0.1, 0.2, 0.2, 0.35, 0.4, 0.4, 0.55, 0.6, 0.7, 0.7, 0.8, 0.95])
    event = np.array([0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 1])
    made = VennAbers.fit(score, event)
    new = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.9, 0.95, 1.0])
    low, high = made.interval(new)
    assert low.round(8).tolist() == [0, 0, 0.25, 0.25, 0.33333333, 0.33333333, 0.4, 0.5, 0.5, 0.5, 0.6, 0.6]
    assert high.round(8).tolist() == [0.4, 0.4, 0.5, 0.5, 0.6, 0.66666667, 0.66666667, 0.75, 0.75, 1, 1, 1]
    merged = [0.28571429, 0.28571429, 0.4, 0.4, 0.47368421, 0.5, 0.52631579, 0.6, 0.6, 0.66666667, 0.71428571, 0.71428571]
    assert made.proba(new).round(8).tolist() == merged


def test_the_end_for_the_label_that_comes_true_is_calibrated_from_ten_rows_already() -> None:
    """Wherever it says p, p of the rows are events: exactly, so that only chance is allowed for."""
    said, came = [], []
    for seed in range(6000):
        score, event, _ = world(11, seed)
        ends = VennAbers.fit(score[:10], event[:10]).interval(score[10:])
        said.append(round(float(ends[int(event[10])][0]), 9))
        came.append(bool(event[10]))
    values, where, rows = np.unique(said, return_inverse=True, return_counts=True)
    share = np.bincount(where, weights=np.array(came, dtype=np.float64)) / rows
    far = np.abs(share - values) / np.sqrt(np.maximum(values * (1 - values), 1e-9) / rows)
    assert (rows >= 100).sum() > 8
    assert far[rows >= 100].max() < 3.7
    assert abs(np.mean(said) - np.mean(came)) < 0.02


def test_probabilities_that_are_right_already_are_left_alone() -> None:
    """The null twin: there is nothing to mend."""
    _, event, p = world(20_000, 0)
    made, new = VennAbers.fit(p, event), world(2000, 1)[2]
    assert np.abs(made.proba(new) - new).mean() < 0.015
    assert abs(made.proba(new).mean() - new.mean()) < 0.01


def test_the_interval_narrows_with_rows_and_the_ends_never_cross() -> None:
    new = world(500, 1000)[0]
    widths = []
    for n in (20, 200, 2000, 20_000):
        low, high = VennAbers.fit(*world(n, n)[:2]).interval(new)
        assert (low < high).all()
        assert (np.diff(low[np.argsort(new)]) >= 0).all()
        merged = VennAbers.fit(*world(n, n)[:2]).proba(new)
        assert ((low <= merged) & (merged <= high)).all()
        widths.append(float((high - low).mean()))
    assert widths[0] > 0.15
    assert all(wide > 2.5 * narrow for wide, narrow in pairwise(widths))


def test_it_is_no_confidence_interval_of_the_probability_as_is_said() -> None:
    inside = []
    for seed in range(60):
        new, _, p = world(200, 1000 + seed)
        low, high = VennAbers.fit(*world(100, seed)[:2]).interval(new)
        inside.append(((low <= p) & (p <= high)).mean())
    assert 0.38 < np.mean(inside) < 0.5


def test_only_the_order_of_the_scores_counts() -> None:
    score, event, p = world(300, 0)
    new, _, q = world(50, 1)
    assert VennAbers.fit(score, event).proba(new).tobytes() == VennAbers.fit(p, event).proba(q).tobytes()


def test_few_numbers_are_kept_and_they_come_back_from_a_file(tmp_path: Path) -> None:
    made = VennAbers.fit(*world(5000, 0)[:2])
    assert made.rows == 5000
    assert len(made.low) + len(made.high) < 500
    write(tmp_path / "kept", "venn-abers", made.state())
    new = world(100, 1)[0]
    assert VennAbers.from_state(read(tmp_path / "kept", "venn-abers")).proba(new).tobytes() == made.proba(new).tobytes()


@pytest.mark.parametrize(
    ("score", "event", "message"),
    [
        ([], [], "no scores"),
        ([0.1, np.nan], [True, False], "missing at position 1"),
        ([0.1, 0.2], [True], r"shape \(1,\) for 2 scores"),
        ([0.1, 0.2], [0, 2], "holds 2; expected truth values"),
        (["a"], [True], "are no numbers"),
        ([[0.1], [0.2]], [True, False], r"expected \(n,\)"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_words(score: Any, event: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        VennAbers.fit(score, event)


def test_events_of_another_library_are_read_and_a_missing_one_is_refused() -> None:
    score, events, gone = np.array([0.1, 0.9]), pd.array([False, True], dtype="boolean"), pd.array([True, None], dtype="boolean")
    made = VennAbers.fit(score, events)  # type: ignore[arg-type]
    assert [end.tolist() for end in made.interval(score)] == [end.tolist() for end in VennAbers.fit(score, np.array([False, True])).interval(score)]
    with pytest.raises(InputError, match="event holds None; expected truth values"):
        VennAbers.fit(score, gone)  # type: ignore[arg-type]


def test_steps_that_are_none_are_no_state() -> None:
    good = VennAbers.fit(np.array([0.1, 0.5, 0.9]), np.array([False, True, True])).state()
    for name in ("low", "high", "starts", "ends"):
        with pytest.raises(ValueError, match="steps that do not rise"):
            VennAbers.from_state({**good, name: np.full(len(good[name]), np.nan)})
    with pytest.raises(ValueError, match="no probabilities"):
        VennAbers.from_state({**good, "high": good["high"] + 1})
