from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from camelopard.confidence.promise import PromiseWatch
from camelopard.core.errors import InputError


@pytest.mark.parametrize("errors", [0.02, 0.1, 0.4])
def test_a_promise_that_is_just_kept_is_hardly_ever_withdrawn_however_long_one_looks(errors: float) -> None:
    withdrawn = 0
    for seed in range(200):
        watch = PromiseWatch(errors, level=0.05)
        watch.update(np.random.default_rng(seed).random(3000) < errors)
        withdrawn += not watch.holds
    assert withdrawn / 200 <= 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5


def test_a_broken_promise_is_withdrawn_soon() -> None:
    when = []
    for seed in range(50):
        watch = PromiseWatch(0.05)
        watch.update(np.random.default_rng(seed).random(3000) < 0.12)
        assert watch.withdrawn_at is not None
        when.append(watch.withdrawn_at)
    assert np.median(when) < 250


def test_one_by_one_and_all_at_once_are_the_same_and_can_be_taken_up_again() -> None:
    wrong = np.random.default_rng(0).random(300) < 0.15
    whole, single = PromiseWatch(0.05), PromiseWatch(0.05)
    whole.update(wrong)
    for value in wrong:
        single.update(np.array([value]))
        single = PromiseWatch.from_state(json.loads(json.dumps(single.state())))
    assert single.withdrawn_at == whole.withdrawn_at
    assert single.capital == pytest.approx(whole.capital)
    assert (single.rows, single.wrong) == (300, int(wrong.sum()))


def test_what_was_withdrawn_stays_so() -> None:
    watch = PromiseWatch(0.05)
    watch.update(np.ones(20, dtype=bool))
    watch.update(np.zeros(5000, dtype=bool))
    assert not watch.holds and watch.withdrawn_at is not None and watch.withdrawn_at <= 5
    assert "WITHDRAWN" in repr(watch)
    fresh = PromiseWatch(0.05)
    fresh.update(np.zeros(0, dtype=bool))
    fresh.update(np.array([]))
    assert fresh.capital == pytest.approx(1.0) and "stands" in repr(fresh)


def test_wrong_use_is_told() -> None:
    for share in (0, 1, True, "few", float("nan")):
        with pytest.raises(InputError, match="errors="):
            PromiseWatch(share)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="level="):
        PromiseWatch(0.1, 2.0)
    with pytest.raises(InputError, match="is it wrong"):
        PromiseWatch(0.1).update(np.array([0.2, 0.7]))


def test_a_state_that_is_none_is_refused_in_words() -> None:
    watch = PromiseWatch(0.05)
    watch.update(np.zeros(5, dtype=bool))
    good = watch.state()
    odd = [
        ("rows", -5),
        ("rows", "a"),
        ("wrong", 9),
        ("withdrawn_at", 6),
        ("errors", 7),
        ("logs", 3),
        ("logs", [float("nan")] * 12),
        ("logs", [10**400] * 12),
    ]
    states: list[Any] = [None, {}, [], "junk", *({**good, name: value} for name, value in odd)]
    for state in states:
        with pytest.raises(InputError, match="expected"):
            PromiseWatch.from_state(state)
    assert PromiseWatch.from_state(good).state() == good
