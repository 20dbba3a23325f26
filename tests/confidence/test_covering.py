from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.confidence.covering import Limit, between, strangeness
from camelopard.core.errors import CamelopardError, InputError
from camelopard.core.intervals import at_least

SEEDS, NEW = 20, 2000


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"dose": rng.normal(size=n), "place": rng.choice(["Gomel", "Minsk", "Brest"], n, p=[0.6, 0.3, 0.1])})


def states(X: pd.DataFrame, seed: int) -> Any:
    """Return what happens: less certain in Minsk than elsewhere."""
    rng = np.random.default_rng(1000 + seed)
    odds = X["dose"] * np.where(X["place"] == "Minsk", 0.3, 2.0)
    return np.where(rng.random(len(X)) < 1 / (1 + np.exp(-odds)), "sick", "well")


def doses(X: pd.DataFrame, seed: int) -> Any:
    return 3 * X["dose"].to_numpy() + np.random.default_rng(1000 + seed).normal(size=len(X)) * np.where(X["place"] == "Minsk", 4.0, 1.0)


def says(X: pd.DataFrame) -> Any:
    p = 1 / (1 + np.exp(-2 * X["dose"].astype(float)))
    return np.column_stack([p, 1 - p])


CLASSES = cp.wrap(says, name="states", task="classification", classes=["sick", "well"])
NUMBERS = cp.wrap(lambda X: 3 * X["dose"].astype(float).to_numpy(), name="doses", task="regression")


def share_held(
    model: Any, truth: Any, seed: int, by: str | None, n: int = 600, adaptive: bool = False
) -> tuple[np.ndarray[Any, Any], pd.DataFrame, cp.Conformal]:
    """Return which new rows hold the truth."""
    X, new = people(n, seed), people(NEW, 5000 + seed)
    made = cp.conformal(model, X, truth(X, seed), coverage=0.9, by=by, adaptive=adaptive, seed=seed)
    y = truth(new, 5000 + seed)
    if model.task == "regression":
        low, high = made.interval(new)
        return (low <= y) & (y <= high), new, made
    return np.array([label in held for label, held in zip(y, made.sets(new), strict=True)]), new, made


def surely_less(held: np.ndarray[Any, Any], limit: Limit) -> bool:
    """Whether so few rows are held that a promise kept could hardly give them, calibration rows and new rows both being few."""
    spread = np.sqrt(0.09 / limit.rows + 0.09 / len(held))
    return bool(held.mean() < 0.9 - 3.3 * spread)


@pytest.mark.parametrize(("model", "truth", "adaptive"), [(CLASSES, states, False), (NUMBERS, doses, False), (NUMBERS, doses, True)])
def test_the_truth_is_held_as_often_as_promised(model: Any, truth: Any, adaptive: bool) -> None:
    found = [share_held(model, truth, seed, None, adaptive=adaptive) for seed in range(SEEDS)]
    assert np.mean([held.mean() for held, _, _ in found]) >= 0.895
    assert not any(surely_less(held, made.limits["all rows"]) for held, _, made in found)
    kept = sum(held.mean() >= made.limits["all rows"].least() - 0.015 for held, _, made in found)
    assert at_least(SEEDS - kept, SEEDS, 0.05) > 0.001


@pytest.mark.parametrize(("model", "truth"), [(CLASSES, states), (NUMBERS, doses)])
def test_the_promise_is_kept_in_every_segment_when_asked_and_not_otherwise(model: Any, truth: Any) -> None:
    shares: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        held, new, made = share_held(model, truth, seed, "place", n=1500)
        for place, limit in made.limits.items():
            mine = held[(new["place"] == place).to_numpy()]
            assert not surely_less(mine, limit)
            shares.setdefault(place, []).append(float(mine.mean()))
    assert {place: bool(np.mean(s) >= 0.89) for place, s in shares.items()} == {"Brest": True, "Gomel": True, "Minsk": True}
    held, new, _ = share_held(model, truth, 0, None, n=1500)
    assert held[(new["place"] == "Minsk").to_numpy()].mean() < 0.87


def test_sets_and_intervals_are_no_larger_than_they_must_be() -> None:
    held, new, made = share_held(NUMBERS, doses, 0, None, n=5000)
    low, high = made.interval(new)
    assert 0.88 < held.mean() < 0.92
    assert len(set(np.round(high - low, 9))) == 1
    sizes = [len(s) for s in cp.conformal(CLASSES, people(600, 0), states(people(600, 0), 0)).sets(new)]
    assert min(sizes) == 1
    assert max(sizes) == 2


def test_where_too_little_is_known_everything_is_held() -> None:
    X = people(40, 0)
    made = cp.conformal(CLASSES, X, states(X, 0), coverage=0.9, by="place")
    assert "too few: everything is held. It takes 9" in repr(made)
    odd = people(2, 1).assign(place=["Pinsk", "Gomel"]).astype(object)
    odd.loc[1, "dose"] = "abc"
    assert [len(s) for s in made.sets(odd)] == [2, 2]
    low, high = cp.conformal(NUMBERS, people(100, 0), doses(people(100, 0), 0)).interval(odd.drop(columns="place"))
    assert (low[1], high[1]) == (-np.inf, np.inf)


def test_the_likeliest_class_comes_first() -> None:
    X = people(600, 0)
    made = cp.conformal(cp.calibrate(CLASSES, X, states(X, 0)), people(600, 1), states(people(600, 1), 1))
    for row, answer in zip(made.sets(people(50, 2)), made.predict(people(50, 2)).value, strict=True):
        assert row[0] == answer


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"coverage": 1.0}, "expected a share above 0 and below 1"),
        ({"by": "plce"}, "Did you mean 'place'"),
        ({"by": ["place"]}, "expected the name of one column"),
        ({"by": "dose"}, "expected one of at most 50"),
        ({"y": None}, "y is missing"),
    ],
)
def test_what_cannot_be_promised_is_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    X = people(100, 0)
    with pytest.raises(CamelopardError, match=message):
        cp.conformal(CLASSES, X, **{"y": states(X, 0), **arguments})


def test_classes_have_no_interval_and_numbers_no_sets() -> None:
    X = people(100, 0)
    with pytest.raises(InputError, match=r"ask sets\(X\)"):
        cp.conformal(CLASSES, X, states(X, 0)).interval(X)
    with pytest.raises(InputError, match=r"ask interval\(X\)"):
        cp.conformal(NUMBERS, X, doses(X, 0)).sets(X)


def test_the_models_own_answer_is_always_held_and_first() -> None:
    leaning = cp.wrap(
        lambda X: np.column_stack([np.full(len(X), 0.4), np.full(len(X), 0.6)]), name="leaning", task="classification", classes=["sick", "well"]
    )
    X = people(300, 0)
    y = np.where(np.random.default_rng(0).random(300) < 0.9, "sick", "well")
    for model in (leaning, cp.calibrate(leaning, X, y)):
        made = cp.conformal(model, X, y, coverage=0.7)
        assert [held[0] for held in made.sets(X)] == made.predict(X).value.tolist()


def test_one_label_and_one_row_are_no_reason_to_refuse() -> None:
    X = people(200, 0)
    assert {len(s) for s in cp.conformal(CLASSES, X, ["well"] * 200).sets(X)} <= {1, 2}
    assert [len(s) for s in cp.conformal(CLASSES, X.head(1), ["well"]).sets(X.head(1))] == [2]


def vote(t: pd.DataFrame) -> Any:
    return np.where(t["dose"].astype(float) > 0, "sick", "well")


def test_a_class_that_the_model_never_answers_is_refused_and_held_where_it_is_named() -> None:
    X, new = people(400, 0), people(NEW, 1)
    y, truth = (np.where(np.random.default_rng(7).random(len(t)) < 0.4, "odd", vote(t)) for t in (X, new))
    with pytest.raises(InputError, match=r"y holds 'odd' in \d+ of 400 rows, which votes never answers .*wrap\(…, classes="):
        cp.conformal(cp.wrap(vote, name="votes", task="classification"), X, y)
    named = cp.conformal(cp.wrap(vote, name="votes", task="classification", classes=["sick", "well", "odd"]), X, y)
    assert np.mean([label in held for label, held in zip(truth, named.sets(new), strict=True)]) >= 0.9


def test_rows_that_the_model_does_not_answer_are_told() -> None:
    X, y = people(200, 0), states(people(200, 0), 0)
    broken = X.astype(object)
    broken.loc[:6, "dose"] = "abc"
    assert "7 of the 200 rows have no answer and were left out" in repr(cp.conformal(CLASSES, broken, y))
    assert "left out" not in repr(cp.conformal(CLASSES, X, y))


def test_no_rows_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="X has no rows"):
        cp.conformal(CLASSES, people(5, 0).head(0), np.zeros(0, dtype=object))


def test_a_date_is_the_same_segment_whatever_library_it_came_from() -> None:
    X = people(60, 0).assign(day=pd.Timestamp("2020-01-01"))
    made = cp.conformal(
        cp.wrap(lambda t: says(t), name="s", task="classification", classes=["sick", "well"]), X, states(X, 0), coverage=0.5, by="day"
    )
    dates = X.assign(day=X["day"].dt.date)
    assert made.sets(dates) == made.sets(X)
    assert {len(s) for s in made.sets(X)} == {1}


def test_an_adaptive_interval_is_narrow_where_the_model_is_good_and_holds_the_truth_there_and_elsewhere() -> None:
    """In Minsk the model is off four times as far."""
    held, new, made = share_held(NUMBERS, doses, 0, None, n=3000, adaptive=True)
    plain = share_held(NUMBERS, doses, 0, None, n=3000)[2]
    width, same = (high - low for low, high in (made.interval(new), plain.interval(new)))
    minsk = (new["place"] == "Minsk").to_numpy()
    assert width.mean() < 0.85 * same.mean()
    assert width[minsk].mean() > 2.5 * width[~minsk].mean()
    assert abs(held[minsk].mean() - 0.9) < 0.04
    assert abs(held[~minsk].mean() - 0.9) < 0.04


def test_where_the_model_is_equally_good_everywhere_an_adaptive_interval_costs_little() -> None:
    """The null twin: there is nothing to follow."""
    wider = []
    for seed in range(6):
        X, new = people(1500, seed), people(NEW, 5000 + seed)
        y = 3 * X["dose"].to_numpy() + np.random.default_rng(1000 + seed).normal(size=1500)
        made, plain = (cp.conformal(NUMBERS, X, y, adaptive=adaptive) for adaptive in (True, False))
        (low, high), (start, end) = made.interval(new), plain.interval(new)
        wider.append((high - low).mean() / (end - start).mean())
    assert 0.95 < np.mean(wider) < 1.08


def test_an_adaptive_promise_is_kept_in_every_segment() -> None:
    shares: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        held, new, made = share_held(NUMBERS, doses, seed, "place", n=1500, adaptive=True)
        assert sum(limit.rows for limit in made.limits.values()) == 750
        for place, limit in made.limits.items():
            mine = held[(new["place"] == place).to_numpy()]
            assert not surely_less(mine, limit)
            shares.setdefault(place, []).append(float(mine.mean()))
    assert {place: bool(np.mean(s) >= 0.885) for place, s in shares.items()} == {"Brest": True, "Gomel": True, "Minsk": True}


class Fixed:
    """A guess that is given."""

    def __init__(self, low: Any, high: Any) -> None:
        self.low, self.high = low, high

    def of(self, batch: Any, value: Any) -> tuple[Any, Any]:
        return self.low - value, self.high - value


def test_conformalised_quantiles_agree_with_another_package() -> None:
    """Golden numbers of MAPIE 1.6.0, with its symmetric correction."""
    x = np.arange(19) / 9 - 1
    y = np.array([1.2, -0.4, 3.1, 0.9, 2.2, -1.7, 0.3, 1.8, -0.9, 2.6, 0.1, -2.4, 4.0, 0.7, -0.2, 1.1, -3.0, 2.9, 0.5])
    guess: Any = Fixed(x - 1.5, x + 1 + x**2)
    batch, answer = cp.Batch.of(pd.DataFrame({"x": x})), cp.Prediction(x)
    limit = Limit.of(strangeness(batch, answer, y, "regression", guess), 0.8)
    low, high = between(batch, answer, guess, np.full(19, limit.value))
    assert np.column_stack([low, high])[[0, 9, 18]].round(9).tolist() == [[-4.1, 2.6], [-3.1, 2.6], [-2.1, 4.6]]


def test_ends_that_cross_become_a_point() -> None:
    guess: Any = Fixed(np.zeros(2), np.array([1.0, 10.0]))
    low, high = between(cp.Batch.of(pd.DataFrame({"x": [0, 0]})), cp.Prediction(np.zeros(2)), guess, np.full(2, -2.0))
    assert (low.tolist(), high.tolist()) == ([0.5, 2.0], [0.5, 8.0])


def test_the_same_seed_gives_the_same_intervals_and_a_row_without_an_answer_the_whole_line() -> None:
    X, y, odd = people(400, 0), doses(people(400, 0), 0), people(3, 1).astype(object)
    odd.loc[1, "dose"] = "abc"
    one, again, other = (cp.conformal(NUMBERS, X, y, adaptive=True, seed=seed).interval(odd) for seed in (0, 0, 1))
    assert one[0].tobytes() == again[0].tobytes() != other[0].tobytes()
    assert (one[0][1], one[1][1]) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("model", "rows", "arguments", "message"),
    [
        (CLASSES, 100, {"adaptive": True}, "its sets follow the row already"),
        (NUMBERS, 39, {"adaptive": True}, "39 rows; adaptive=True divides them in two halves and expects at least 40"),
        (NUMBERS, 100, {"level": 0}, "level=0; expected a share above 0 and below 1"),
    ],
)
def test_what_cannot_be_made_adaptive_or_watched_is_refused_in_words(model: Any, rows: int, arguments: dict[str, Any], message: str) -> None:
    X = people(rows, 0)
    with pytest.raises(InputError, match=message):
        cp.conformal(model, X, (states if model is CLASSES else doses)(X, 0), **arguments)


def test_it_prints_how_much_is_held_on_average_with_an_interval_that_is_right_for_new_rows() -> None:
    right, sizes = [], []
    for seed in range(30):
        made = cp.conformal(CLASSES, people(600, seed), states(people(600, seed), seed), by="place")
        sizes.append(np.mean([len(held) for held in made.sets(people(NEW, 100 + seed))]))
        assert made.size.interval is not None
        right.append(made.size.interval.low - 0.02 <= sizes[-1] <= made.size.interval.high + 0.02)
    assert np.mean(right) >= 0.9
    X, y = people(600, 0), doses(people(600, 0), 0)
    assert re.search(r"sets: 1\.\d+ classes on average \(1\.\d+ to 1\.\d+\), of 600 rows", repr(made))
    assert re.search(r"intervals: \d+\.\d+ wide, the same in each of 600 rows", repr(cp.conformal(NUMBERS, X, y)))
    assert re.search(r"intervals: \d+\.\d+ wide on average \(\d+\.\d+ to \d+\.\d+\), of 300 rows", repr(cp.conformal(NUMBERS, X, y, adaptive=True)))
    assert "intervals: everything in all of 5 rows" in repr(cp.conformal(NUMBERS, X.head(5), y[:5]))


def test_rows_from_a_place_never_seen_are_told() -> None:
    X = people(600, 0)
    made = cp.conformal(CLASSES, X, states(X, 0), by="place")
    made.sets(people(50, 1))
    assert "not among the rows given" not in repr(made)
    made.sets(people(50, 1).assign(place=["Pinsk"] * 4 + ["Gomel"] * 46))
    assert "4 of 100 rows asked for had a value of place that was not among the rows given, and got everything ('Pinsk' in 4)" in repr(made)
    made.sets(people(50, 1).assign(place=[f"town {i}" for i in range(50)]))
    assert "54 of 150 rows" in repr(made)
    assert repr(made).count("town") == 4


def test_labels_of_one_class_are_told_to_promise_nothing_about_others() -> None:
    X = people(200, 0)
    told = "all 200 rows have the label 'sick': what is promised is for rows of that label alone"
    assert told in cp.conformal(CLASSES, X, ["sick"] * 200).notes and told in repr(cp.conformal(CLASSES, X, ["sick"] * 200))
    assert cp.conformal(CLASSES, X, ["sick"] * 199 + ["well"]).notes == ()
    assert cp.conformal(NUMBERS, X, np.ones(200)).notes == ()
