"""What a firewall cannot see is said from what was measured, and not at all where nothing was."""

from __future__ import annotations

from typing import Any

import pytest

from camelopard.report.blind_spots import blind_spots
from camelopard.report.wording import SPACE


def told(measured: dict[str, Any], **more: Any) -> list[str]:
    return [line.replace(SPACE, " ") for line in blind_spots({"measured": measured, **more})]


def kind(auroc: float | None, n: int = 100, fooled: float = 0.5) -> dict[str, Any]:
    return {"n": n, "fooled": fooled, "auroc": auroc}


def test_the_kinds_told_worst_come_first_and_those_told_well_are_not_named() -> None:
    (line,) = told({"by_kind": {"a": kind(0.9), "b": kind(0.7), "c": kind(0.99), "d": kind(0.5, fooled=0.01, n=1000)}})
    assert line == (
        "It tells worst: d (fools the model in 1 % of rows, AUROC 0.500), b (fools the model in 50 % of rows, AUROC 0.700), "
        "a (fools the model in 50 % of rows, AUROC 0.900)."
    )
    (line,) = told({"by_kind": {f"k{i}": kind(0.8) for i in range(8)}})
    assert line.count("AUROC") == 5 and line.endswith("and 3 other kinds below 0.95.")


def test_kinds_with_few_fooled_rows_are_said_to_be_unknown_and_harmless_ones_are_not() -> None:
    assert told({"by_kind": {"few": kind(0.2, fooled=0.09), "none": kind(None, fooled=0.0)}}) == ["Fewer than 10 rows say how well it tells few."]
    (line,) = told({"by_kind": {f"k{i:02}": kind(None, n=3) for i in range(13)}})
    assert line.endswith("k09 and 3 other kinds.")
    (line,) = told({"by_kind": {f"k{i:02}": kind(None, n=3) for i in range(11)}})
    assert line.endswith("k09 and 1 other kind.")


def test_what_gets_past_and_what_it_was_not_taught() -> None:
    measured = {
        "fooled_caught": {"value": 0.8, "low": 0.7, "high": 0.9},
        "auroc_fooled": {"value": 0.97},
        "auroc_unseen": {"value": 0.9},
        "auroc_unseen_by_own_doubt": {"value": 0.7},
    }
    assert told(measured) == [
        "Of the rows that fool the model, 20 % (10–30 %) are not stopped.",
        "Of damage unlike anything that it was taught it sees less: an AUROC of 0.90 instead of 0.97; the model’s own confidence has 0.70 there.",
    ]
    assert not told({"auroc_fooled": {"value": 0.9}, "auroc_unseen": {"value": 0.95}})
    assert "not stopped" not in " ".join(told(measured, threshold={"alarms_possible": False}))


@pytest.mark.parametrize("found", [None, {}, {"measured": 3}, {"measured": {"by_kind": {"a": 5, "b": {"n": "x", "auroc": "y"}}}}, []])
def test_nothing_measured_is_nothing_said(found: Any) -> None:
    assert blind_spots(found) == []
