"""The worst of what a run found, in few words: short enough to be kept with what was learned from it, and without what stands in rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from camelopard.core.records import Finding

MOST = 20  # kinds of findings
LONGEST_NAME, LONGEST_WORDS = 200, 300  # characters of a column's name, and of a sentence
ERROR = re.compile(r"( of rows: | first error: )([^:]*).*", re.DOTALL)  # what the model said, whose words may quote a row; and so may:
NAMED = re.compile(r"\b(\w+(?:Error|Exception)): .*", re.DOTALL)


def by_kind(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Return findings by what they are about, in the order given; of checks that could not run, each check by itself."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.code, finding.subject if finding.code == "not-run" else ""), []).append(finding)
    return list(kinds.values())


def foremost(findings: Iterable[Finding], most: int = MOST) -> list[dict[str, Any]]:
    """Return the worst finding of each kind as plain data, the worst first: `level`, `code`, `subject`, `message` and how many `others` there are.

    `findings` are in their order, the worst first. Of an error only its name is told: its words may quote a cell of a row.

    >>> raised = Finding("text-in-number", "age", "`age` makes the model raise an error in 80 % of rows: ValueError: no number: 'Ann Low'.", "high")
    >>> foremost([raised])[0]["message"]
    '`age` makes the model raise an error in 80 % of rows: ValueError.'
    """
    kinds = by_kind(finding for finding in findings if finding.level != "none")
    return [
        {
            "level": first.level,
            "code": first.code[:LONGEST_NAME],
            "subject": first.subject[:LONGEST_NAME],
            "message": _cut(first.message),
            "others": len(others),
        }
        for first, *others in kinds[:most]
    ]


def _cut(message: str) -> str:
    told = NAMED.sub(r"\1.", ERROR.sub(lambda found: f"{found[1]}{found[2].rstrip('. ')}.", message))
    return told if len(told) <= LONGEST_WORDS else f"{told[: LONGEST_WORDS - 1]}…"
