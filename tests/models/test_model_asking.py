from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.errors import BudgetSpent, ModelError
from camelopard.models.model import Wrapped
from camelopard.models.session import Session
from camelopard.models.wrap import wrap

FRAME = pd.DataFrame({"x": np.arange(40)})


class Picky:
    """Raises on batches that hold one of its bad values; counts what it is asked."""

    def __init__(self, *bad: int, kinds: tuple[type[Exception], ...] = (ValueError,)) -> None:
        self.bad, self.kinds, self.sizes = set(bad), kinds, list[int]()

    def __call__(self, frame: pd.DataFrame) -> Any:
        self.sizes.append(len(frame))
        found = [x for x in frame["x"] if x in self.bad]
        if found:
            raise self.kinds[found[0] % len(self.kinds)](f"cannot do {found[0]}\nsecond line")
        return frame["x"].to_numpy() * 1.0


def test_only_the_rows_that_raise_have_no_answer() -> None:
    answer = wrap(Picky(3, 17)).predict(FRAME)
    assert np.flatnonzero(answer.failed).tolist() == [3, 17]
    assert answer.errors[3] == "ValueError: cannot do 3"
    assert answer.value[[2, 4]].tolist() == [2.0, 4.0] and np.isnan(answer.value[3])


def test_a_model_that_never_raises_is_asked_once() -> None:
    function = Picky()
    assert not wrap(function).predict(FRAME).failed.any()
    assert function.sizes == [40]


def test_rows_are_asked_in_batches_of_the_given_size() -> None:
    function = Picky()
    assert wrap(function, batch_size=15).predict(FRAME).value.tolist() == FRAME["x"].tolist()
    assert function.sizes == [15, 15, 10]


def test_a_thrifty_session_judges_a_group_by_eight_of_its_rows() -> None:
    function = Picky(*range(40))
    session = session_of(wrap(function, task="regression"), thrifty=True)
    answer = session.predict(Batch.of(FRAME))
    assert answer.failed.all()
    assert function.sizes == [40] + [1] * 8
    assert session.asked == 48 and session.calls == 9


def test_a_thrifty_session_searches_where_the_probes_differ() -> None:
    one = session_of(wrap(Picky(3)), thrifty=True).predict(Batch.of(FRAME))
    assert np.flatnonzero(one.failed).tolist() == [3]
    mixed = session_of(wrap(Picky(*range(40), kinds=(ValueError, KeyError)), task="regression"), thrifty=True).predict(Batch.of(FRAME))
    assert mixed.errors[3] == "KeyError: 'cannot do 3\\nsecond line'" and mixed.errors[4] == "ValueError: cannot do 4"


def test_without_thrift_every_row_that_raises_is_found_by_itself() -> None:
    answer = wrap(Picky(*range(39))).predict(FRAME)
    assert np.flatnonzero(~answer.failed).tolist() == [39]
    assert answer.errors[20] == "ValueError: cannot do 20"


class Strict:
    """Stops at gaps in its first column, and at numbers that single precision cannot hold anywhere; a gap in its second column is fine."""

    def __init__(self) -> None:
        self.sizes = list[int]()

    def __call__(self, frame: pd.DataFrame) -> Any:
        self.sizes.append(len(frame))
        if frame["a"].isna().any() or (frame.abs() > 1e39).any(axis=None):
            raise ValueError("gaps or giants")
        return frame["a"].to_numpy() + frame["b"].fillna(0.0).to_numpy()


def full_of_gaps(n: int, seed: int) -> pd.DataFrame:
    """Return rows of which a third lack `a`, a third `b`, and some hold a giant."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    frame.loc[rng.random(n) < 1 / 3, "a"] = np.nan
    frame.loc[rng.random(n) < 1 / 3, "b"] = np.nan
    frame.loc[rng.random(n) < 1 / 20, "c"] = 1e300
    return frame


@pytest.mark.parametrize("thrifty", [False, True])
def test_rows_that_lack_what_the_model_needs_are_told_apart_before_any_search(thrifty: bool) -> None:
    frame = full_of_gaps(600, 0)
    strict = Strict()
    answer = session_of(wrap(strict, task="regression"), thrifty=thrifty).predict(Batch.of(frame))
    stopped = frame["a"].isna() | (frame["c"] > 1e39)
    assert answer.failed.tolist() == stopped.tolist()
    assert np.array_equal(answer.value[~stopped].astype(float), (frame["a"] + frame["b"].fillna(0.0))[~stopped])
    if thrifty:
        assert len(strict.sizes) < 60  # of 234 rows that raise, a few of each pattern speak for the others
    alone = session_of(wrap(Strict(), task="regression"))
    assert [alone.predict(Batch.of(frame.iloc[[i]])).failed[0] for i in range(20)] == stopped[:20].tolist()


def test_what_raised_once_is_told_apart_before_the_next_call() -> None:
    strict = Strict()
    session = session_of(wrap(strict, task="regression"), thrifty=True)
    session.predict(Batch.of(full_of_gaps(600, 0)))
    strict.sizes.clear()
    frame = full_of_gaps(600, 1).fillna({"b": 0.0})
    frame["c"] = frame["c"].clip(upper=1.0)
    assert session.predict(Batch.of(frame)).failed.tolist() == frame["a"].isna().tolist()
    assert sorted(strict.sizes) == [1, 1, int(frame["a"].notna().sum())]


def test_marks_that_do_not_explain_why_rows_raise_do_no_harm() -> None:
    """The null twin: what raises has nothing to do with gaps, and there are more patterns of gaps than are told apart."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 7)), columns=list("abcdefg")).mask(rng.random((400, 7)) < 0.4)
    frame["x"] = np.arange(400)
    for thrifty in (False, True):
        answer = session_of(wrap(Picky(7, 200, 201), task="regression"), thrifty=thrifty).predict(Batch.of(frame))
        assert np.flatnonzero(answer.failed).tolist() == [7, 200, 201]


def test_an_interrupt_is_not_an_answer() -> None:
    def interrupted(frame: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wrap(interrupted).predict(FRAME)


def test_long_errors_are_cut() -> None:
    def loud(frame: Any) -> Any:
        raise ValueError("x" * 1000)

    assert len(wrap(loud).predict(FRAME.iloc[:1]).errors[0]) == 200


def test_a_budget_ends_a_search_and_keeps_what_was_answered() -> None:
    function = Picky(30)
    session = session_of(wrap(function, batch_size=20), budget=50)
    with pytest.raises(BudgetSpent, match="50 model rows"):
        session.predict(Batch.of(FRAME))
    assert sum(function.sizes) == session.asked <= 50
    asked = session.asked
    assert session.predict(Batch.of(FRAME.iloc[:20])).value.tolist() == list(range(20))
    assert session.asked == asked


def test_warnings_about_feature_names_are_silenced_and_others_are_not() -> None:
    def noisy(frame: Any) -> Any:
        warnings.warn("X does not have valid feature names, but Net was fitted with feature names", UserWarning, stacklevel=1)
        warnings.warn("the licence ends soon", UserWarning, stacklevel=1)
        return [1.0] * len(frame)

    with pytest.warns(UserWarning) as caught:
        wrap(noisy).predict(FRAME)
    assert [str(w.message) for w in caught] == ["the licence ends soon"]


def test_a_model_that_answers_nothing_properly_is_refused_but_a_single_row_is_not() -> None:
    model = wrap(lambda frame: np.zeros(len(frame) + 1))
    with pytest.raises(ModelError, match=r"expected 40 answers, one per row; got ndarray of shape \(41,\)"):
        model.predict(FRAME)
    assert "wrong shape" in model.predict(FRAME.iloc[:1]).errors[0]


def session_of(model: object, budget: int | None = None, *, thrifty: bool = False, max_rows: int = 1_000_000) -> Session:
    assert isinstance(model, Wrapped)
    return model.session(budget, thrifty=thrifty, max_rows=max_rows)
