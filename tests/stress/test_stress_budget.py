from __future__ import annotations

import pytest

from camelopard.core.errors import CamelopardError
from camelopard.stress.budget import Budget, Clock, parse


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        (None, Budget()),
        (5000, Budget(rows=5000)),
        ("5000", Budget(rows=5000)),
        ("60s", Budget(seconds=60.0)),
        ("0.5s", Budget(seconds=0.5)),
        ("2m", Budget(seconds=120.0)),
        (" 2 m ", Budget(seconds=120.0)),
    ],
)
def test_a_budget_is_rows_or_seconds(text: int | str | None, budget: Budget) -> None:
    assert parse(text) == budget


@pytest.mark.parametrize("text", ["", "fast", "-5s", "0s", 0, -3, True, 2.5, "5h", "1e3s", "nan s", "٣s", "9" * 400])
def test_anything_else_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(CamelopardError, match="such as 50000"):
        parse(text)  # type: ignore[arg-type]


def test_the_clock_is_over_when_its_seconds_are() -> None:
    times = iter([100.0, 104.0, 105.5, 106.0])
    clock = Clock(5.0, lambda: next(times))
    assert not clock.over
    assert clock.over
    assert clock.spent == 6.0


def test_a_clock_without_seconds_never_ends() -> None:
    times = iter([0.0, 1e12])
    assert not Clock(None, lambda: next(times)).over
