"""What an attack on texts found: the smallest change per row, what each way of changing does, and words that move many rows when put in front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints, Objects, objects
from camelopard.core.batch import Batch, plain
from camelopard.core.intervals import share
from camelopard.core.records import Finding, Prediction
from camelopard.stress.attack import ALARMING, EXAMPLES, KIND, AttackResult
from camelopard.stress.runner import Case
from camelopard.stress.text_changes import SPELLING

TINY = 2  # characters: one slip
SHOWN = 160  # characters of a text that an example shows


@dataclass(frozen=True)
class Prefix:
    """A few words that, put in front of the text, move answers; and what they do to rows that took no part in finding them.

    rows, batch, before, after, moved
        The rows it was tried on: positions in the batch that was given, the rows with it, the answers, and whether they are others.
    learned_on
        How many rows it was found with.
    """

    text: str
    column: str
    learned_on: int
    rows: Ints
    batch: Batch
    before: Prediction
    after: Prediction
    moved: Bools

    def to_dict(self) -> dict[str, Any]:
        interval = share(int(self.moved.sum()), len(self.moved))
        moved = float(self.moved.mean()) if len(self.moved) else 0.0
        return {
            "text": shown(self.text),
            "column": self.column,
            "learned_on": self.learned_on,
            "tried_on": len(self.moved),
            "moved": moved,
            "low": interval.low,
            "high": interval.high,
        }


@dataclass(frozen=True)
class TextAttackResult(AttackResult):
    """What the search found in texts: as `AttackResult`, where a cost is the share of the row's characters that were changed.

    ways
        How the smallest change was made, per row: "letters", "look-alike", "invisible", "words" or "left out"; "" where none was found.
    by_way
        Per way, the cost of the smallest change made in that way alone; infinite where none was found.
    sizes
        How many characters the smallest change touches, per row; infinite where none was found.
    prefix
        The words that, put in front, move most rows; None where none was sought or none moves a row.
    """

    ways: Objects = field(default_factory=lambda: objects([]))
    by_way: Mapping[str, Floats] = field(default_factory=dict)
    sizes: Floats = field(default_factory=lambda: np.empty(0))
    prefix: Prefix | None = None

    def cases(self, rows: Ints) -> list[Case]:
        """Return the changes that moved the answer as cases: those of the spelling, those of words, and the prefix; only the first keep the label."""
        spelt = np.isin(self.ways.astype(str), SPELLING)
        found = [
            _case(kind, keeps, rows[self.rows[won]], self.batch.take(won), self.before.take(won), self.after.take(won))
            for kind, keeps, won in (
                (KIND, True, np.flatnonzero(self.succeeded & spelt)),
                ("changed-words", False, np.flatnonzero(self.succeeded & ~spelt)),
            )
            if len(won)
        ]
        if self.prefix is not None and self.prefix.moved.any():
            p, won = self.prefix, np.flatnonzero(self.prefix.moved)
            found.append(_case("universal-prefix", False, rows[p.rows[won]], p.batch.take(won), p.before.take(won), p.after.take(won)))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data. Texts are shown around what was changed, with what nobody sees written as \\u…."""
        moved = {way: float(np.isfinite(costs).mean()) if len(costs) else 0.0 for way, costs in self.by_way.items()}
        return {**super().to_dict(), "by_way": moved, "prefix": None if self.prefix is None else self.prefix.to_dict()}

    def findings(self) -> list[Finding]:
        """Return findings where a slip of one or two characters, invisible characters alone, or one prefix moves answers.

        The first two are medium where it surely is more than one row in ten. A prefix changes what is said, so it is never more than low.
        """
        n = len(self.rows)
        spelt = np.isin(self.ways.astype(str), SPELLING)
        slip, unseen = (self.sizes <= TINY) & spelt, np.isfinite(self.by_way.get("invisible", np.full(n, np.inf)))
        found = []
        for code, hit, what, meaning in (
            ("small-change", slip, "A slip of one or two characters", "the model hangs on single letters"),
            ("invisible-change", unseen, "Characters that nobody sees, and nothing else,", "readers and the model do not read the same text"),
        ):
            if k := int(hit.sum()):
                interval = share(k, n)
                alarming = interval.low > ALARMING
                verb = "moves" if code == "small-change" else "move"
                message = f"{what} {verb} the answer of {k / n:.0%} of the {n} rows attacked" + (f": {meaning}." if alarming else ".")
                rows = tuple(int(i) for i in self.rows[hit][:EXAMPLES])
                found.append(Finding(code, "*", message, "medium" if alarming else "low", k / n, ALARMING, interval, rows=rows))
        if self.prefix is not None:
            m, interval = len(self.prefix.moved), share(int(self.prefix.moved.sum()), len(self.prefix.moved))
            if interval.low > ALARMING:
                value = float(self.prefix.moved.mean())
                message = (
                    f"The words “{shown(self.prefix.text)}” in front move the answer of {value:.0%} of {m} rows that took no part in finding them."
                )
                rows = tuple(int(i) for i in self.prefix.rows[self.prefix.moved][:EXAMPLES])
                found.append(Finding("universal-prefix", self.prefix.column, message, "low", value, ALARMING, interval, rows=rows))
        return found

    def _example(self, i: int) -> dict[str, Any]:
        changes = {name: list(excerpts(str(old), str(new))) for name, (old, new) in self.changes(i).items()}
        answers = [plain(self.before.value[i]), plain(self.after.value[i])]
        return {"row": int(self.rows[i]), "changes": changes, "answer": answers, "cost": float(self.costs[i]), "way": str(self.ways[i])}


def shown(text: str) -> str:
    """Return a text that can be read and printed: what nobody sees, and what no file can hold, is written as \\u….

    >>> print(shown("go\\u200bod"))
    go\\u200bod
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def excerpts(old: str, new: str) -> tuple[str, str]:
    """Return the same part of two texts, around the first place where they differ, as they can be read.

    >>> excerpts("a" * 200 + "b", "a" * 200 + "c")[1][-3:]
    'aac'
    """
    first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    begin = max(0, first - SHOWN // 2) if max(len(old), len(new)) > SHOWN else 0
    cut = [("…" if begin else "") + shown(text[begin : begin + SHOWN]) + ("…" if len(text) > begin + SHOWN else "") for text in (old, new)]
    return cut[0], cut[1]


def _case(kind: str, keeps_label: bool, at: Ints, batch: Batch, before: Prediction, after: Prediction) -> Case:
    no, yes = np.zeros(len(at), dtype=bool), np.ones(len(at), dtype=bool)
    return Case(kind, "attack", "*", 0, keeps_label, at, batch, before, after, yes, ~after.failed, no, yes, no, no, no)
