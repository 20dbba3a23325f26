"""What the damages to pairs of columns, to whole rows and to the table do, with values."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damages import catalogue, named
from camelopard.testing.damages import changed_cells

N = 60
BATCH = Batch(
    {
        "a": np.arange(N, dtype=np.float64),
        "b": np.arange(N, dtype=np.float64) * 2,
        "school": objects(("hs", "ba", "phd")[i % 3] for i in range(N)),
        "years": np.array([(9, 13, 16)[i % 3] for i in range(N)]),
        "ok": np.arange(N) % 2 == 0,
    },
    np.arange(N),
)
SCHEMA = Schema.infer(BATCH)


def damaged(kind: str, target: str, severity: int) -> Batch:
    return named(kind).apply(BATCH, target, severity, np.random.default_rng(0), SCHEMA)


def test_swapping_exchanges_the_two_and_nothing_else() -> None:
    after = damaged("swapped-columns", "a|b", 5)
    assert after.columns["a"].tolist() == BATCH.columns["b"].tolist()
    assert after.columns["b"].tolist() == BATCH.columns["a"].tolist()
    other = damaged("swapped-kinds", "school|years", 5)
    assert other.row(0)["years"] == "hs"
    assert other.row(0)["school"] == 9


def test_a_stray_separator_moves_values_to_the_right() -> None:
    after = damaged("shifted-columns", "*", 5)
    assert after.row(3) == {"a": None, "b": 3.0, "school": 6.0, "years": "hs", "ok": 9}


def test_columns_go_missing_come_and_change_places() -> None:
    assert damaged("missing-column", "a", 1).names == ("b", "school", "years", "ok")
    assert set(damaged("extra-column", "*", 2).names) > set(BATCH.names)
    after = damaged("reordered-columns", "*", 3)
    assert after.names != BATCH.names
    assert after.row(7) == BATCH.row(7)


def test_a_stuck_column_has_one_value_and_a_stale_one_the_row_before() -> None:
    assert len(set(damaged("constant-column", "a", 5).columns["a"].tolist())) == 1
    assert damaged("stale-value", "a", 1).columns["a"].tolist() == [59.0, *range(59)]
    after = damaged("duplicated-row", "*", 5)
    assert after.row(7) == BATCH.row(6)
    assert after.ids.tolist() == BATCH.ids.tolist()


def test_a_broken_pair_changes_one_of_the_two_to_another_legal_value() -> None:
    for kind, target in (("broken-pair", "a|b"), ("broken-dependency", "school|years"), ("broken-dependency", "years|ok")):
        first, second = target.split("|")
        for severity in range(1, 6):
            after = damaged(kind, target, severity)
            at_first = changed_cells(BATCH.columns[first], after.columns[first])
            at_second = changed_cells(BATCH.columns[second], after.columns[second])
            assert (at_first ^ at_second).all()
            assert at_first.any()
            assert at_second.any()
    after = damaged("broken-pair", "a|b", 5)
    assert np.max(after.columns["b"]) <= SCHEMA["b"].high
    years = damaged("broken-dependency", "school|years", 1).columns["years"]
    assert ((years >= 9) & (years <= 16) & (years == np.round(years))).all()


def test_the_floor_takes_columns_pairs_and_the_whole_row() -> None:
    floor = named("in-range-resample")
    assert list(floor.targets(SCHEMA)) == list(SCHEMA.names)
    for target, touched in (("a", ["a"]), ("a|school", ["a", "school"]), ("*", list(SCHEMA.names))):
        after = damaged("in-range-resample", target, 3)
        assert [n for n in SCHEMA.names if changed_cells(BATCH.columns[n], after.columns[n]).any()] == touched


def test_a_wide_table_has_few_pairs() -> None:
    rng = np.random.default_rng(0)
    batch = Batch({f"x{i}": rng.random(5) for i in range(400)} | {f"c{i}": objects("abcde") for i in range(400)}, np.arange(5))
    schema = Schema.infer(batch)
    for damage in catalogue().values():
        assert sum("|" in target for target in damage.targets(schema)) <= 12
