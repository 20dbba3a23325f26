from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError, InputError, ModelError, UnknownName
from camelopard.core.protocols import Model
from camelopard.core.records import Finding
from camelopard.core.schema import Schema
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages import named
from camelopard.stress.study import stress

Score = Callable[[pd.DataFrame], Floats]


def quick(model: Model | None, X: Any, y: Any = None, **more: Any) -> Any:
    return stress(model, X, y, **{"budget": 4000, "damages": ["noise", "unit-scale"], "attacks": False, **more})


def test_the_package_can_be_called_and_the_call_is_the_function(people: pd.DataFrame, careful: Model) -> None:
    report = cp.stress(careful, people, budget=3000, damages=["noise"], attacks=False)
    assert report.to_dict()["curves"] == quick(careful, people, budget=3000, damages=["noise"]).to_dict()["curves"]
    function, call = inspect.signature(stress), inspect.signature(type(cp.stress).__call__)
    shared = [name for name in call.parameters if name != "self"]
    assert shared == [name for name in function.parameters if name != "clock"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ("pandas", "sklearn", "lightgbm", "pyarrow", "altair")
    probe = f"import camelopard.stress, sys; print([m for m in {heavy!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_labels_may_be_the_name_of_a_column_which_is_then_no_input(people: pd.DataFrame, careful: Model) -> None:
    y = np.where(people["income"] > 22_000, "yes", "no").astype(object)
    by_name, by_array = quick(careful, people.assign(paid=y), "paid"), quick(careful, people, list(y))
    assert by_name.to_dict()["curves"] == by_array.to_dict()["curves"]
    assert [c["name"] for c in by_name.data["columns"]] == list(people)
    assert any(point.loss_change > 0.05 for point in by_name.curves if point.column == "income")


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ("nothing", "no column of X. Its columns: age, income"),
        (["yes"] * 3, r"shape \(3,\) for 800 rows"),
        ([["yes"]] * 800, r"shape \(800, 1\)"),
        (["yes"] * 799 + [None], "missing in 1 rows, the first at position 799"),
        (["maybe"] * 400 + ["yes"] * 400, "'maybe', but the classes of yes are 'no', 'yes'"),
        ([0, 1] * 400, "but the classes of yes are"),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_what_was_expected(people: pd.DataFrame, careful: Model, y: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        quick(careful, people, y)


@pytest.mark.parametrize(("y", "words"), [(["a"] * 800, "answers numbers"), ([1.0] * 799 + [np.inf], "not finite at position 799")])
def test_a_regression_wants_numbers_for_labels(people: pd.DataFrame, score: Score, y: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        quick(cp.wrap(score, task="regression"), people, y)


def test_a_label_that_a_model_without_probabilities_has_not_shown_yet_is_no_error(people: pd.DataFrame) -> None:
    model = cp.wrap(lambda table: ["no"] * len(table), task="classification")
    report = quick(model, people, ["no", "yes"] * 400)
    assert report.worst in ("none", "low")


def test_the_tolerance_of_a_regression_is_its_own_median_error(people: pd.DataFrame, score: Score) -> None:
    model = cp.wrap(score, name="points", task="regression")
    y = score(people) + np.where(np.arange(800) % 2 == 0, 0.5, -0.5)
    assert quick(model, people, y).model["tolerance"] == pytest.approx(0.5)
    bare = quick(model, people)
    assert bare.model["tolerance"] == pytest.approx(0.1 * np.subtract(*np.percentile(score(people), [84, 16])) / 2, rel=0.05)
    assert any("tenth" in note for note in bare.notes)


def test_the_same_seed_gives_the_same_report_and_another_seed_another(people: pd.DataFrame, careful: Model) -> None:
    def document(seed: int) -> dict[str, Any]:
        found: dict[str, Any] = stress(careful, people, budget=5000, seed=seed).to_dict()
        for key in ("seconds", "model_seconds"):
            found["cost"].pop(key)
        return found

    assert document(1) == document(1)
    assert document(1)["curves"] != document(2)["curves"]


def test_the_cost_is_planned_and_kept(people: pd.DataFrame, careful: Model) -> None:
    told: list[str] = []
    report = stress(careful, people, budget=9000, progress=lambda stage, done, total: told.append(stage))
    cost = report.cost
    assert cost["asked"] <= 9000 + 5 * 64  # serving checks ask without the memory of a session
    assert cost["asked"] <= cost["planned"] + 100
    assert (cost["complete"], cost["share_done"]) == (True, 1.0)
    assert any(stage.startswith(f"planned: {cost['planned']:,} model rows") for stage in told)
    assert report.attacks["rows"] >= 1


def test_a_run_that_the_budget_ends_says_so(people: pd.DataFrame, careful: Model) -> None:
    report = stress(careful, people, budget=700, attacks=False)
    assert 0 < report.cost["share_done"] < 1
    assert not report.cost["complete"]
    assert "The budget ended the run" in report.verdict


def test_columns_left_out_of_a_wide_table_are_said(careful: Model) -> None:
    rng = np.random.default_rng(0)
    wide = pd.DataFrame({f"x{i}": rng.normal(size=100) for i in range(90)})
    model = cp.wrap(lambda table: (table["x0"] > 0).astype(int).to_numpy(), task="classification", classes=[0, 1])
    report = quick(model, wide, budget=20_000)
    assert report.cost["targets_left_out"] == 2 * 30
    assert any("60 columns or pairs were left out" in note for note in report.notes)


def test_a_budget_in_seconds_is_turned_into_rows_by_the_pace_of_the_model(people: pd.DataFrame, careful: Model) -> None:
    class Slow:
        """The model, and a clock that goes on a hundredth of a second per row it answers."""

        name, task, classes = careful.name, careful.task, careful.classes
        rows = 0

        def predict(self, X: Any) -> Any:
            answer = careful.predict(X)
            self.rows += len(answer)
            return answer

        def session(self, budget: int | None = None, *, thrifty: bool = False) -> Any:
            return self

        @property
        def asked(self) -> int:
            return self.rows

        def time(self) -> float:
            return self.rows * 0.01

    slow = Slow()
    report = stress(slow, people, budget="40s", damages=["noise", "unit-scale"], attacks=False, clock=slow.time)
    assert report.cost["complete"]
    assert 15 < report.cost["seconds"] < 44
    assert report.cost["rows_per_case"] < 200


@pytest.mark.parametrize(("budget", "words"), [(50, "Give some thousand model rows"), ("soon", "such as 50000")])
def test_a_budget_that_is_none_is_refused(people: pd.DataFrame, careful: Model, budget: Any, words: str) -> None:
    with pytest.raises(CamelopardError, match=words):
        stress(careful, people, budget=budget)


def test_damages_are_kinds_or_objects(people: pd.DataFrame, careful: Model) -> None:
    own = ColumnDamage("own", "mine", ("number",), "range", lambda values, column, severity, rng: values * -1.0)
    assert {p.kind for p in quick(careful, people, damages=[own, "noise"]).curves} == {"own", "noise"}
    assert {p.kind for p in quick(careful, people, damages="noise").curves} == {"noise"}
    assert quick(careful, people, damages=[]).curves == []
    with pytest.raises(UnknownName, match="Did you mean 'noise'"):
        quick(careful, people, damages=["noize"])
    with pytest.raises(InputError, match="more than once"):
        quick(careful, people, damages=["noise", named("noise")])


def test_attacks_may_be_left_out_or_counted(people: pd.DataFrame, careful: Model) -> None:
    assert quick(careful, people, attacks=False).attacks == {}
    assert quick(careful, people, attacks=3, budget=6000).attacks["rows"] == 3
    assert quick(careful, people, attacks=True, budget=6000).attacks["rows"] > 3


def test_without_a_model_only_the_data_is_described(people: pd.DataFrame) -> None:
    report = stress(None, people)
    assert (report.mode, report.findings, report.curves, report.model) == ("data", [], [], None)
    assert {a.fields[0] for a in report.assumptions} >= {"age", "income", "city"}
    assert report.to_dict()["data"]["rows"] == 800


def test_an_imitation_is_marked_as_one(people: pd.DataFrame, careful: Model) -> None:
    report = quick(cp.imitate(people, careful.predict(people).value), people)
    assert report.mode == "predictions"
    assert 0.5 < report.to_dict()["model"]["agreement"]["value"] <= 1.0


@pytest.mark.parametrize("X", [pd.DataFrame(), pd.DataFrame({"a": []}), [], "text"])
def test_no_rows_are_an_input_error(careful: Model, X: Any) -> None:
    with pytest.raises(InputError):
        stress(careful, X)


def test_a_model_that_answers_hardly_any_clean_row_is_an_error_with_its_reason(people: pd.DataFrame) -> None:
    def answers(table: pd.DataFrame) -> list[str]:
        raise KeyError("sex")

    with pytest.raises(ModelError, match=r"answers 0 of 400 clean rows; the first error: KeyError: 'sex'"):
        quick(cp.wrap(answers, name="lost", task="classification", classes=["a", "b"]), people)


def test_a_model_that_raises_on_some_clean_rows_is_a_high_finding(people: pd.DataFrame) -> None:
    def answers(table: pd.DataFrame) -> list[str]:
        if (table["age"] > 85).any():
            raise ValueError("too old")
        return ["no"] * len(table)

    first = quick(cp.wrap(answers, name="young", task="classification", classes=["no", "yes"]), people, damages=["white-space"]).findings[0]
    assert (first.code, first.level) == ("raises-on-clean", "high")
    assert "ValueError: too old" in first.message
    assert all(people["age"].iloc[i] > 85 for i in first.rows)


def test_a_check_that_crashed_is_a_finding(people: pd.DataFrame, careful: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*args: object, **kwargs: object) -> list[Finding]:
        raise CamelopardError("out of order")

    for module, name in (("serving", "check"), ("searching", "search"), ("assumptions", "infer")):
        monkeypatch.setattr(f"camelopard.stress.{module}.{name}", crash)
    found = quick(careful, people, attacks=2).findings
    assert {f.subject for f in found if f.code == "not-run"} == {"serving", "attack", "assumptions"}


def test_the_given_schema_says_what_is_legal(people: pd.DataFrame, careful: Model) -> None:
    wide = Schema.infer(Batch.of(pd.concat([people, people.head(1).assign(age=5000)])))
    narrow, known = (quick(careful, people, damages=["unit-scale"], schema=s) for s in (None, wide))
    rate = [np.mean(np.concatenate([c.visible for c in r.cases if c.target == "age"])) for r in (narrow, known)]
    assert rate[0] > rate[1] + 0.2


def test_every_form_of_table_is_read(people: pd.DataFrame) -> None:
    rows = people.head(60).to_dict("records")
    model = cp.wrap(lambda table: ["yes" if row["age"] > 50 else "no" for row in table], task="classification", classes=["no", "yes"])
    report = quick(model, rows)
    assert {p.column for p in report.curves} == {"age", "income"}
