from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.records import Assumption
from camelopard.core.schema import Schema
from camelopard.firewall.contract import Contract
from camelopard.stress.assumptions import infer


def inferred(frame: pd.DataFrame, **more: object) -> list[Assumption]:
    batch = Batch.of(frame)
    return infer(batch, Schema.infer(batch), **more)  # type: ignore[arg-type]


def codes(found: list[Assumption]) -> set[tuple[str, tuple[str, ...]]]:
    return {(a.code, a.fields) for a in found}


def test_single_columns_say_what_they_hold() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, 300),
            "mail": [f"user{i}@mail.org" for i in range(300)],
            "code": rng.choice(["AB", "CD"], 300),
            "day": pd.date_range("2020-01-01", periods=300).strftime("%Y-%m-%d"),
            "gap": np.where(rng.random(300) < 0.2, np.nan, 1.5),
        }
    )
    found = inferred(frame)
    assert {("range", ("age",)), ("null", ("age",)), ("unit", ("age",)), ("case", ("code",)), ("values", ("code",))} <= codes(found)
    assert ("null", ("gap",)) not in codes(found)
    assert next(a for a in found if a.code == "characters").limits["characters"] == [".", "@"]
    assert next(a for a in found if a.code == "format").fields == ("mail",)
    assert next(a for a in found if a.fields == ("day",) and a.code == "type").limits["format"] == "%Y-%m-%d"


def test_rules_between_columns_are_found_where_they_hold() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.gamma(2, 10, 500).round(2), rng.gamma(2, 10, 500).round(2)
    start = rng.random(500) * 100
    city = rng.choice(["Rome", "Milan", "Paris"], 500)
    frame = pd.DataFrame(
        {
            "a": a,
            "b": b,
            "sum": a + b,
            "start": start,
            "end": start + rng.random(500) * 60,
            "copy": a,
            "city": city,
            "country": np.where(city == "Paris", "F", "I"),
        }
    )
    found = codes(inferred(frame))
    assert ("sum", ("sum", "a", "b")) in found
    assert ("order", ("start", "end")) in found
    assert ("pair", ("a", "copy")) in found
    assert ("dependency", ("city", "country")) in found
    assert ("dependency", ("country", "city")) not in found


def test_values_that_never_meet_are_found() -> None:
    rng = np.random.default_rng(0)
    sex = rng.choice(["f", "m"], 2000)
    state = np.where((sex == "m") & (rng.random(2000) < 0.5), "husband", np.where((sex == "f") & (rng.random(2000) < 0.5), "wife", "single"))
    found = [a for a in inferred(pd.DataFrame({"sex": sex, "state": state})) if a.code == "pair"]
    assert sorted(map(tuple, found[0].limits["never"])) == [("f", "husband"), ("m", "wife")]


def test_a_column_and_its_twin_say_what_never_meets_once() -> None:
    rng = np.random.default_rng(0)
    city = rng.integers(0, 3, 3000)
    job = np.where((city == 0) & (rng.random(3000) < 0.5), "sailor", np.where(city == 0, "cook", rng.choice(["cook", "guide"], 3000)))
    frame = pd.DataFrame({"city": np.array(["Oslo", "Rome", "Bern"])[city], "code": np.array([10, 20, 30])[city], "job": job})
    assert [a.fields for a in inferred(frame) if a.code == "pair"] == [("city", "job")]


@pytest.mark.parametrize("seed", range(50))
def test_independent_columns_yield_no_rules_between_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.choice([60, 300, 2000]))
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "y": rng.normal(size=n),
            "z": rng.integers(0, 5, n),
            "c": rng.choice(list("abc"), n, p=[0.9, 0.07, 0.03]),
            "d": rng.choice(["p", "q"], n, p=[0.99, 0.01]),
            "e": rng.random(n) < 0.1,
        }
    )
    assert [a for a in inferred(frame) if len(a.fields) > 1] == []


@pytest.mark.parametrize("seed", range(20))
def test_independent_columns_that_are_mostly_nothing_yield_no_rules(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 3000
    frame = pd.DataFrame({k: np.where(rng.random(n) < 0.002 * (i + 1), rng.integers(1, 10_000, n), 0) for i, k in enumerate("abcd")})
    assert [a for a in inferred(frame) if len(a.fields) > 1] == []


def test_rare_values_that_go_together_are_a_rule() -> None:
    rng = np.random.default_rng(0)
    rare = np.where(rng.random(5000) < 0.03, rng.integers(1, 10_000, 5000), 0)
    assert ("pair", ("a", "b")) in codes(inferred(pd.DataFrame({"a": rare, "b": rare})))


def test_numbers_beyond_all_bounds_are_no_problem() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200)})
    frame.loc[3, "a"] = np.inf
    frame["c"] = frame["a"] + frame["b"]
    assert ("sum", ("c", "a", "b")) in codes(inferred(frame))


def test_evidence_counts_what_the_contract_finds() -> None:
    rng = np.random.default_rng(0)
    city = rng.choice(["Rome", "Milan", "Paris"], 2000)
    country = np.where(city == "Paris", "F", "I")
    country[:4] = np.where(country[:4] == "I", "F", "I")
    a = rng.gamma(2, 10, 2000).round(2)
    total = 3 * a
    total[7] += 1
    batch = Batch.of(pd.DataFrame({"city": city, "country": country, "a": a, "b": 2 * a, "total": total, "n": rng.integers(1, 9, 2000)}))
    found = infer(batch, Schema.infer(batch))
    broken = Contract(found).check(batch).broken.sum(axis=0)
    assert {(x.code, x.fields) for x, k in zip(found, broken, strict=True) if k} == {
        ("dependency", ("city", "country")),
        ("sum", ("total", "a", "b")),
    }
    assert all(k == x.evidence["exceptions"] for x, k in zip(found, broken, strict=True))


def test_too_few_rows_claim_no_ranges() -> None:
    assert {a.code for a in inferred(pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))} == {"presence"}


def test_what_the_model_ignores_is_said_and_mutes_the_rest() -> None:
    frame = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) % 7})
    found = inferred(frame, ignored=[{"column": "b", "tried": 2000, "fooled": 0, "upper": 0.0015, "certified": True}])
    certificate = next(a for a in found if a.code == "ignored")
    assert "0 of 2,000" in certificate.statement
    assert all(a.muted for a in found if a.fields == ("b",) and a.code != "ignored")
    assert not any(a.muted for a in found if a.fields == ("a",))


def test_a_column_to_which_new_values_keep_coming_has_no_list_of_them_and_no_fixed_capitals() -> None:
    rng = np.random.default_rng(0)
    usual = [*rng.choice(["Ann", "Bob", "Cy"], 380).tolist(), *["Dee"] * 20]
    once = [*rng.choice(["Ann", "Bob", "Cy"], 380).tolist(), *(f"Name{i}" for i in range(20))]
    assert {("values", ("who",)), ("case", ("who",))} <= codes(inferred(pd.DataFrame({"who": usual})))
    found = codes(inferred(pd.DataFrame({"who": once})))
    assert not {("values", ("who",)), ("case", ("who",))} & found
    assert {("type", ("who",)), ("null", ("who",)), ("whitespace", ("who",))} <= found
