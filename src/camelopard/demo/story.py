"""The story of a table, told in the console and in a report: train, stress, fit the firewall, then a day of bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.batch import plain
from camelopard.core.protocols import Progress, silent
from camelopard.demo.data import adult, income_model
from camelopard.demo.day import Case, Mishap, Row, bad_day, card, html, table, told_findings, told_quality
from camelopard.firewall.firewall import Firewall
from camelopard.models.wrap import wrap

TRIED = 1500  # test rows on which mishaps are tried


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


MISHAPS: tuple[Mishap[Row], ...] = (
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


def run(out: Path, console: Any, progress: Progress = silent, budget: int | str | None = None) -> None:
    """Tell the story on `console` (a rich console) and write the report to `out`."""
    console.print("[bold]1.[/] An income model is trained on 16,280 people of the 1994 census (Adult, UCI, CC BY 4.0).")
    data = adult()
    model = wrap(income_model(data), name="income")
    console.print("[bold]2.[/] Camelopard stresses it on 16,281 others, finds what fools it, and trains its firewall.")
    firewall = Firewall(alpha=0.01, budget=budget, seed=0).fit(model, data.held, data.held_labels, reference=data.train, progress=progress)
    told_findings(firewall, console)
    console.print("\n[bold]3.[/] A day of bad input arrives. Rows were picked on which it changes the answer; for the last two it does not.\n")
    rows = [{name: plain(value) for name, value in row.items()} for row in data.test.head(TRIED).to_dict("records")]
    cases = bad_day(firewall, MISHAPS, rows, data.test_labels[:TRIED])
    console.print(table(cases, "in the row", _seen))
    clean = firewall.screen(data.test)
    stopped = float(np.mean(clean.route != "pass"))
    console.print(
        f"\n   Of the {len(clean):,} undamaged test rows {stopped:.1%} were stopped (promised: at most {firewall.alpha:.0%} because of risk)."
    )
    told_quality(firewall, console)
    out.write_text(html(firewall, [card(case, f"{case.words}: {_seen(case)}") for case in cases]), encoding="utf-8")
    console.print(f"\n[bold]4.[/] The report is in [bold]{out}[/]: open it in a browser.\n")
    console.print(NEXT, highlight=False)


NEXT = """What to try next, on your own model and data:
   camelopard stress  MODEL DATA --target COLUMN -o report.html
   camelopard fit     MODEL DATA --target COLUMN -o my.firewall
   camelopard screen  my.firewall NEW_DATA --model MODEL"""


def _seen(case: Case[Row]) -> str:
    changed = {n: v for n, v in case.bad.items() if v != case.good[n]}
    name, value = next(iter(changed.items()))
    more = f" (+{len(changed) - 1})" if len(changed) > 1 else ""
    return f"{name}: {_short(case.good[name])} → {_short(value)}{more}"


def _short(value: Any) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) <= 14 else text[:13] + "…"
