from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Floats
from camelopard.core.records import Prediction
from camelopard.firewall.doubts import ASKS, BOUNDARY, DATA, REGION, doubts


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(50, 10, n)
    return pd.DataFrame(
        {"size": x.round(1), "weight": (2 * x + rng.normal(0, 4, n)).round(1), "shop": rng.choice(["north", "south"], n, p=[0.8, 0.2])}
    )


def truth(X: pd.DataFrame) -> np.ndarray:
    """Large above 50, by chance near it; the southern shop counts the other way round, which the model does not know."""
    luck = np.random.default_rng(7).normal(0, 3, len(X))
    large = (X["size"].to_numpy(dtype=float) + luck > 50) != (X["shop"] == "south").to_numpy()
    return np.asarray(np.where(large, "large", "small"))


class Model:
    classes_ = np.array(["large", "small"])

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        p = 1 / (1 + np.exp(-np.clip(pd.to_numeric(X["size"], errors="coerce").fillna(50).to_numpy() - 50, -30, 30)))
        return np.column_stack([p, 1 - p])

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


POLICY = cp.Policy(costs=cp.Costs(wrong=100, review=20, block=60), repair=False)


@pytest.fixture(scope="module")
def firewall() -> Iterator[cp.Firewall]:
    X = rows(1200, 1)
    yield cp.Firewall(budget=60_000, policy=POLICY, seed=2).fit(cp.wrap(Model(), name="size"), X, truth(X), reference=rows(1200, 3))


def test_each_kind_of_doubt_is_told_from_the_others(firewall: cp.Firewall) -> None:
    near = [{"size": 50.1, "weight": 100.0, "shop": "north"}]
    known = [{"size": 65.0, "weight": 130.0, "shop": "south"}]
    broken = [{"size": 0.65, "weight": 130.0, "shop": "north"}]  # metres, where centimetres were meant
    v = firewall.screen([*near, *known, *broken])
    assert v.route.tolist().count("pass") == 0
    assert v.doubt.tolist() == [BOUNDARY, REGION, DATA]
    assert [verdict.doubt for verdict in v] == v.doubt.tolist() == [d["doubt"] for d in v.to_dicts()]
    assert v.to_pandas()["doubt"].tolist() == v.doubt.tolist()


def test_a_row_that_passes_is_in_no_doubt(firewall: cp.Firewall) -> None:
    v = firewall.screen([{"size": 70.0, "weight": 140.0, "shop": "north"}])
    assert (v.route[0], v.doubt[0]) == ("pass", None)


def test_kinds_of_doubt_can_be_routed_differently(firewall: cp.Firewall) -> None:
    other = cp.Policy(costs=POLICY.costs, repair=False, overrides=[cp.Override("block", doubt=REGION), cp.Override("review", doubt=BOUNDARY)])
    known, near = {"size": 65.0, "weight": 130.0, "shop": "south"}, {"size": 50.1, "weight": 100.0, "shop": "north"}
    fine = {"size": 70.0, "weight": 140.0, "shop": "north"}
    v = firewall.with_policy(other).screen([known, near, fine])
    assert v.route.tolist() == ["block", "review", "pass"]
    assert cp.Policy.from_state(other.state()) == other
    assert "block rows in a region of known errors" in str(other)
    with pytest.raises(cp.CamelopardError, match="Did you mean 'region'"):
        cp.Override("block", doubt="regions")


def test_verdicts_of_parts_keep_their_doubts(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    X = rows(60, 5).assign(shop="south")
    whole = firewall.screen(X).doubt.tolist()
    monkeypatch.setattr("camelopard.firewall.firewall.CELLS", 60)
    assert firewall.screen(X).doubt.tolist() == whole


def test_without_a_model_doubt_is_about_the_data() -> None:
    fitted = cp.Firewall(alpha=0.05).fit(None, rows(1000, 1))
    v = fitted.screen([{"size": -9e9, "weight": 9e9, "shop": "?"}])
    assert (v.route[0], v.doubt[0]) == ("review", DATA)


def test_no_answer_is_a_matter_of_the_data() -> None:
    answer = Prediction(np.array([None]), np.array([[np.nan, np.nan]]), errors=np.array(["boom"], dtype=object), classes=("a", "b"))
    assert doubts(answer, np.zeros(1), np.array([0.5]), np.zeros(1, dtype=bool)).tolist() == [DATA]
    assert set(ASKS) == {BOUNDARY, REGION, DATA}
