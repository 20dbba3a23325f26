"""The story of the demo, told in the console and in a report: train, stress, fit the firewall, then a day of bad input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.batch import plain
from camelopard.core.protocols import Progress, silent
from camelopard.core.records import Verdict
from camelopard.demo.data import Adult, adult, income_model
from camelopard.firewall.firewall import Firewall
from camelopard.models.wrap import wrap
from camelopard.report.certainty import digest

Row = dict[str, Any]


@dataclass(frozen=True)
class Mishap:
    """One thing that goes wrong: in words, what it does to a row (None where it cannot happen to that row), and whether it should be harmless."""

    words: str
    change: Callable[[Row], Row | None]
    harmless: bool = False


def _set(**values: Any) -> Callable[[Row], Row | None]:
    return lambda row: {**row, **values}


def _without(row: Row, *names: str) -> Row:
    return {**row, **dict.fromkeys(names)}


def continental(value: float) -> str:
    """Return a number with a point for thousands and a decimal comma.

    >>> continental(7688)
    '7.688,0'
    """
    return f"{value:,.1f}".translate(str.maketrans(",.", ".,"))


MISHAPS = (
    Mishap("age given as a birth year", lambda r: {**r, "age": 2021 - r["age"]} if r["age"] == 36 else None),
    Mishap("capital gain in cents", lambda r: {**r, "capital_gain": r["capital_gain"] * 100} if 0 < r["capital_gain"] < 5000 else None),
    Mishap(
        "categories in lower case",
        lambda r: {**r, **{n: r[n].lower() for n in ("marital_status", "relationship", "occupation") if isinstance(r[n], str)}},
    ),
    Mishap("a new category", _set(marital_status="Domestic-partnership", relationship="Partner")),
    Mishap("two columns swapped", lambda r: {**r, "age": r["hours_per_week"], "hours_per_week": r["age"]}),
    Mishap("values missing", lambda r: _without(r, "marital_status", "education_num", "age", "relationship")),
    Mishap('a number written "1.234,5"', lambda r: {**r, "capital_gain": continental(r["capital_gain"])} if r["capital_gain"] > 1000 else None),
    Mishap("a number written as words", lambda r: {**r, "age": "thirty-six"} if r["age"] == 36 else None),
    Mishap("fnlwgt × 10 (odd, harmless)", lambda r: {**r, "fnlwgt": r["fnlwgt"] * 10}, harmless=True),
    Mishap("a rare but legal country (odd, harmless)", _set(native_country="Scotland"), harmless=True),
)


@dataclass(frozen=True)
class Case:
    """One row of the bad day: what went wrong, the row as it should be and as it came, the answer it should have had, and the verdict."""

    words: str
    harmless: bool
    good: Row
    bad: Row
    truth: Any
    verdict: Verdict


def run(out: Path, console: Any, progress: Progress = silent, budget: int | str | None = None) -> None:
    """Tell the story on `console` (a rich console) and write the report to `out`."""
    console.print("[bold]1.[/] An income model is trained on 16,280 people of the 1994 census (Adult, UCI, CC BY 4.0).")
    data = adult()
    model = wrap(income_model(data), name="income")
    console.print("[bold]2.[/] Camelopard stresses it on 16,281 others, finds what fools it, and trains its firewall.")
    firewall = Firewall(alpha=0.01, budget=budget, seed=0).fit(model, data.held, data.held_labels, reference=data.train, progress=progress)
    report = firewall.report_
    console.print(f"\n   {report.verdict}\n")
    for finding in report.findings[:5]:
        console.print(f"   [bold]{finding.level:>6}[/]  {finding.message}", highlight=False)
    console.print("\n[bold]3.[/] A day of bad input arrives. Rows were picked on which it changes the answer; for the last two it does not.\n")
    cases = bad_day(firewall, data)
    console.print(table(cases))
    clean = firewall.screen(data.test)
    stopped = float(np.mean(clean.route != "pass"))
    console.print(
        f"\n   Of the {len(clean):,} undamaged test rows {stopped:.1%} were stopped (promised: at most {firewall.alpha:.0%} because of risk)."
    )
    console.print("   On rows with labels that took no part in learning, half of them damaged:")
    for line in digest(firewall.describe()["measured"]):
        console.print(f"   {line}", highlight=False)
    out.write_text(html(firewall, cases), encoding="utf-8")
    console.print(f"\n[bold]4.[/] The report is in [bold]{out}[/]: open it in a browser.\n")
    console.print(NEXT, highlight=False)


NEXT = """What to try next, on your own model and data:
   camelopard stress  MODEL DATA --target COLUMN -o report.html
   camelopard fit     MODEL DATA --target COLUMN -o my.firewall
   camelopard screen  my.firewall NEW_DATA --model MODEL"""


def bad_day(firewall: Firewall, data: Adult) -> list[Case]:
    """Return one case per mishap: the first test row on which it changes the model's answer, or, for a harmless one, does not."""
    model = firewall.model_
    assert model is not None
    rows = data.test.head(1500).to_dict("records")
    rows = [{name: plain(v) for name, v in row.items()} for row in rows]
    answers = model.predict(data.test.head(1500)).value
    cases = []
    for mishap in MISHAPS:
        found = _find(mishap, rows, answers, data, model)
        if found is None:
            continue
        i, bad = found
        verdict = firewall.screen(bad)[0]
        cases.append(Case(mishap.words, mishap.harmless, rows[i], bad, plain(answers[i]), verdict))
    return cases


def _find(mishap: Mishap, rows: list[Row], answers: Any, data: Adult, model: Any) -> tuple[int, Row] | None:
    fallback = None
    damaged = [(i, bad) for i, row in enumerate(rows) if answers[i] == data.test_labels[i] and (bad := mishap.change(row)) is not None and bad != row]
    for i, bad in damaged[:400]:
        fallback = fallback or (i, bad)
        after = model.predict([bad])
        if bool(after.failed[0] or after.value[0] != answers[i]) != mishap.harmless:
            return i, bad
    return fallback


def table(cases: list[Case]) -> Any:
    """Return the verdicts as a table that a person understands in ten seconds."""
    from rich.table import Table

    view = Table(show_lines=False, pad_edge=False, expand=False)
    for title, align in (("what is wrong", "left"), ("in the row", "left"), ("risk", "right"), ("confidence", "right"), ("route", "left")):
        view.add_column(title, justify=align)  # type: ignore[arg-type]
    view.add_column("answer\nshould be", justify="center")
    view.add_column("answer\nas it came", justify="center")
    view.add_column("answer\nrepaired", justify="center")
    colours = {"pass": "green", "repair": "cyan", "review": "yellow", "block": "red"}
    for case in cases:
        verdict = case.verdict
        repaired = str(verdict.repair.prediction) if verdict.repair is not None and verdict.route != "pass" else "–"
        given = "[red]no answer[/]" if verdict.prediction is None else str(verdict.prediction)
        if verdict.prediction is not None and verdict.prediction != case.truth:
            given = f"[red]{given}[/]"
        colour = colours[verdict.route]
        view.add_row(
            case.words,
            _seen(case),
            f"{verdict.risk:.2f}",
            f"{verdict.confidence:.2f}",
            f"[{colour}]{verdict.route}[/]",
            str(case.truth),
            given,
            repaired,
        )
    return view


def _seen(case: Case) -> str:
    changed = {n: v for n, v in case.bad.items() if v != case.good[n]}
    name, value = next(iter(changed.items()))
    more = f" (+{len(changed) - 1})" if len(changed) > 1 else ""
    return f"{name}: {_short(case.good[name])} → {_short(value)}{more}"


def _short(value: Any) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) <= 14 else text[:13] + "…"


def html(firewall: Firewall, cases: list[Case]) -> str:
    """Return the report as one HTML page: the stress report, the firewall's quality, and the bad day."""
    from camelopard.report.html import write

    document: Mapping[str, Any] = {
        **firewall.report_.to_dict(),
        "firewall": firewall.describe(),
        "screen": {"title": "A day of bad input", "rows": [_screen_row(i, case) for i, case in enumerate(cases)]},
    }
    return write(document)


def _screen_row(i: int, case: Case) -> dict[str, Any]:
    verdict = case.verdict
    return {
        "id": i,
        "wrong": f"{case.words}: {_seen(case)}",
        "risk": verdict.risk,
        "confidence": verdict.confidence,
        "route": verdict.route,
        "should_be": str(case.truth),
        "before": None if verdict.prediction is None else str(verdict.prediction),
        "after": None if verdict.repair is None or verdict.route == "pass" else str(verdict.repair.prediction),
        "reasons": [r.message for r in verdict.reasons[:3]],
        "harmless": case.harmless,
    }
