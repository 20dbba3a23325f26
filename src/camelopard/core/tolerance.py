"""Where answers are numbers, half of all good ones are "wrong" by the model's own median error: what is said of them names that distance instead."""

from __future__ import annotations

from camelopard.core.digits import figure


def within(tolerance: float) -> str:
    """Return what right answers are, where answers are numbers.

    >>> within(356.27)
    "within 356.3 of the truth (the model's median error)"
    """
    return f"within {figure(tolerance)} of the truth (the model's median error)"


def beyond(tolerance: float | None) -> str:
    """Return what wrong answers are; None: answers are classes.

    >>> beyond(356.27), beyond(None)
    ("off by more than 356.3 (the model's median error)", 'wrong')
    """
    return "wrong" if tolerance is None else f"off by more than {figure(tolerance)} (the model's median error)"
