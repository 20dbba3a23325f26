from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Floats

COSTS = cp.Costs(wrong=20, review=1, block=1000)


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(50, 10, n)
    return pd.DataFrame({"size": x.round(1), "weight": (2 * x + rng.normal(0, 6, n)).round(1), "kind": rng.choice(["a", "b"], n)})


def truth(X: pd.DataFrame, seed: int) -> np.ndarray:
    likely = 1 / (1 + np.exp(-(X["size"].to_numpy(dtype=float) - 50) / 4))
    return np.asarray(np.where(np.random.default_rng(seed).random(len(X)) < likely, "large", "small"))


def large(X: pd.DataFrame) -> Floats:
    weight = pd.to_numeric(X["weight"], errors="coerce").fillna(100).to_numpy()
    p = 1 / (1 + np.exp(-np.clip((weight - 100) / 8, -30, 30)))
    return np.column_stack([p, 1 - p])


MODEL = cp.wrap(large, name="size", task="classification", classes=["large", "small"])


@pytest.fixture(scope="module")
def firewall() -> cp.Firewall:
    X = rows(500, 1)
    return cp.Firewall(budget=12_000, alpha=0.05).fit(MODEL, X, truth(X, 2), reference=rows(500, 3))


def routes(firewall: cp.Firewall) -> dict[str, Any]:
    X = rows(200, 5)
    found: dict[str, Any] = firewall.evaluate(X, truth(X, 6), budget=6_000).to_dict()["routes"]
    return found


def test_the_routes_that_are_measured_are_those_of_the_policy_in_force(firewall: cp.Firewall) -> None:
    by_risk, dear = routes(firewall), routes(firewall.with_policy(cp.Policy(costs=COSTS)))
    assert by_risk["policy"] == cp.Policy().state() and dear["policy"]["costs"]["wrong"] == 20
    assert dear["per_1000"]["review"]["value"] > 2 * by_risk["per_1000"]["review"]["value"]
    assert dear["through"]["value"] < by_risk["through"]["value"] / 2
    sure = routes(firewall.with_policy(cp.Policy(accept=0.95)))
    assert sure["policy"]["accept"] == 0.95 and sure["per_1000"]["pass"]["value"] < by_risk["per_1000"]["pass"]["value"]


def test_routes_of_another_policy_than_the_one_in_force_are_told_to_be_so(firewall: cp.Firewall, tmp_path: Path) -> None:
    label = "Under the policy it was fitted with: The firewall passes"
    assert "The firewall passes" in firewall.summary() and label not in firewall.summary()
    other = firewall.with_policy(cp.Policy(costs=COSTS))
    assert label in other.summary() and "What the policy in force does, evaluate measures." in other.summary()
    other.save(tmp_path / "other")
    assert label in cp.Firewall.load(tmp_path / "other", model=MODEL).summary()
    assert label not in repr(other.evaluate(rows(200, 5), truth(rows(200, 5), 6), budget=6_000))


def test_clean_rows_stopped_are_told_beside_alpha_where_they_did_not_set_the_threshold(firewall: cp.Firewall) -> None:
    X = rows(200, 5)
    found = firewall.evaluate(X, truth(X, 6), budget=6_000)
    alarmed = float((firewall.screen(X).grounds.alarmed).mean())  # type: ignore[union-attr]
    told = found.figures["clean_stopped"]
    assert (told["value"], told["alpha"]) == (alarmed, 0.05) and told["low"] <= alarmed <= told["high"]
    assert "share stopped of the clean rows (alpha is 0.05)" in repr(found)
    assert "clean_stopped" not in firewall.describe()["measured"] and "of the clean rows" not in firewall.summary()


def test_a_policy_that_was_fitted_with_is_the_one_in_force_after_loading_too(tmp_path: Path) -> None:
    X = rows(300, 1)
    policy = cp.Policy(costs=COSTS, overrides=[cp.Override("block", segment={"kind": ["b", None]})])
    fitted = cp.Firewall(budget=6_000, alpha=0.05, policy=policy).fit(MODEL, X, truth(X, 2))
    fitted.save(tmp_path / "f")
    for same in (fitted, cp.Firewall.load(tmp_path / "f", model=MODEL)):
        assert "The firewall passes" in same.summary() and "it was fitted with" not in same.summary()
