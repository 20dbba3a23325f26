from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.core.errors import CamelopardError, InputError


@pytest.mark.parametrize(
    ("costs", "threshold"),
    [
        ({"missed": 50, "false_alarm": 4}, 4 / 54),
        ({"missed": 1, "false_alarm": 1}, 0.5),
        ({"missed": 10, "false_alarm": 2, "found": 4}, 2 / 8),  # p · 4 + (1 − p) · 2 = p · 10
        ({"missed": 0, "false_alarm": 2, "gain_found": 6}, 2 / 8),
        ({"missed": 5, "false_alarm": 0}, 0.0),
    ],
)
def test_the_usual_threshold_is_where_naming_and_not_naming_cost_the_same(costs: dict[str, float], threshold: float) -> None:
    made = OutcomeCosts.of(costs)
    assert made is not None
    assert made.usual == pytest.approx(threshold)
    assert made.usual * made.net_found + (1 - made.usual) * made.false_alarm == pytest.approx(made.usual * made.missed)


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"missed": -1, "false_alarm": 4}, "'missed' is -1; expected a finite number, 0 or more"),
        ({"missed": float("nan"), "false_alarm": 4}, "'missed' is nan"),
        ({"missed": float("inf"), "false_alarm": 4}, "'missed' is inf"),
        ({"missed": "50", "false_alarm": 4}, "'missed' is '50'; expected a number"),
        ({"missed": True, "false_alarm": 4}, "'missed' is True; expected a number"),
        ({"mised": 50, "false_alarm": 4}, "Did you mean 'missed'"),
        ({"missed": 50}, "do not say what 'false_alarm' costs"),
        ({"missed": 0, "false_alarm": 0}, "both cost 0, so every threshold costs the same"),
        ({"missed": 2, "false_alarm": 4, "found": 3}, "finding never pays, so no threshold makes sense"),
        ({"missed": 0, "false_alarm": 4}, "finding never pays"),
        ({"missed": 5, "false_alarm": 4, "found": -3}, "Give what it brings in as gain_found"),
        ([50, 4], "expected names and numbers"),
        ({"missed": 1e308, "false_alarm": 4}, r"'missed' is 1e\+308; expected a finite number, 0 or more, at most 1e\+15. Count in a larger unit"),
        ({"missed": 10**400, "false_alarm": 4}, "'missed' is no finite number"),
        ({"missed": 10**5000, "false_alarm": 4}, "'missed' is no finite number"),
        ({"missed": np.array([1, 2]), "false_alarm": 4}, r"'missed' is array\(\[1, 2\]\); expected a number"),
    ],
)
def test_costs_by_which_no_threshold_makes_sense_are_refused_in_words(costs: Any, message: str) -> None:
    with pytest.raises(CamelopardError, match=message):
        OutcomeCosts.of(costs)


def test_no_costs_are_none_and_costs_that_were_read_stay_as_they_are() -> None:
    assert OutcomeCosts.of(None) is None
    assert OutcomeCosts.of(OutcomeCosts(5, 1)) == OutcomeCosts(5, 1)


def test_costs_made_by_hand_are_checked_as_well() -> None:
    with pytest.raises(InputError, match="'missed' is -5"):
        OutcomeCosts(-5, float("nan"))
    with pytest.raises(InputError, match="'false_alarm' is nan"):
        OutcomeCosts(5, float("nan"))
    with pytest.raises(InputError, match="finding never pays"):
        OutcomeCosts(1, 1, found=2)


def test_any_kind_of_number_is_a_cost() -> None:
    made = OutcomeCosts.of({"missed": Decimal("5.5"), "false_alarm": np.float32(2)})  # type: ignore[dict-item]
    assert made is not None
    assert made == OutcomeCosts(5.5, 2.0)
    assert {type(cost) for cost in made.to_dict().values()} == {float}
