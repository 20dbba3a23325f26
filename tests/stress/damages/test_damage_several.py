"""Damage to several cells of a row at once."""

from __future__ import annotations

import numpy as np
import pytest

from camelopard.core.arrays import Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damages import named

N = 400
RNG = np.random.default_rng(5)
NUMBERS = ("a", "b", "c", "d")
BATCH = Batch({**{name: RNG.normal(10 * (k + 1), k + 1.0, N) for k, name in enumerate(NUMBERS)}, "flag": RNG.integers(0, 2, N)}, np.arange(N))
SCHEMA = Schema.infer(BATCH)


def after(kind: str, severity: int) -> Floats:
    bad = named(kind).apply(BATCH, "*", severity, np.random.default_rng(0), SCHEMA)
    assert bad.columns["flag"].tolist() == BATCH.columns["flag"].tolist() or kind == "wrong-join"
    return np.column_stack([bad.columns[name].astype(float) for name in NUMBERS])


BEFORE = np.column_stack([BATCH.columns[name] for name in NUMBERS])
SPREADS = np.array([SCHEMA[name].spread for name in NUMBERS])


def hit(found: Floats) -> Bools:
    return np.asarray(found != BEFORE, dtype=bool)


def test_a_wrong_join_brings_the_cells_of_one_other_row() -> None:
    found = after("wrong-join", 5)
    moved = hit(found)
    assert 0.6 < moved.mean() < 0.9
    for row, cells in zip(found[:50], moved[:50], strict=True):
        sources = [set(np.flatnonzero(BEFORE[:, j] == row[j]).tolist()) for j in np.flatnonzero(cells)]
        assert not sources or set.intersection(*sources)
    assert hit(after("wrong-join", 1)).mean() < moved.mean()


def test_a_noisy_row_is_noisy_everywhere_and_more_so_with_severity() -> None:
    sizes = [float((np.abs(after("noisy-row", s) - BEFORE) / SPREADS).mean()) for s in range(1, 6)]
    assert hit(after("noisy-row", 3)).all()
    assert sizes == sorted(sizes)
    assert sizes[2] == pytest.approx(0.4 * np.sqrt(2 / np.pi), rel=0.1)


def test_a_drifted_row_is_multiplied_by_one_factor() -> None:
    gains = after("drifted-row", 4) / BEFORE
    assert np.allclose(gains, gains[:, :1])
    assert set(np.round(gains[:, 0], 6).tolist()) == {0.5, 2.0}


def test_an_offset_row_is_moved_one_way_by_as_many_spreads_in_every_column() -> None:
    moves = (after("offset-row", 3) - BEFORE) / SPREADS
    assert np.allclose(moves, moves[:, :1])
    assert set(np.round(moves[:, 0], 6).tolist()) == {-1.0, 1.0}


def test_extreme_cells_are_at_least_two_and_stand_at_an_end_or_beyond() -> None:
    found = after("extreme-cells", 1)
    low, high = (np.array([getattr(SCHEMA[name], end) for name in NUMBERS]) for end in ("low", "high"))
    moved = hit(found)
    assert (moved.sum(axis=1) >= 2 - ((low == BEFORE) | (high == BEFORE)).sum(axis=1)).all()
    assert all(((found[moved[:, j], j] == low[j]) | (found[moved[:, j], j] == high[j])).all() for j in range(4))
    assert (after("extreme-cells", 5) > high).any()


def test_a_table_of_one_number_or_two_columns_has_no_several() -> None:
    small = Schema.infer(Batch({"a": np.arange(9.0), "b": np.arange(9) % 2}, np.arange(9)))
    assert [len(named(kind).targets(small)) for kind in ("wrong-join", "noisy-row", "drifted-row", "offset-row", "extreme-cells")] == [0] * 5
