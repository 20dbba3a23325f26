from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Floats


def stones(n: int, seed: int) -> pd.DataFrame:
    """Three sides of a stone, which hang together."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(5, 9, n)
    sides = {name: (size + rng.normal(0, 0.02, n)).round(3) for name in ("depth", "x", "y")}
    return pd.DataFrame(sides)


def price(table: pd.DataFrame) -> Floats:
    """What stones cost: depth matters in few of them."""
    sides = table.apply(pd.to_numeric, errors="coerce").fillna(7.0)
    return np.asarray(0.5 * (sides["depth"] > 8.7) + 2 * sides["x"] + 2 * sides["y"], dtype=np.float64)


@pytest.fixture(scope="module")
def firewall() -> cp.Firewall:
    clean = stones(900, 1)
    y = price(clean) + np.random.default_rng(2).normal(0, 0.05, len(clean))
    return cp.Firewall(alpha=0.05, budget=15_000).fit(cp.wrap(price, name="price", task="regression"), clean, y)


def test_a_cell_that_breaks_a_rule_of_its_own_stands_before_those_that_do_not_fit_it(firewall: cp.Firewall) -> None:
    table = stones(60, 3)
    verdicts = firewall.screen(table.assign(depth=table["depth"] - 5))
    told = [verdicts.reasons(i) for i in range(60)]
    assert [(reasons[0].field, reasons[0].code) for reasons in told] == [("depth", "range")] * 60
    victims = [reason for reasons in told for reason in reasons if reason.code == "unlikely"]
    assert victims and {reason.field for reason in victims} <= {"x", "y"}
    assert all(reasons == sorted(reasons, key=lambda reason: -reason.contribution) for reasons in told)
    assert all(sum(reason.contribution for reason in reasons) == pytest.approx(1.0, abs=0.001) for reasons in told)
