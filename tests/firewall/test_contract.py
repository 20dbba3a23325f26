from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.batch import Batch
from camelopard.core.errors import ArtifactError, CamelopardError, UnknownName
from camelopard.core.records import Assumption, Interval
from camelopard.core.schema import Schema
from camelopard.firewall.contract import Contract
from camelopard.stress.assumptions import infer


def clean(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    a = rng.gamma(2, 10, n).round(2)
    city = rng.choice(["ROME", "PARIS"], n)
    return pd.DataFrame(
        {
            "age": rng.integers(17, 91, n),
            "a": a,
            "b": 2 * a,
            "total": 3 * a,
            "city": city,
            "country": np.where(city == "PARIS", "F", "I"),
            "mail": [f"u{i}@x.org" for i in range(n)],
            "ok": rng.random(n) < 0.5,
            "day": pd.date_range("2020-01-01", periods=n),
        }
    )


def world() -> tuple[Contract, Schema]:
    batch = Batch.of(clean())
    schema = Schema.infer(batch)
    return Contract(infer(batch, schema)), schema


CONTRACT, SCHEMA = world()


def broken(**cells: object) -> set[tuple[str, tuple[str, ...]]]:
    row = {**Batch.of(clean()).row(3), **cells}
    violations = CONTRACT.check(SCHEMA.conform(Batch.of([row])))
    return {(a.code, a.fields) for a, hit in zip(CONTRACT, violations.broken[0], strict=True) if hit}


def test_clean_rows_break_nothing() -> None:
    assert not CONTRACT.check(SCHEMA.conform(Batch.of(clean()))).broken.any()


def test_every_rule_notices_what_breaks_it() -> None:
    assert ("range", ("age",)) in broken(age=1985)
    assert ("type", ("age",)) in broken(age=36.5)
    assert ("type", ("age",)) in broken(age="36")
    assert ("null", ("age",)) in broken(age=None)
    assert ("values", ("city",)) in broken(city="Rome")
    assert ("case", ("city",)) in broken(city="rome")
    assert ("whitespace", ("city",)) in broken(city="ROME ")
    assert ("characters", ("mail",)) in broken(mail="nobody")
    assert ("format", ("mail",)) in broken(mail="u1@x.org.uk")
    assert ("sum", ("total", "a", "b")) in broken(total=1e6)
    assert ("order", ("a", "b")) in broken(a=1e9) or ("sum", ("total", "a", "b")) in broken(a=1e9)
    assert ("dependency", ("city", "country")) in broken(city="PARIS", country="I")
    assert ("type", ("ok",)) in broken(ok="yes")
    assert ("type", ("day",)) in broken(day="soon")
    assert ("range", ("day",)) in broken(day=dt.datetime(2031, 1, 1))
    assert ("format", ("mail",)) in broken(mail="u1@x.org" * 1000)


def test_an_absent_column_breaks_presence() -> None:
    assert {a.code for a, hit in zip(CONTRACT, CONTRACT.check(Batch.of([{"b": 20}])).broken[0], strict=True) if hit} == {"presence", "null"}


def test_dates_are_set_as_dates() -> None:
    contract = Contract(list(CONTRACT))
    row = SCHEMA.conform(Batch.of([{**Batch.of(clean()).row(3), "day": dt.datetime(2031, 1, 1)}]))
    contract.set("day", range=("2020-01-01", dt.date(2032, 1, 1)))
    assert not contract.check(row).broken.any()
    assert "day lies between 2020-01-01 and 2032-01-01." in repr(contract)
    contract.set("day", range=("2020-01-01", "2021-01-01"))
    assert contract.check(row)[0][0].message == "day is 2031-01-01T00:00:00; expected: day lies between 2020-01-01 and 2021-01-01"


def test_new_values_mute_what_they_contradict() -> None:
    contract = Contract(list(CONTRACT))
    contract.set("city", values=["ROME", "PARIS", "Milan"])
    assert {a.code for a in contract if a.muted} == {"case"}
    contract.mute("country")
    row = SCHEMA.conform(Batch.of([{**Batch.of(clean()).row(3), "city": "Milan"}]))
    assert not contract.check(row).broken.any()


def test_reasons_are_said_in_words() -> None:
    violations = CONTRACT.check(SCHEMA.conform(Batch.of([{**Batch.of(clean()).row(0), "age": 1985}])))
    assert violations[0][0].message == "age is 1985; expected: age lies between 17 and 90"


def said(**cells: object) -> list[str]:
    row = {**Batch.of(clean()).row(3), **cells}
    return [reason.message for reason in CONTRACT.check(SCHEMA.conform(Batch.of([row])))[0]]


def test_a_number_is_shown_so_that_it_visibly_breaks_the_rule() -> None:
    assert said(age=40.5) == ["age is 40.5; expected: age holds whole numbers"]
    assert said(age=40.0000001)[0] == "age is 40.0000001; expected: age holds whole numbers"
    high = SCHEMA["a"].high
    assert f"a is {high + 1e-9}; expected: a lies between" in said(a=high + 1e-9)[0]
    assert "a is 285,100.3; expected" in said(a=285_100.3)[0]


def test_of_a_rule_on_many_pairs_the_one_that_the_row_breaks_is_named() -> None:
    assert "city = 'PARIS', country = 'I'; expected: 'PARIS' goes with 'F'" in said(city="PARIS", country="I")
    never = Assumption("pair", ("city", "country"), "city and country never combine …", {"never": [["ROME", "F"], ["PARIS", "I"]]})
    found = Contract([never]).check(Batch.of([{"city": "PARIS", "country": "I"}]))
    assert found[0][0].message == "city = 'PARIS', country = 'I'; expected: 'PARIS' never goes with 'I'"


def test_two_numbers_of_a_rule_are_shown_so_that_they_differ() -> None:
    order = Assumption("order", ("low", "high"), "low is never larger than high.", {"relation": "at most"})
    found = Contract([order]).check(Batch.of([{"low": 642.13936503341, "high": 74.5}, {"low": 5.0000001, "high": 5.0}]))
    assert found[0][0].message == "low = 642.139, high = 74.5; expected: low is never larger than high"
    assert found[1][0].message == "low = 5.0000001, high = 5; expected: low is never larger than high"


def test_muting_and_setting_change_what_is_checked() -> None:
    contract = Contract(list(CONTRACT))
    row = SCHEMA.conform(Batch.of([{**Batch.of(clean()).row(0), "age": 110}]))
    assert contract.check(row).broken.any()
    contract.mute("age")
    assert not contract.check(row).broken.any()
    contract.unmute("age")
    contract.set("age", range=(0, 120))
    assert not contract.check(row).broken.any()
    contract.set("age", values=[1, 2])
    contract.set("age", null=True)
    assert ("values", ("age",)) in {(a.code, a.fields) for a in contract}


def test_wrong_settings_are_refused() -> None:
    contract = Contract(list(CONTRACT))
    with pytest.raises(UnknownName, match="Did you mean 'age'"):
        contract.set("agee", range=(0, 1))
    with pytest.raises(UnknownName):
        contract.mute("nothing")
    with pytest.raises(CamelopardError, match="sets nothing"):
        contract.set("age")
    with pytest.raises(CamelopardError, match="unhashable"):
        contract.set("city", values=[["ROME"]])
    with pytest.raises(CamelopardError, match="two dates"):
        contract.set("day", range=(1, 2))
    for wrong in ((2, 1), ("a", "b"), (1,)):
        with pytest.raises(CamelopardError, match="expected"):
            contract.set("age", range=wrong)  # type: ignore[arg-type]


TEXT = st.text(max_size=12)
LIMITS = st.dictionaries(
    TEXT, st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT | st.lists(TEXT, max_size=3), max_size=3
)
ASSUMPTION = st.builds(
    Assumption,
    st.sampled_from(["unit", "monotone", "ignored"]),  # codes whose limits no row is held against may hold anything
    st.tuples(TEXT, TEXT),
    TEXT,
    LIMITS,
    LIMITS,
    st.floats(0, 1),
    st.none() | st.builds(Interval, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.booleans(),
)


@given(st.lists(ASSUMPTION, max_size=3))
def test_a_contract_written_as_toml_is_read_again(assumptions: list[Assumption]) -> None:
    contract = Contract(assumptions)
    assert list(Contract.from_toml(contract.to_toml())) == assumptions


def test_a_real_contract_survives_the_file_and_checks_the_same(tmp_path: Path) -> None:
    CONTRACT.save(tmp_path / "c.toml")
    again = Contract.load(tmp_path / "c.toml")
    row = SCHEMA.conform(Batch.of([{**Batch.of(clean()).row(0), "age": 1985, "city": "paris"}]))
    assert again.check(row).broken.tolist() == CONTRACT.check(row).broken.tolist()


def entry(code: str, limits: str) -> str:
    return f"[[assumption]]\ncode='{code}'\nfields=['age']\nstatement=''\nmuted=false\nlimits={limits}\nevidence={{}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "not TOML"),
        ("assumption = 3", "list of tables"),
        ("[[assumption]]\ncode = 1", "'code' must be a str"),
        ('[[assumption]]\ncode="a"\nfields=[1]', "'statement'"),
        (entry("rnage", "{low = 1, high = 2}"), "mine.toml: assumption 1 .'rnage' of age.: no code named 'rnage'. Did you mean 'range'"),
        (entry("range", "{high = 2}"), "limit 'low' is missing"),
        (entry("range", "{low = 'a', high = 2}"), "low is 'a'"),
        (entry("range", "{low = 3, high = 2}"), "low ≤ high"),
        (entry("values", "{values = 'abc'}"), "values is 'abc'; expected a list"),
        (entry("values", "{values = [[1]]}"), "unhashable"),
        (entry("type", "{kind = 'nubmer'}"), "kind is 'nubmer'"),
        (entry("format", "{pattern = '('}"), "cannot be checked"),
        (entry("pair", "{never = [[1, 2, 3]]}"), "cannot be checked"),
    ],
)
def test_hostile_files_are_refused_with_file_and_key(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=message):
        Contract.from_toml(text, "mine.toml")
    with pytest.raises(ArtifactError, match="cannot be read"):
        Contract.load(tmp_path / "none.toml")


def test_a_mark_in_front_of_the_file_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("\ufeff" + CONTRACT.to_toml(), encoding="utf-8")
    assert len(Contract.load(tmp_path / "c.toml")) == len(CONTRACT)


def test_limits_edited_into_nonsense_check_nothing_and_raise_nothing() -> None:
    contract = Contract(
        [Assumption("range", ("age",), "x", {"low": "a"}), Assumption("format", ("mail",), "x", {"pattern": "("}), Assumption("pair", ("a",), "x")]
    )
    assert not contract.check(SCHEMA.conform(Batch.of(clean(3)))).broken.any()


CELL = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=2), max_leaves=3
)


@given(st.lists(st.dictionaries(st.sampled_from(list(SCHEMA.names)), CELL), min_size=1, max_size=3))
def test_any_cell_can_be_checked(rows: list[dict[str, object]]) -> None:
    violations = CONTRACT.check(SCHEMA.conform(Batch.of(rows)))
    for i in range(len(rows)):
        json.dumps([r.message for r in violations[i]])
