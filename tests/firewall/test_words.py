from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from camelopard.core.schema import Column
from camelopard.firewall.words import day, expected, figure, shown


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("c", "category", values={"a": 2, "b": 1}), "one of a, b, never missing"),
        (Column("c", "category", null_rate=0.1, values={str(i): 1 for i in range(9)}), "one of 9 known values such as 0, 1, 2"),
        (Column("c", "category", values={"a": 2, "b": 1}, new_rate=0.3), "a text, often one that was never seen before, never missing"),
        (Column("c", "category", null_rate=1.0), "nothing: it was always missing"),
        (Column("c", "boolean", values={True: 1, False: 1}), "true or false, never missing"),
        (Column("c", "number", quantiles=np.array([0.285, 285_100.3])), "a number between 0.285 and 285,100.3, never missing"),
        (Column("c", "date", null_rate=0.5, quantiles=np.array([0.0, 1.0])), "a date between 1970-01-01 and 1970-01-02"),
    ],
)
def test_what_a_column_expects_is_said_in_words(column: Column, words: str) -> None:
    assert expected(column) == words


def test_cells_are_shown_short() -> None:
    assert shown("x" * 1000).endswith("…") or len(shown("x" * 1000)) < 80
    assert len(shown(["y" * 1000])) < 80
    assert shown(10**400) == "a number too large to read"
    assert (shown(6332.5), shown(5.0000001), shown(5.0000001, 5.0)) == ("6332.5", "5", "5.0000001")
    assert shown(dt.date(2020, 1, 2)) == "2020-01-02"
    assert (figure(float("nan")), figure(float("-inf")), day(1e12)) == ("nothing", "−infinity", "an impossible date")
