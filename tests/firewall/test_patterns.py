from __future__ import annotations

import pytest

from camelopard.firewall.patterns import bounded


@pytest.mark.parametrize("text", [r"\d{5}", r"[A-Z]{2}-\d+", r"[a-z]+\d+@[a-z]+\.[a-z]+", r"(Mr|Ms) \w+", r".*x.*", r"[^,]+,[^,]+,[^,]+,[^,]+"])
def test_plain_patterns_are_compiled(text: str) -> None:
    assert bounded(text, 1000).pattern == text


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*b", ".*.*.*.*.*=.*", "(?=a+)b", r"(a)\1", "(a*){5}", "a" * 2000, 5, "((" * 500])
def test_patterns_that_could_take_for_ever_are_refused(text: object) -> None:
    with pytest.raises(Exception, match="pattern|unterminated|missing"):
        bounded(text, 1000)
