"""What was measured of a version when it was fitted, read from its evidence: figures with intervals, kinds of damage, findings, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camelopard.report import defence, wording
from camelopard.report import document as given
from camelopard.report.defence import FIGURES, SHARES, TOLD_ELSEWHERE

MOST_KINDS, MOST_FOUND = 200, 40
NAMES = {  # each for itself, where the report tells one below the other
    **FIGURES,
    "auroc_fooled_by_own_doubt": "AUROC on the same rows by the model’s own confidence",
    "auroc_fooled_by_oddity": "AUROC on the same rows by how odd the row is",
    "auroc_unseen_by_own_doubt": "AUROC on these families by the model’s own confidence",
}


@dataclass(frozen=True)
class Figure:
    """One quantity; the interval is None where there is none.

    key, name
        In the evidence, and in words.
    share
        Whether it is told in percent.
    """

    key: str
    name: str
    value: float
    low: float | None
    high: float | None
    share: bool

    @property
    def told(self) -> str:
        """Return the value as people read it."""
        return wording.percent(self.value) if self.share else f"{self.value:.3f}"

    @property
    def between(self) -> str:
        """Return the interval as people read it; "" where there is none."""
        if self.low is None or self.high is None:
            return ""
        return wording.span(self.low, self.high) if self.share else f"{self.low:.3f}–{self.high:.3f}"

    def overlaps(self, other: Figure) -> bool | None:
        """Return whether the intervals have values in common; None where one has no interval.

        >>> one = Figure("fooled_caught", "", 0.5, 0.4, 0.6, True)
        >>> one.overlaps(Figure("fooled_caught", "", 0.7, 0.55, 0.8, True)), one.overlaps(Figure("fooled_caught", "", 0.9, 0.8, 1.0, True))
        (True, False)
        """
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return None
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class Kind:
    """One kind of damage: how many rows were damaged so, the share of them that fooled the model, and how well the firewall tells these (AUROC)."""

    name: str
    rows: int
    fooled: float
    low: float | None
    high: float | None
    auroc: float | None

    @property
    def share(self) -> str:
        """Return the share fooled as people read it."""
        return wording.percent(self.fooled)

    @property
    def between(self) -> str:
        """Return its interval as people read it."""
        return wording.span(self.low, self.high)


@dataclass(frozen=True)
class Found:
    """The worst finding of a kind: how bad it is, its kind, on what column, in a sentence, and how many others of the kind there are."""

    level: str
    kind: str
    column: str
    words: str
    others: int


def figures(evidence: Mapping[str, Any]) -> list[Figure]:
    """Return the figures of a version, in the order in which a report tells them."""
    found = []
    for key, value in given.pairs(evidence, "measured"):
        estimate = given.number(value, "value") if isinstance(value, Mapping) else given.number(value)
        if estimate is None or key in TOLD_ELSEWHERE:
            continue
        name = NAMES.get(key) or wording.clean(key.replace("_", " "), wording.LONGEST_NAME)
        found.append(Figure(key, name, estimate, given.number(value, "low"), given.number(value, "high"), key in SHARES))
    places = list(NAMES)
    return sorted(found, key=lambda figure: places.index(figure.key) if figure.key in NAMES else len(places))[:40]


def kinds(evidence: Mapping[str, Any]) -> list[Kind]:
    """Return the kinds of damage, those that fool the model most first."""
    found = []
    for kind, row in given.pairs(evidence, "measured", "by_kind"):
        fooled = given.number(row, "fooled")
        if fooled is not None:
            rows, low, high = int(given.number(row, "n") or 0), given.number(row, "low"), given.number(row, "high")
            found.append(Kind(wording.kind_words(kind), rows, fooled, low, high, given.number(row, "auroc")))
    return sorted(found, key=lambda kind: (-kind.fooled, -(kind.low or 0.0), kind.name))[:MOST_KINDS]


def findings(evidence: Mapping[str, Any]) -> list[Found]:
    """Return what a stress run found when the version was fitted, the worst first; nothing of a file that keeps no findings."""
    return [
        Found(
            given.level(one),
            wording.kind_words(given.text(one, "code")),
            _where(given.text(one, "subject"), given.text(one, "code")),
            wording.sentence(given.text(one, "message")),
            int(given.number(one, "others") or 0),
        )
        for one in given.records(evidence, "findings")[:MOST_FOUND]
    ]


def _where(subject: str, code: str) -> str:
    return "" if code == "not-run" or not subject else wording.target_words(subject)


def promise(evidence: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the firewall promises, in sentences."""
    return defence.firewall({"firewall": evidence}).promise
