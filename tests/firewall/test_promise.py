"""Simulation tests of what a firewall promises about clean rows, where it has no training rows to learn from but those it is given."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.confidence.conformal import AlarmThreshold, fewest_on_average
from camelopard.confidence.logistic import Logistic
from camelopard.firewall.firewall import NoAlarmsWarning
from camelopard.firewall.learn import spared
from camelopard.firewall.little import LittleLearnedWarning
from camelopard.firewall.material import LEAST_RISK, Split


def normals(rng: np.random.Generator, n: int) -> pd.DataFrame:
    return pd.DataFrame(rng.normal(size=(n, 12)), columns=[f"c{i}" for i in range(12)])


def zipf(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Return a table with a category of which new rows hold values that no row before them did."""
    return pd.DataFrame({"shop": [f"s{min(v, 10**6)}" for v in rng.zipf(1.5, n)], "x": rng.normal(size=n), "z": rng.normal(size=n)}).astype(
        {"shop": object}
    )


def test_from_data_alone_the_promise_holds_without_reference_rows() -> None:
    alarms = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        firewall = cp.Firewall(alpha=0.05, seed=seed).fit(None, normals(rng, 250))
        alarms.append(float(np.mean(firewall.screen(normals(rng, 2000)).route != "pass")))
    assert np.mean(alarms) <= 0.05
    assert np.mean(np.array(alarms) > 0.05) <= 0.25


def test_from_few_rows_the_promise_holds_on_average_and_rows_are_stopped() -> None:
    def model(t: pd.DataFrame) -> np.ndarray:
        p = 1 / (1 + np.exp(-np.nan_to_num(t["c0"] + t["c1"])))
        return np.column_stack([p, 1 - p])

    wrapped, alarms, caught = cp.wrap(model, name="m", task="classification", classes=["a", "b"]), [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        given, fresh = normals(rng, 40), normals(rng, 1500)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LittleLearnedWarning)  # but no word that nothing can be stopped
            warnings.simplefilter("error", NoAlarmsWarning)
            firewall = cp.Firewall(alpha=0.05, seed=seed, budget=10_000).fit(wrapped, given, reference=normals(rng, 400))
        told = firewall.describe()["threshold"]
        assert told["alarms_possible"] and told["on_average"] and told["rows"] == 19 and told["confidence"] == pytest.approx(1 - 0.95**19)
        assert "are stopped on average over such fits (this fit keeps to it with probability 0." in firewall.summary()
        alarms.append(float(np.mean(firewall.screen(fresh).route != "pass")))
        caught.append(float(np.mean(firewall.screen(fresh.assign(c0=1e6)).route != "pass")))
    assert np.mean(alarms) <= 0.08  # 0.05 in the mean of many; the share above the largest of 19 has a spread as large
    assert np.mean(caught) > 0.3


@pytest.mark.parametrize(
    ("n", "alpha", "calibrate"), [(164, 0.01, 57), (165, 0.01, 99), (250, 0.01, 99), (300, 0.01, 105), (60, 0.05, 21), (40, 0.05, 19)]
)
def test_of_few_rows_more_calibrate_where_that_makes_alarms_possible(n: int, alpha: float, calibrate: int) -> None:
    split = Split.of(n, np.random.default_rng(0), fewest_on_average(alpha))
    assert len(split.calibrate) == calibrate
    assert sorted([*split.teach, *split.calibrate]) == list(range(n))


def test_a_budget_leaves_as_many_rows_to_calibrate_as_alarms_take() -> None:
    rng = np.random.default_rng(0)
    wrapped = cp.wrap(lambda t: np.where(t["c0"] > 0, "a", "b"), name="m", classes=["a", "b"])
    for n, budget in (1000, 5000), (200, 2500):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LittleLearnedWarning)
            warnings.simplefilter("error", NoAlarmsWarning)
            told = cp.Firewall(budget=budget).fit(wrapped, normals(rng, n), reference=normals(rng, 300)).describe()
        assert told["threshold"]["rows"] >= 99 and told["threshold"]["alarms_possible"]
        assert told["asked"] <= budget
    thinned = Split.of(1000, rng, 99).thinned(200, rng, 99)
    assert len(thinned.calibrate) == 99 and len(thinned.teach) == 101


def test_where_nothing_can_be_stopped_it_is_said_what_helps() -> None:
    rng = np.random.default_rng(0)
    wrapped = cp.wrap(lambda t: np.where(t["c0"] > 0, "a", "b"), name="m", classes=["a", "b"])
    with pytest.warns(
        NoAlarmsWarning, match="35 clean rows calibrate it.* takes about 165 rows .* Give more rows, or an alpha of 0.028 at least."
    ) as found:
        cp.Firewall(budget=None).fit(None, normals(rng, 100))
    assert len(found) == 1
    assert cp.Firewall(alpha=0.028).fit(None, normals(rng, 100)).describe()["threshold"]["alarms_possible"]
    with pytest.warns(NoAlarmsWarning, match="takes about 99 rows"):
        cp.Firewall().fit(None, normals(rng, 90), reference=normals(rng, 300))
    with pytest.warns(NoAlarmsWarning, match="more rows, a larger budget, or an alpha of 0.0"), warnings.catch_warnings():
        warnings.simplefilter("ignore", LittleLearnedWarning)
        cp.Firewall(budget=2000).fit(wrapped, normals(rng, 100), reference=normals(rng, 300))


def test_from_texts_alone_only_rows_that_the_schema_has_not_seen_calibrate() -> None:
    rng = np.random.default_rng(0)
    texts = normals(rng, 200).assign(note=[f"a fine film of {rng.integers(9)} hours and {rng.integers(99)} minutes" for _ in range(200)])
    assert cp.Firewall(alpha=0.05).fit(None, texts).describe()["threshold"]["rows"] == 70


def test_with_a_model_the_promise_holds_for_values_that_are_new() -> None:
    alarms = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        model = cp.wrap(lambda t: np.where(t["x"] + t["z"] + t["shop"].eq("s1") > 0.5, "a", "b"), name="m", classes=["a", "b"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            firewall = cp.Firewall(alpha=0.05, seed=seed, budget=15_000).fit(model, zipf(rng, 1500))
        alarms.append(float(np.mean(firewall.screen(zipf(rng, 2000)).route != "pass")))
    assert np.mean(alarms) <= 0.05


def test_rows_that_stand_in_the_reference_are_noticed_whatever_the_budget() -> None:
    rng = np.random.default_rng(0)
    X = normals(rng, 3000)
    model = cp.wrap(lambda t: np.where(t["c0"] > 0, "a", "b"), name="m", classes=["a", "b"])
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        cp.Firewall(budget=3000).fit(model, X.head(1000), reference=X)
    assert any("100%" in str(w.message) for w in found)


def test_confidence_without_labels_is_no_surer_than_the_model() -> None:
    rng = np.random.default_rng(0)
    X = normals(rng, 1000)

    def model(t: pd.DataFrame) -> np.ndarray:
        p = 1 / (1 + np.exp(-t["c0"].fillna(0)))
        return np.column_stack([p, 1 - p])

    wrapped = cp.wrap(model, name="m", task="classification", classes=["a", "b"])
    firewall = cp.Firewall(budget=8000).fit(wrapped, X)
    verdicts = firewall.screen(normals(rng, 1000))
    assert verdicts.proba is not None
    assert (verdicts.confidence <= verdicts.proba.max(axis=1) + 1e-9).all()
    assert "ece_confidence" not in firewall.describe()["measured"]


def test_no_row_is_stopped_whose_risk_is_below_one_in_twenty() -> None:
    def model(t: pd.DataFrame) -> np.ndarray:
        return np.where((t.abs() > 8).any(axis=1), "b", "a")

    rng = np.random.default_rng(0)
    wrapped = cp.wrap(model, name="m", classes=["a", "b"])
    firewall = cp.Firewall(alpha=0.2, budget=30_000).fit(wrapped, normals(rng, 600), reference=normals(rng, 600))
    assert firewall.describe()["threshold"]["risk"] == pytest.approx(LEAST_RISK)
    clean = firewall.screen(normals(rng, 3000))
    assert clean.risk.mean() < 0.01 and (clean.route != "pass").mean() < 0.01  # 0.2 would be allowed
    assert (firewall.screen(normals(rng, 200).assign(c0=50.0)).route != "pass").mean() > 0.95


def test_a_limit_is_only_ever_raised_and_stays_where_risk_says_nothing() -> None:
    clean = np.arange(100.0)
    limit = AlarmThreshold(90.0, 0.1, 0.95, 100, 9)
    assert spared(limit, Logistic(np.array([1.0]), -95.0), 0.5, clean) == AlarmThreshold(95.0, 0.1, 0.95, 100, 4)
    assert spared(limit, Logistic(np.array([1.0]), -80.0), 0.5, clean) == limit
    for risk, least in ((Logistic(np.array([0.0]), -95.0), 0.5), (Logistic(np.array([1.0]), -95.0), 0.0)):
        assert spared(limit, risk, least, clean) == limit
    never = AlarmThreshold(np.inf, 0.1, 1.0, 5, 0)
    assert spared(never, Logistic(np.array([1.0]), -95.0), 0.5, clean) == never
