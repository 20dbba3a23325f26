from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.batch import Batch, concat
from camelopard.core.schema import Schema
from camelopard.evidence.reading import STATES, Reader


def world() -> tuple[Reader, Schema]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(17, 91, 500),
            "rate": rng.normal(size=500),
            "work": rng.choice(["Private", "State-gov", "Never"], 500, p=[0.7, 0.2, 0.1]),
            "new": rng.random(500) < 0.5,
            "day": pd.date_range("2020-01-01", periods=500),
        }
    )
    batch = Batch.of(frame)
    schema = Schema.infer(batch)
    return Reader.learn(batch, schema, axis=np.asarray(frame["work"].map({"Private": 0.0, "State-gov": 1.0, "Never": -1.0}))), schema


READER, SCHEMA = world()


def read(**cells: object) -> dict[str, tuple[float, float, str]]:
    row = {"age": 40, "rate": 0.1, "work": "Private", "new": True, "day": pd.Timestamp("2020-06-01").to_pydatetime(), **cells}
    reading = READER.read(SCHEMA.conform(Batch.of([row])))
    return {n: (reading.values[0, j], reading.scores[0, j], STATES[reading.states[0, j]]) for j, n in enumerate(SCHEMA.names)}


def test_a_clean_row_has_only_sound_cells() -> None:
    assert {state for _, _, state in read().values()} == {"ok"}


def test_farther_beyond_the_range_is_farther_in_score() -> None:
    scores = [read(age=age)["age"][1] for age in (40, 90, 120, 1985, 10**6)]
    assert scores == sorted(scores)
    assert scores[3] > scores[1] + 3
    assert read(age=-5)["age"][1] < read(age=17)["age"][1]


def test_states_name_what_is_odd() -> None:
    assert read(age=None)["age"][2] == "missing"
    assert read(age="36")["age"][::2] == (36.0, "variant")
    assert read(age="thirty")["age"][2] == "type"
    assert read(age=[36])["age"][2] == "type"
    assert read(age=36.5)["age"][2] == "fraction"
    assert read(work="private ")["work"][2] == "variant"
    assert read(work="Astronaut")["work"][2] == "unseen"
    assert read(work={"a": 1})["work"][2] == "type"
    assert read(new="yes")["new"][2] == "variant"
    assert read(day="01/06/2020")["day"][2] == "variant"
    assert read(day="soon")["day"][2] == "type"
    assert read(age=float("inf"))["age"][1] == 12.0


def test_categories_are_ordered_by_what_the_model_makes_of_them() -> None:
    scores = [read(work=w)["work"][1] for w in ("Never", "Private", "State-gov")]
    assert scores == sorted(scores)


def test_decoding_returns_known_values_within_the_range() -> None:
    for encoder in READER.encoders:
        values = encoder.decode(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]))
        assert (READER.encoders[0].low, READER.encoders[0].high) == (17.0, 90.0)  # type: ignore[union-attr]
        again, states = encoder.encode(encoder.cells(values))
        assert np.allclose(again, values)
        assert set(states) == {0}


def test_state_round_trip_reads_the_same() -> None:
    batch = SCHEMA.conform(Batch.of([{"age": 36, "work": "privat"}, {"age": "x", "work": None}]))
    again = Reader.from_state(READER.state()).read(batch)
    first = READER.read(batch)
    assert np.array_equal(first.scores, again.scores, equal_nan=True)
    assert np.array_equal(first.states, again.states)


CELL = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.integers(), max_size=2)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(SCHEMA.names, CELL)), min_size=1, max_size=5))
def test_any_cell_is_read_and_alone_it_reads_the_same(rows: list[dict[str, object]]) -> None:
    together = READER.read(SCHEMA.conform(Batch.of(rows)))
    for i, row in enumerate(rows):
        alone = READER.read(SCHEMA.conform(Batch.of([row])))
        assert np.array_equal(together.scores[i], alone.scores[0], equal_nan=True)
        assert np.array_equal(together.states[i], alone.states[0])


def test_categories_read_once_are_read_like_cells() -> None:
    words = ["Private", None, " private", "Never", 7, "nonsense", None, "Private"]
    plain = SCHEMA.conform(Batch.of([{"age": 40, "rate": 0.1, "work": word, "new": True} for word in words]))
    frame = pd.DataFrame(
        {"age": 40.0, "rate": 0.1, "work": pd.Categorical(words, categories=["unused", *dict.fromkeys(w for w in words if w)]), "new": True}
    )
    batch = SCHEMA.conform(Batch.of(frame))
    assert "work" in batch.coded
    for one, other in ((plain, batch), (plain.take([5, 0, 1]), batch.take([5, 0, 1])), (plain.take(slice(2, 4)), batch.take(slice(2, 4)))):
        assert one.columns["work"].tolist() == other.columns["work"].tolist()
        assert READER.read(one).values.tobytes() == READER.read(other).values.tobytes()
        assert READER.read(one).states.tobytes() == READER.read(other).states.tobytes()


def test_a_changed_column_is_read_anew() -> None:
    frame = pd.DataFrame({"work": pd.Categorical(["Private", "Never"]), "new": pd.Categorical([True, False])})
    batch = Batch.of(frame)
    changed = batch.with_columns({"work": np.array(["Never", "State-gov"], dtype=object)})
    assert (set(batch.coded), set(changed.coded), set(changed.select(["work"]).coded)) == ({"work", "new"}, {"new"}, set())
    both = concat([batch, changed])
    assert both.coded == {}
    assert both.columns["work"].tolist() == ["Private", "Never", "Never", "State-gov"]


def orders(like: list[str], n: int = 400) -> tuple[Reader, Schema]:
    """Return a reader of rows with an order number of their own, but for the first ones, which share those in `like`."""
    numbers = [like[i % len(like)] if i < 10 * len(like) else f"A{100_000 + i}" for i in range(n)]
    batch = Batch.of(pd.DataFrame({"order": numbers, "age": np.arange(n) % 60}))
    schema = Schema.infer(batch)
    return Reader.learn(batch, schema, axis=np.random.default_rng(0).normal(size=n)), schema


@pytest.mark.parametrize("like", [[], ["A200000", "Zoë"]])
def test_a_value_never_seen_is_sound_where_new_ones_are_usual(like: list[str]) -> None:
    reader, schema = orders(like)
    cells = ["A999999", "A100399", None, 12.5, "", "?", ["A1"], *like]
    rows = [schema.conform(Batch.of([{"order": cell, "age": 30}])) for cell in cells]
    alone = [reader.read(row) for row in rows]
    assert [STATES[one.states[0, 0]] for one in alone] == ["ok", "ok", "missing", "type", "unseen", "unseen", "type", *["ok"] * len(like)]
    assert alone[0].values[0, 0] == alone[1].values[0, 0] == len(like)
    share = 1 - 10 * len(like) / 400
    assert alone[0].rarities[0, 0] == pytest.approx(-np.log(share))
    assert np.isfinite(alone[0].scores[0, 0])
    together = reader.read(concat(rows))
    for part in ("values", "scores", "states", "rarities"):
        assert b"".join(getattr(one, part).tobytes() for one in alone) == getattr(together, part).tobytes(), part


def test_an_order_number_beside_a_known_one_is_no_slip_of_the_finger_but_another_case_is_the_same() -> None:
    reader, schema = orders(["A200000", "Zoë"])
    read = [reader.read(schema.conform(Batch.of([{"order": cell, "age": 30}]))) for cell in ("A200001", " zoë ")]
    assert [(STATES[one.states[0, 0]], one.values[0, 0]) for one in read] == [("ok", 2.0), ("variant", 1.0)]


def test_a_new_value_is_never_put_in_place_of_another_where_there_are_known_ones() -> None:
    encoder = orders(["A200000", "Zoë"])[0].encoders[0]
    assert set(encoder.decode(np.linspace(-6, 6, 99)).tolist()) == {0.0, 1.0}
    alone = orders([])[0].encoders[0]
    assert alone.decode(np.zeros(2)).tolist() == [0.0, 0.0]
    assert alone.cells(np.array([0.0, np.nan])).tolist() == ["A100399", None]


def test_a_reader_of_new_values_reads_the_same_after_it_was_kept() -> None:
    reader, schema = orders(["A200000"])
    batch = schema.conform(Batch.of([{"order": cell, "age": 3} for cell in ("A200000", "B1", None)]))
    first, again = reader.read(batch), Reader.from_state(reader.state()).read(batch)
    assert (first.scores.tobytes(), first.rarities.tobytes()) == (again.scores.tobytes(), again.rarities.tobytes())
    assert "new" in reader.state()[0] and all("new" not in part for part in READER.state())
