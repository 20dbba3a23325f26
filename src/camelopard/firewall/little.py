"""Was there anything to learn from? A fit that saw next to no damage, or learned nothing from it, says so."""

from __future__ import annotations

import warnings
from typing import Any

from camelopard.firewall.learned import Learned
from camelopard.firewall.material import Lesson

GUESSING = 0.5  # the AUROC of a score that knows nothing
FEWEST_MEASURED = 5  # rows that fooled the model, below which no interval of a figure can be believed
STOOD = 300  # damaged rows of which next to none fooled the model: it is a sturdy one, and there is nothing to learn


class LittleLearnedWarning(UserWarning):
    """A fitted firewall learned from too little what fools the model, or learned nothing."""


def little(learned: Learned, lesson: Lesson, limited: bool) -> dict[str, Any]:
    """Return what is known where too little was learned to judge by, and warn; nothing where all is well.

    Too little: risk is the same for every row, or the measured AUROC may well be that of guessing, or hardly a row could show what it is. A model
    that stood up to hundreds of damaged rows gives nothing to learn, and no cause to warn.

    Parameters
    ----------
    lesson
        The rows that taught.
    limited
        Whether a budget limited them.
    """
    damaged, fooled = int(lesson.damaged.sum()), int((lesson.fooled & lesson.damaged).sum())
    rows, auroc, head = learned.measured["rows"], learned.measured["auroc_fooled"], learned.head.known
    constant, unproven = head.line is None and head.trees is None, rows["fooled"] < FEWEST_MEASURED
    if (unproven and rows["damaged"] >= STOOD) or not (constant or unproven or not auroc["low"] > GUESSING):
        return {}
    found = {"damaged": damaged, "fooled": fooled, "auroc": auroc}
    found["told"] = told(found, rows, constant=constant, limited=limited)
    warnings.warn(found["told"], LittleLearnedWarning, stacklevel=4)
    return found


def told(found: dict[str, Any], rows: dict[str, int], *, constant: bool, limited: bool) -> str:
    """Return what was found as a sentence or two, and what helps."""
    auroc = found["auroc"]
    what = f"on {rows['damaged']:,} damaged rows that took no part, its AUROC is {auroc['value']:.2f} ({auroc['low']:.2f} to {auroc['high']:.2f})"
    if constant:
        what = "risk is the same for every row"
    elif not rows["fooled"]:
        what = f"none of {rows['damaged']:,} other damaged rows fooled it, so nothing shows what that is worth"
    helps = "a larger budget, and more rows" if limited else "more rows"
    taught = f"{found['damaged']:,} damaged rows taught it, {found['fooled']:,} of which fooled the model"
    return f"this firewall hardly knows what fools the model: {taught}; {what}. What helps: {helps}."
