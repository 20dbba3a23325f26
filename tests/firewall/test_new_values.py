"""A firewall of a table with an order number, which is another one in every row, and a shop, to which new ones keep coming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.schema import Column
from camelopard.firewall.alike import alike
from camelopard.firewall.firewall import Firewall

COLOURS = {"red": 2.0, "green": 0.0, "blue": -2.0, "grey": 0.5, "pink": 1.0}


def sales(n: int, seed: int) -> pd.DataFrame:
    """Size, colour and the shop in the north decide, the order decides nothing; one row in ten comes from a shop of its own."""
    rng = np.random.default_rng(seed)
    size = rng.gamma(4.0, 2.0, n)
    own = rng.random(n) < 0.1
    return pd.DataFrame(
        {
            "order": [f"A{100_000 * seed + i}" for i in range(n)],
            "shop": np.where(own, [f"Shop {seed} {i}" for i in range(n)], rng.choice(["North", "South", "East"], n)),
            "size": size.round(2),
            "weight": (3 * size + rng.normal(0, 2, n)).round(2),
            "colour": rng.choice(list(COLOURS), n, p=[0.4, 0.3, 0.2, 0.05, 0.05]),
        }
    )


def answer(table: pd.DataFrame) -> Any:
    height = table["size"].astype(float) - 8 + table["colour"].map(COLOURS).fillna(4.0).astype(float) + 2.0 * (table["shop"] == "North")
    p = np.nan_to_num(1 / (1 + np.exp(-height.to_numpy())), nan=0.5)
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def firewall() -> Firewall:
    model = cp.wrap(answer, name="sales", task="classification", classes=["low", "high"])
    return cp.Firewall(alpha=0.02, budget=40_000).fit(model, sales(2000, 1), reference=sales(2000, 2))


def test_new_orders_and_shops_are_sound_and_clean_rows_pass(firewall: Firewall) -> None:
    assert (firewall.schema["order"].new_rate, firewall.schema["colour"].open) == (1.0, False)
    assert 0.05 < firewall.schema["shop"].new_rate < 0.15
    verdicts = firewall.screen(sales(3000, 7))
    new = ~sales(3000, 7)["shop"].isin(["North", "South", "East"]).to_numpy()
    stopped = verdicts.route != "pass"
    assert stopped.mean() <= 0.02 + 3 * np.sqrt(0.02 * 0.98 / 3000)
    assert stopped[new].mean() <= 0.05
    assert np.median(verdicts.oddity) < 0.7


def test_damage_elsewhere_is_found_and_repaired_and_the_order_stays(firewall: Firewall) -> None:
    some = sales(300, 8)
    harmful = some.assign(size=some["size"] * 100)
    verdicts = firewall.screen(harmful)
    fooled = verdicts.prediction != firewall.screen(some).prediction
    assert fooled.mean() > 0.3
    assert np.mean(verdicts.route[fooled] != "pass") > 0.8
    repairs = [verdicts.repair(i) for i in np.flatnonzero(verdicts.route == "repair").tolist()]
    assert len(repairs) > 50
    assert "order" not in {name for repair in repairs if repair is not None for name in repair.changes}
    new = [verdicts.repair(i) for i in np.flatnonzero(~some["shop"].isin(["North", "South", "East"])).tolist()]
    assert len(new) > 15 and "shop" not in {name for repair in new if repair is not None for name in repair.changes}


def test_a_colour_never_seen_is_as_suspicious_as_ever(firewall: Firewall) -> None:
    some = sales(100, 9)
    verdicts = firewall.screen(some.assign(colour="mauve"))
    low = firewall.screen(some).prediction == "low"
    turned = low & (verdicts.prediction == "high")
    assert turned.sum() > 10 and np.mean(verdicts.route[turned] != "pass") > 0.8
    assert "'mauve'; expected: colour is one of red" in verdicts.reasons(int(np.flatnonzero(turned)[0]))[0].message


@pytest.mark.parametrize(("cell", "code"), [(None, "null"), (12.5, "type")])
def test_damage_to_the_name_itself_is_seen_and_said(firewall: Firewall, cell: Any, code: str) -> None:
    row = sales(1, 9).iloc[0].to_dict()
    verdict = firewall.screen({**row, "shop": cell})[0]
    assert (verdict.reasons[0].field, verdict.reasons[0].code) == ("shop", code)
    assert min(verdict.oddity, firewall.screen({**row, "order": cell})[0].oddity) > 0.9


def test_no_rule_lists_the_values_of_a_column_to_which_new_ones_come(firewall: Firewall) -> None:
    listed = {a.fields[0] for a in firewall.contract if a.code == "values"}
    assert listed == {"colour"}
    assert "known values" not in firewall.summary()


def test_a_kept_firewall_says_the_same_of_new_values_and_one_kept_before_still_loads(firewall: Firewall, tmp_path: Path) -> None:
    firewall.save(tmp_path / "one.camelopard")
    again = Firewall.load(tmp_path / "one.camelopard", model=firewall.model_)
    some = sales(200, 11)
    assert again.screen(some).risk.tobytes() == firewall.screen(some).risk.tobytes()
    assert [column.new_rate for column in again.schema.columns.values()] == [column.new_rate for column in firewall.schema.columns.values()]
    before = {name: value for name, value in vars(firewall.schema["shop"]).items() if name != "new_rate"}
    assert not Column(**before).open


def test_of_rows_like_this_one_no_order_is_made_up(firewall: Firewall) -> None:
    some = sales(100, 12)
    found = alike(firewall, some[some["shop"].str.startswith("Shop")].head(1), 40)
    assert {one.cells["order"].values for one in found} == {()}
    shops = [one.cells["shop"].values for one in found]
    assert () in shops and {"North", "South", "East"} >= {shop for values in shops for shop in values}
