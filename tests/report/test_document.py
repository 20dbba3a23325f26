from __future__ import annotations

import numpy as np

from camelopard.report import document


def test_what_is_absent_is_nothing_and_never_an_error() -> None:
    assert document.entry({"a": 3}, "a", "b", "c") is None
    assert document.items({"a": "text"}, "a") == []
    assert document.records({"a": [None, {"b": 1}, 3]}, "a") == [{"b": 1}]
    assert list(document.pairs({"a": []}, "a")) == []
    assert document.text({"a": ["x"]}, "a") == ""


def test_numbers_are_only_numbers() -> None:
    values = {"whole": 3, "half": 0.5, "nan": float("nan"), "yes": True, "text": "3", "numpy": np.float64(0.25), "numpy_nan": np.float64("nan")}
    assert {key: document.number(values, key) for key in values} == {
        "whole": 3,
        "half": 0.5,
        "nan": None,
        "yes": None,
        "text": None,
        "numpy": 0.25,
        "numpy_nan": None,
    }


def test_an_unknown_level_is_none() -> None:
    assert [document.level({"level": level}) for level in ("high", "urgent", None)] == ["high", "none", "none"]


def test_order_within_a_level_stands() -> None:
    found = document.worst_first(
        [{"level": "low", "code": "1"}, {"level": "high", "code": "2"}, {"level": "low", "code": "3"}, {"level": "high", "code": "4"}]
    )
    assert [f["code"] for f in found] == ["2", "4", "1", "3"]
