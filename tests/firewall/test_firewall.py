from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import camelopard as cp
from camelopard.core.arrays import objects
from camelopard.core.digits import figure, precisely
from camelopard.core.errors import ArtifactError, CamelopardError, InputError, ModelError, NotFitted
from camelopard.core.records import Repair
from camelopard.firewall.contract import Contract
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.guard import Blocked
from camelopard.firewall.seen import OptimisticWarning

KINDS = ["red", "green", "blue", "grey"]


def people(n: int, seed: int) -> pd.DataFrame:
    """Mixed rows: `dose` and `colour` decide, `weight` follows dose, `noise` and `shelf` decide nothing."""
    rng = np.random.default_rng(seed)
    dose = rng.gamma(4.0, 2.0, n)
    return pd.DataFrame(
        {
            "dose": dose.round(2),
            "weight": (dose * 3 + rng.normal(0, 2, n)).round(2),
            "colour": rng.choice(KINDS, n, p=[0.4, 0.3, 0.2, 0.1]),
            "noise": rng.normal(100, 15, n).round(1),
            "shelf": rng.choice(["a", "b", "c"], n),
            "age": rng.integers(18, 91, n),
        }
    )


def risk_of(table: pd.DataFrame) -> Any:
    effect = table["colour"].map({"red": 1.5, "green": 0.0, "blue": -1.5, "grey": 0.5}).fillna(0.0).astype(float)
    return 1 / (1 + np.exp(-(0.6 * (table["dose"].astype(float) - 8) + effect + 0.05 * (table["age"].astype(float) - 50))))


def answer(table: pd.DataFrame) -> Any:
    p = np.nan_to_num(risk_of(table).to_numpy(), nan=0.5)
    return np.column_stack([1 - p, p])


def labels(table: pd.DataFrame, seed: int) -> Any:
    return np.where(np.random.default_rng(seed).random(len(table)) < risk_of(table), "sick", "well")


@dataclass
class World:
    firewall: Firewall
    model: Any
    test: pd.DataFrame


def wrapped() -> Any:
    return cp.wrap(answer, name="clinic", task="classification", classes=["well", "sick"])


@pytest.fixture(scope="module")
def world() -> World:
    clean = people(2500, 1)
    model = wrapped()
    firewall = cp.Firewall(alpha=0.02, budget=40_000, seed=0).fit(model, clean, labels(clean, 1), reference=people(2500, 2))
    return World(firewall, model, people(2000, 3))


def test_harm_is_risky_and_oddity_without_harm_is_not(world: World) -> None:
    base = world.test.iloc[:300]
    harmful = world.firewall.screen(base.assign(dose=base["dose"] * 100))
    harmless = world.firewall.screen(base.assign(noise=base["noise"] * 100))
    changed = world.model.predict(base.assign(dose=base["dose"] * 100)).value != world.model.predict(base).value
    assert np.median(harmful.risk[changed]) > 0.5
    assert np.mean(harmless.route == "pass") > 0.9
    assert np.median(harmless.oddity) > 0.9


def test_clean_rows_are_stopped_no_more_often_than_promised(world: World) -> None:
    stopped = np.mean(world.firewall.screen(people(6000, 9)).route != "pass")
    assert stopped <= 0.02 + 3 * np.sqrt(0.02 * 0.98 / 6000)


def test_reasons_name_the_broken_field_and_repairs_give_it_a_plausible_value(world: World) -> None:
    sure = world.test[(world.test["dose"] > 9) & (world.test["dose"] < 11) & (world.test["colour"] == "blue")].iloc[0].to_dict()
    verdict = world.firewall.screen({**sure, "dose": sure["dose"] * 100})[0]
    assert verdict.reasons[0].field == "dose"
    assert "dose" in verdict.reasons[0].message
    assert verdict.repair is not None
    assert 4 < verdict.repair.changes["dose"] < 16
    assert sum(r.contribution for r in verdict.reasons) == pytest.approx(1.0, abs=0.01)


def test_one_fault_of_a_value_has_one_reason(world: World) -> None:
    rows = [{**world.test.iloc[0].to_dict(), "colour": cell} for cell in ("NA", "RED", " red", 5)]
    told = [[r for r in world.firewall.screen(row).reasons(0) if r.field == "colour"] for row in rows]
    assert [[r.code for r in reasons] for reasons in told] == [["values"], ["case"], ["whitespace"], ["values"]]
    assert "expected: colour is written in lower case" in told[1][0].message


def test_repaired_numbers_are_told_short_and_kept_whole(world: World) -> None:
    verdicts = world.firewall.screen(world.test.head(40).assign(dose=world.test["dose"].head(40) * 1000))
    repairs = [(i, repair.changes["dose"]) for i in range(40) if (repair := verdicts.repair(i)) and "dose" in repair.changes]
    words = verdicts.table()["repair"]
    assert any(len(str(new)) > 10 for _, new in repairs)
    assert all(f"dose → {precisely(new)}" in words[i] and len(precisely(new)) < 10 for i, new in repairs)


def test_unusual_spellings_are_repaired_to_what_they_mean(world: World) -> None:
    row = world.test.iloc[0].to_dict()
    verdict = world.firewall.screen({**row, "colour": f" {row['colour'].upper()}", "dose": str(row["dose"]).replace(".", ",")})[0]
    assert verdict.repair is not None
    assert verdict.repair.changes["colour"] == row["colour"]
    assert verdict.repair.changes["dose"] == pytest.approx(row["dose"])


def same(a: Any, b: Any) -> bool:
    arrays = ("risk", "confidence", "oddity")
    return all(getattr(a, n).tobytes() == getattr(b, n).tobytes() for n in arrays) and a.route.tolist() == b.route.tolist()


def damaged(test: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in test.head(60).to_dict("records")]
    rows[3]["dose"] = "1.234,5"
    rows[7]["colour"] = None
    rows[9]["age"] = 1985
    rows[12] = {}
    rows[15]["dose"] = 10**400
    rows[20]["colour"] = ["red"]
    return rows


def test_a_row_is_judged_the_same_alone_in_any_batch_in_any_order_and_after_loading(world: World, tmp_path: Path) -> None:
    rows = damaged(world.test)
    together = world.firewall.screen(rows)
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = world.firewall.screen([rows[i] for i in order])
    world.firewall.save(tmp_path / "f")
    loaded = Firewall.load(tmp_path / "f", model=world.model).screen(rows)
    assert same(together, loaded)
    for place, i in enumerate(order):
        alone = world.firewall.screen(rows[i])
        assert alone.risk.tobytes() == together.risk[i : i + 1].tobytes() == shuffled.risk[place : place + 1].tobytes()
        assert alone.confidence.tobytes() == together.confidence[i : i + 1].tobytes()
        assert alone.route[0] == together.route[i] == shuffled.route[place]


def test_every_form_of_the_same_rows_gets_the_same_verdict(world: World) -> None:
    table = world.test.head(50)
    by_pandas, by_rows, by_polars = (world.firewall.screen(x) for x in (table, table.to_dict("records"), __import__("polars").from_pandas(table)))
    assert same(by_pandas, by_rows)
    assert same(by_pandas, by_polars)


def test_a_dict_of_columns_is_a_table_for_the_model_the_guard_and_the_firewall(world: World) -> None:
    clean = world.test.head(12)
    columns = clean.to_dict("list")
    verdicts = world.firewall.screen(columns)
    assert verdicts.risk.tolist() == world.firewall.screen(clean).risk.tolist()
    model = cp.wrap(answer, classes=["well", "sick"], reference=clean)
    assert model.predict(columns).value.tolist() == model.predict(clean).value.tolist()
    assert world.firewall.guard(block="answer").predict(columns).tolist() == world.firewall.guard(block="answer").predict(clean).tolist()
    assert len(world.firewall.screen({name: [cells[0]] for name, cells in columns.items()})) == 1


def test_columns_of_different_lengths_are_one_blocked_row_that_says_so(world: World) -> None:
    columns = world.test.head(3).to_dict("list")
    verdicts = world.firewall.screen({**columns, "dose": columns["dose"][:2]})
    assert verdicts.route.tolist() == ["block"]
    assert "the columns have different lengths: 'dose' has 2, 'weight' has 3" in verdicts.reasons(0)[0].message


def test_columns_may_come_in_any_order_and_extra_or_absent_ones_are_remarks(world: World) -> None:
    table = world.test.head(40)
    straight = world.firewall.screen(table)
    assert same(straight, world.firewall.screen(table[table.columns[::-1]].assign(extra=1)))
    extra = world.firewall.screen(table.assign(extra=1)).reasons(0)[-1]
    assert (extra.code, extra.contribution) == ("extra-column", 0.0)
    absent = world.firewall.screen(table.drop(columns="shelf"))
    assert any(r.code == "missing-column" for r in absent.reasons(0))
    assert absent.risk.tolist() == world.firewall.screen(table.assign(shelf=None)).risk.tolist()


def test_printed_verdicts_name_the_columns_that_are_absent_or_not_known_and_nothing_else(world: World) -> None:
    table = world.test.head(40)
    assert world.firewall.screen(table).remarks == "" and ";" not in str(world.firewall.screen(table))
    renamed = str(world.firewall.screen(table.rename(columns={"shelf": "Shelf"})))
    assert "; the column 'shelf' is absent: treated as missing values; the column 'Shelf' is not known and ignored>" in renamed
    wide = world.firewall.screen(table.assign(**{f"extra{k}": k for k in range(7)}))
    assert "the columns 'extra0', 'extra1', 'extra2', 'extra3', 'extra4' and 2 more are not known and ignored" in str(wide)
    assert str(world.firewall.screen(table.head(0))) == "<Verdicts: 0 rows, 0 pass>"


CELL = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
ROW = st.dictionaries(st.sampled_from(["dose", "weight", "colour", "noise", "shelf", "age", "other"]), CELL)


@given(st.lists(ROW | CELL, max_size=4))
def test_any_json_value_in_any_cell_gets_a_verdict(world: World, rows: list[Any]) -> None:
    verdicts = world.firewall.screen(rows)
    assert len(verdicts) == len(rows)
    assert set(verdicts.route.tolist()) <= {"pass", "repair", "review", "block"}
    assert np.all((verdicts.risk >= 0) & (verdicts.risk <= 1))
    json.dumps(verdicts.to_dicts(), default=str)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(),
        pd.DataFrame({"dose": []}),
        pd.DataFrame(index=range(3)),
        pd.DataFrame([[1, 2]], columns=["dose", "dose"]),
        [],
        [None],
        "text",
        3,
        {"dose": float("inf")},
        {},
    ],
)
def test_hopeless_tables_get_verdicts_not_errors(world: World, table: Any) -> None:
    verdicts = world.firewall.screen(table)
    assert all(route in ("pass", "repair", "review", "block") for route in verdicts.route)


def test_rows_that_could_not_be_read_whole_are_blocked(world: World) -> None:
    verdicts = world.firewall.screen(world.test.head(3), problems={1: "5 fields, expected 6"})
    assert verdicts.route[1] == "block"
    assert "5 fields" in verdicts.reasons(1)[0].message
    assert verdicts.repair(1) is None


def raising(table: pd.DataFrame) -> Any:
    if table["shelf"].isna().any():
        raise ValueError("shelf is needed")
    return answer(table)


def test_a_row_on_which_the_model_raises_is_blocked_or_repaired_and_the_others_are_not_touched(world: World) -> None:
    clean = people(1500, 1)
    model = cp.wrap(raising, name="strict", task="classification", classes=["well", "sick"])
    firewall = cp.Firewall(budget=15_000).fit(model, clean, labels(clean, 1))
    rows = world.test.head(5).to_dict("records")
    rows[2]["shelf"] = None
    verdicts = firewall.screen(rows)
    assert (verdicts.risk[2], verdicts.confidence[2], verdicts.prediction[2]) == (1.0, 0.0, None)
    assert verdicts.route[2] in ("block", "repair")
    assert any("shelf is needed" in reason.message for reason in verdicts.reasons(2))
    assert [p for i, p in enumerate(verdicts.prediction) if i != 2] == [p for i, p in enumerate(model.predict(world.test.head(5)).value) if i != 2]


def test_a_model_that_nothing_fools_is_never_stopped() -> None:
    clean = people(800, 1)
    model = cp.wrap(lambda t: np.tile([0.3, 0.7], (len(t), 1)), name="same", task="classification", classes=["a", "b"])
    firewall = cp.Firewall(budget=10_000).fit(model, clean)
    table = people(300, 5)
    verdicts = firewall.screen(table.assign(dose=table["dose"] * 1000, colour="pink"))
    assert verdicts.risk.max() < 0.05
    assert set(verdicts.route) == {"pass"}


def test_numbers_as_answers() -> None:
    clean = people(1500, 1)
    y = clean["dose"] * 2 + np.random.default_rng(0).normal(0, 1, len(clean))
    model = cp.wrap(lambda t: t["dose"].astype(float).to_numpy() * 2, name="line", task="regression")
    firewall = cp.Firewall(budget=30_000, alpha=0.02).fit(model, clean, y.to_numpy())
    table = people(300, 5)
    assert np.median(firewall.screen(table.assign(dose=table["dose"] * 100)).risk) > 0.8
    assert np.mean(firewall.screen(table.assign(noise=table["noise"] * 100)).route == "pass") > 0.9
    off = f"{figure(firewall.describe()['tolerance'])} "
    for text in (firewall.summary(), repr(firewall.evaluate(table, table["dose"] * 2.5, budget=6_000)), repr(firewall.accept(0.4))):
        assert f"off by more than {off}(the model's median error)" in text
        assert "wrong" not in text.replace("wrong join", "") and "own confidence" not in text
    for text in (repr(firewall.estimate(table)), repr(firewall.backtest(table, table["dose"] * 2, rows=100))):
        assert f"share of answers within {off}of the truth (the model's median error)" in text and "accuracy" not in text


def test_without_labels_confidence_is_marked_as_unchecked() -> None:
    clean = people(800, 1)
    firewall = cp.Firewall(budget=10_000).fit(wrapped(), clean)
    assert firewall.describe()["labelled"] is False
    assert "not checked against labels" in firewall.summary()


def test_from_data_alone_odd_rows_are_stopped_and_risk_stays_unknown(tmp_path: Path) -> None:
    clean = people(1500, 1)
    firewall = cp.Firewall(alpha=0.02).fit(None, clean)
    firewall.save(tmp_path / "f")
    for fitted in (firewall, Firewall.load(tmp_path / "f")):
        table = people(500, 5)
        assert np.isnan(fitted.screen(table).risk).all()
        assert np.mean(fitted.screen(table).route != "pass") < 0.06
        assert np.mean(fitted.screen(table.assign(dose=table["dose"] * 1000)).route == "review") > 0.9
    with pytest.raises(CamelopardError, match="needs a firewall with its model"):
        firewall.guard()


def test_evaluating_on_new_rows_agrees_with_what_was_measured_at_fitting(world: World) -> None:
    new = people(1500, 9)
    quality = world.firewall.evaluate(new, labels(new, 9), budget=25_000)
    measured = world.firewall.describe()["measured"]
    assert abs(quality.figures["auroc_fooled"]["value"] - measured["auroc_fooled"]["value"]) < 0.08
    assert quality.figures["ece_risk"] < 0.08
    assert "AUROC" in repr(quality)
    assert "ece_confidence" in quality.to_dict()
    assert "ece_confidence" not in world.firewall.evaluate(new.head(300), budget=4_000).figures
    with pytest.raises(InputError, match="too few to judge"):
        world.firewall.evaluate(new.head(5))


def test_the_guard_does_per_route_what_it_was_told(world: World) -> None:
    rows = world.test.head(5).to_dict("records")
    rows[1] = {**rows[1], "dose": ["?"]}
    clean = world.firewall.guard().predict(world.test.head(1))
    assert clean.tolist() == world.model.predict(world.test.head(1)).value.tolist()
    table = world.firewall.guard(repair="missing", review="missing", block="missing")
    route = world.firewall.screen(rows).route
    answers = table.predict(rows)
    assert [a is None for a in answers] == [r != "pass" for r in route]
    if route[1] != "pass":
        with pytest.raises(Blocked, match="position 1"):
            world.firewall.guard(repair="raise", review="raise", block="raise").predict(rows)
    assert table.predict_proba(rows).shape == (5, 2)
    with pytest.raises(CamelopardError, match="no action named 'stop'"):
        world.firewall.guard(block="stop")


def test_the_guard_gives_one_kind_of_text_whether_a_row_was_repaired_or_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    said, route = objects([np.str_("well"), np.str_("sick"), None]), objects(["pass", "repair", "block"])
    none, repair = np.zeros(3), Repair({"dose": 8.0}, "well")
    found = cp.Verdicts(np.arange(3), said, None, none, none, none, route, lambda i: [], lambda i: repair)
    monkeypatch.setattr(world.firewall, "screen", lambda X: found)
    answers = world.firewall.guard(block="missing").predict([{}] * 3)
    assert [(type(a), a) for a in answers] == [(str, "well"), (str, "well"), (type(None), None)]


def test_files_are_refused_with_a_reason(world: World, tmp_path: Path) -> None:
    path = tmp_path / "f"
    world.firewall.save(path)
    with pytest.raises(ArtifactError, match="regression"):
        Firewall.load(path, model=cp.wrap(lambda t: np.zeros(len(t)), task="regression"))
    with pytest.raises(ArtifactError, match="classes"):
        Firewall.load(path, model=cp.wrap(answer, task="classification", classes=["no", "yes"]))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ArtifactError):
        Firewall.load(path, model=world.model)


def test_classes_that_a_model_only_counts_get_the_names_of_fitting(world: World, tmp_path: Path) -> None:
    path = tmp_path / "f"
    world.firewall.save(path)
    counted = cp.wrap(answer, reference=world.test[:10], name="clinic")
    assert counted.predict(world.test[:1]).classes == (0, 1)
    for model in (counted, cp.wrap(answer), world.model):
        loaded = Firewall.load(path, model=model)
        assert loaded.model_ is not None and loaded.model_.classes == ("well", "sick")
        assert loaded.screen(world.test[:50]).prediction.tolist() == world.firewall.screen(world.test[:50]).prediction.tolist()
    assert counted.classes == (0, 1)  # what was handed over stays as it is
    for other, words in (
        (lambda table: answer(table)[:, ::-1], "is not the model that it was fitted to"),
        (lambda table: np.column_stack([answer(table) / 2, np.full(len(table), 0.5)]), "fitted to a model with the classes"),
        (lambda table: answer(table)[:, 1] * 1000, "does regression"),
        (lambda table: np.where(answer(table)[:, 1] > 0.5, 1, 0), "fitted to a model with the classes"),
    ):
        with pytest.raises(ArtifactError, match=words):
            Firewall.load(path, model=cp.wrap(other))


def test_numbers_that_are_classes_are_not_taken_for_counting(world: World, tmp_path: Path) -> None:
    path, held = tmp_path / "f", world.test[:300]
    for classes, accepted in (([1, 0], False), ([False, True], True)):
        firewall = cp.Firewall(alpha=0.1, budget=4_000).fit(cp.wrap(answer, name="clinic", classes=classes), held)
        firewall.save(path)
        if accepted:
            loaded = Firewall.load(path, model=cp.wrap(answer))
            assert loaded.model_ is not None and repr(loaded.model_.classes) == "(False, True)"
        else:
            with pytest.raises(ArtifactError, match="fitted to a model with the classes"):
                Firewall.load(path, model=cp.wrap(answer, classes=[0, 1]))


def test_wrong_use_says_what_to_do(world: World) -> None:
    with pytest.raises(NotFitted, match="fit"):
        cp.Firewall().screen({})
    with pytest.raises(CamelopardError, match="between 0 and 1"):
        cp.Firewall(alpha=2)
    with pytest.raises(InputError, match="one label per row"):
        cp.Firewall().fit(world.model, people(50, 1), [1, 2])
    with pytest.raises(InputError, match="too few"):
        cp.Firewall().fit(world.model, people(5, 1))
    with pytest.raises(InputError, match="missing in 1 rows"):
        cp.Firewall().fit(world.model, people(50, 1), [None, *["sick"] * 49])
    with pytest.raises(ModelError, match="answers 0 of the 50 rows"):
        cp.Firewall().fit(cp.wrap(lambda t: 1 / 0, task="classification", classes=[0, 1]), people(50, 1))


def test_rows_the_model_was_trained_on_raise_a_warning_and_others_do_not() -> None:
    clean = people(400, 1)
    with pytest.warns(OptimisticWarning, match="also stand in `reference`"):
        cp.Firewall(budget=4_000).fit(wrapped(), clean, reference=clean)
    with warnings.catch_warnings():
        warnings.simplefilter("error", OptimisticWarning)
        cp.Firewall(budget=4_000).fit(wrapped(), clean, labels(clean, 1), reference=people(400, 2))


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    clean = people(600, 1)
    for name in ("a", "b"):
        cp.Firewall(budget=6_000, seed=3).fit(wrapped(), clean, labels(clean, 1)).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_rule_that_a_person_set_is_kept_whatever_the_risk(world: World, tmp_path: Path) -> None:
    world.firewall.save(tmp_path / "f")
    firewall = Firewall.load(tmp_path / "f", model=world.model)
    table = world.test.head(200)
    firewall.contract.set("age", range=(30, 40))
    verdicts = firewall.screen(table)
    broken = ~table["age"].between(30, 40).to_numpy() & table["age"].notna().to_numpy()
    assert broken.any()
    assert (verdicts.route[broken] != "pass").all()
    reason = verdicts.reasons(int(np.flatnonzero(broken)[0]))[0]
    assert (reason.field, "30 and 40" in reason.message) == ("age", True)
    wide = Firewall.load(tmp_path / "f", model=world.model)
    wide.contract.set("age", range=(0, 2000))
    row = {**table.iloc[0].to_dict(), "age": 1985}
    assert not any("expected" in r.message for r in wide.screen(row).reasons(0) if r.field == "age" and r.code == "out-of-range")
    edited = Firewall.load(tmp_path / "f", model=world.model)
    firewall.contract.save(tmp_path / "edited.toml")
    edited.contract = Contract.load(tmp_path / "edited.toml")
    assert edited.screen(table).route.tolist() == verdicts.route.tolist()


def test_probabilities_stay_with_their_rows_where_a_whole_chunk_has_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camelopard.firewall.firewall.CELLS", 2 * len(world.test.columns))

    def strict(table: pd.DataFrame) -> Any:
        if (table["age"] > 500).any():
            raise ValueError("no")
        return answer(table)

    clean = people(1500, 1)
    firewall = cp.Firewall(budget=8_000).fit(cp.wrap(strict, name="strict", task="classification", classes=["well", "sick"]), clean, labels(clean, 1))
    rows = world.test.head(6).assign(age=[1985, 1985, 40, 40, 40, 40])
    proba = firewall.screen(rows).proba
    assert proba is not None
    assert (proba.shape, np.isnan(proba).any(axis=1).tolist()) == ((6, 2), [True, True, False, False, False, False])


def test_a_function_that_learns_its_task_from_its_answers_can_be_loaded_with(world: World, tmp_path: Path) -> None:
    clean = people(1000, 1)
    words = lambda table: np.where(table["dose"].astype(float) > 20, "sick", "well")
    cp.Firewall(alpha=0.05, budget=6_000).fit(cp.wrap(words, name="words"), clean).save(tmp_path / "f")
    assert len(Firewall.load(tmp_path / "f", model=cp.wrap(words, name="words")).screen(clean.head(3))) == 3
    other = cp.wrap(lambda table: np.where(table["dose"].astype(float) < 8, "sick", "well"), name="other")
    with pytest.raises(ArtifactError, match="not the model that it was fitted to"):
        Firewall.load(tmp_path / "f", model=other)
    with pytest.raises(CamelopardError, match=r"camelopard\.wrap"):
        Firewall.load(tmp_path / "f", model=words)  # type: ignore[arg-type]


def test_arrays_get_the_names_that_belong_to_their_places_and_empty_rows_are_none(world: World) -> None:
    numbers = people(600, 1)[["dose", "weight", "age"]]
    model = cp.wrap(lambda t: np.where(t["dose"] + t["weight"] > 90, "a", "b"), name="sum", classes=["a", "b"])
    firewall = cp.Firewall(alpha=0.05, budget=5_000).fit(model, numbers)
    assert same(firewall.screen(numbers.head(50)), firewall.screen(numbers.head(50).to_numpy(dtype=float)))
    assert set(firewall.screen(np.zeros((4, 2))).route) == {"block"}
    assert len(firewall.screen(numbers.iloc[0])) == 1
    assert firewall.screen(numbers.rename(columns=str.upper).head(5)).route.tolist() == ["block"] * 5
    assert "none of the expected columns" in firewall.screen({})[0].reasons[0].message


def test_muting_the_contract_changes_reasons_not_risk(world: World, tmp_path: Path) -> None:
    world.firewall.save(tmp_path / "f")
    firewall = Firewall.load(tmp_path / "f", model=world.model)
    row = {**world.test.iloc[0].to_dict(), "age": 300}
    before = firewall.screen(row)
    firewall.contract.set("age", range=(0, 400))
    after = firewall.screen(row)
    assert before.risk.tolist() == after.risk.tolist()


def test_what_is_known_is_plain_data(world: World) -> None:
    about = world.firewall.describe()
    json.dumps(about, default=float)
    assert 0.85 <= about["measured"]["auroc_fooled"]["value"] <= 1.0
    assert isinstance(about["threshold"], Mapping)
    assert "Promise" in world.firewall.summary()


def test_what_the_stress_run_found_is_kept_in_the_file(world: World, tmp_path: Path) -> None:
    worst = world.firewall.report_.findings[0]
    kept = world.firewall.describe()["findings"]
    assert (kept[0]["level"], kept[0]["code"], kept[0]["subject"]) == (worst.level, worst.code, worst.subject)
    assert 1 < len(kept) <= 20 and len(json.dumps(kept)) < 15_000
    world.firewall.save(tmp_path / "f")
    assert Firewall.load(tmp_path / "f", model=world.model).describe()["findings"] == kept


def test_a_file_from_before_findings_were_kept_loads(world: World, tmp_path: Path) -> None:
    older = copy.copy(world.firewall)
    older.about_ = {key: value for key, value in world.firewall.about_.items() if key != "findings"}
    older.save(tmp_path / "f")
    loaded = Firewall.load(tmp_path / "f", model=world.model)
    assert "findings" not in loaded.describe() and loaded.summary() == world.firewall.summary()


@pytest.mark.parametrize("budget", [3_000, 12_000])
def test_fitting_asks_for_its_budget_and_for_no_more(budget: int) -> None:
    asked = 0

    def counted(table: pd.DataFrame) -> Any:
        nonlocal asked
        asked += len(table)
        return answer(table)

    clean = people(3000, 1)
    model = cp.wrap(counted, name="counted", task="classification", classes=["well", "sick"])
    firewall = cp.Firewall(budget=budget).fit(model, clean, labels(clean, 1), reference=people(3000, 2))
    assert 0.9 * budget <= asked <= budget
    assert firewall.describe()["asked"] <= budget
    assert len(firewall.screen(people(20, 4))) == 20


def test_probabilities_for_live_traffic_know_how_rare_harm_is_there(world: World, tmp_path: Path) -> None:
    clean = people(3000, 9)
    live = clean.assign(dose=np.where(clean.index % 40 == 0, clean["dose"] * 100, clean["dose"]))
    fooled = world.model.predict(live).value != world.model.predict(clean).value
    before, after = world.firewall, world.firewall.recalibrated(live)
    found = after.describe()["traffic"]
    assert 0.0 < found["fooled"] < 0.08
    assert "recalibrated on" in after.summary()
    assert abs(after.screen(live).risk.mean() - fooled.mean()) < abs(before.screen(live).risk.mean() - fooled.mean())
    assert ((after.screen(live).route == "pass") == (before.screen(live).route == "pass")).all()
    after.save(tmp_path / "live.fw")
    again = cp.Firewall.load(tmp_path / "live.fw", model=world.model)
    assert again.screen(live).risk.tobytes() == after.screen(live).risk.tobytes()
    assert "traffic" not in before.describe()
    after.contract.mute("dose")
    assert [a.muted for a in before.contract] != [a.muted for a in after.contract]
    strict = cp.Firewall.load(tmp_path / "live.fw", model=world.model)
    strict.policy = cp.Policy(review=0.2, repair=False)
    assert (strict.screen(live).route == "pass").sum() >= (after.screen(live).route == "pass").sum()
    assert after.recalibrated(live).describe()["traffic"] == found


def test_without_a_model_or_an_answer_there_is_no_traffic_to_learn_from(world: World) -> None:
    with pytest.raises(CamelopardError, match="needs a firewall with its model"):
        cp.Firewall().fit(None, people(300, 1)).recalibrated(people(10, 2))
    with pytest.raises(CamelopardError, match="0 of the 0 rows given have an answer"):
        world.firewall.recalibrated(people(5, 1).head(0))
    for odd in list[Any]([5, {}, [None] * 300, pd.DataFrame({"other": range(300)})]):
        with pytest.raises(CamelopardError, match="expected at least 100 rows"):
            world.firewall.recalibrated(odd)


def test_labels_that_hold_nothing_are_named(world: World) -> None:
    clean = people(60, 1)
    y = pd.Series(labels(clean, 1).tolist(), dtype="string")
    y[7] = pd.NA
    with pytest.raises(InputError, match="missing in 1 rows, the first at position 7"):
        cp.Firewall().fit(wrapped(), clean, y)
