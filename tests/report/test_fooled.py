from __future__ import annotations

from typing import Any

from camelopard.report import fooled


def finding(kind: str, column: str, level: str = "high", **details: Any) -> dict[str, Any]:
    return {
        "code": "damage",
        "subject": column,
        "message": f"{kind} on {column}",
        "level": level,
        "details": {"kind": kind, "column": column, **details},
    }


def test_findings_are_grouped_by_kind_the_worst_kind_first() -> None:
    found = fooled.groups({"findings": [finding("typo", "job", "low"), finding("unit-scale", "age"), finding("typo", "town", "medium")]})
    assert [(g.title, g.level, g.first.target, [o.target for o in g.others]) for g in found] == [
        ("unit scale", "high", "age", []),
        ("typo", "medium", "town", ["job"]),
    ]


def test_a_finding_without_a_kind_is_grouped_by_its_code() -> None:
    found = fooled.groups({"findings": [{"code": "not-run", "subject": "typo on age", "message": "The check could not run.", "level": "medium"}]})
    assert [(g.title, g.first.target, g.first.fooled) for g in found] == [("checks that could not run", "typo on age", "")]


def test_interval_is_that_of_the_same_share_on_the_curve() -> None:
    shares = {1: 0.1, 3: 0.3, 5: 0.2}
    curve = [
        {"kind": "typo", "column": "job", "severity": s, "fooled": f, "fooled_interval": {"low": f - 0.05, "high": f + 0.05}}
        for s, f in shares.items()
    ]
    found = fooled.groups({"findings": [finding("typo", "job", severity=1, fooled=0.3), finding("typo", "age", fooled=0.3)], "curves": curve})
    assert [f.span.replace("\u00a0", " ") for f in (found[0].first, *found[0].others)] == ["25–35 %", ""]


def test_what_chance_explains_is_no_finding() -> None:
    assert fooled.groups({"findings": [finding("typo", "job", "none")]}) == []


def test_errors_of_the_model_are_told_once() -> None:
    told, silent = (
        {**finding("typo", "job", exceptions=0.4), "message": m} for m in ("It makes the model raise in 40 % of rows.", "It changes the answer.")
    )
    assert [fooled.groups({"findings": [f]})[0].first.raised.replace("\u00a0", " ") for f in (told, silent)] == ["", "40 %"]


def test_an_answer_that_did_not_change_is_not_marked() -> None:
    found = fooled.example_of({"changes": {"age": [1, 2]}, "answer": ["a", "a"]})
    assert found is not None and found.answer is not None and not found.answer.changed


def test_no_answer_is_said_to_be_an_error() -> None:
    found = fooled.example_of({"changes": {"age": [36, "36"]}, "answer": ["a", None], "confidence": [0.9, None]})
    assert found is not None and found.answer is not None and found.confidence is not None
    assert found.answer.after.remark == "no answer: an error"
    assert found.confidence.after.remark == "none"


def test_a_long_example_is_cut_and_says_so() -> None:
    found = fooled.example_of({"changes": {f"c{i}": [0, 1] for i in range(20)}})
    assert found is not None
    assert (len(found.changes), found.left_out) == (fooled.MOST_CHANGES, 20 - fooled.MOST_CHANGES)


def test_what_is_no_example_is_none() -> None:
    assert fooled.example_of(None) is None
    assert fooled.example_of({"changes": {"age": 3}, "answer": "a"}) is None


def test_listed_rows_are_bounded_over_all_kinds_and_none_is_lost_from_the_count() -> None:
    found = fooled.groups({"findings": [finding(f"kind-{i % 50}", f"column {i}") for i in range(5000)]})
    assert sum(len(g.others) for g in found) == fooled.MOST_ROWS
    assert sum(g.size for g in found) == 5000
