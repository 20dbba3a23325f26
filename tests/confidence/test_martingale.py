from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camelopard.confidence.martingale import Exchangeability
from camelopard.core.arrays import Floats
from camelopard.core.codec import read, write
from camelopard.core.errors import InputError
from camelopard.core.intervals import at_least


def first_break(
    n: int, rows: int, seed: int, level: float = 0.01, step: float = 0.0, shift: float = 0.0, spread: float = 1.0, start: int = 0
) -> float:
    """Return at which row after the change a stream breaks, infinite if never."""
    rng = np.random.default_rng([n, seed])
    clean, new = rng.normal(size=n), rng.normal(size=rows)
    new[start:] = new[start:] * spread + shift
    test = Exchangeability(np.round(clean / step) if step else clean, level, seed=seed)
    test.update(np.round(new / step) if step else new)
    return test.broken_at[0] - start if test.broken_at else math.inf


@pytest.mark.parametrize(
    ("n", "rows", "streams", "level", "step"), [(100, 2000, 500, 0.01, 0.0), (20, 1000, 200, 0.05, 1.0), (100, 20_000, 25, 0.05, 0.0)]
)
def test_on_rows_like_the_clean_ones_it_hardly_ever_breaks(n: int, rows: int, streams: int, level: float, step: float) -> None:
    """The null twin: few clean rows, long streams, scores with ties."""
    false = sum(first_break(n, rows, seed, level, step) < math.inf for seed in range(streams))
    assert at_least(false, streams, level) > 0.01


@pytest.mark.parametrize(
    ("change", "half", "most"),
    [
        ({"shift": 1.0}, 45, 80),
        ({"shift": -1.0}, 45, 80),
        ({"shift": 0.5}, 95, 260),
        ({"spread": 2.0}, 65, 130),
        ({"spread": 0.5}, 60, 110),
        ({"shift": 1.0, "start": 5000}, 100, 140),
    ],
)
def test_a_change_is_found_within_few_rows(change: dict[str, Any], half: int, most: int) -> None:
    """With 1,000 clean rows, for a change from the start or late: after so many rows in half of the streams, and in 9 of 10."""
    rows = sorted(first_break(1000, change.get("start", 0) + 600, seed, **change) for seed in range(30))
    assert rows[0] > 0
    assert rows[15] <= half
    assert rows[27] <= most


def test_against_clean_scores_that_stay_fixed_the_promise_would_not_be_kept() -> None:
    broken = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        clean, new = np.sort(rng.normal(size=50)), rng.normal(size=10_000)
        test = Exchangeability(clean)
        test._bet((50 - np.searchsorted(clean, new) + rng.random(len(new))) / 51)
        broken += test.broken
    assert broken > 10


@pytest.mark.parametrize("block", [1, 3, 400])
def test_the_same_rows_give_the_same_bytes_one_by_one_in_blocks_and_after_a_rest_in_a_file(block: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clean, new = np.floor(9 * rng.random(80)), np.floor(11 * rng.random(900))
    groups = [("a", "b", "c")[i] for i in rng.integers(0, 3, 900).tolist()]
    whole = Exchangeability(clean, groups=["a", "b"] * 40)
    whole.update(new, groups)
    test = Exchangeability(clean, groups=["a", "b"] * 40)
    for i in range(0, 900, block):
        test.update(new[i : i + block], groups[i : i + block])
        if i == 600:
            write(tmp_path / "kept", "exchangeability", test.state())
            test = Exchangeability.from_state(read(tmp_path / "kept", "exchangeability"))
    assert test.log_value.hex() == whole.log_value.hex()
    assert (test.rows, test.broken_at) == (whole.rows, whole.broken_at)
    assert repr(test) == repr(whole)


def test_once_broken_it_stays_so_until_it_is_renewed() -> None:
    rng = np.random.default_rng(0)
    test = Exchangeability(rng.normal(size=200))
    test.update(rng.normal(size=300) + 1)
    assert test.broken
    at = test.broken_at
    assert at is not None
    assert at[1] >= 100
    test.update(rng.normal(size=5000))
    assert test.broken
    assert test.broken_at == at
    fresh = test.renewed(rng.normal(size=200) + 1)
    fresh.update(rng.normal(size=300) + 1)
    assert not fresh.broken
    assert (fresh.level, fresh.rows) == (0.01, 300)


def test_capital_starts_at_one_never_falls_to_nothing_and_never_overflows() -> None:
    rng = np.random.default_rng(0)
    test = Exchangeability(rng.normal(size=200))
    assert test.value == 1.0
    test.update(rng.normal(size=20_000))
    assert test.value > 0.07
    test.update(np.full(4000, 99.0))
    assert test.log_value > 1000
    assert math.isfinite(test.value)


def test_a_new_mix_of_groups_is_no_change_where_groups_are_named() -> None:
    def rows(share: float, n: int) -> tuple[Floats, list[str]]:
        second = rng.random(n) < share
        return rng.normal(size=n) + 3 * second, ["second" if s else "first" for s in second.tolist()]

    rng = np.random.default_rng(0)
    clean, new = rows(0.1, 400), rows(0.9, 600)
    named, unnamed = Exchangeability(clean[0], groups=clean[1]), Exchangeability(clean[0])
    named.update(*new)
    unnamed.update(new[0])
    assert (named.broken, unnamed.broken) == (False, True)
    value = named.value
    named.update(np.full(500, 9.0), ["third"] * 500)
    assert (named.value, named.rows) == (value, 1100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clean_scores": []}, "no clean scores"),
        ({"clean_scores": [0.0, np.nan]}, "missing at position 1"),
        ({"clean_scores": [[0.0]]}, r"shape \(1, 1\)"),
        ({"clean_scores": ["a"]}, "are no numbers"),
        ({"clean_scores": [10**400]}, "are no numbers"),
        ({"clean_scores": [0.0], "groups": 5}, "groups=5; expected the name of a group for each row"),
        ({"clean_scores": [0.0], "level": 1}, "expected a chance above 0 and below 1"),
        ({"clean_scores": [0.0], "groups": ["a", "b"]}, "2 groups for 1 scores"),
        ({"clean_scores": [0.0], "groups": [["a"]]}, "the groups hold a list; expected the name of a group"),
        ({"clean_scores": [0.0], "seed": -1}, "seed=-1; expected a whole number from 0"),
    ],
)
def test_what_cannot_be_tested_against_is_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Exchangeability(**arguments)


def test_rows_that_cannot_be_read_are_refused_and_nothing_is_learned_from_them() -> None:
    test = Exchangeability(np.arange(9.0))
    for scores, groups, message in (([1.0, np.nan], None, "missing at position 1"), ([1.0], ["a"], "came without groups; leave them out")):
        with pytest.raises(InputError, match=message):
            test.update(np.array(scores), groups)
    assert (test.rows, test.value) == (0, 1.0)
    with pytest.raises(InputError, match="came with groups; give those"):
        Exchangeability(np.arange(2.0), groups=["a", "b"]).update(np.arange(2.0))


def test_a_state_that_is_none_is_refused_in_words() -> None:
    test = Exchangeability(np.arange(9.0))
    test.update(np.arange(5.0))
    good = test.state()
    ranks = good["ranks"][0]
    odd: list[tuple[str, object]] = [
        ("rows", -5),
        ("staked", 6),
        ("level", 5),
        ("seed", "a"),
        ("log", float("nan")),
        ("log", 10**400),
        ("parts", [1]),
    ]
    odd += [("break", 3), ("break", [900, 1.0]), ("groups", []), ("groups", [[1]]), ("ranks", [{}]), ("ranks", 3), ("grouped", None)]
    odd += [
        ("ranks", [{**ranks, name: value}]) for name, value in (("edges", np.zeros(3)), ("counts", -ranks["counts"]), ("edges", ranks["edges"][::-1]))
    ]
    states: list[Any] = [None, {}, [], "junk", *({**good, name: value} for name, value in odd)]
    for state in states:
        with pytest.raises(InputError, match="expected"):
            Exchangeability.from_state(state)
    assert Exchangeability.from_state(good).value == test.value
