"""What a stress run found, as data; written as a page, as JSON or as JUnit."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from camelopard.core.documents import documented
from camelopard.core.errors import CamelopardError
from camelopard.core.files import replaced
from camelopard.core.records import LEVELS, Assumption, Finding, Level, Point
from camelopard.stress.foremost import by_kind
from camelopard.stress.runner import Case


@dataclass(frozen=True)
class StressReport:
    """The result of `camelopard.stress`.

    findings
        Worst first, false discoveries controlled over the whole run.
    curves
        One point per (kind, column, severity).
    assumptions
        The contract: what the model was found to rely on.
    ignored
        Per column, how many damaged rows were tried and how many fooled the model.
    cases
        The damaged rows themselves; kept in memory only.
    """

    verdict: str
    findings: Sequence[Finding]
    curves: Sequence[Point]
    assumptions: Sequence[Assumption]
    ignored: Sequence[Mapping[str, Any]]
    cases: Sequence[Case]
    attacks: Mapping[str, Any]
    serving: Sequence[Finding]
    cost: Mapping[str, Any]
    model: Mapping[str, Any] | None
    data: Mapping[str, Any]
    seed: int
    mode: str = "model"
    notes: Sequence[str] = field(default=())

    @property
    def worst(self) -> Level:
        """The level of the worst finding."""
        return max((f.level for f in self.findings), key=LEVELS.index, default="none")

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the cases as plain data that JSON can hold; NaN becomes None."""
        from camelopard.version import VERSION

        document: dict[str, Any] = documented(
            {
                "version": VERSION,
                "mode": self.mode,
                "seed": self.seed,
                "verdict": self.verdict,
                "model": self.model,
                "data": self.data,
                "findings": [asdict(f) for f in self.findings],
                "curves": [asdict(p) for p in self.curves],
                "assumptions": [asdict(a) for a in self.assumptions],
                "ignored": list(self.ignored),
                "attacks": self.attacks,
                "serving": [asdict(f) for f in self.serving],
                "cost": self.cost,
                "notes": list(self.notes),
            }
        )
        return document

    def to_json(self) -> str:
        """Return `to_dict()` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)

    def to_html(self) -> str:
        """Return the report as one self-contained page."""
        from camelopard.report.html import write

        return write(self.to_dict())

    def to_junit(self, path: str | os.PathLike[str]) -> None:
        """Write the report as JUnit, for a build server: findings of level medium and high are failures."""
        from camelopard.report.junit import write

        _write(path, write(self.to_dict()))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report as its ending says: .html, .json or .xml (JUnit); whole or not at all."""
        save(self.to_dict(), path)

    def lines(self, most: int, width: int = 10_000) -> list[str]:
        """Return the worst finding of each kind, a line for each of at most so many kinds, with how many others there are; messages are cut to a
        width, 40 at least."""
        kinds = by_kind(self.findings)
        shown, rest = kinds[:most], kinds[most:]
        lines = []
        for first, *others in shown:
            more = f" And {len(others):,} more of this kind." if others else ""
            said = textwrap.shorten(first.message, max(width, 40) - len(more), placeholder=" …")
            lines.append(f"  {first.level:>6}  {said}{more}")
        if rest:
            lines.append(f"          … and {sum(map(len, rest)):,} more of {len(rest):,} other kind{'s' * (len(rest) > 1)}")
        return lines

    def __repr__(self) -> str:
        return "\n".join([f"<StressReport: {self.verdict}>", *self.lines(10, 140)])


def save(document: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a report's document as its ending says: .html, .json or .xml (JUnit); whole or not at all."""
    from camelopard.report import html, junit

    ending = Path(path).suffix.lower()
    if ending in (".html", ".htm"):
        _write(path, html.write(document))
    elif ending == ".json":
        _write(path, json.dumps(documented(document), ensure_ascii=False, indent=1, allow_nan=False))
    elif ending == ".xml":
        _write(path, junit.write(document))
    else:
        raise CamelopardError(f"{os.fspath(path)}: cannot write a report as {ending or 'a file without ending'}; expected .html, .json or .xml.")


def _write(path: str | os.PathLike[str], text: str) -> None:
    with replaced(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
