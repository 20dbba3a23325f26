from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.errors import CamelopardError, InputError, UnknownName

COSTS = {"missed": 50.0, "false_alarm": 4.0}


def patients(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"dose": rng.normal(-0.6, 0.8, n).round(3), "ward": rng.choice(["Gomel", "Minsk"], n)})


def states(X: pd.DataFrame, seed: int) -> Any:
    return np.where(np.random.default_rng(1000 + seed).random(len(X)) < 1 / (1 + np.exp(-2 * X["dose"])), "sick", "well").astype(object)


def says(X: pd.DataFrame) -> Any:
    p = 1 / (1 + np.exp(-2 * X["dose"].astype(float)))
    return np.column_stack([p, 1 - p])


MODEL = cp.wrap(says, name="states", task="classification", classes=["sick", "well"])
VOTES = cp.wrap(lambda t: np.where(t["dose"].astype(float) > 0, "sick", "well"), name="votes", task="classification")
NUMBERS = cp.wrap(lambda t: t["dose"].astype(float).to_numpy(), name="doses", task="regression")
ROWS = patients(800, 0)
LABELS = states(ROWS, 0)


def decided(**changes: Any) -> cp.Decision:
    arguments = {"model": MODEL, "X": ROWS, "y": LABELS, "positive": "sick", "costs": COSTS, **changes}
    return cp.decide(arguments.pop("model"), arguments.pop("X"), arguments.pop("y"), **arguments)


def test_the_story_counts_people_and_the_counts_add_up() -> None:
    decision = decided()
    named, sick = says(ROWS)[:, 0] > 0.5, LABELS == "sick"
    found, missed, alarms = ((a & b).mean() * 1000 for a, b in ((named, sick), (~named, sick), (named, ~sick)))
    numbers = [int(word) for word in decision.story[0].replace(".", " ").replace(",", "").split() if word.isdigit()]
    assert numbers[1] == pytest.approx(1000 * sick.mean(), abs=1)
    assert f"finds {found:.0f} of them" in decision.story[0]
    assert f"misses {missed:.0f}, and wrongly names {alarms:.0f}" in decision.story[0]
    assert "of the " + str(1000 - numbers[1]) in decision.story[0]
    assert f"costs {50 * missed + 4 * alarms:,.0f} per 1,000" in decision.story[1]


def test_rare_cases_are_counted_in_as_many_rows_as_it_takes_to_see_them() -> None:
    y = np.where(np.random.default_rng(0).random(800) < 0.004, "sick", "well")
    assert decided(y=y).story[0].startswith("Of 10,000 people ")


def test_every_metric_has_an_interval_around_it_a_meaning_and_a_warning() -> None:
    metrics = {m.name: m for m in decided(beta=2).metrics}
    assert list(metrics) == [
        *("cost per 1,000", "accuracy", "balanced accuracy", "precision", "recall", "specificity", "F2", "MCC"),
        *("AUROC", "average precision", "Brier score", "log loss"),
    ]
    for metric in metrics.values():
        assert metric.interval.low < metric.value < metric.interval.high
        assert metric.meaning
        assert metric.misleads
    most = max((LABELS == "sick").mean(), (LABELS == "well").mean())
    assert f"always answering `well` gets {1000 * most:.0f} right" in metrics["accuracy"].meaning


def test_metrics_of_one_seed_are_the_same_bytes() -> None:
    one, two, other = (json.dumps(decided(seed=seed).to_dict()) for seed in (3, 3, 4))
    assert one == two
    assert one != other


def test_every_rule_can_be_asked_and_keeps_what_was_asked() -> None:
    decision, sick = decided(), LABELS == "sick"
    score = says(ROWS)[:, 0]
    for confidence in (None, 0.95):
        assert (score >= decision.threshold("recall", least=0.8, confidence=confidence).value)[sick].mean() >= 0.8
        assert sick[score >= decision.threshold("precision", least=0.7, confidence=confidence).value].mean() >= 0.7
    assert (score >= decision.threshold("capacity", per_1000=100).value).mean() <= 0.1
    promised, plain = (decision.threshold("recall", least=0.8, confidence=c) for c in (0.95, None))
    assert (promised.value < plain.value, promised.without, plain.without) == (True, plain.value, None)
    cost = decision.threshold("cost")
    assert cost.usual == pytest.approx(4 / 54)
    assert cost.interval.low <= cost.value <= cost.interval.high
    both = decision.threshold("equal-cost", by="ward")
    assert [g.group for g in both.groups] == ["Gomel", "Minsk"]
    assert math.isnan(both.value)


def test_the_offers_are_what_was_asked_for() -> None:
    assert [t.rule for t in decided(by="ward").thresholds] == ["cost", "recall", "precision", "capacity", "equal-cost"]
    plain = decided(costs=None, by="ward", least_recall=0.7, least_precision=0.6, capacity=200)
    assert [dict(t.asked) for t in plain.thresholds] == [{"least": 0.7, "confidence": 0.95}, {"least": 0.6, "confidence": 0.95}, {"per_1000": 200.0}]
    assert all(t.cost is None for t in plain.thresholds)
    assert "cost" not in plain.curves


def test_it_prints_what_it_does_and_what_is_on_offer() -> None:
    text = repr(decided(by="ward"))
    for words in (
        "states on 800 labelled people",
        "Of 1,000 people",
        "AUROC",
        "smallest cost",
        "finds at least 90 % (95 % sure)",
        "Minsk",
        "to halve that",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 180


def test_a_threshold_prints_what_to_expect_of_it() -> None:
    decision = decided(by="ward")
    text = repr(decision.threshold("cost"))
    assert text.startswith("smallest cost: named from 0.0")
    for words in (
        "expected per 1,000:",
        "which is optimistic",
        "would be the cheapest",
        "to halve that takes 3,200 labelled rows, 2,400 more than these",
    ):
        assert words in text
    assert "nobody is named" in repr(decision.threshold("precision", least=0.999)).splitlines()[0]
    assert "  Minsk: from " in repr(decision.threshold("equal-cost"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positive": None}, "which class is sought, 'sick' or 'well'"),
        ({"positive": "sik"}, "Did you mean 'sick'"),
        ({"model": NUMBERS, "y": ROWS["dose"].to_numpy()}, "thresholds and these metrics are for classifiers"),
        ({"y": ["sick"] * 800}, "all of the 800 labels are 'sick'"),
        ({"y": ["well"] * 800}, "none of the 800 labels are 'sick'"),
        ({"y": None}, "y is missing"),
        ({"y": LABELS[:9]}, "expected one label per row"),
        ({"X": ROWS.head(0), "y": LABELS[:0]}, "X has no rows"),
        ({"by": "wrd"}, "Did you mean 'ward'"),
        ({"by": "dose"}, "expected groups to compare, 2 to 50"),
        ({"by": "ward", "X": ROWS.assign(ward="Gomel")}, "has 1 value; expected groups to compare"),
        ({"seed": -1}, "seed=-1; expected a whole number"),
        ({"least_recall": 1.5}, "least_recall=1.5; expected a share"),
        ({"least_precision": "high"}, "least_precision='high'; expected a share"),
        ({"capacity": 0}, "capacity=0; expected a number above 0 and below 1000"),
        ({"beta": 0}, "beta=0; expected a number above 0"),
    ],
)
def test_what_cannot_be_decided_is_refused_in_words(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CamelopardError, match=message):
        decided(**changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "cst"}, "Did you mean 'cost'"),
        ({"rule": "cost", "least": 0.5}, "no use for least=0.5; it takes no more arguments"),
        ({"rule": "recall", "per_1000": 5}, "no use for per_1000=5; it takes least and confidence"),
        ({"rule": "recall", "least": 1.0}, "least=1.0; expected a share above 0 and below 1"),
        ({"rule": "precision", "confidence": 1.0}, "confidence=1.0; expected a share"),
        ({"rule": "capacity", "per_1000": -3}, "per_1000=-3; expected a number above 0"),
        ({"rule": "equal-cost"}, "Name the column that holds them"),
        ({"rule": "equal-cost", "by": "wrd"}, "Did you mean 'ward'"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(CamelopardError, match=message):
        decided().threshold(**arguments)


def test_without_costs_all_but_the_rules_of_cost_work() -> None:
    decision = decided(costs=None)
    with pytest.raises(InputError, match="no costs were given, so none is smallest"):
        decision.threshold("cost")
    with pytest.raises(InputError, match="no costs were given"):
        decision.threshold("equal-cost", by="ward")
    assert 0 < decision.threshold("recall", least=0.9).value < 1
    assert len(decision.story) == 1


def test_few_rows_of_the_rarer_side_are_told_and_are_no_error() -> None:
    assert decided(X=ROWS.head(60), y=LABELS[:60]).notes[0].startswith("only ")
    assert decided().notes == ()


def test_bare_answers_have_one_operating_point() -> None:
    decision = decided(model=VOTES)
    assert "one operating point only" in decision.notes[0]
    assert not {m.name for m in decision.metrics} & {"AUROC", "average precision", "Brier score", "log loss"}
    assert decision.threshold("capacity", per_1000=600).value == 1.0
    nobody = decision.threshold("capacity", per_1000=5)
    assert math.isinf(nobody.value)
    assert "share the highest score" in nobody.notes[0]
    assert decision.threshold("cost").usual is None


def test_rows_without_an_answer_are_left_out_and_told() -> None:
    X = ROWS.astype(object)
    X.loc[:9, "dose"] = "abc"
    decision = decided(X=X)
    assert (decision.rows, decision.notes[0]) == (790, "10 of the 800 rows have no answer and were left out")


def kinds(X: pd.DataFrame) -> Any:
    odds = np.column_stack([X["dose"].astype(float), -X["dose"].astype(float), np.full(len(X), -1.0)])
    return np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)


def test_several_classes_have_metrics_and_a_story_and_thresholds_only_against_the_rest() -> None:
    model = cp.wrap(kinds, name="kinds", task="classification", classes=["up", "down", "odd"])
    rng = np.random.default_rng(0)
    y = np.array([rng.choice(["up", "down", "odd"], p=p) for p in kinds(ROWS)], dtype=object)
    decision = decided(model=model, y=y, positive=None, costs=None, noun="patients")
    assert [m.name for m in decision.metrics][:3] == ["accuracy", "balanced accuracy", "mean precision"]
    assert all(m.interval.low < m.value < m.interval.high for m in decision.metrics)
    assert sum(sentence.startswith(str(round(1000 * (y == "down").mean()))) for sentence in decision.story) == 1
    assert (dict(decision.curves), decision.thresholds) == ({}, ())
    with pytest.raises(InputError, match="knows 3 classes; a threshold is for one of them against the rest"):
        decision.threshold("recall")
    one = decided(model=model, y=y, positive="odd")
    assert "'odd' is taken against all the others" in one.notes[0]
    chosen = one.choose("recall", least=0.9, who="Ada", why="none must be lost", when="2026-11-21")
    answers = chosen.predict(model, ROWS)
    named = kinds(ROWS)[:, 2] >= chosen.threshold
    assert (answers.value[named] == "odd").all()
    assert set(answers.value[~named]) == {"up", "down"}


def test_classes_without_labels_are_told_and_one_class_alone_is_refused() -> None:
    model = cp.wrap(kinds, name="kinds", task="classification", classes=["up", "down", "odd"])
    y = np.where(ROWS["dose"] > 0, "up", "down")
    assert "no row has the label 'odd'" in decided(model=model, y=y, positive=None, costs=None).notes[0]
    with pytest.raises(InputError, match="all 800 labels are 'up'"):
        decided(model=model, y=["up"] * 800, positive=None, costs=None)
    assert "they were not used" in decided(model=model, y=y, positive=None).notes[0]


def test_the_positive_class_may_be_spelt_as_a_command_line_must() -> None:
    model = cp.wrap(says, name="states", task="classification", classes=[1, 0])
    y = np.where(LABELS == "sick", 1, 0)
    assert decided(model=model, y=y, positive="1").positive == 1
    with pytest.raises(UnknownName, match="no class named '2'"):
        decided(model=model, y=y, positive="2")


def test_a_decision_is_saved_as_a_page_or_as_data(tmp_path: Path) -> None:
    decision = decided(by="ward")
    decision.save(tmp_path / "d.html")
    decision.save(tmp_path / "d.json")
    assert (tmp_path / "d.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))["rows"] == 800
    with pytest.raises(CamelopardError, match=r"expected \.html or \.json"):
        decision.save(tmp_path / "d.pdf")


def test_sixteen_thousand_rows_are_counted_and_not_asked_one_by_one() -> None:
    X = patients(16_000, 5)
    decision = decided(X=X, y=states(X, 5), by="ward")
    assert len(decision.thresholds) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": ["ward"]}, "expected the name of one column"),
        ({"noun": 5}, "noun=5; expected what the rows are called"),
        ({"noun": None}, "noun=None; expected"),
        ({"beta": 1e300}, r"beta=1e\+300; expected a number above 0, at most 1,000"),
        ({"seed": "a"}, "seed='a'; expected a whole number"),
        ({"least_recall": 1j}, "expected a share above 0"),
    ],
)
def test_arguments_of_another_kind_are_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        decided(**arguments)


def test_a_threshold_asked_for_with_arguments_of_another_kind_is_refused_in_words() -> None:
    decision, several = decided(), np.array([0.9, 0.95])
    with pytest.raises(UnknownName, match=r"no rule named '\[1\]'"):
        decision.threshold([1])  # type: ignore[arg-type]
    for rule, message in (("recall", "expected a share above 0"), ("cost", "has no use for confidence")):
        with pytest.raises(InputError, match=message):
            decision.threshold(rule, confidence=several)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected the name of one column"):
        decision.threshold("equal-cost", by=np.array(["ward", "dose"]))  # type: ignore[arg-type]
