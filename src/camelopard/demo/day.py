"""What the demos share: a day of bad input at a firewall, as a table for the console and as cards for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.batch import plain
from camelopard.core.records import Verdict
from camelopard.firewall.firewall import Firewall

Row: TypeAlias = dict[str, Any]
T = TypeVar("T")  # what a row is: a Row, a text, a picture

MOST_TRIED = 400  # rows on which a mishap is tried
ROUTES = {"pass": "green", "repair": "cyan", "review": "yellow", "block": "red"}


@dataclass(frozen=True)
class Mishap(Generic[T]):
    """One thing that goes wrong: in words, what it does to a row (None where it cannot happen to that row), and whether it should be harmless."""

    words: str
    change: Callable[[T], T | None]
    harmless: bool = False


@dataclass(frozen=True)
class Case(Generic[T]):
    """One row of the bad day: what went wrong, the row as it should be and as it came, the answer it should have had, and the verdict.

    `sure` is the model's own probability of its answer to the row as it came; None where it is not told.
    """

    words: str
    harmless: bool
    good: T
    bad: T
    truth: Any
    verdict: Verdict
    sure: float | None = None


def bad_day(
    firewall: Firewall,
    mishaps: Sequence[Mishap[T]],
    rows: Sequence[T],
    labels: Sequence[Any] | Array,
    *,
    sure: float = 0.0,
    apart: bool = False,
) -> list[Case[T]]:
    """Return one case per mishap: the first row on which it changes the model's right answer, or, for a harmless one, does not.

    Only rows of which the model is more than `sure` are looked at; with `apart` each row is damaged only once.
    """
    model = firewall.model_
    assert model is not None
    before = model.predict(rows)
    answers = [plain(value) for value in before.value]
    right = [i for i, label in enumerate(labels) if answers[i] == plain(label) and (own_word(before.proba, i) or 1.0) > sure]
    cases: list[Case[T]] = []
    for mishap in mishaps:
        found = _find(mishap, rows, answers, right, model)
        if found is not None:
            i, bad, own = found
            right = [k for k in right if k != i] if apart else right
            cases.append(Case(mishap.words, mishap.harmless, rows[i], bad, answers[i], firewall.screen([bad])[0], own))
    return cases


def _find(mishap: Mishap[T], rows: Sequence[T], answers: Sequence[Any], right: Sequence[int], model: Any) -> tuple[int, T, float | None] | None:
    damaged = [(i, bad) for i in right if (bad := mishap.change(rows[i])) is not None and not _same(rows[i], bad)][:MOST_TRIED]
    if not damaged:
        return None
    after = model.predict([bad for _, bad in damaged])
    moved = [bool(after.failed[k] or plain(after.value[k]) != answers[i]) for k, (i, _) in enumerate(damaged)]
    k = moved.index(not mishap.harmless) if (not mishap.harmless) in moved else 0
    return *damaged[k], own_word(after.proba, k)


def own_word(proba: Array | None, k: int) -> float | None:
    """Return the model's largest probability for a row; None where it has none."""
    if proba is None or np.isnan(proba[k]).any():
        return None
    return float(proba[k].max())


def table(cases: Sequence[Case[T]], title: str, seen: Callable[[Case[T]], Any], *, own: bool = False) -> Any:
    """Return the verdicts as a table that a person understands in ten seconds.

    Parameters
    ----------
    title
        Of the column that shows what came.
    seen
        What that column shows of a case: text, or whatever rich can render.
    own
        Also how sure the model says it is.
    """
    from rich.table import Table

    view = Table(show_lines=own, pad_edge=False, expand=False)
    for name, align in (("what is wrong", "left"), (title, "left"), ("risk", "right"), ("confidence", "right"), ("route", "left")):
        view.add_column(name, justify=align)  # type: ignore[arg-type]
    view.add_column("answer\nshould be", justify="center")
    view.add_column("answer\nas it came", justify="center")
    view.add_column("answer\nrepaired", justify="center")
    for case in cases:
        verdict = case.verdict
        repaired = str(verdict.repair.prediction) if verdict.repair is not None and verdict.route != "pass" else "–"
        given = "[red]no answer[/]" if verdict.prediction is None else str(verdict.prediction)
        if own and verdict.prediction is not None and case.sure is not None:
            given = f"{given} ({_sure(case.sure)})"
        if verdict.prediction is not None and verdict.prediction != case.truth:
            given = f"[red]{given}[/]"
        view.add_row(
            case.words,
            seen(case),
            f"{verdict.risk:.2f}",
            f"{verdict.confidence:.2f}",
            f"[{ROUTES[verdict.route]}]{verdict.route}[/]",
            str(case.truth),
            given,
            repaired,
        )
    return view


def html(firewall: Firewall, cards: Sequence[Mapping[str, Any]]) -> str:
    """Return the report as one HTML page: the stress report, the firewall's quality, and the bad day."""
    from camelopard.report.html import write

    return write(
        {
            **firewall.report_.to_dict(),
            "firewall": firewall.describe(),
            "screen": {"title": "A day of bad input", "rows": [{"id": i, **card} for i, card in enumerate(cards)]},
        }
    )


def card(case: Case[T], wrong: str) -> dict[str, Any]:
    """Return a case as plain data for the report; `wrong` says what is wrong with it."""
    verdict = case.verdict
    return {
        "wrong": wrong,
        "risk": verdict.risk,
        "confidence": verdict.confidence,
        "route": verdict.route,
        "should_be": case.truth,
        "before": verdict.prediction,
        "after": None if verdict.repair is None or verdict.route == "pass" else plain(verdict.repair.prediction),
        "reasons": [r.message for r in verdict.reasons[:3]],
        "harmless": case.harmless,
    }


def told_findings(firewall: Firewall, console: Any) -> None:
    """Print the verdict of the stress run and its worst findings."""
    console.print(f"\n   {firewall.report_.verdict}\n")
    for finding in firewall.report_.findings[:5]:
        console.print(f"   [bold]{finding.level:>6}[/]  {finding.message}", highlight=False)


def told_quality(firewall: Firewall, console: Any) -> None:
    """Print what held-out rows said of the firewall."""
    from camelopard.report.certainty import digest

    console.print("   On rows with labels that took no part in learning, half of them damaged:")
    for line in digest(firewall.describe()["measured"]):
        console.print(f"   {line}", highlight=False)


def _sure(share: float) -> str:
    return "> 99 %" if share > 0.99 else f"{share:.0%}".replace("%", " %")


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    return bool(repr(first) == repr(second))
