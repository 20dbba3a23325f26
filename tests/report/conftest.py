"""A report as plain data, made by hand: large enough to show every part of the page."""

from __future__ import annotations

from typing import Any

import pytest

KINDS = {
    "unit-scale": ("unit", ["age", "capital_gain", "hours_per_week", "education_num"], 0.62),
    "birth-year": ("unit", ["age"], 0.71),
    "wrong-type": ("type", ["age", "hours_per_week"], 1.0),
    "unseen-category": ("category", ["marital_status", "occupation", "relationship"], 0.33),
    "lower-case": ("text", ["marital_status", "occupation", "relationship"], 0.28),
    "sentinel": ("sentinel", ["age", "capital_gain", "education_num"], 0.24),
    "swapped-columns": ("structure", ["age|hours_per_week", "age|education_num"], 0.22),
    "missing-at-random": ("missing", ["marital_status", "capital_gain", "education_num", "age"], 0.12),
    "noise": ("noise", ["age", "hours_per_week"], 0.06),
    "shifted-columns": ("structure", ["*"], 0.4),
}


def interval(share: float, half: float = 0.03) -> dict[str, float]:
    return {"low": max(0.0, share - half), "high": min(1.0, share + half), "confidence": 0.95}


def points() -> list[dict[str, Any]]:
    found = []
    for kind, (family, columns, worst) in KINDS.items():
        for place, column in enumerate(columns):
            for severity in range(1, 6):
                share = round(worst * severity / 5 / (1 + place), 4)
                raised = share if kind == "wrong-type" and place else 0.0
                found.append(
                    {
                        "kind": kind,
                        "family": family,
                        "column": column,
                        "severity": severity,
                        "n": 120,
                        "fooled": share,
                        "fooled_interval": interval(share),
                        "flips": share - raised,
                        "exceptions": raised,
                        "loss_change": share / 2,
                        "loss_interval": None,
                        "floor": 0.05,
                    }
                )
    return found


def finding(kind: str, column: str, level: str, fooled: float, example: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "code": "damage",
        "subject": column,
        "message": f"With the damage {kind.replace('-', ' ')}, `{column}` changes the model's answer in {fooled * 100:.0f} % of rows, "
        "against 5 % when it takes a random legal value.",
        "level": level,
        "value": fooled - 0.05,
        "limit": 0.05,
        "interval": interval(fooled - 0.05),
        "p_value": 1e-9,
        "rows": [17, 40],
        "details": {
            "kind": kind,
            "family": KINDS[kind][0],
            "column": column,
            "severity": 5,
            "fooled": fooled,
            "flips": fooled,
            "exceptions": 0.0,
            "floor": 0.05,
            "dose": [[s, round(fooled * s / 5, 3)] for s in range(1, 6)],
            "example": example,
        },
    }


def example(**changes: list[Any]) -> dict[str, Any]:
    return {"row": 1217, "changes": changes, "answer": [">50K", "<=50K"], "confidence": [0.83, 0.97]}


def examples() -> dict[str, dict[str, Any]]:
    return {
        "unit-scale": example(age=[36, 3600]),
        "birth-year": example(age=[36, 1985]),
        "wrong-type": {"row": 4, "changes": {"age": [36, "36"]}, "answer": [">50K", None], "confidence": [0.83, None]},
        "unseen-category": example(marital_status=["Married-civ-spouse", "Domestic-partnership"]),
        "lower-case": example(marital_status=["Married-civ-spouse", "married-civ-spouse"]),
        "missing-at-random": example(marital_status=["Married-civ-spouse", None]),
        "swapped-columns": example(age=[36, 50], hours_per_week=[50, 36]),
        "shifted-columns": example(**{f"column_{i}": [i, i + 1] for i in range(12)}),
    }


def assumption(code: str, fields: list[str], statement: str, cost: float | None, muted: bool = False) -> dict[str, Any]:
    return {
        "code": code,
        "fields": fields,
        "statement": statement,
        "limits": {},
        "evidence": {"rows": 16281, "exceptions": 0},
        "cost": cost,
        "cost_interval": None if cost is None else interval(cost),
        "muted": muted,
    }


def estimate(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": max(0.0, value - half), "high": value + half}


def sure() -> dict[str, Any]:
    """Return what held-out rows say of confidence and policy: confidence is right, the model's own word says too much."""
    said = [round(0.5 + 0.05 * k, 3) for k in range(10)]
    columns = [round(0.1 * k, 3) for k in range(1, 11)]

    def bins(right: list[float]) -> dict[str, list[float]]:
        return {"said": said, "right": right, "low": [r - 0.03 for r in right], "high": [min(1.0, r + 0.03) for r in right], "share": [0.1] * 10}

    def curve(worst: float) -> dict[str, list[float]]:
        wrong = [round(worst * c, 4) for c in columns]
        return {"threshold": said[::-1], "coverage": columns, "wrong": wrong, "at_most": [w + 0.01 for w in wrong]}

    def costs(ratio: float) -> dict[str, Any]:
        threshold = [k / 20 for k in range(21)]
        cost = [1000 * (ratio * 0.15 * (1 - t) + t * t) for t in threshold]
        return {
            "ratio": ratio,
            "at": 1 - 1 / ratio,
            "threshold": threshold,
            "cost": cost,
            "low": [c - 20 for c in cost],
            "high": [c + 20 for c in cost],
            "own": [c + 50 for c in cost],
            "by_confidence": estimate(400.0, 20.0),
            "by_own": estimate(450.0, 20.0),
            "accept_all": 150 * ratio,
            "review_all": 1000.0,
        }

    return {
        "reliability": {"confidence": bins(said), "own": bins([s - 0.1 for s in said])},
        "risk_coverage": {"sureness": 0.95, "confidence": curve(0.15), "own": {**curve(0.15), "wrong": [0.15] * 10, "at_most": [0.16] * 10}},
        "costs": [costs(2.0), costs(5.0), costs(20.0)],
        "routes": {
            "policy": {"review": None, "block": 0.8, "repair": True},
            "per_1000": {"pass": estimate(900, 9), "repair": estimate(50, 5), "review": estimate(30, 4), "block": estimate(20, 3)},
            "wrong": {"pass": estimate(95, 9), "repair": estimate(30, 5), "review": estimate(15, 4), "block": estimate(10, 3)},
            "wrong_repaired": estimate(8, 3),
            "before": estimate(150, 12),
            "through": estimate(103, 10),
            "caught": estimate(50, 6),
            "spoilt": estimate(3, 2),
        },
    }


def full() -> dict[str, Any]:
    findings = []
    for kind, (_, columns, worst) in KINDS.items():
        for place, column in enumerate(columns):
            share = round(worst / (1 + place), 4)
            level = "high" if share > 0.2 else "medium" if share > 0.1 else "low"
            findings.append(finding(kind, column, level, share, examples().get(kind) if place == 0 else None))
    return {
        "version": "0.1.0",
        "seed": 0,
        "mode": "model",
        "verdict": "A wrong unit in `age` or `capital_gain` fools this model in up to 62 % of rows, and nothing stops such a row.",
        "model": {"name": "income", "task": "classification", "classes": ["<=50K", ">50K"]},
        "data": {
            "rows": 16281,
            "columns": [
                {"name": "age", "kind": "number", "null_rate": 0.0, "low": 17, "high": 90, "values": None},
                {
                    "name": "marital_status",
                    "kind": "category",
                    "null_rate": 0.0,
                    "low": None,
                    "high": None,
                    "values": {"Married-civ-spouse": 7403, "Divorced": 2190},
                },
                {"name": "occupation", "kind": "category", "null_rate": 0.057, "low": None, "high": None, "values": [f"job {i}" for i in range(14)]},
                {"name": "since", "kind": "date", "null_rate": 0.0004, "low": 0, "high": 365.0, "values": []},
            ],
        },
        "findings": findings,
        "curves": points(),
        "assumptions": [
            assumption("range", ["age"], "`age` is a whole number between 17 and 90, never missing", 0.62),
            assumption("unit", ["age"], "`age` is in the tens, not in the thousands", 0.71),
            assumption("values", ["marital_status"], "`marital_status` is one of 7 known values such as Married-civ-spouse", 0.33),
            assumption("null", ["marital_status"], "`marital_status` is never missing", 0.12),
            assumption("dependency", ["education", "education_num"], "`education` determines `education_num`", None),
            assumption("order", ["capital_loss", "capital_gain"], "`capital_loss` is never above `capital_gain` where both are given", 0.0004),
            assumption("range", ["fnlwgt"], "`fnlwgt` lies between 12,285 and 1,484,705", 0.0, muted=True),
        ],
        "ignored": [
            {"column": "fnlwgt", "tried": 2000, "fooled": 0, "upper": 0.0015},
            {"column": "race", "tried": 1400, "fooled": 3, "upper": 0.0055},
        ],
        "attacks": {
            "rows": 100,
            "attacked": 100,
            "succeeded": 88,
            "fooled_within": {"0.01": 0.02, "0.05": 0.09, "0.1": 0.17, "0.5": 0.54, "1": 0.79},
            "by_column": [
                {"column": "age", "flipped": 0.2, "median_change": 0.61},
                {"column": "capital_gain", "flipped": 0.44, "median_change": None},
            ],
            "examples": [{"row": 3, "changes": {"hours_per_week": [40, 41]}, "answer": ["<=50K", ">50K"], "cost": 0.08}],
            "queries": 17040,
        },
        "serving": [
            {
                "code": "batch-differs",
                "subject": "the model",
                "message": "Asked alone, 2 of 64 rows get another answer than in a batch.",
                "level": "high",
                "value": 0.03,
                "limit": 0.0,
                "interval": None,
                "p_value": None,
                "rows": [5],
                "details": {},
            }
        ],
        "cost": {"asked": 118240, "planned": 120000, "seconds": 21.4, "complete": False, "share_done": 0.98},
        "firewall": {
            "alpha": 0.01,
            "threshold": {"alpha": 0.01, "confidence": 0.95, "rows": 4000, "alarms_possible": True, "risk": 0.41},
            "mix": "half clean, half damaged rows, each kind alike",
            "measured": {
                "rows": {"clean": 4000, "damaged": 4000, "fooled": 600},
                "labelled": True,
                "auroc_fooled": {"value": 0.957, "low": 0.948, "high": 0.966},
                "auroc_fooled_by_own_doubt": {"value": 0.731, "low": 0.71, "high": 0.75},
                "fooled_caught": {"value": 0.71, "low": 0.67, "high": 0.75},
                "harmless_flagged": {"value": 0.08, "interval": {"low": 0.07, "high": 0.09}},
                "ece_risk": 0.012,
                "by_kind": {"unit-scale": {"n": 400, "fooled": 0.3, "auroc": 0.98}, "noise": {"n": 400, "fooled": 0.04, "auroc": None}},
            },
            "notes": ["Learned without labels from another year."],
        },
        "screen": {
            "title": "A day of bad input",
            "rows": [
                {
                    "id": 0,
                    "wrong": "age given as a birth year: age: 36 → 1985",
                    "risk": 0.97,
                    "confidence": 0.55,
                    "route": "repair",
                    "should_be": ">50K",
                    "before": "<=50K",
                    "after": ">50K",
                    "reasons": ["age is 1985; expected a whole number between 17 and 90, never missing"],
                    "harmless": False,
                },
                {
                    "id": 1,
                    "wrong": "a number written as words: age: 36 → thirty-six",
                    "risk": 1.0,
                    "confidence": 0.0,
                    "route": "block",
                    "should_be": ">50K",
                    "before": None,
                    "after": None,
                    "reasons": ["the model gave no answer: ValueError", "age is 'thirty-six'; expected a whole number between 17 and 90"],
                    "harmless": False,
                },
                {
                    "id": 2,
                    "wrong": "fnlwgt × 10 (odd, harmless)",
                    "risk": 0.004,
                    "confidence": 0.93,
                    "route": "pass",
                    "should_be": "<=50K",
                    "before": "<=50K",
                    "after": None,
                    "reasons": [],
                    "harmless": True,
                },
            ],
        },
    }


@pytest.fixture
def document() -> dict[str, Any]:
    """Return a whole report."""
    return full()


@pytest.fixture
def labelled() -> dict[str, Any]:
    """Return a whole report of a firewall that was fitted with labels."""
    found = full()
    found["firewall"]["measured"].update(sure())
    return found
