from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.errors import CamelopardError
from camelopard.core.intervals import at_least


def people(n: int, seed: int, dose: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"dose": rng.normal(size=n) + dose, "place": rng.choice(["Gomel", "Minsk"], n, p=[0.7, 0.3])})


def says(X: pd.DataFrame) -> Any:
    p = 1 / (1 + np.exp(-2 * X["dose"].astype(float)))
    return np.column_stack([p, 1 - p])


def states(X: pd.DataFrame, seed: int, flipped: float = 0.0) -> Any:
    rng = np.random.default_rng(1000 + seed)
    sick = rng.random(len(X)) < says(X)[:, 0]
    return np.where(sick ^ (rng.random(len(X)) < flipped), "sick", "well")


def doses(X: pd.DataFrame, seed: int, off: float = 0.0) -> Any:
    return 3 * X["dose"].to_numpy() + np.random.default_rng(1000 + seed).normal(size=len(X)) + off


CLASSES = cp.wrap(says, name="states", task="classification", classes=["sick", "well"])
NUMBERS = cp.wrap(lambda X: 3 * X["dose"].astype(float).to_numpy(), name="doses", task="regression")


def made(model: Any, seed: int = 0, n: int = 400, **options: Any) -> cp.Conformal:
    X = people(n, seed)
    return cp.conformal(model, X, (states if model is CLASSES else doses)(X, seed), **options)


@pytest.mark.parametrize(("model", "options"), [(CLASSES, {"by": "place"}), (NUMBERS, {}), (NUMBERS, {"adaptive": True})])
def test_the_promise_is_hardly_ever_withdrawn_while_rows_are_like_those_given(model: Any, options: dict[str, Any]) -> None:
    """The null twin: with few rows given, and both kinds of watching at once."""
    withdrawn = 0
    for seed in range(30):
        promise, new = made(model, seed, 100, level=0.1, **options), people(500, 5000 + seed)
        promise.watch(new)
        promise.watch(new, (states if model is CLASSES else doses)(new, 5000 + seed))
        withdrawn += not promise.holds
    assert at_least(withdrawn, 30, 0.1) > 0.01


@pytest.mark.parametrize("model", [CLASSES, NUMBERS])
@pytest.mark.parametrize("by", [None, "place"])
def test_rows_of_another_kind_withdraw_the_promise_without_labels(model: Any, by: str | None) -> None:
    promise = made(model, by=by)
    promise.watch(people(200, 1))
    assert promise.holds
    promise.watch(people(200, 2, dose=2.0))
    assert not promise.holds
    assert repr(promise).startswith(f"{promise.model.name}: NO LONGER PROMISED")
    assert "the promise is withdrawn since row 2" in repr(promise)
    assert "of those watched without labels (a bet on change stood at 2" in repr(promise)


@pytest.mark.parametrize("adaptive", [False, True])
def test_what_only_labels_show_withdraws_the_promise_with_labels_alone(adaptive: bool) -> None:
    new = people(400, 1)
    for promise, truth in ((made(NUMBERS, adaptive=adaptive), doses(new, 1, off=2.0)), (made(CLASSES), states(new, 1, flipped=0.5))):
        promise.watch(new)
        assert promise.holds
        promise.watch(new, truth)
        assert not promise.holds
        assert "of those watched with labels" in repr(promise)


def test_another_mix_of_places_is_no_change_where_the_promise_is_made_for_each() -> None:
    def truth(X: pd.DataFrame) -> Any:
        return np.where(X["place"] == "Minsk", 5.0, 1.0) * np.random.default_rng(0).normal(size=len(X))

    zero = cp.wrap(lambda X: np.where(X["place"] == "Minsk", 1.0, 0.0), name="zero", task="regression")
    X, new = people(400, 0), people(400, 1).assign(place="Minsk")
    each, whole = (cp.conformal(zero, X, truth(X), by=by) for by in ("place", None))
    for promise in (each, whole):
        promise.watch(new)
        promise.watch(new, truth(new))
    assert (each.holds, whole.holds) == (True, False)


def test_who_asks_after_it_was_withdrawn_is_warned_once_and_answered() -> None:
    for promise, ask in ((made(CLASSES), "sets"), (made(NUMBERS), "interval")):
        new = people(5, 3)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            before = getattr(promise, ask)(new)
            promise.watch(people(300, 2, dose=2.0))
        with pytest.warns(cp.GuaranteeWithdrawn, match="the promise is withdrawn since row"):
            after = getattr(promise, ask)(new)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            getattr(promise, ask)(new)
        assert repr(after) == repr(before)
        promise.watch(people(2000, 4))
        assert not promise.holds


def test_rows_one_by_one_and_at_once_give_the_same() -> None:
    new = people(60, 1)
    one, whole = made(NUMBERS, by="place"), made(NUMBERS, by="place")
    whole.watch(new)
    for i in range(60):
        one.watch(new.iloc[[i]])
    assert repr(one) == repr(whole)
    assert "no change seen in 60 rows watched without labels (a bet on change stands at" in repr(whole)


def test_rows_without_an_answer_and_of_places_never_seen_take_no_part() -> None:
    promise, new = made(CLASSES, by="place"), people(20, 1).astype(object)
    new["dose"] = "abc"
    promise.watch(new)
    promise.watch(new, ["sick"] * 20)
    promise.watch(people(0, 1))
    promise.watch(people(200, 1, dose=5.0).assign(place="Pinsk"))
    assert promise.holds
    assert promise.since.tests["without labels"].value == 1.0


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (people(3, 0), ["ill"] * 3, "y holds 'ill'"),
        (people(3, 0), ["sick"], "expected one label per row"),
        (people(3, 0).drop(columns="place"), None, "no column named 'place'"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_words(rows: Any, labels: Any, message: str) -> None:
    with pytest.raises(CamelopardError, match=message):
        made(CLASSES, by="place").watch(rows, labels)
