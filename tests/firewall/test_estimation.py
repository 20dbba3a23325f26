from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.confidence.unlabelled import CALIBRATED, OURS, UNCHANGED, Estimator, Rivals, trusted
from camelopard.core.arrays import Floats
from camelopard.firewall.estimation import Estimate, _figure, _metric

N = 1500


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(50, 10, n)
    return pd.DataFrame({"size": x.round(1), "weight": (2 * x + rng.normal(0, 6, n)).round(1), "kind": rng.choice(["a", "b"], n)})


def truth(X: pd.DataFrame, seed: int) -> np.ndarray:
    odds = (X["size"].to_numpy(dtype=float) - 50) / 4
    likely = 1 / (1 + np.exp(-odds))
    return np.asarray(np.where(np.random.default_rng(seed).random(len(X)) < likely, "large", "small"))


class Model:
    classes_ = np.array(["large", "small"])

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        p = 1 / (1 + np.exp(-np.clip((pd.to_numeric(X["weight"], errors="coerce").fillna(100).to_numpy() - 100) / 8, -30, 30)))
        return np.column_stack([p, 1 - p])

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


@pytest.fixture(scope="module")
def firewall() -> Iterator[cp.Firewall]:
    X = rows(N, 1)
    yield cp.Firewall(budget=100_000).fit(cp.wrap(Model(), name="size"), X, truth(X, 2), reference=rows(N, 3))


@pytest.fixture(scope="module")
def unlabelled() -> cp.Firewall:
    return cp.Firewall(budget=6_000).fit(cp.wrap(Model(), name="size"), rows(300, 1))


def damaged(X: pd.DataFrame) -> pd.DataFrame:
    return X.assign(weight=X["weight"] * np.where(np.random.default_rng(9).random(len(X)) < 0.6, 1000, 1))  # grams


def accuracy(X: pd.DataFrame, y: np.ndarray) -> float:
    return float((Model().predict(X) == y).mean())


def test_on_clean_rows_the_estimate_is_the_accuracy(firewall: cp.Firewall) -> None:
    X = rows(1200, 5)
    found = firewall.estimate(X)
    assert found.low <= accuracy(X, truth(X, 6)) <= found.high
    assert found.high - found.low < 0.25
    assert found.rows == 1200 and found.unanswered == 0 and found.metric == "accuracy"
    assert set(found.rivals) == {UNCHANGED, "average confidence", "DoC", "ATC", CALIBRATED}


def test_on_damaged_rows_it_falls_as_accuracy_falls_and_what_looks_at_confidence_alone_does_not(firewall: cp.Firewall) -> None:
    X = rows(1200, 5)
    bad, y = damaged(X), truth(X, 6)
    found, true = firewall.estimate(bad), accuracy(damaged(X), y)
    assert true < accuracy(X, y) - 0.1
    assert abs(found.value - true) < 0.06
    assert found.damaged > 0.4
    assert min(abs(value - true) for value in found.rivals.values()) > 0.08


def test_the_interval_holds_the_truth_of_most_windows(firewall: cp.Firewall) -> None:
    X = rows(6000, 7)
    found = firewall.backtest(X, truth(X, 8), rows=200)
    assert len(found.windows) == 30
    assert found.held >= 0.9
    assert found.errors[OURS] < 0.04
    assert found.trust in found.errors
    assert "← trust this one" in repr(found) and "30 labelled windows" in repr(found)
    assert found.to_dict()["trust"] == found.trust


def test_a_backtest_counts_only_full_windows_of_answered_rows(firewall: cp.Firewall) -> None:
    X = rows(250, 7)
    y = truth(X, 8)
    found = firewall.backtest(X, y, rows=100)
    assert [w["first"] for w in found.windows] == [0, 100]
    assert found.windows[1]["truth"] == accuracy(X.iloc[100:200], y[100:200])


def test_precision_and_recall_of_a_class_are_estimated_too(firewall: cp.Firewall) -> None:
    X = rows(3000, 5)
    y, said = truth(X, 6), Model().predict(X)
    hits = float(((said == "large") & (y == "large")).sum())
    for metric, true in (("precision", hits / (said == "large").sum()), ("recall", hits / (y == "large").sum())):
        found = firewall.estimate(X, metric=metric, positive="large")
        assert found.low <= true <= found.high, metric
        assert not found.rivals and found.metric == metric


def test_rows_without_an_answer_are_counted_apart(firewall: cp.Firewall) -> None:
    X = rows(50, 5).to_dict("records")
    found = firewall.estimate([*X, {"size": None, "weight": None, "kind": None}])
    assert (found.rows, found.unanswered) == (50, 1)
    assert "1 more have no answer" in repr(found)


def test_what_was_learned_survives_being_kept(firewall: cp.Firewall, tmp_path: Path) -> None:
    firewall.save(tmp_path / "size.firewall")
    again = cp.Firewall.load(tmp_path / "size.firewall", model=cp.wrap(Model(), name="size"))
    X = rows(300, 5)
    assert again.estimate(X) == firewall.estimate(X)
    assert again.accept(0.2) == firewall.accept(0.2)


def test_from_a_threshold_on_the_share_of_wrong_answers_is_kept(firewall: cp.Firewall) -> None:
    found = firewall.accept(0.1)
    X = rows(4000, 5)
    v = firewall.screen(X)
    accepted = v.confidence >= found.threshold
    assert 0.2 < accepted.mean() < 0.95
    assert float((Model().predict(X) != truth(X, 6))[accepted].mean()) < 0.1


def test_a_policy_passes_only_what_the_promise_is_for(firewall: cp.Firewall) -> None:
    least = firewall.accept(0.1).threshold
    policy = cp.Policy(accept=least)
    X = rows(4000, 5)
    y, plain, sure = truth(X, 6), firewall.screen(X), firewall.with_policy(policy).screen(X)
    passed = sure.route == "pass"
    assert float((Model().predict(X) != y)[passed].mean()) < 0.1 < float((Model().predict(X) != y).mean())
    assert (passed == ((plain.route == "pass") & (plain.confidence >= least))).all()
    assert cp.Policy.from_state(policy.state()) == policy and "pass from a confidence of" in str(policy)
    with pytest.raises(cp.CamelopardError, match="Give one of the two"):
        cp.Policy(accept=least, costs=cp.Costs(wrong=100, review=5, block=20))
    with pytest.raises(cp.CamelopardError, match="promise about the traffic of fitting"):
        firewall.with_policy(policy).recalibrated(X)
    with pytest.raises(cp.CamelopardError, match="no threshold keeps the promise"):
        cp.Policy(accept=firewall.accept(0.001).threshold)


def test_each_segment_gets_its_own_threshold(firewall: cp.Firewall) -> None:
    X = rows(1000, 5)
    y = truth(X, 6)
    y[X["kind"] == "b"] = np.random.default_rng(0).permutation(y[X["kind"] == "b"])  # nothing can be known there
    found = firewall.accept_by("kind", X, y, 0.15)
    assert np.isfinite(found["a"].threshold) and not np.isfinite(found["b"].threshold)


def test_wrong_use_is_told(firewall: cp.Firewall, unlabelled: cp.Firewall) -> None:
    X = rows(40, 5)
    with pytest.raises(cp.CamelopardError, match="fitted without"):
        unlabelled.estimate(X)
    with pytest.raises(cp.CamelopardError, match="fitted without"):
        unlabelled.accept(0.1)
    with pytest.raises(cp.CamelopardError, match="less than one window of 300"):
        firewall.backtest(X, truth(X, 6))
    with pytest.raises(cp.CamelopardError, match="rows=0"):
        firewall.backtest(X, truth(X, 6), rows=0)
    with pytest.raises(cp.CamelopardError, match="give them as y"):
        firewall.backtest(X, None)
    with pytest.raises(cp.CamelopardError, match="none of the 0 rows"):
        firewall.estimate(X.head(0))
    with pytest.raises(cp.CamelopardError, match="Did you mean 'accuracy'"):
        firewall.estimate(X, metric="acuracy")
    with pytest.raises(cp.CamelopardError, match="of which class"):
        firewall.estimate(X, metric="recall")
    with pytest.raises(cp.CamelopardError, match="huge"):
        firewall.estimate(X, metric="recall", positive="huge")
    with pytest.raises(cp.CamelopardError, match="no column|Known"):
        firewall.accept_by("colour", X, truth(X, 6), 0.1)


def test_what_was_recalibrated_makes_no_promise_about_the_traffic_of_fitting_whoever_asks(firewall: cp.Firewall) -> None:
    X = rows(200, 5)
    moved = firewall.recalibrated(X)
    told = "is for the traffic of fitting, and this firewall was recalibrated for other traffic. Use the one before."
    asks: dict[str, Any] = {
        "accept()": lambda: moved.accept(0.1),
        "accept_by()": lambda: moved.accept_by("kind", X, truth(X, 6), 0.1),
        "Policy(accept=0.9)": lambda: moved.with_policy(cp.Policy(accept=0.9)),
    }
    for name, ask in asks.items():
        with pytest.raises(cp.CamelopardError) as error:
            ask()
        assert str(error.value) == f"{name} {told}"
    assert moved.with_policy(cp.Policy(review=0.3)).policy.review == 0.3
    assert firewall.with_policy(cp.Policy(accept=0.9)).policy.accept == 0.9


def test_labels_of_one_class_teach_nothing_and_few_errors_are_told() -> None:
    X = rows(300, 1)
    with pytest.raises(cp.CamelopardError, match="all 300 rows that the model answers have the label 'large'"):
        cp.Firewall(budget=6_000).fit(cp.wrap(Model(), name="size"), X, ["large"] * 300)
    never_wrong = cp.Firewall(budget=6_000).fit(cp.wrap(Model(), name="size"), X, Model().predict(X))
    told = never_wrong.estimate(X)
    assert "only 0 answers to clean labelled rows were wrong" in told.note and told.note in repr(told)
    assert told.trust == "" and "trust this one" not in repr(told)
    accepted = never_wrong.accept(0.2)
    assert accepted.note == told.note and repr(accepted).endswith(f"\nNote: {told.note}.")
    assert f"Note: {told.note}." in never_wrong.summary() and never_wrong.describe()["note"] == told.note


def test_where_there_were_errors_enough_nothing_is_noted(firewall: cp.Firewall) -> None:
    told = firewall.estimate(rows(300, 5))
    assert "← trust this one" in repr(told) and told.trust
    assert firewall.describe()["note"] == firewall.accept(0.1).note == told.note == ""
    assert "Note:" not in repr(firewall.accept(0.1)) + firewall.summary() + repr(told)


def test_an_evaluation_judges_repairs_by_the_labels(firewall: cp.Firewall) -> None:
    X = rows(300, 5)
    routes = firewall.evaluate(X, truth(X, 6), budget=12_000).to_dict()["routes"]
    assert routes["per_1000"]["repair"]["value"] > 0
    assert 0 < routes["wrong_repaired"]["value"] < routes["per_1000"]["repair"]["value"]


def test_what_is_not_defined_or_not_measured_is_no_figure(firewall: cp.Firewall) -> None:
    small = rows(50, 5).assign(size=10.0, weight=20.0)
    with pytest.raises(cp.CamelopardError, match="calls none of the 50 rows 'large'"):
        firewall.estimate(small, metric="precision", positive="large")
    with pytest.raises(cp.CamelopardError, match="at least 0.5"):
        firewall.accept(0.3, sureness=0.1)
    unmeasured = Estimate("accuracy", 0.8, 0.7, 0.9, 10, 0, 0.1, {UNCHANGED: 0.7}, {}, "")
    assert "trust this one" not in repr(unmeasured) and "not measured" in repr(unmeasured)


def test_an_interval_grows_with_what_is_not_known() -> None:
    confidence, one = np.full(400, 0.8), np.zeros(400, dtype=np.int64)
    value, near = _figure(confidence, one, 1, "accuracy", 0.0)
    _, far = _figure(confidence, one, 1, "accuracy", 0.05)
    assert value == pytest.approx(0.8)
    assert near.high - near.low == pytest.approx(2 * 1.96 * (0.16 / 400) ** 0.5, rel=0.1)
    assert far.high - far.low == pytest.approx(2 * 1.96 * (0.16 / 400 + 0.05**2) ** 0.5, rel=0.1)


def test_metrics_of_counts_are_their_definitions() -> None:
    right, n = np.array([[30.0, 50.0]]), np.array([40.0, 60.0])  # 30 of 40 called positive are, 50 of 60 called negative are
    assert _metric(right, n, "precision")[0] == 0.75
    assert _metric(right, n, "recall")[0] == 0.75
    assert _metric(right, n, "f1")[0] == 0.75
    assert _metric(right, n, "accuracy")[0] == 0.8
    assert _metric(np.zeros((1, 2)), np.zeros(2), "recall")[0] == 0.0


def test_few_labelled_rows_make_a_wide_interval() -> None:
    rivals: Any = Rivals(0.8, 0.8, 0.5, None)
    few, many = (Estimator(rivals, 0.0, n, {}).spread(0.8) for n in (100, 10_000))
    assert few == pytest.approx(0.04) and many == pytest.approx(0.004)


def test_another_way_is_trusted_only_where_it_is_surely_better() -> None:
    rng = np.random.default_rng(0)
    ours = rng.uniform(0.01, 0.03, 12)
    assert trusted({OURS: ours, UNCHANGED: ours + rng.normal(-0.0005, 0.004, 12)}) == OURS
    assert trusted({OURS: ours, UNCHANGED: ours - 0.005 + rng.normal(0, 0.002, 12)}) == UNCHANGED
    assert trusted({OURS: ours[:4], UNCHANGED: ours[:4] / 2}) == OURS  # of four windows nothing is sure
    rivals = [{OURS: ours, **{str(k): rng.permutation(ours) for k in range(5)}} for _ in range(200)]
    assert np.mean([trusted(given) != OURS for given in rivals]) <= 0.05  # equally good ones are taken for better seldom
    told = repr(Estimate("accuracy", 0.8, 0.7, 0.9, 10, 0, 0.1, {UNCHANGED: 0.7}, {OURS: 0.1, UNCHANGED: 0.05}, UNCHANGED))
    assert "nothing changed        70.0%                          5.0%   ← trust this one" in told


def test_of_a_handful_of_rows_nothing_is_said_of_how_many_are_damaged() -> None:
    few, many = (repr(Estimate("accuracy", 0.8, 0.7, 0.9, n, 0, 1.0, {}, {}, OURS)) for n in (3, 30))
    assert "too few to tell how many look damaged" in few and "100%" not in few
    assert "About 100% of them look damaged." in many
