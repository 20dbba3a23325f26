"""What a classifier does and what each threshold would do, as data; chosen from, printed, and written as a page."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.confidence.covering import MOST_SEGMENTS, segments
from camelopard.confidence.decision_record import DecisionRecord
from camelopard.confidence.equality import by_equal_cost
from camelopard.confidence.figures import Metric
from camelopard.confidence.operating import Curve, Sweep
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.confidence.scores import checked_path
from camelopard.confidence.thresholds import Threshold, by_cost, cheapest, chosen, cost_of, expected, finding, fitting, precise, rows_for
from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch, plain
from camelopard.core.documents import documented
from camelopard.core.errors import CamelopardError, InputError, UnknownName
from camelopard.core.files import replaced

RULES = {"cost": (), "recall": ("least", "confidence"), "precision": ("least", "confidence"), "capacity": ("per_1000",), "equal-cost": ("by",)}
SURE = 0.95
Texts = tuple[str, ...]


@dataclass(frozen=True)
class Offers:
    """What the thresholds on offer are asked for: a share to find, a share to be right, how many of 1,000 can be looked at, groups to be equal."""

    least_recall: float
    least_precision: float
    capacity: float
    by: str | None


@dataclass(frozen=True, eq=False, repr=False)
class Decision:
    """What a classifier does, and the thresholds on offer. Made by `camelopard.decide`.

    story
        What it does with 1,000 rows, in sentences.
    metrics
        Each with its interval, its meaning in counts and when it misleads.
    curves
        `roc`, `precision-recall`, `net-benefit` and, with costs, `cost`, as plain arrays with 95 % bands; none for several classes.
    notes
        What to know about these rows.
    score, event, named, batch
        The rows: their scores, whether they are of the class sought, whether the model names them, and their columns. Kept in memory only.
    """

    model: str
    kind: str
    positive: Any
    classes: tuple[Any, ...]
    rows: int
    story: tuple[str, ...]
    metrics: tuple[Metric, ...]
    curves: Mapping[str, Curve]
    costs: OutcomeCosts | None
    offers: Offers
    noun: str
    seed: int
    notes: tuple[str, ...]
    score: Floats | None = field(default=None)
    event: Bools | None = field(default=None)
    named: Bools | None = field(default=None)
    batch: Batch | None = field(default=None)
    probabilities: bool = True

    def threshold(
        self,
        rule: str = "cost",
        *,
        least: float | None = None,
        per_1000: float | None = None,
        by: str | None = None,
        confidence: float | None = SURE,
    ) -> Threshold:
        """Return the threshold that a rule chooses, with its interval and what to expect of it.

        Parameters
        ----------
        rule
            "cost": the smallest cost. "recall": finds at least the share `least`. "precision": at least the share `least` of the named is right.
            "capacity": names at most `per_1000` of 1,000 rows. "equal-cost": a threshold for each value of the column `by`.
        least, per_1000, by
            What is asked; default: as on offer.
        confidence
            How surely a promised recall or precision is kept on new rows like these; None: only on the rows given.

        Raises
        ------
        InputError
            If the rule does not fit what was given: no costs, several classes without `positive`, a share that is none.
        UnknownName
            If there is no such rule, or no such column.
        """
        if not isinstance(rule, str) or rule not in RULES:
            raise UnknownName.among(rule, RULES, "rule")
        surely = None if isinstance(confidence, float) and confidence == SURE else confidence
        given = {"least": least, "per_1000": per_1000, "by": by, "confidence": surely}
        for name, value in given.items():
            if value is not None and name not in RULES[rule]:
                takes = f"takes {' and '.join(RULES[rule])}" if RULES[rule] else "takes no more arguments"
                raise InputError(f"the rule {rule!r} has no use for {name}={value!r}; it {takes}.")
        if self.score is None or self.event is None or self.batch is None:
            raise InputError(
                f"{self.model} knows {len(self.classes)} classes; a threshold is for one of them against the rest. Name it: decide(…, positive=…)."
            )
        score, event = self.score, self.event
        if rule in ("cost", "equal-cost"):
            costs = self.costs
            if costs is None:
                raise InputError('no costs were given, so none is smallest. Give them: decide(…, costs={"missed": 50.0, "false_alarm": 4.0}).')
            if rule == "cost":
                priced = by_cost(score, event, costs, self.seed) if self.probabilities else None
                return priced or chosen("cost", {}, cheapest(costs), score, event, costs, self.seed)
            group, column = self.groups(self.offers.by if by is None else by)
            return by_equal_cost(score, event, group, costs, column, self.seed)
        if rule == "capacity":
            many = checked("per_1000", self.offers.capacity if per_1000 is None else per_1000, 1000)
            found = chosen(rule, {"per_1000": many}, fitting(many), score, event, self.costs, self.seed)
            nobody = (f"the {self.noun} cannot be told apart so finely: more than {many:g} of 1,000 share the highest score, so nobody is named",)
            return replace(found, notes=nobody) if math.isinf(found.value) else found
        offered = self.offers.least_recall if rule == "recall" else self.offers.least_precision
        least = checked("least", offered if least is None else least, 1)
        sure = None if confidence is None else checked("confidence", confidence, 1)
        make = finding if rule == "recall" else precise
        found = chosen(rule, {"least": least, "confidence": sure}, make(least, sure), score, event, self.costs, self.seed)
        if sure is None:
            return found
        return replace(found, without=make(least)(Sweep.of(score, event)), notes=_unpromised(rule, found, least, sure, int(event.sum())))

    @cached_property
    def thresholds(self) -> tuple[Threshold, ...]:
        """The thresholds on offer; none for several classes without `positive`."""
        if self.score is None:
            return ()
        rules = ["cost"] * (self.costs is not None) + ["recall", "precision", "capacity"]
        return tuple(self.threshold(rule) for rule in rules + ["equal-cost"] * (self.costs is not None and self.offers.by is not None))

    def choose(
        self,
        rule: str = "cost",
        *,
        who: str,
        why: str,
        when: str,
        least: float | None = None,
        per_1000: float | None = None,
        by: str | None = None,
        confidence: float | None = SURE,
    ) -> DecisionRecord:
        """Return the record of a decision: the threshold that a rule chooses, who chose it, why and when ("2026-11-21"). See `threshold`."""
        found = self.threshold(rule, least=least, per_1000=per_1000, by=by, confidence=confidence)
        told = documented({**asdict(found), "groups": None})
        kept = ("outcome", "recall", "precision", "named", "cost", "interval", "without", "usual", "labels_needed", "equality", "notes")
        return DecisionRecord(
            model=self.model,
            kind=self.kind,
            positive=_label(self.positive),
            rule=rule,
            asked=documented(found.asked),
            threshold=found.value,
            who=who,
            why=why,
            when=when,
            by=found.asked.get("by"),
            groups=tuple((group.group, group.value) for group in found.groups),
            expected={name: told[name] for name in kept},
            costs=None if self.costs is None else self.costs.to_dict(),
            rows=self.rows,
            seed=self.seed,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the rows as plain data that JSON can hold; NaN becomes None, an infinite threshold "inf"."""
        from camelopard.version import VERSION

        document: dict[str, Any] = documented(
            {
                "version": VERSION,
                "model": self.model,
                "rows": self.rows,
                "noun": self.noun,
                "positive": None if self.positive is None else _label(self.positive),
                "classes": [_label(plain(c)) for c in self.classes],
                "costs": None if self.costs is None else self.costs.to_dict(),
                "seed": self.seed,
                "story": self.story,
                "metrics": [asdict(m) for m in self.metrics],
                "curves": {name: asdict(curve) for name, curve in self.curves.items()},
                "own": self._own(),
                "thresholds": [asdict(t) for t in self.thresholds],
                "notes": [*self.notes, *dict.fromkeys(note for t in self.thresholds for note in t.notes)],
            }
        )
        return document

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the decision as its ending says: .html, one page without outside addresses, or .json; whole or not at all."""
        from camelopard.report.decision import write

        ending = Path(checked_path(path)).suffix.lower()
        if ending in (".html", ".htm"):
            text = write(self.to_dict())
        elif ending == ".json":
            text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        else:
            raise CamelopardError(f"{os.fspath(path)}: cannot write a decision as {ending or 'a file without ending'}; expected .html or .json.")
        with replaced(path) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")

    def __repr__(self) -> str:
        from camelopard.report.decision import text

        told: str = text(self.to_dict())
        return told

    def _own(self) -> dict[str, Any] | None:
        if self.named is None or self.event is None:
            return None
        told = expected(self.named, self.event)
        cost = None if self.costs is None else asdict(cost_of(told["outcome"], self.costs))
        return {**{name: asdict(part) for name, part in told.items()}, "cost": cost}

    def groups(self, by: str | None) -> tuple[Array, str]:
        """Return the group of each row, shape (n,), and the column that holds it; InputError where it does not hold 2 to 50 values."""
        if by is None or self.batch is None:
            raise InputError("equal cost is between groups. Name the column that holds them: by='sex'.")
        group = segments(self.batch, by)
        if not 2 <= (many := len(set(group.tolist()))) <= MOST_SEGMENTS:
            raise InputError(f"the column {by!r} has {many} value{'' if many == 1 else 's'}; expected groups to compare, 2 to {MOST_SEGMENTS}.")
        return group, by


def _unpromised(rule: str, found: Threshold, least: float, sure: float, events: int) -> Texts:
    if rule == "precision" and math.isinf(found.value):
        return (f"these rows can promise of no threshold that {least:.3g} of the named are right ({100 * sure:g} % sure): nobody is named",)
    needed = rows_for(least, sure)
    if rule == "recall" and found.value == 0 and events < needed:
        takes = f"to promise that {least:.3g} are found ({100 * sure:g} % sure) takes {needed:,} rows of the class sought"
        return (f"{takes}; there are {events:,}: everyone is named",)
    return ()


def checked(name: str, value: object, top: float) -> float:
    """Return a number above 0 and below `top`, or raise an InputError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)) or not 0 < value < top:
        kind = "a share above 0 and below 1" if top == 1 else f"a number above 0 and below {top:g}"
        raise InputError(f"{name}={repr(value)[:60]}; expected {kind}.")
    return float(value)


def _label(value: Any) -> str | int | float | bool:
    return value if isinstance(value, (str, int, float, bool)) else str(value)
