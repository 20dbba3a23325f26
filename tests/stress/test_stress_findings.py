from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Bools, Floats, objects
from camelopard.core.batch import Batch
from camelopard.core.intervals import share
from camelopard.core.protocols import Model
from camelopard.core.records import LEVELS, Finding, Prediction
from camelopard.core.schema import Schema
from camelopard.stress.findings import Comparison, Hypothesis, curves, findings, verdict
from camelopard.stress.report import StressReport
from camelopard.stress.runner import Case
from camelopard.stress.study import stress

Score = Callable[[pd.DataFrame], Floats]
BASE = Batch.of([{"age": i, "city": "Bergen"} for i in range(1000)])
SCHEMA = Schema.infer(BASE)


def answers(flips: Bools, raised: Bools) -> Prediction:
    value = objects(None if gone else "b" if flip else "a" for flip, gone in zip(flips, raised, strict=True))
    return Prediction(value, errors=objects("ValueError: no." if gone else None for gone in raised), classes=("a", "b"))


def case(
    n: int = 100,
    fooled: int = 0,
    floor: int = 0,
    raised: int = 0,
    visible: bool = True,
    kind: str = "unit-scale",
    family: str = "unit",
    target: str = "age",
    severity: int = 3,
    keeps_label: bool = True,
    typical: int = 0,
) -> Case:
    """Return a case in which the first `fooled` rows are fooled, the first `raised` of them by an error.

    The last `floor` rows are fooled by a random legal value, the last `typical` by the typical one.
    """
    at = np.arange(n)
    hit, error = at < fooled, at < raised
    rows = (severity - 1) * n + at
    return Case(
        kind,
        family,
        target,
        severity,
        keeps_label,
        rows,
        BASE.take(rows).with_columns({"age": np.full(n, 5000.0)}),
        answers(np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)),
        answers(hit & ~error, error),
        hit,
        hit & ~error,
        np.full(n, visible),
        np.ones(n, dtype=bool),
        at >= n - floor,
        np.zeros(n, dtype=bool),
        at >= n - typical,
    )


def found(*cases: Case, extra: tuple[Finding, ...] = ()) -> list[Finding]:
    return findings(cases, BASE, SCHEMA, extra)


def above_low(report: StressReport) -> list[str]:
    return [f.message for f in report.findings if LEVELS.index(f.level) > LEVELS.index("low")]


# --- the test and its levels --------------------------------------------------------------------------------------------------------


def test_the_p_value_is_the_exact_sign_test_on_rows_that_only_one_of_the_two_fools() -> None:
    assert Comparison(3, 100, (9, 1), (9, 0)).p_value == pytest.approx(11 / 1024)
    assert Comparison(3, 100, (5, 5), (9, 0)).p_value == 1.0
    assert Comparison(3, 100, (0, 0), (0, 0)).p_value == 1.0


def test_several_severities_are_tested_each_and_together_and_pay_for_it() -> None:
    h = Hypothesis.of([case(severity=s, fooled=10) for s in (5, 1)])
    assert [(t.severity, t.n, t.floor) for t in h.tests] == [(1, 100, (10, 0)), (5, 100, (10, 0)), (0, 200, (20, 0))]
    assert h.p_value == pytest.approx(3 * 0.5**20)


def test_a_row_that_several_severities_share_counts_once_among_all() -> None:
    both = [case(severity=3, fooled=10), case(severity=5, fooled=20)]
    same = [both[0], Case(**{**both[1].__dict__, "rows": both[0].rows})]
    pooled = Hypothesis.of(same).tests[-1]
    assert (pooled.n, pooled.floor) == (100, (20, 0))


@pytest.mark.parametrize(
    ("fooled", "floor", "level"), [(60, 0, "high"), (18, 0, "medium"), (11, 0, "low"), (60, 40, "low"), (30, 30, None), (0, 0, None)]
)
def test_the_level_follows_the_lower_end_of_the_excess_over_the_floor(fooled: int, floor: int, level: str | None) -> None:
    levels = [f.level for f in found(case(fooled=fooled, floor=floor)) if f.code == "unit-scale"]
    assert levels == ([] if level is None else [level])


def test_damage_must_fool_more_often_than_the_typical_value_too() -> None:
    """A pipeline that puts the typical value in place of what is impossible has done all it can, even where random values would fool less."""
    assert found(case(fooled=60, typical=60)) == []
    (only,) = found(case(fooled=60, typical=20))
    assert only.value == pytest.approx(0.4)


def test_damage_that_nobody_can_see_is_not_held_against_the_model() -> None:
    assert found(case(fooled=90, visible=False)) == []


def test_but_an_error_is_even_where_the_damage_cannot_be_seen() -> None:
    (only,) = found(case(fooled=90, raised=90, visible=False))
    assert (only.level, only.details["exceptions"]) == ("high", 0.9)
    assert only.message == "Recorded in the wrong unit (unit scale), `age` makes the model raise an error in 90 % of rows: ValueError: no."


def test_a_finding_says_what_happened_in_plain_words_and_plain_data() -> None:
    (only,) = found(*[case(fooled=20 * s, floor=8, severity=s) for s in range(1, 6)])
    assert only.message == (
        "Recorded in the wrong unit (unit scale), `age` changes the model's answer in 100 % of rows (96–100 %), "
        "against 8 % with a random legal value."
    )
    details = only.details
    assert {k: details[k] for k in ("kind", "family", "column", "severity", "fooled", "flips", "exceptions", "floor")} == {
        "kind": "unit-scale",
        "family": "unit",
        "column": "age",
        "severity": 5,
        "fooled": 1.0,
        "flips": 1.0,
        "exceptions": 0.0,
        "floor": 0.08,
    }
    assert details["dose"] == [[1, 0.2], [2, 0.4], [3, 0.6], [4, 0.8], [5, 1.0]]
    assert details["harm_from"] == 1
    assert details["example"] == {"row": 400, "changes": {"age": [400, 5000]}, "answer": ["a", "b"], "confidence": [None, None]}
    assert only.rows == (400, 401, 402, 403, 404)
    assert only.interval is not None
    assert only.interval.confidence > 0.95
    assert only.interval.low < only.value < only.interval.high


def test_where_only_some_rows_show_the_damage_the_sentence_says_so() -> None:
    part = case(fooled=20)
    seen = Case(**{**part.__dict__, "visible": np.arange(100) < 25})
    (only,) = found(seen)
    assert "in 20 % of rows (13–29 %; 80 % of those in which it can be seen), against 0 %" in only.message


def test_a_pair_and_the_whole_row_are_named_as_such() -> None:
    by_subject = {f.subject: f.message for f in found(case(fooled=90, target="age|city"), case(fooled=90, target="*"))}
    assert "`age` and `city` change the model's answer" in by_subject["age|city"]
    assert "the row changes the model's answer" in by_subject["*"]


def test_the_worst_come_first_and_wrong_answers_before_errors() -> None:
    order = found(
        case(fooled=18, target="low"),
        case(fooled=100, raised=100, target="error"),
        case(fooled=100, target="worst"),
        case(fooled=80, target="bad"),
    )
    assert [f.subject for f in order] == ["worst", "bad", "error", "low"]


def test_false_discoveries_are_controlled_over_the_whole_run() -> None:
    rng = np.random.default_rng(0)
    runs = [found(*[_coin(rng, f"x{i}") for i in range(60)]) for _ in range(60)]
    assert sum(bool(run) for run in runs) <= 6  # 5 % of 60 is 3; the test is discrete, so it is less


def _coin(rng: np.random.Generator, target: str) -> Case:
    """Return a case in which damage and floor fool as often as each other."""
    base = case(target=target)
    return Case(**{**base.__dict__, "fooled": rng.random(100) < 0.3, "floor": rng.random(100) < 0.3})


def test_findings_of_other_checks_that_carry_a_p_value_share_the_control() -> None:
    weak = Finding("weak", "x", "…", "medium", p_value=0.04)
    strong = Finding("strong", "x", "…", "medium", p_value=1e-6)
    sure = Finding("sure", "x", "…", "medium")
    many = [case(target=f"x{i}") for i in range(10)]
    assert {f.code: f.level for f in found(*many, extra=(weak, strong, sure))} == {"weak": "none", "strong": "medium", "sure": "medium"}


def test_a_damage_that_could_not_be_tried_is_a_finding() -> None:
    broken = Case(**{**case(n=0).__dict__, "note": "ValueError: no idea"})
    (only,) = found(broken)
    assert (only.code, only.level) == ("not-run", "medium")
    assert "ValueError: no idea" in only.message


def test_what_a_legal_value_does_is_said_once_per_column_and_is_low() -> None:
    legal = [case(fooled=50, floor=50, visible=False, kind="in-range-resample", family="floor", severity=s) for s in (3, 5)]
    (only,) = found(*legal, case(floor=50), case(floor=50, visible=False, kind="legal-category", family="floor"))
    assert (only.code, only.level, only.value) == ("in-range-sensitive", "low", 0.5)
    assert only.details["example"]["row"] == 400
    assert only.message.endswith("(43–57 %): nobody can see that from the row.")
    assert found(case(floor=20)) == []


def test_a_model_that_raises_on_legal_values_has_no_excuse() -> None:
    (only,) = found(case(fooled=50, raised=50, visible=False, kind="in-range-resample", family="floor"))
    assert (only.code, only.level) == ("raises-on-legal", "high")


# --- curves, certificates, verdict ---------------------------------------------------------------------------------------------------


def test_a_curve_has_shares_with_intervals_and_the_change_of_loss() -> None:
    y = np.full(1000, "a", dtype=object)
    one, other = curves([case(fooled=30, raised=10, floor=5), case(fooled=30, severity=1, keeps_label=False)], y, "classification")[::-1]
    assert (one.severity, one.n, one.fooled, one.flips, one.exceptions, one.floor) == (3, 100, 0.3, 0.2, 0.1, 0.05)
    assert one.fooled_interval == share(30, 100)
    assert one.loss_change == 0.3
    assert one.loss_interval is not None
    assert one.loss_interval.low < 0.3 < one.loss_interval.high
    assert np.isnan(other.loss_change)  # the label changes with the value: a loss against it would say nothing
    assert np.isnan(curves([case(fooled=30)], None, "classification")[0].loss_change)


def _finding(level: str, kind: str, exceptions: float = 0.0) -> Finding:
    return Finding(kind, "age", "…", level, details={"kind": kind, "fooled": 1.0, "exceptions": exceptions})  # type: ignore[arg-type]


def test_the_verdict_is_a_sentence_about_the_worst() -> None:
    high = [_finding("high", "unit-scale"), _finding("high", "white-space"), _finding("high", "empty-string", exceptions=1.0)]
    assert verdict([*high, _finding("medium", "noise")], "income", []) == (
        "income is fooled by unit scale and white space and stops with an error on empty string: 3 high and 1 medium findings."
    )
    assert verdict(high[:1], "income", ["a"], complete=False) == (
        "income is fooled by unit scale: 1 high finding. It ignores a. The budget ended the run before all was tried."
    )
    assert verdict([_finding("low", "noise")], "income", list("abcde")) == (
        "Nothing that was tried fools income more than it must: no finding above low. It ignores a, b, c and 2 other columns."
    )


# --- whole runs: null twins and planted faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_null_twin_a_constant_model_has_no_finding_above_low(people: pd.DataFrame, seed: int) -> None:
    model = cp.wrap(lambda table: np.tile([0.9, 0.1], (len(table), 1)), name="constant", task="classification", classes=["no", "yes"])
    report = stress(model, people, budget=12_000, seed=seed)
    assert above_low(report) == []
    assert {c["column"] for c in report.ignored if c["certified"]} == {"age", "income", "city", "member"}


@pytest.mark.parametrize("seed", range(3))
def test_null_twin_a_careful_model_has_no_finding_above_low(people: pd.DataFrame, careful: Model, seed: int) -> None:
    report = stress(careful, people, budget=12_000, seed=seed)
    assert above_low(report) == []
    assert report.cost["complete"]


def test_null_twin_a_careful_regression_has_no_finding_above_low(people: pd.DataFrame, score: Score) -> None:
    report = stress(cp.wrap(score, name="points", task="regression"), people, budget=12_000)
    assert above_low(report) == []


def planted(people: pd.DataFrame, model: Model) -> list[Finding]:
    report = stress(model, people, budget=26_000, attacks=False)
    return [f for f in report.findings if f.level in ("medium", "high")]


def test_a_model_that_raises_on_a_missing_city_is_told_so(people: pd.DataFrame, yes: Callable[[Score], Model], score: Score) -> None:
    def strict(table: pd.DataFrame) -> Floats:
        if "city" in table and table["city"].isna().any():
            raise ValueError("no city")
        return score(table)

    bad = planted(people, yes(strict))
    assert {f.details["family"] for f in bad} <= {"missing", "structure", "type"}
    assert bad[0].details["kind"].startswith("missing")
    assert "city" in bad[0].subject
    assert "no city" in bad[0].message
    assert all("city" in f.subject or f.subject == "*" for f in bad)


def test_a_model_that_takes_an_unknown_city_for_the_best_is_told_so(people: pd.DataFrame, yes: Callable[[Score], Model], score: Score) -> None:
    def trusting(table: pd.DataFrame) -> Floats:
        cities: list[Any] = table["city"].tolist() if "city" in table else [None] * len(table)
        unknown = [isinstance(c, str) and c.strip().title() not in ("Bergen", "Cadiz", "Espoo") for c in cities]
        return np.asarray(score(table) + 20.0 * np.array(unknown, dtype=np.float64))

    bad = planted(people, yes(trusting))
    assert "unseen-category" in {f.details["kind"] for f in bad}
    assert all("city" in f.subject or f.subject == "*" for f in bad)
    best = next(f for f in bad if f.details["kind"] == "unseen-category")
    assert best.details["example"]["answer"] == ["no", "yes"]
    assert list(best.details["example"]["changes"]) == ["city"]
    assert best.details["exceptions"] == 0.0


def test_a_model_that_believes_any_age_is_told_so(people: pd.DataFrame, yes: Callable[[Score], Model], score: Score) -> None:
    def believing(table: pd.DataFrame) -> Floats:
        ages: list[Any] = table["age"].tolist() if "age" in table else [54.0] * len(table)
        values = np.array([float(v) if type(v) in (int, float) and v == v and abs(v) < 1e6 else 54.0 for v in ages])
        return np.asarray(score(table.assign(age=54)) + (values - 54) / 20)

    bad = planted(people, yes(believing))
    assert all("age" in f.subject or f.subject == "*" for f in bad)
    kinds = {f.details["kind"] for f in bad}
    assert {"out-of-range", "unit-scale"} <= kinds
    assert "noise" not in kinds
