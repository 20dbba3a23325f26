"""What goes missing, and where."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import is_missing, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damages import named

N = 100
BATCH = Batch(
    {
        "pay": np.arange(N, dtype=np.float64),
        "whole": np.arange(N),
        "job": objects("rare" if i % 10 == 0 else "usual" for i in range(N)),
        "yes": np.arange(N) % 2 == 0,
        "day": np.datetime64("2020-01-01", "us") + np.arange(N) * np.timedelta64(86_400_000_000, "us"),
    },
    np.arange(N),
)
SCHEMA = Schema.infer(BATCH)


def gaps(kind: str, target: str, severity: int, column: str | None = None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    after = named(kind).apply(BATCH, target, severity, np.random.default_rng(0), SCHEMA)
    return is_missing(after.columns[column or target])


def test_at_random_empties_every_kind_of_column() -> None:
    assert all(gaps("missing-at-random", name, 1).all() for name in SCHEMA.names)


def test_large_values_go_first() -> None:
    for name in ("pay", "whole", "day"):
        assert np.flatnonzero(~gaps("missing-large-values", name, 1)).tolist() == list(range(40))
    assert gaps("missing-large-values", "pay", 5).all()


def test_another_column_decides_where_a_value_is_missing() -> None:
    gone = gaps("missing-by-another-column", "pay|job", 1, "pay")
    assert gone[::10].all()
    assert gone.sum() == 60
    assert not gaps("missing-by-another-column", "pay|job", 5, "job").any()


def test_cells_go_missing_all_over_the_row_and_at_least_one_in_each() -> None:
    shares = []
    for severity in range(1, 6):
        gone = np.stack([gaps("missing-cells", "*", severity, name) for name in SCHEMA.names], axis=1)
        assert gone.any(axis=1).all()
        shares.append(float(gone.mean()))
    assert shares == sorted(shares)
    assert shares[-1] > 0.7
