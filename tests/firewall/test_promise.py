"""Simulation tests of what a firewall promises about clean rows, where it has no training rows to learn from but those it is given."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

import camelopard as cp


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
