from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from camelopard.confidence.error_range import Codes, ErrorRange
from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema


def world(n: int, seed: int) -> tuple[pd.DataFrame, Floats]:
    """Return rows of every kind of column, and errors that are larger where the place is far, the day late, or the dose missing."""
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 1000, n)
    X = pd.DataFrame(
        {
            "dose": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "place": rng.choice(["near", "far", "elsewhere"], n),
            "day": [dt.date(2020, 1, 1) + dt.timedelta(days=d) for d in days.tolist()],
            "old": rng.random(n) < 0.5,
            "id": [f"row {seed} {i}" for i in range(n)],
        }
    )
    size = np.where(X["place"] == "far", 5.0, 1.0) + 4 * (days > 700) + 4 * X["dose"].isna().to_numpy()
    return X, rng.normal(size=n) * size


def test_the_range_follows_numbers_values_dates_and_what_is_missing() -> None:
    X, error = world(4000, 0)
    found = ErrorRange.fit(Batch.of(X), np.zeros(4000), error, 0.9)
    row = {"dose": 0.0, "place": "near", "day": dt.date(2020, 2, 1), "old": False, "id": "new"}
    changes: list[dict[str, object]] = [{}, {"place": "far"}, {"day": dt.date(2022, 9, 1)}, {"dose": None}]
    low, high = found.of(Batch.of([{**row, **change} for change in changes]), np.zeros(4))
    width = high - low
    assert width[0] < 7  # the truth: 3.3, and 16.4 for the others
    assert (width[1:] > 1.6 * width[0]).all()


def test_the_range_follows_the_answer_and_the_side_on_which_errors_lie() -> None:
    rng = np.random.default_rng(0)
    value = rng.random(2000)
    error = np.abs(rng.normal(size=2000)) * np.where(value > 0.5, 4.0, 1.0)
    rows = Batch.of(pd.DataFrame({"x": np.zeros(2000)}))
    low, high = ErrorRange.fit(rows, value, error, 0.9).of(rows.take([0, 1]), np.array([0.2, 0.8]))
    assert (low > -0.5).all()
    assert high[1] > 2.5 * high[0]


def test_cells_that_cannot_be_read_columns_that_are_gone_and_values_never_seen_still_get_a_range() -> None:
    X, error = world(400, 0)
    found = ErrorRange.fit(Batch.of(X), np.zeros(400), error, 0.9)
    strange: list[dict[str, object]] = [
        {"dose": "abc", "place": ["x"], "day": 3, "old": "maybe"},
        {"dose": float("inf"), "place": 3.5, "day": "soon"},
    ]
    for batch in (Batch.of(strange), Batch.of([{"other": 1}]), Batch.of(X.head(0))):
        low, high = found.of(batch, np.zeros(len(batch)))
        assert low.shape == high.shape == (len(batch),)
        assert np.isfinite(low).all()
        assert np.isfinite(high).all()


def test_values_of_which_too_few_were_seen_are_not_told_apart() -> None:
    """Else a column of ids would be learned by heart."""
    X, error = world(400, 0)
    schema = Schema.infer(Batch.of(X))
    codes = Codes.fit(schema["id"], Batch.of(X).columns["id"], error)
    assert codes.places == {}
    assert codes.of(Batch.of(X).columns["id"]).tolist() == [0] * 400
