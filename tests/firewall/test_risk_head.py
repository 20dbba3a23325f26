"""The score that risk rests on: an opinion on what the model said before the damage helps where a place tells, and is silent where nothing does."""

from __future__ import annotations

import numpy as np
import pytest

from camelopard.confidence.quality import auroc
from camelopard.core.records import Prediction
from camelopard.firewall.material import Lesson
from camelopard.firewall.panel import SUMMARY
from camelopard.firewall.risk_head import RiskHead

N = 3000
WIDTH = len(SUMMARY) + 3


def lesson(seed: int, told: float, odd: float = 1.0, n: int = N) -> Lesson:
    """Return rows of which a fifth were damaged so that the answer moved: how much a place says of the answer before, and how odd they are."""
    rng = np.random.default_rng(seed)
    before, fooled = rng.integers(0, 2, n), rng.random(n) < 0.2
    now = np.where(fooled, 1 - before, before)
    table = rng.normal(size=(n, WIDTH))
    table[:, -1] = told * (2 * before - 1) + rng.normal(size=n)
    table[:, 0] += odd * fooled
    shares = np.column_stack([1 - now, now]) * 0.6 + 0.2
    answer = Prediction(np.array(["a", "b"], dtype=object)[now], shares, classes=("a", "b"))
    kind = np.where(fooled, "typo", "")
    return Lesson(table, fooled, fooled, np.ones(n), np.zeros(n), answer, np.arange(n), kind, before=before.astype(np.int64))


def ranked(head: RiskHead, new: Lesson) -> float:
    return auroc(head.score(new.table, new.answer), new.fooled)


def test_an_opinion_on_the_answer_before_tells_a_fooled_row_by_its_place() -> None:
    known, new = lesson(1, told=2.0), lesson(2, told=2.0)
    both = RiskHead.learn(known, np.random.default_rng(0))
    assert both.before is not None
    assert ranked(both, new) > ranked(RiskHead(both.known), new) + 0.05


def test_where_the_place_tells_nothing_the_opinion_costs_next_to_nothing() -> None:
    known, new = lesson(1, told=0.0), lesson(2, told=0.0)
    both = RiskHead.learn(known, np.random.default_rng(0))
    assert both.before is not None
    assert ranked(both, new) > ranked(RiskHead(both.known), new) - 0.02


def test_where_nothing_tells_anything_neither_does_the_opinion() -> None:
    known, new = lesson(1, told=0.0, odd=0.0), lesson(2, told=0.0, odd=0.0)
    assert abs(ranked(RiskHead.learn(known, np.random.default_rng(0)), new) - 0.5) < 0.04


def test_the_opinion_looks_at_so_many_columns_and_no_further() -> None:
    known, new = lesson(1, told=2.0), lesson(2, told=2.0)
    blind = RiskHead.learn(known, np.random.default_rng(0), seen=WIDTH - 1)
    before = blind.score(new.table, new.answer)
    new.table[:, -1] = np.random.default_rng(5).permutation(new.table[:, -1])
    assert blind.seen == WIDTH - 1 and blind.score(new.table, new.answer).tobytes() == before.tobytes()


@pytest.mark.parametrize("n", [40, 300])
def test_of_few_rows_no_opinion_is_formed(n: int) -> None:
    assert RiskHead.learn(lesson(1, told=2.0, n=n), np.random.default_rng(0)).before is None


def test_it_is_the_same_from_its_state_and_for_a_row_alone() -> None:
    known, new = lesson(1, told=2.0), lesson(2, told=2.0)
    head = RiskHead.learn(known, np.random.default_rng(0))
    again = RiskHead.from_state(head.state())
    every = head.score(new.table, new.answer)
    assert again.score(new.table, new.answer).tobytes() == every.tobytes()
    for i in range(5):
        row = np.arange(i, i + 1)
        assert head.score(new.table[row], new.answer.take(row)).tobytes() == every[row].tobytes()
