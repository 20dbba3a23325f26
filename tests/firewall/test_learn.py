from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from camelopard.confidence.quality import auroc, calibration_error
from camelopard.core.arrays import Bools, Floats
from camelopard.core.records import Prediction
from camelopard.firewall.learn import MOST_STACKED, Rows, _some_of, learn_confidence
from camelopard.firewall.material import Lesson, Material
from camelopard.firewall.panel import SUMMARY

PANEL: Any = SimpleNamespace(task="classification", summary=SUMMARY)
TWINS = 2  # rows of each origin


def lesson(seed: int, origins: int) -> tuple[Lesson, Floats]:
    """Return evidence of random rows, and what their being wrong hangs on, shape (n,)."""
    rng = np.random.default_rng(seed)
    n = TWINS * origins
    table = np.repeat(rng.normal(size=(origins, len(SUMMARY) + 3)), TWINS, axis=0) + 0.01 * rng.normal(size=(n, len(SUMMARY) + 3))
    own = rng.uniform(0.5, 1.0, n)
    answer = Prediction(np.full(n, "a", dtype=object), np.column_stack([own, 1 - own]), classes=("a", "b"))
    fooled = np.zeros(n, dtype=bool)
    kind = np.where(np.arange(n) % TWINS == 0, "", "typo")
    return Lesson(table, fooled, kind != "", np.ones(n), np.zeros(n), answer, np.arange(n) // TWINS, kind), table[:, -1]


def material(right_of: Any, origins: int = 1500, labelled: bool = True) -> tuple[Material, Bools]:
    """Return material whose answers are right by a rule from what it hangs on."""
    (first, teaches), (second, checks) = lesson(1, origins), lesson(2, origins // 2)
    rights = [np.asarray(right_of(values, seed), dtype=bool) for values, seed in ((teaches, 3), (checks, 4))]
    return Material(first, second, rights[0], rights[1], labelled), rights[1]


def at_random(values: Floats, seed: int) -> Bools:
    """Return right answers that hang on the origin alone: twins agree, nothing in the evidence tells."""
    by_origin = np.random.default_rng(seed).random(len(values) // TWINS) < 0.7
    return np.asarray(np.repeat(by_origin, TWINS), dtype=bool)


def by_place(values: Floats, seed: int) -> Bools:
    return np.asarray(np.random.default_rng(seed).random(len(values)) < 1 / (1 + np.exp(-3 * values)), dtype=bool)


def test_where_nothing_tells_right_from_wrong_confidence_shows_no_skill_and_is_calibrated() -> None:
    given, right = material(at_random)
    held = learn_confidence(PANEL, given, np.zeros(len(right)), np.random.default_rng(0)).held
    assert abs(auroc(held, right) - 0.5) < 0.05  # a twin on the other side of a fold would show as skill
    assert abs(held.mean() - right.mean()) < 0.03
    assert calibration_error(held, right) < 0.09  # 50 origins in a bin agree with their probability no better


def test_confidence_learns_where_the_model_is_weak_from_labels() -> None:
    given, right = material(by_place)
    sure = learn_confidence(PANEL, given, np.zeros(len(right)), np.random.default_rng(0))
    assert sure.errors is not None and sure.line is not None and sure.curve is not None
    assert auroc(sure.held, right) > 0.8
    assert calibration_error(sure.held, right) < 0.06
    assert sure.curve.accept(0.2).coverage > 0.3 > 0.2 > sure.curve.accept(0.2).wrong


def test_without_labels_confidence_is_the_models_own_word_times_what_risk_leaves() -> None:
    given, right = material(by_place, labelled=False)
    risk = np.full(len(right), 0.25)
    sure = learn_confidence(PANEL, given, risk, np.random.default_rng(0))
    assert sure.errors is None and sure.line is None and sure.curve is None
    assert sure.held == pytest.approx(0.75 * given.check.answer.shares.max(axis=1))


def test_twins_share_the_fold_of_their_origin_and_rows_of_both_parts_never_do() -> None:
    rows = Rows.of(material(at_random)[0])
    fold = rows.dealt(np.random.default_rng(0))
    assert all(len(set(fold[rows.origin == origin].tolist())) == 1 for origin in range(0, 2250, 50))
    assert len(np.unique(rows.origin)) == 1500 + 750
    assert np.bincount(fold).min() > 0.3 * len(fold)


def test_heads_of_folds_learn_from_a_bounded_number_of_rows() -> None:
    rng = np.random.default_rng(0)
    assert len(_some_of(np.arange(MOST_STACKED + 5), rng)) == MOST_STACKED
    assert _some_of(np.arange(7), rng).tolist() == list(range(7))
