from __future__ import annotations

from typing import Any

from camelopard.report import terms


def assumption(fields: list[str], cost: float | None = None, muted: bool = False, **evidence: int) -> dict[str, Any]:
    return {"code": "range", "fields": fields, "statement": f"about {fields}", "cost": cost, "muted": muted, "evidence": evidence}


def test_terms_are_grouped_by_column_the_costliest_first_and_pairs_last() -> None:
    found = terms.contract(
        {"assumptions": [assumption(["a"], 0.1), assumption(["a", "b"], 0.9), assumption(["b"], 0.4), assumption(["c"]), assumption(["a"], 0.2)]}
    )
    assert [clause.title for clause in found.clauses] == ["b", "a", "c", terms.SEVERAL]
    assert [t.cost.replace("\u00a0", " ") for t in found.clauses[1].terms] == ["20 %", "10 %"]


def test_what_was_not_tried_is_not_said_to_cost_nothing() -> None:
    found = terms.contract({"assumptions": [assumption(["a"]), assumption(["b"], 0.0)]})
    assert {c.title: c.terms[0].cost.replace("\u00a0", " ") for c in found.clauses} == {"a": "not tried", "b": "0 %"}


def test_muted_terms_stand_apart() -> None:
    found = terms.contract({"assumptions": [assumption(["a"], muted=True), assumption(["b"])]})
    assert ([c.title for c in found.clauses], [c.title for c in found.muted]) == (["b"], ["a"])


def test_a_column_named_like_the_heading_of_pairs_is_still_a_column() -> None:
    found = terms.contract({"assumptions": [assumption([terms.SEVERAL], 0.5), assumption(["a", "b"], 0.9)]})
    assert [len(c.terms) for c in found.clauses] == [1, 1]


def test_evidence_counts_rows_and_exceptions() -> None:
    found = terms.contract(
        {"assumptions": [assumption(["a"], rows=16281, exceptions=1), assumption(["b"], rows=20, exceptions=0), assumption(["c"])]}
    )
    assert {c.title: c.terms[0].evidence for c in found.clauses} == {"a": "16,281 rows, 1 exception", "b": "20 rows, no exceptions", "c": ""}


def test_only_a_column_that_never_changed_the_answer_is_certain() -> None:
    rows = [
        {"column": "race", "tried": 1400, "fooled": 3, "upper": None},
        {"column": "fnlwgt", "tried": 2000, "fooled": 0, "upper": 0.0015},
        {"column": "sex", "tried": 20, "fooled": 0, "upper": 0.14},
    ]
    assert [(r.column, r.certain, r.rate.replace("\u00a0", " "), r.at_most.replace("\u00a0", " ")) for r in terms.ignored({"ignored": rows})] == [
        ("fnlwgt", True, "", "0.15 %"),
        ("sex", False, "", "14 %"),
        ("race", False, "0.21 %", ""),
    ]
