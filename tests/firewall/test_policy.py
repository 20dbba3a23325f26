from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.core.errors import CamelopardError
from camelopard.firewall.policy import Policy


def routes(policy: Policy, risk: float, alarmed: bool, repairable: bool, unreadable: bool) -> str:
    return str(policy.route(np.array([risk]), np.array([alarmed]), np.array([repairable]), np.array([unreadable]))[0])


def test_no_alarm_no_stop_whatever_the_risk() -> None:
    assert routes(Policy(), 0.99, alarmed=False, repairable=False, unreadable=False) == "pass"


def test_a_stricter_review_level_only_lets_more_pass() -> None:
    assert routes(Policy(), 0.3, True, False, False) == "review"
    assert routes(Policy(review=0.5), 0.3, True, False, False) == "pass"


def test_a_repair_is_used_only_where_it_is_allowed() -> None:
    assert routes(Policy(), 0.9, True, True, False) == "repair"
    assert routes(Policy(repair=False), 0.9, True, True, False) == "block"
    assert routes(Policy(), 1.0, False, True, True) == "repair"
    assert routes(Policy(), 1.0, False, False, True) == "block"


@pytest.mark.parametrize("settings", [{"review": 1.2}, {"block": -0.1}, {"review": 0.9, "block": 0.5}, {"block": "high"}])
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(CamelopardError, match="expected"):
        Policy(**settings)
