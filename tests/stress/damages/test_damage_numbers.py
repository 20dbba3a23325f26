"""What the damages to numbers do, with values."""

from __future__ import annotations

import numpy as np
import pytest

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damages import named

RNG = np.random.default_rng(1)
CLEAN = Batch(
    {
        "age": RNG.integers(17, 91, 400),
        "pay": RNG.lognormal(9, 0.5, 400),
        "celsius": RNG.normal(15, 8, 400),
        "flag": RNG.integers(0, 2, 400),
    },
    np.arange(400),
)
SCHEMA = Schema.infer(CLEAN)


def damaged(kind: str, column: str, severity: int, *values: float) -> list[object]:
    array = np.array(values, dtype=np.float64)
    batch = Batch({**{n: CLEAN.columns[n][: len(array)] for n in SCHEMA.names}, column: array}, np.arange(len(array)))
    cells: Array = named(kind).apply(batch, column, severity, np.random.default_rng(0), SCHEMA).columns[column]
    return [None if v != v else v for v in cells.tolist()]


def test_age_36_as_a_birth_year_is_1985() -> None:
    assert damaged("birth-year", "age", 3, 36, np.nan, 17) == [1985, None, 2004]
    assert list(named("birth-year").targets(SCHEMA)) == ["age"]


def test_units_multiply_and_whole_numbers_stay_whole() -> None:
    assert [damaged("unit-scale", "age", s, 36)[0] for s in range(1, 6)] == [4, 360, 0, 3600, 36000]
    assert damaged("unit-conversion", "pay", 5, 12.5) == [1250]
    assert damaged("unit-conversion", "age", 3, 36) == [432]
    assert damaged("unit-thousands", "pay", 2, 12500.0) == pytest.approx([12.5])
    assert damaged("unit-degrees", "celsius", 3, 20.0, -40.0) == pytest.approx([68, -40])
    assert damaged("unit-degrees", "celsius", 2, 68.0) == pytest.approx([20])


def test_units_leave_yes_and_no_in_digits_alone() -> None:
    for kind in ("unit-scale", "unit-conversion", "unit-degrees", "rounding", "truncation", "fraction", "digit-typo"):
        assert "flag" not in named(kind).targets(SCHEMA)
    assert list(named("unit-thousands").targets(SCHEMA)) == ["pay"]


def test_out_of_range_lies_outside_at_every_severity_and_farther_each_time() -> None:
    age, last = SCHEMA["age"], 0.0
    for severity in range(1, 6):
        cells = np.array(damaged("out-of-range", "age", severity, *[40.0] * 50), dtype=float)
        assert ((cells < age.low) | (cells > age.high)).all()
        assert (cells == np.round(cells)).all()
        distance = float(np.abs(cells - 40).mean())
        assert distance > last
        last = distance


def test_outlier_stays_above_zero_where_zero_was_never_crossed() -> None:
    assert min(float(str(v)) for v in damaged("outlier", "pay", 5, *[100.0] * 50)) > SCHEMA["pay"].high
    assert min(float(str(v)) for v in damaged("outlier", "celsius", 5, *[15.0] * 50)) < SCHEMA["celsius"].low


def test_overflow_ends_at_infinity_and_never_lies_in_the_range() -> None:
    assert [damaged("overflow", "age", s, 36)[0] for s in (1, 2, 5)] == [32767, 2**31 - 1, np.inf]
    assert all(float(str(damaged("overflow", "pay", s, 5.0)[0])) > SCHEMA["pay"].high for s in range(1, 6))


def test_shift_is_one_offset_for_all_and_sign_spares_zero() -> None:
    low, high = damaged("shifted", "celsius", 3, 10.0, 20.0)
    assert float(str(high)) - float(str(low)) == pytest.approx(10)
    assert abs(float(str(low)) - 10) == pytest.approx(2 * SCHEMA["celsius"].spread)
    assert damaged("sign", "celsius", 1, 3.0, 0.0, -2.0) == [-3, 0, 2]


def test_saturation_only_lowers() -> None:
    cells = damaged("saturated", "celsius", 5, -100.0, 15.0, 90.0)
    assert cells[0] == -100
    assert cells[1] == cells[2] == pytest.approx(np.quantile(CLEAN.columns["celsius"], 0.05), abs=0.5)


def test_noise_grows_with_severity_and_always_moves_a_whole_number() -> None:
    sizes = [np.std(np.array(damaged("noise", "celsius", s, *[15.0] * 200), dtype=float)) for s in range(1, 6)]
    assert sizes == sorted(sizes)
    assert sizes[3] == pytest.approx(SCHEMA["celsius"].spread, rel=0.15)
    assert 36 not in damaged("noise", "age", 1, *[36.0] * 100)


def test_rounding_goes_to_the_nearest_step_and_truncation_towards_zero() -> None:
    assert [damaged("rounding", "age", s, 38)[0] for s in (1, 2, 3)] == [40, 40, 50]
    assert [damaged("truncation", "age", s, 38)[0] for s in (1, 2, 3)] == [30, 20, 0]
    assert damaged("truncation", "celsius", 1, -7.9) == pytest.approx([-5])


def test_typing_errors_touch_the_digits_that_carry_the_size() -> None:
    assert [damaged("digit-typo", "age", s, 36)[0] for s in (2, 3, 4, 5)] == [63, 3, 366, 36666]
    wrong = damaged("digit-typo", "age", 1, 36)[0]
    assert wrong != 36
    assert 30 <= float(str(wrong)) <= 39
    assert damaged("digit-typo", "pay", 2, 1234.5, 0.021) == pytest.approx([2134.5, 0.012])
    assert damaged("digit-typo", "pay", 4, np.inf, 1e-7, np.nan) == [np.inf, 11e-7, None]


def test_sentinels_are_ordered_by_how_far_they_lie() -> None:
    cells = [float(str(damaged("sentinel-number", "age", s, 36)[0])) for s in range(1, 6)]
    distances = [abs(c - float(np.median(CLEAN.columns["age"]))) for c in cells]
    assert distances == sorted(distances)
    assert cells[-1] == 9999
    assert {0.0, -1.0} & set(cells)
    assert damaged("sentinel-number", "age", 1, np.nan) == [None]


def test_numbers_become_text_that_is_ever_harder_to_read() -> None:
    assert [damaged("number-as-text", "age", s, 36)[0] for s in range(1, 6)] == ["36", "36.00", "0036", "3.600000e+01", '"36"']
    assert damaged("number-as-text", "celsius", 3, -2.5, np.nan) == ["-002.5", None]
    words = [damaged("text-in-number", "age", s, 36)[0] for s in range(1, 6)]
    assert str(words[0]).startswith("36 ")
    assert words[1] == "ca. 36"
    assert words[4] == "abc"


def test_decimal_comma_and_separators_of_thousands() -> None:
    assert [damaged("decimal-comma", "pay", s, 1234.5)[0] for s in (1, 3, 5)] == ["1234,5", "1.234,5", "1.234,50 €"]
    assert damaged("decimal-comma", "age", 1, 36) == ["36,0"]
    assert damaged("decimal-comma", "celsius", 3, -0.5, 1e-5) == ["-0,5", "0,000010"]
    assert [damaged("thousands-separator", "pay", s, 1234567.25, 999.0) for s in (1, 5)] == [["1,234,567.25", 999.0], ["1.234.567,25", 999.0]]
    assert list(named("thousands-separator").targets(SCHEMA)) == ["pay"]


def test_a_fraction_of_what_is_counted() -> None:
    assert damaged("fraction", "age", 5, 36) == [36.5]
    assert list(named("fraction").targets(SCHEMA)) == ["age"]


def test_a_floor_draw_stays_in_range_and_keeps_the_distribution() -> None:
    cells = np.array(damaged("in-range-resample", "age", 3, *[36.0] * 2000), dtype=float)
    assert (cells == np.round(cells)).all()
    assert cells.min() >= SCHEMA["age"].low
    assert cells.max() <= SCHEMA["age"].high
    assert np.median(cells) == pytest.approx(np.median(CLEAN.columns["age"]), abs=4)
