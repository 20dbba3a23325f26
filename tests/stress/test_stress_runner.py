from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import camelopard as cp
from camelopard.core.arrays import Array, Floats, objects
from camelopard.core.batch import Batch, plain
from camelopard.core.protocols import Damage, Model
from camelopard.core.records import Prediction
from camelopard.core.schema import Column, Schema
from camelopard.stress.budget import Clock
from camelopard.stress.damage import BatchDamage, ColumnDamage
from camelopard.stress.damages import catalogue, named
from camelopard.stress.plan import plan
from camelopard.stress.runner import Case, Pool, compared, different, execute, filled, floor_of, run
from camelopard.stress.truth import Truth

CLASSES = Truth("classification", 0.0)


def column(kind: str, change: Callable[[Array], Array]) -> ColumnDamage:
    def apply(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
        return change(values)

    return ColumnDamage(kind, "range", ("number",), "range", apply)


def cases_of(model: Model, table: pd.DataFrame, damages: list[Damage], rows_per_case: int | None = 20, **more: Any) -> list[Case]:
    batch = Batch.of(table)
    return run(
        model.session(None, thrifty=True),
        batch,
        Schema.infer(batch),
        CLASSES,
        damages,
        rng=np.random.default_rng(3),
        rows_per_case=rows_per_case,
        **more,
    )


def test_a_case_holds_the_answers_to_its_rows_before_and_after(people: pd.DataFrame, careful: Model) -> None:
    batch, found = Batch.of(people), cases_of(careful, people, [named("unit-scale")])
    assert len(found) == 5 * len(named("unit-scale").targets(Schema.infer(batch)))
    for case in found:
        assert case.before.value.tolist() == careful.predict(batch.take(case.rows)).value.tolist()
        assert case.after.value.tolist() == careful.predict(case.batch).value.tolist()
        assert case.flipped.tolist() == (case.before.value != case.after.value).tolist()
        others = [name for name in batch.names if name != case.target]
        assert all((case.batch.columns[name] == batch.columns[name][case.rows]).all() for name in others)


def test_every_case_of_the_catalogue_gets_the_answers_to_its_own_rows(people: pd.DataFrame, careful: Model) -> None:
    for case in cases_of(careful, people, list(catalogue().values()), rows_per_case=4):
        assert case.note is None
        assert case.after.value.tolist() == careful.predict(case.batch).value.tolist(), (case.kind, case.target, case.severity)


def test_severities_have_rows_of_their_own_and_kinds_share_them(people: pd.DataFrame, careful: Model) -> None:
    by_target: dict[str, dict[int, set[tuple[int, ...]]]] = {}
    for case in cases_of(careful, people, [named("noise"), named("unit-scale")]):
        by_target.setdefault(case.target, {}).setdefault(case.severity, set()).add(tuple(case.rows))
    for blocks in by_target.values():
        assert all(len(rows) == 1 for rows in blocks.values())
        rows = [i for block in blocks.values() for rows in block for i in rows]
        assert len(rows) == len(set(rows)) == 100


def test_the_typical_value_is_the_median_or_the_most_common_one(people: pd.DataFrame, careful: Model) -> None:
    usual: dict[str, Any] = {"age": int(np.round(people["age"].median())), "income": people["income"].median(), "city": "Bergen", "member": False}
    for case in cases_of(careful, people, [named("missing-at-random")]):
        replaced = people.iloc[case.rows].copy()
        replaced[case.target] = usual[case.target]
        assert case.typical.tolist() == (careful.predict(replaced).value != case.before.value).tolist()


def test_the_floor_is_asked_once_per_target_and_severity(people: pd.DataFrame, careful: Model) -> None:
    asked: Counter[str] = Counter()
    legal = named("in-range-resample")

    def counted(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
        asked[f"{target}{severity}"] += 1
        return legal.apply(batch, target, severity, rng, schema)

    floor = BatchDamage("in-range-resample", "floor", "none", counted, lambda schema: [])
    found = cases_of(careful, people, [floor, named("noise"), named("unit-scale"), named("missing-at-random")])
    assert set(asked.values()) == {1}
    income = [case.floor for case in found if case.target == "income" and case.severity == 3]
    assert len(income) == 3
    assert income[0].any()
    assert not income[0].all()
    assert all((floor == income[0]).all() for floor in income)


def test_a_target_that_the_floor_does_not_know_is_held_against_the_whole_row_drawn_anew(people: pd.DataFrame, careful: Model) -> None:
    odd = BatchDamage("odd", "range", "range", lambda batch, *rest: batch, lambda schema: ["the first half"])
    assert sum(int(case.floor.sum()) for case in cases_of(careful, people, [odd])) > 20


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda values: values[1:], "column 'age' has 19 values for 20 rows"),
        (lambda values: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_damage_that_cannot_be_applied_leaves_its_reason(people: pd.DataFrame, careful: Model, change: Callable[[Array], Array], note: str) -> None:
    found = cases_of(careful, people[["age"]].assign(b=people["age"]), [column("bad", change), named("noise")])
    bad = [case for case in found if case.kind == "bad"]
    assert len(bad) == 10
    assert all(note in str(case.note) and not len(case.rows) for case in bad if case.target == "age")
    assert all(case.note is None for case in found if case.kind == "noise")


def test_a_damage_that_loses_rows_is_not_believed(people: pd.DataFrame, careful: Model) -> None:
    loses = BatchDamage("loses", "structure", "none", lambda batch, *rest: batch.take(slice(2)), lambda schema: ["*"])
    assert all("2 rows for 20" in str(case.note) for case in cases_of(careful, people, [loses]))


def test_rows_that_the_model_does_not_answer_are_no_base_rows(people: pd.DataFrame) -> None:
    def answers(table: pd.DataFrame) -> list[str]:
        if (table["age"] > 80).any():
            raise ValueError("too old")
        return ["yes" if a > 50 else "no" for a in table["age"]]

    model = cp.wrap(answers, task="classification", classes=["no", "yes"])
    found = cases_of(model, people, [column("same", lambda values: values)])
    used = np.unique(np.concatenate([case.rows for case in found]))
    assert people["age"].to_numpy()[used].max() <= 80
    assert not any(case.fooled.any() or case.changed.any() for case in found)


def test_a_table_none_of_whose_rows_is_answered_gives_no_case(people: pd.DataFrame) -> None:
    def answers(table: pd.DataFrame) -> list[str]:
        raise ValueError("never")

    assert cases_of(cp.wrap(answers, task="classification", classes=["a", "b"]), people, [named("noise")]) == []


def test_a_run_that_the_budget_ends_is_balanced_and_never_asks_more(people: pd.DataFrame, careful: Model) -> None:
    batch, damages = Batch.of(people), [named("noise"), named("unit-scale"), named("unseen-category")]
    schema, session = Schema.infer(batch), careful.session(1300, thrifty=True)
    found = run(session, batch, schema, CLASSES, damages, rng=np.random.default_rng(0), rows_per_case=20, budget=500)
    assert 800 < session.asked <= 1300
    done = Counter((case.kind, case.target) for case in found)
    assert len(done) == 5
    assert max(done.values()) - min(done.values()) <= 1
    assert {case.severity for case in found} <= {3, 5, 1, 4}


def test_a_run_ends_when_its_seconds_are_over(people: pd.DataFrame, careful: Model) -> None:
    class Slow:
        """A session by whose answers the clock goes on: a second per hundred rows."""

        def __init__(self) -> None:
            self.session = careful.session(None, thrifty=True)

        @property
        def asked(self) -> int:
            return self.session.asked

        def predict(self, batch: Batch) -> Prediction:
            return self.session.predict(batch)

    slow, batch = Slow(), Batch.of(people)
    clock = Clock(20.0, lambda: slow.asked / 100)
    found = run(slow, batch, Schema.infer(batch), CLASSES, list(catalogue().values()), rng=np.random.default_rng(0), clock=clock)
    assert 20.0 < clock.spent < 26.0
    assert {case.severity for case in found} == {3}
    assert slow.asked > 1500


def test_a_model_that_often_raises_does_not_eat_the_budget(people: pd.DataFrame) -> None:
    def answers(table: pd.DataFrame) -> list[str]:
        if table.isna().any(axis=None) or not set(table["city"]) <= {"Bergen", "Cadiz", "Espoo"}:
            raise ValueError("strict")
        return ["yes" if a > 50 else "no" for a in table["age"].astype(float)]

    model = cp.wrap(answers, task="classification", classes=["no", "yes"])
    batch = Batch.of(people)
    schema, damages = Schema.infer(batch), list(catalogue().values())
    todo = plan(damages, schema, 800, 20_000, np.random.default_rng(0))
    session = model.session(20_800, thrifty=True)
    pool = Pool.draw(session, batch, 800, np.random.default_rng(0), Clock())
    found = execute(session, pool, schema, CLASSES, todo, np.random.default_rng(0), floor=floor_of(damages), clock=Clock())
    assert len(found) == len(todo.steps)
    assert all(case.after.failed.all() for case in found if case.kind == "unseen-category")
    assert not any(case.after.failed.any() for case in found if case.kind == "unit-scale")


def test_every_case_has_random_numbers_of_its_own(people: pd.DataFrame, careful: Model) -> None:
    def values(damages: list[str]) -> dict[tuple[str, str, int], list[float]]:
        found = cases_of(careful, people, [named(kind) for kind in damages])
        return {(c.kind, c.target, c.severity): c.batch.columns[c.target].tolist() for c in found}

    alone, together = values(["noise"]), values(["unit-scale", "noise"])
    assert alone == {key: value for key, value in together.items() if key[0] == "noise"}


def test_the_pool_is_smaller_where_the_model_is_slow(people: pd.DataFrame, careful: Model) -> None:
    class Late:
        asked = 0

        def predict(self, batch: Batch) -> Prediction:
            self.asked += len(batch)
            return careful.predict(batch)

    late = Late()
    pool = Pool.draw(late, Batch.of(people), 800, np.random.default_rng(0), Clock(100.0, lambda: late.asked * 0.1))
    assert len(pool) == 100  # a tenth of the seconds, at a tenth of a second per row
    assert abs(pool.seconds - 0.1) < 1e-9


def test_another_set_or_order_of_columns_is_seen_in_every_row() -> None:
    batch = Batch.of([{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    schema = Schema.infer(batch)
    for after, changed in (
        (batch.select(["a"]), True),
        (batch.with_columns({"c": np.zeros(2)}), True),
        (batch.select(["b", "a"]), False),
    ):
        assert [rows.tolist() for rows in compared(batch, after, schema)] == [[changed] * 2, [True] * 2]
    assert [rows.tolist() for rows in compared(batch, batch, schema)] == [[False] * 2, [False] * 2]


def test_a_row_is_visible_only_if_all_its_damage_is() -> None:
    batch = Batch.of([{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    both = batch.with_columns({"a": np.array([99.0, 99.0]), "b": np.array([3.0, 99.0])})
    assert [rows.tolist() for rows in compared(batch, both, Schema.infer(batch))] == [[True, True], [False, True]]


@pytest.mark.parametrize(
    ("values", "usual"),
    [
        (["2020-01-01", "2020-01-05", None, "2020-01-30"], ["2020-01-05", "2020-01-05", None, "2020-01-05"]),
        ([True, False, True], [True, True, True]),
        ([True, None, False, True], [True, None, True, True]),
        (["a", "b", "b", None], ["b", "b", "b", None]),
        ([1, 2, 10, None], [2.0, 2.0, 2.0, None]),
        ([0.5, 1.5], [1.0, 1.0]),
        ([None, None], [None, None]),
    ],
)
def test_the_typical_value_has_the_form_of_its_column_and_missing_cells_stay(values: list[Any], usual: list[Any]) -> None:
    batch = Batch.of([{"x": value} for value in values])
    schema = Schema.infer(batch)
    changed = filled(schema.conform(batch).columns["x"], schema["x"])
    assert [plain(v) for v in changed] == usual


def test_typical_dates_are_dates() -> None:
    days = np.array(["2020-01-01", "2020-01-05", "2020-01-30", "NaT"], dtype="datetime64[us]")
    column = Schema.infer(Batch({"x": days}, np.arange(4)))["x"]
    assert filled(days, column).tolist() == [days[1].item()] * 3 + [None]


def test_only_cells_that_changed_are_looked_at() -> None:
    schema = Schema.infer(Batch.of([{"a": 1, "b": 2}, {"a": 3, "b": 4}]))
    odd = Batch.of([{"a": 99, "b": 2}, {"a": 1, "b": 2}])  # the first row is visible before any damage
    legal, wrong = odd.with_columns({"b": np.array([3.0, 3.0])}), odd.with_columns({"b": np.array([2.0, 9.0])})
    assert [rows.tolist() for rows in compared(odd, legal, schema)] == [[True, True], [False, False]]
    assert [rows.tolist() for rows in compared(odd, wrong, schema)] == [[False, True], [False, True]]


@pytest.mark.parametrize(
    ("old", "new", "other"),
    [
        (np.array([1, 2]), np.array([1.0, 2.5]), [False, True]),
        (np.array([np.nan, 1.0]), objects([None, 1]), [False, False]),
        (np.array([True, False]), objects([1, False]), [True, False]),
        (objects(["a", None]), objects(["a ", None]), [True, False]),
        (objects([1.0, 2.0]), objects(["1.0", True]), [True, True]),
        (np.array(["2020-01-01", "NaT"], dtype="datetime64[us]"), np.array(["2020-01-02", "NaT"], dtype="datetime64[us]"), [True, False]),
    ],
)
def test_a_cell_is_another_one_when_its_value_or_its_type_is(old: Array, new: Array, other: list[bool]) -> None:
    assert different(old, new).tolist() == other


CELL = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.floats(), max_size=2), st.dates())


@given(st.lists(CELL, min_size=1, max_size=6))
def test_no_cell_is_different_from_itself(cells: list[Any]) -> None:
    assert not different(objects(cells), objects(cells)).any()


def test_a_damage_without_the_word_graded_is_graded(people: pd.DataFrame, careful: Model) -> None:
    class Foreign:
        kind, family, keeps_label, breaks = "foreign", "range", True, "range"

        def targets(self, schema: Schema) -> list[str]:
            return ["age"]

        def apply(self, batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
            values: Floats = batch.columns[target] + 1000.0 * severity
            return batch.with_columns({target: values})

    found = cases_of(careful, people, [Foreign()])  # type: ignore[list-item]
    assert [case.severity for case in found] == [3, 5, 1, 4, 2]
    assert all(case.visible.all() and case.changed.all() for case in found)


def test_a_case_of_another_pool_size_wraps_around(people: pd.DataFrame, careful: Model) -> None:
    found = cases_of(careful, people.head(7), [replace(column("up", lambda values: values + 1), fits=lambda c: c.name == "age")], rows_per_case=50)
    assert [len(case.rows) for case in found] == [7] * 5
