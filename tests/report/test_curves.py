from __future__ import annotations

from typing import Any

from camelopard.report import curves


def point(kind: str, column: str, severity: int, fooled: float, exceptions: float = 0.0) -> dict[str, Any]:
    interval = {"low": max(0.0, fooled - 0.05), "high": fooled + 0.05}
    return {
        "kind": kind,
        "column": column,
        "severity": severity,
        "fooled": fooled,
        "fooled_interval": interval,
        "exceptions": exceptions,
        "floor": 0.05,
    }


def test_each_kind_is_drawn_on_its_worst_column_before_any_kind_is_drawn_twice() -> None:
    document = {
        "curves": [
            point(k, c, 5, f) for k, c, f in (("unit-scale", "age", 0.9), ("unit-scale", "gain", 0.8), ("typo", "job", 0.2), ("case", "job", 0.06))
        ]
    }
    assert [(p.kind, p.target) for p in curves.panels(document)] == [("unit scale", "age"), ("typo", "job"), ("unit scale", "gain")]


def test_at_most_twelve_panels_are_drawn() -> None:
    document = {"curves": [point(f"kind-{i}", "age", 5, 0.9) for i in range(30)]}
    assert len(curves.panels(document)) == 12


def test_overview_shows_the_worst_severity_worst_column_first() -> None:
    document = {
        "data": {"columns": [{"name": "a|b"}]},
        "curves": [
            point("typo", "job", 1, 0.02),
            point("typo", "job", 5, 0.3),
            point("swap", "a|b", 3, 0.4),
            point("swap", "a|c", 3, 0.5),
            point("shift", "*", 5, 1.0, exceptions=1.0),
        ],
    }
    found = curves.overview(document)
    assert found is not None
    assert found.columns == ("a|b", "job", "whole row", "two columns"), "a column may be named like a pair"
    assert [(kind, [p.text for p in patches]) for kind, patches in found.rows] == [
        ("shift", ["", "", "100", ""]),
        ("swap", ["40", "", "", "50"]),
        ("typo", ["", "30", "", ""]),
    ]
    assert found.rows[0][1][2].raised and not found.rows[1][1][0].raised


def test_overview_says_what_it_leaves_out() -> None:
    document = {"curves": [point(f"kind-{i}", f"column {i}", 5, i / 100) for i in range(70)]}
    found = curves.overview(document)
    assert found is not None
    assert (found.kinds_left_out, found.columns_left_out) == (10, 70 - len(found.columns))


def test_nearly_all_is_not_rounded_to_all() -> None:
    found = curves.overview({"curves": [point("typo", "job", 5, 0.996), point("case", "job", 5, 0.0004), point("noise", "job", 5, 0.0)]})
    assert found is not None
    assert {kind: patches[0].text for kind, patches in found.rows} == {"typo": "99", "case": "<1", "noise": "0"}


def test_the_floor_is_the_last_row_and_never_drawn_as_damage() -> None:
    floor = {**point("in-range-resample", "age", 3, 0.9), "family": "floor", "floor": None}
    document = {"curves": [floor, *(point(f"kind-{i}", "age", 5, 0.5) for i in range(70))]}
    found = curves.overview(document)
    assert found is not None
    assert (found.rows[-1][0], len(found.rows), found.kinds_left_out) == ("any legal value (the floor)", 60, 11)
    assert "any legal value (the floor)" not in [p.kind for p in curves.panels(document)]
