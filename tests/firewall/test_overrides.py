from __future__ import annotations

import inspect
import json
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError, UnknownName
from camelopard.core.records import Reason
from camelopard.firewall import explain, incoming
from camelopard.firewall.drawing import tickets
from camelopard.firewall.firewall import NoAlarmsWarning
from camelopard.firewall.overrides import REASONS, Override, Rows

COSTS = cp.Costs(wrong=100, review=15, block=20)


def clinic(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    dose = rng.gamma(4.0, 2.0, n).round(2)
    return pd.DataFrame(
        {"dose": dose, "weight": (3 * dose + rng.normal(0, 2, n)).round(2), "colour": rng.choice(["red", "green", "blue"], n, p=[0.5, 0.3, 0.2])}
    )


def answer(table: pd.DataFrame) -> Any:
    effect = table["colour"].map({"red": 1.5, "blue": -1.5}).fillna(0.0).astype(float)
    p = 1 / (1 + np.exp(8 - np.nan_to_num(table["dose"].astype(float)) - effect))
    return np.column_stack([1 - p, p])


def truth(table: pd.DataFrame, seed: int) -> Any:
    return np.where(np.random.default_rng(seed).random(len(table)) < answer(table)[:, 1], "sick", "well")


MODEL = cp.wrap(answer, name="clinic", task="classification", classes=["well", "sick"])


@pytest.fixture(scope="module")
def firewall() -> cp.Firewall:
    held = clinic(900, 1)
    return cp.Firewall(alpha=0.05, budget=20_000).fit(MODEL, held, truth(held, 1), reference=clinic(900, 2))


def arrivals() -> pd.DataFrame:
    table = clinic(60, 3).assign(channel=["test" if i % 10 == 0 else "shop" for i in range(60)])
    table.loc[[5, 10], "colour"] = "puce"
    table.loc[7, "dose"] = 5000.0
    return table


def test_rows_go_where_their_reasons_their_columns_or_their_segment_send_them(firewall: cp.Firewall) -> None:
    table = arrivals()
    plain = firewall.screen(table).route
    by_reason = firewall.with_policy(cp.Policy(overrides=[Override("block", reason="unseen-value", column="colour")])).screen(table)
    assert by_reason.route[[5, 10]].tolist() == ["block", "block"]
    assert (np.delete(by_reason.route, [5, 10]) == np.delete(plain, [5, 10])).all()
    assert "override" in [reason.code for reason in by_reason.reasons(5)]
    by_column = firewall.with_policy(cp.Policy(overrides=[Override("block", column="dose")])).screen(table)
    assert by_column.route[7] == "block"
    by_segment = firewall.with_policy(cp.Policy(overrides=[Override("block", segment={"channel": "test"})])).screen(table)
    assert ((by_segment.route == "block") == (table["channel"] == "test")).all()


def test_a_reason_on_another_column_is_not_meant(firewall: cp.Firewall) -> None:
    policy = cp.Policy(overrides=[Override("block", reason="unseen-value", column="dose")])
    assert (firewall.with_policy(policy).screen(arrivals()).route == firewall.screen(arrivals()).route).all()


def test_the_first_that_fits_wins(firewall: cp.Firewall) -> None:
    overrides = [Override("review", segment={"channel": "test"}), Override("block", reason="unseen-value")]
    found = firewall.with_policy(cp.Policy(overrides=overrides)).screen(arrivals())
    assert found.route[[0, 5, 10]].tolist() == ["review", "block", "review"]
    turned = firewall.with_policy(cp.Policy(overrides=overrides[::-1])).screen(arrivals())
    assert turned.route[[0, 5, 10]].tolist() == ["review", "block", "block"]


def test_no_override_makes_an_unreadable_row_pass_or_repairs_what_has_no_repair(firewall: cp.Firewall) -> None:
    rows: list[Any] = [{"dose": 8.0, "weight": 24.0, "colour": "red", "channel": "test"}, {"channel": "test"}, 5]
    anything = [Override("pass", segment={"channel": "test"}), Override("pass", reason="unreadable"), Override("repair", segment={"channel": "test"})]
    found = firewall.with_policy(cp.Policy(overrides=anything)).screen(rows)
    assert found.route.tolist() == ["pass", "block", "block"]
    by_cost = firewall.with_policy(cp.Policy(costs=COSTS, overrides=anything)).screen(rows)
    assert by_cost.route.tolist() == ["pass", "review", "review"]
    assert firewall.with_policy(cp.Policy(overrides=anything[2:])).screen(rows[0]).route[0] == firewall.screen(rows[0]).route[0]


def test_a_row_is_routed_the_same_alone_and_in_any_batch(firewall: cp.Firewall) -> None:
    overrides = [Override("review", reason="unseen-value"), Override("block", segment={"channel": "test"})]
    policy = cp.Policy(costs=COSTS, reviews_per_day=20, audit=0.3, overrides=overrides).fitted_to(firewall.screen(arrivals()), per_day=60)
    guarded = firewall.with_policy(policy)
    table = arrivals()
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    together, backwards = guarded.screen(table), guarded.screen(rows[::-1])
    assert backwards.route[::-1].tolist() == together.route.tolist()
    for i, row in enumerate(rows):
        alone = guarded.screen(row)
        assert (alone.route[0], alone.propensity[0]) == (together.route[i], together.propensity[i])
    assert 0 < ((together.route == "review") & (together.propensity < 1)).sum() < 30


def test_a_firewall_keeps_its_policy_in_its_file_and_says_it_in_words(firewall: cp.Firewall, tmp_path: Path) -> None:
    overrides = [Override("review", reason="unseen-value"), Override("block", segment={"channel": ["test", None]})]
    policy = cp.Policy(costs=COSTS, reviews_per_day=20, audit=0.3, overrides=overrides, seed=5).fitted_to(firewall.screen(arrivals()), per_day=60)
    guarded = firewall.with_policy(policy)
    guarded.save(tmp_path / "f")
    again = cp.Firewall.load(tmp_path / "f", model=MODEL)
    assert again.policy == policy
    assert again.screen(arrivals()).route.tolist() == guarded.screen(arrivals()).route.tolist()
    assert json.loads(json.dumps(again.describe()["policy"]))["costs"]["wrong"] == 100.0
    for part in ("Routes are decided by costs", "A wrong answer costs 100", "Reviews per day: 20 at most", "where channel is test or missing"):
        assert part in again.summary()
    assert "A row is stopped from a risk" in firewall.summary()
    firewall.save(tmp_path / "old")
    assert cp.Firewall.load(tmp_path / "old", model=MODEL).policy == cp.Policy()
    assert firewall.describe()["policy"] == {"review": None, "block": 0.8, "repair": True}


def test_too_few_rows_for_alarms_are_no_matter_where_costs_decide() -> None:
    held = clinic(160, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoAlarmsWarning)
        few = cp.Firewall(policy=cp.Policy(costs=COSTS), budget=2500).fit(MODEL, held, truth(held, 5))
    assert (few.screen(clinic(200, 6)).route == "review").any()
    with pytest.warns(NoAlarmsWarning):
        cp.Firewall(policy=cp.Policy(costs=COSTS)).fit(None, held.head(150))


def test_what_was_measured_of_repairs_at_fit_decides_whether_they_pay(firewall: cp.Firewall) -> None:
    damaged = clinic(300, 7).assign(dose=[-5.0 if i % 3 == 0 else 8.0 for i in range(300)])
    found = {}
    for share in (0.0, 0.9):
        told = firewall.with_policy(cp.Policy(costs=COSTS))
        told.learned_ = replace(firewall.learned_, measured={**firewall.learned_.measured, "repaired_wrong": share})
        found[share] = told.screen(damaged)
    assert found[0.0].grounds is not None
    able = found[0.0].grounds.repairable
    assert able.any()
    assert set(found[0.0].route[able]) == {"repair"}
    assert "repair" not in found[0.9].route
    account = cp.Policy(costs=COSTS).simulate(found[0.0], per_day=300)
    assert any("It is expected that 0 % of repaired answers are wrong, as measured at fit." in note for note in account.notes)


def test_another_policy_is_a_copy_and_the_first_stays_as_it_was(firewall: cp.Firewall) -> None:
    before = firewall.screen(arrivals()).route.tolist()
    other = firewall.with_policy(cp.Policy(costs=COSTS))
    other.contract.mute("dose")
    assert firewall.screen(arrivals()).route.tolist() == before
    assert [a.muted for a in firewall.contract] != [a.muted for a in other.contract]
    with pytest.raises(CamelopardError, match=r"with_policy\('cheap'\): expected a camelopard.Policy"):
        firewall.with_policy("cheap")  # type: ignore[arg-type]


def test_unknown_names_are_answered_with_the_nearest_known(firewall: cp.Firewall) -> None:
    with pytest.raises(UnknownName, match=r"no reason named 'unseen_value'\. Did you mean 'unseen-value'"):
        Override("review", reason="unseen_value")
    with pytest.raises(UnknownName, match=r"no route named 'revue'\. Did you mean 'review'"):
        Override("revue", reason="doubt")
    with pytest.raises(UnknownName, match=r"no column named 'color'\. Did you mean 'colour'"):
        firewall.with_policy(cp.Policy(overrides=[Override("review", column="color")]))
    with pytest.raises(UnknownName, match=r"no column named 'color'\. Did you mean 'colour'"):
        cp.Firewall(policy=cp.Policy(overrides=[Override("review", column="color")])).fit(MODEL, clinic(300, 1))
    firewall.with_policy(cp.Policy(overrides=[Override("review", reason="extra-column", column="anything")]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "says of no row that it is meant"),
        ({"column": 3}, "column=3): expected the name of a column"),
        ({"reason": ["a"]}, "['a'] is no reason; expected one name"),
        ({"doubt": ["x"]}, "['x'] is no kind of doubt; expected one name"),
        ({"segment": "test"}, "expected columns and their values"),
        ({"segment": {}}, "expected columns and their values"),
        ({"segment": {3: "x"}}, "expected columns and their values"),
        ({"segment": {"a": []}}, "expected at least one value"),
        ({"segment": {"a": {"b": 1}}}, "expected a text, a number, a truth value or None"),
        ({"segment": {"a": [1, float("inf")]}}, "expected a text, a number, a truth value or None"),
    ],
)
def test_an_override_that_means_nothing_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(CamelopardError) as raised:
        Override("review", **settings)
    assert message in str(raised.value)


def test_every_reason_that_a_row_can_have_is_a_known_one() -> None:
    given = re.findall(r'Reason\(\s*"([a-z-]+)"', inspect.getsource(explain) + inspect.getsource(incoming) + inspect.getsource(cp.Verdicts))
    given += re.findall(r'(?:code, message|code) = "([a-z-]+)"', inspect.getsource(explain))
    assert set(given) - REASONS == set()
    assert {"unreadable", "doubt", "outside", "unlikely", "out-of-range", "no-answer", "unseen-value", "range", "pair"} <= REASONS


def hit(values: Any, wanted: Any) -> list[bool]:
    fits = Rows(Batch.of(pd.DataFrame({"a": values})), list).fit(Override("block", segment={"a": wanted}))
    return [bool(fit) for fit in fits]


def test_a_segment_compares_values_and_not_their_types_in_memory() -> None:
    assert hit([1, 2, 3], 2) == hit([1.0, 2.0, None], 2) == hit(pd.array([1, 2, None], dtype="Int64"), 2.0) == [False, True, False]
    assert hit(["1", "2", None], 2) == [False, False, False]
    assert hit(["1", "2", None], [None, "2"]) == [False, True, True]
    assert hit([True, False, True], False) == [False, True, False]
    assert hit([1, 0, 1], True) == [False, False, False]
    assert hit([["x"], {"y": 1}, "z"], {"z"}) == [False, False, True]


def test_a_segment_by_a_column_that_did_not_come_fits_nothing_and_says_so(firewall: cp.Firewall) -> None:
    found = firewall.with_policy(cp.Policy(overrides=[Override("block", segment={"channel": "test"})])).screen(arrivals().drop(columns="channel"))
    assert (found.route == firewall.screen(arrivals()).route).all()
    assert "the column 'channel' is absent: the override for a segment by it fits no row" in [reason.message for reason in found.reasons(0)]


def test_reasons_are_made_only_when_an_override_asks_for_them_and_only_once() -> None:
    asked: list[int] = []

    def reasons() -> list[tuple[int, Reason]]:
        asked.append(1)
        return [(i, Reason("unlikely", "a", None, "", 1.0, "")) for i in (1, 3)]

    rows = Rows(Batch.of(pd.DataFrame({"a": range(6)})), reasons)
    assert rows.fit(Override("block", segment={"a": 3})).tolist() == [False, False, False, True, False, False]
    assert not rows.fit(Override("block", reason="unlikely", segment={"a": 9})).any()
    assert asked == []
    assert rows.fit(Override("block", reason="unlikely", segment={"a": [1, 2]})).tolist() == [False, True, False, False, False, False]
    assert rows.fit(Override("review", column="a")).tolist() == [False, True, False, True, False, False]
    assert asked == [1]


def test_every_reason_that_is_told_is_found_and_so_is_the_state_of_a_cell_that_breaks_an_assumption(firewall: cp.Firewall) -> None:
    table = arrivals().drop(columns="channel")
    table.loc[20:25, "weight"] = None
    table.loc[30, "dose"] = -3.0
    every = firewall.screen(table)
    having = [{(reason.code, reason.field) for reason in every.reasons(i)} for i in range(len(table))]
    assert every.grounds is not None
    for code, field in sorted(set().union(*having), key=str):
        told = {i for i in range(len(table)) if (code, field) in having[i]}
        assert told <= set(np.flatnonzero(every.grounds.fit(Override("block", reason=code, column=field))).tolist()), code
    assert having[5] == {("values", "colour")}
    for code in ("values", "unseen-value"):
        assert np.flatnonzero(every.grounds.fit(Override("block", reason=code, column="colour"))).tolist() == [5, 10]
    clean = firewall.screen(clinic(2000, 8))
    assert clean.grounds is not None
    assert not clean.grounds.fit(Override("block", reason="unseen-value")).any()
    muted = firewall.with_policy(cp.Policy())
    muted.contract.mute("colour")
    assert not muted.screen(table).grounds.fit(Override("block", column="colour")).any()  # type: ignore[union-attr]


class Wild:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __hash__(self) -> int:
        raise RuntimeError("hashed")

    def __repr__(self) -> str:
        raise RuntimeError("printed")


def test_cells_of_any_class_never_raise(firewall: cp.Firewall) -> None:
    wild: list[Any] = [Wild(), [Wild()], {"a": [10**5000]}, 10**5000, "\ud800", b"\xff", float("nan"), object, np.zeros((2, 2)), np.datetime64("NaT")]
    rows = [{"dose": 8.0, "weight": 24.0, "colour": cell, "channel": cell} for cell in wild]
    overrides = [Override("block", segment={"channel": ["test", 1, None]}), Override("review", reason="unseen-value")]
    policy = cp.Policy.from_state({**cp.Policy(costs=COSTS, audit=0.5, overrides=overrides).state(), "audit_rate": 0.5})
    found = firewall.with_policy(policy).screen(rows)
    assert len(found) == len(rows)
    for i in range(len(rows)):
        assert firewall.with_policy(policy).screen(rows[i]).route[0] == found.route[i]
        assert len(found.reasons(i)) > 0


def test_lots_are_uniform_and_hang_on_the_row_and_the_seed_alone() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=4000), "b": rng.choice(np.array(["x", "y", None], dtype=object), 4000), "c": rng.integers(0, 5, 4000)})
    table["d"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 99, 4000), unit="D")
    lots = tickets(Batch.of(table), 0, np.arange(4000))
    assert np.abs(np.sort(lots) - np.arange(4000) / 4000).max() < 1.63 / np.sqrt(4000)  # Kolmogorov and Smirnov, at 1 %
    assert abs(np.corrcoef(lots, table["a"])[0, 1]) < 0.05
    assert abs(np.corrcoef(lots, tickets(Batch.of(table), 1, np.arange(4000)))[0, 1]) < 0.05
    some = np.array([7, 3, 11])
    again = tickets(Batch.of(table[["d", "c", "b", "a"]].iloc[some]), 0, np.arange(3))
    assert again.tolist() == lots[some].tolist()
    rows = [{"a": 1, "b": None}, {"a": 1.0, "b": float("nan")}, {"a": -0.0, "b": "x"}, {"a": 0, "b": "x"}, {"a": "1", "b": None}, {"a": 1, "b": [2]}]
    first = tickets(Batch.of(rows), 0, np.arange(6)).tolist()
    assert first[0] == first[1]
    assert first[2] == first[3]
    assert len(set(first)) == 4
