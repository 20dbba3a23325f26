from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.records import Assumption
from camelopard.core.schema import Schema
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


def test_too_few_rows_claim_no_ranges() -> None:
    assert {a.code for a in inferred(pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))} == {"presence"}


def test_what_the_model_ignores_is_said_and_mutes_the_rest() -> None:
    frame = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) % 7})
    found = inferred(frame, ignored=[{"column": "b", "tried": 2000, "fooled": 0, "upper": 0.0015, "certified": True}])
    certificate = next(a for a in found if a.code == "ignored")
    assert "0 of 2,000" in certificate.statement
    assert all(a.muted for a in found if a.fields == ("b",) and a.code != "ignored")
    assert not any(a.muted for a in found if a.fields == ("a",))
