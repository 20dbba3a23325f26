"""Writes what a classifier does and the thresholds on offer: as text, and as one page without scripts or outside addresses.

Both are made from the same plain data (`Decision.to_dict()`), of which every part may be absent.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from camelopard.report import document as given
from camelopard.report import operating_charts, wording

if TYPE_CHECKING:
    from jinja2 import Template

WIDTH = 150
NAMES = {"cost": "smallest cost", "own": "the model’s own answers"}


@dataclass(frozen=True)
class Figure:
    """A metric as it is shown."""

    name: str
    value: str
    span: str
    meaning: str
    misleads: str


@dataclass(frozen=True)
class Offer:
    """A threshold as it is shown; `groups` are names, thresholds, spans and costs of groups that have their own."""

    name: str
    value: str
    span: str
    counts: tuple[str, ...]
    precision: tuple[str, str]
    recall: tuple[str, str]
    cost: tuple[str, str]
    groups: tuple[tuple[str, str, str, str, str, str], ...] = ()


def text(document: Mapping[str, Any]) -> str:
    """Return a decision in words, for a terminal.

    >>> print(text({"model": "income", "rows": 200, "noun": "people", "story": ["Of 1,000 people 240 are `>50K`."]}))
    income on 200 labelled people
    Of 1,000 people 240 are `>50K`.
    """
    lines = [f"{given.text(document, 'model')} on {wording.count(given.number(document, 'rows'))} labelled {given.text(document, 'noun')}"]
    for sentence in given.items(document, "story"):
        lines += textwrap.wrap(str(sentence), WIDTH)
    told = figures(document)
    if told:
        lines += ["", "By the model's own answers and scores (95 % interval; when each misleads: .metrics)"]
        lines += [f"  {f.name:<18} {f.value:>7}  {f.span:<16} {f.meaning}" for f in told]
    table = offers(document)
    if table:
        priced = any(o.cost[0] for o in table)
        lines += ["", f"Thresholds on offer (per 1,000 {given.text(document, 'noun')}, as on rows that took no part in choosing)"]
        head = f"  {'':<46} {'threshold':>9}  {'95 %':<15} {'named':>6} {'found':>6} {'missed':>6} {'in vain':>7}  {'precision':>9} {'recall':>7}"
        lines.append(head + (f"  {'cost':>7}  95 %" if priced else ""))
        for offer in table:
            counts = " ".join(f"{c:>6}" for c in offer.counts)
            line = f"  {offer.name:<46} {offer.value:>9}  {offer.span:<15} {counts}   {offer.precision[0]:>9} {offer.recall[0]:>7}"
            lines.append(line + (f"  {offer.cost[0]:>7}  {offer.cost[1]}" if priced else ""))
            for group, value, span, cost, cost_span, before in offer.groups:
                lines.append(f"    {group:<44} {value:>9}  {span:<15} costs {cost} ({cost_span}); by one threshold for all {before}")
        lines += ["", *(line for remark in remarks(document) for line in textwrap.wrap(remark, WIDTH, subsequent_indent="  "))]
    lines += [line for note in notes(document) for line in textwrap.wrap(f"Note: {note}.", WIDTH, subsequent_indent="  ")]
    return _plain(lines)


def threshold_text(threshold: Mapping[str, Any]) -> str:
    """Return one threshold in words, for a terminal.

    >>> asked = {"per_1000": 300}
    >>> print(threshold_text({"rule": "capacity", "asked": asked, "value": 0.07, "outcome": {"found": 2, "missed": 1, "alarms": 1, "left": 6}}))
    names at most 300 of 1,000: named from 0.07
      expected per 1,000: 300 named, 200 found, 100 missed, 100 in vain; precision unknown, recall unknown
    """
    offer, rows = _offer(threshold), sum(v for _, v in given.pairs(threshold, "outcome"))
    where = "a threshold for each" if offer.groups else f"{offer.value} is named"
    place = f"named from {offer.value}" if offer.value[:1].isdigit() else where
    named, found, missed, alarms = offer.counts
    figures = [("precision", offer.precision), ("recall", offer.recall)] + [("cost", offer.cost)] * bool(offer.cost[0])
    shown = ", ".join(f"{name} {value}" + (f" ({span})" if span else "") for name, (value, span) in figures)
    lines = [f"{offer.name}: {place}" + (f" (95 % {offer.span})" if offer.span else "")]
    lines += [f"  {group}: from {value} ({span}), costs {cost} ({reach})" for group, value, span, cost, reach, _ in offer.groups]
    lines.append(f"  expected per 1,000: {named} named, {found} found, {missed} missed, {alarms} in vain; {shown}")
    lines += [f"  {remark}" for remark in remarks({"rows": rows, "thresholds": [threshold]})]
    lines += [f"  Note: {note}." for note in given.items(threshold, "notes")]
    return _plain(lines)


def write(document: Mapping[str, Any]) -> str:
    """Return the page for a decision given as plain data. The same document gives the same page.

    >>> page = write({"model": "<b>", "story": ["Of 1,000 people 240 are `>50K`."]})
    >>> page.startswith("<!doctype html>"), "<b>" in page
    (True, False)
    """
    noun = wording.clean(given.text(document, "noun"), wording.LONGEST_NAME) or "rows"
    positive = wording.clean(given.text(document, "positive"), wording.LONGEST_NAME)
    page: str = _template().render(
        style=(files(__package__) / "report.css").read_text(encoding="utf-8"),
        model=wording.name(given.text(document, "model")),
        about=f"{wording.count(given.number(document, 'rows'))} labelled {noun}" + (f", sought: {positive}" if positive else ""),
        story=[wording.prose(sentence) for sentence in given.items(document, "story")],
        notes=[wording.prose(f"{note[:1].upper()}{note[1:]}.") for note in notes(document)],
        figures=[(f, wording.prose(f.meaning), wording.prose(f.misleads)) for f in figures(document)],
        offers=offers(document),
        remarks=[wording.prose(remark) for remark in remarks(document)],
        noun=noun,
        charts=operating_charts.charts(document),
        costs=costs(document),
        about_run=_run(document),
    )
    return page


def figures(document: Mapping[str, Any]) -> list[Figure]:
    """Return the metrics as they are shown."""
    found = []
    for metric in given.records(document, "metrics"):
        low, high = given.number(metric, "interval", "low"), given.number(metric, "interval", "high")
        value = given.number(metric, "value")
        told = given.text(metric, "meaning"), given.text(metric, "misleads")
        found.append(Figure(given.text(metric, "name"), _number(value), "" if value is None else _span(low, high), *told))
    return found


def offers(document: Mapping[str, Any]) -> list[Offer]:
    """Return the thresholds as they are shown, the model's own answers first."""
    own = given.entry(document, "own")
    found = [_offer({**own, "rule": "own"})] if isinstance(own, Mapping) else []
    return found + [_offer(threshold) for threshold in given.records(document, "thresholds")]


def remarks(document: Mapping[str, Any]) -> list[str]:
    """Return what is to be said about the thresholds, in sentences."""
    found = []
    thresholds = given.records(document, "thresholds")
    for t in thresholds:
        if given.text(t, "rule") == "cost":
            usual, beside, seen = (given.number(t, *k) for k in (("usual",), ("usual_cost", "value"), ("cost_seen",)))
            right = f" Were the model’s probabilities right, {_number(usual)} would be the cheapest; by that one they cost {_number(beside)}."
            found.append(
                f"The smallest cost is read off these rows.{right if usual is not None else ''} "
                f"On the rows that chose it the threshold used costs {_number(seen)}, which is optimistic."
            )
        if given.text(t, "rule") in ("recall", "precision") and given.number(t, "without") and given.entry(t, "without") != given.entry(t, "value"):
            alone = _threshold(given.entry(t, "without"))
            found.append(
                f"“{name_of(t)}” is a promise for new rows like these; to keep it on these rows alone {alone} would do, "
                "which on new rows falls short about every other time."
            )
        if given.text(t, "rule") == "equal-cost":
            more, low, high = (given.number(t, "equality", *k) for k in (("value",), ("interval", "low"), ("interval", "high")))
            found.append(f"Equal cost costs {_number(more)} per 1,000 more than one threshold for all ({_span(low, high)}).")
    if thresholds:
        first = thresholds[0]
        rows, all_rows, half = given.number(document, "rows"), given.number(first, "labels_needed"), given.number(first, "half_width")
        if rows and all_rows and half is not None:
            what = "cost" if given.number(first, "cost", "value") is not None else "recall"
            needed = f"{wording.count(all_rows)} labelled rows, {wording.count(all_rows - rows)} more than these"
            which = f" by the threshold “{name_of(first)}”" if len(thresholds) > 1 else ""
            found.append(f"The {what}{which} is known to ± {_number(half)}; to halve that takes {needed}.")
    return found


def notes(document: Mapping[str, Any]) -> list[str]:
    """Return what to know about the rows and the thresholds."""
    return [str(note) for note in given.items(document, "notes") if isinstance(note, str)][:20]


def costs(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what each outcome costs."""
    names = {"missed": "Missed", "false_alarm": "False alarm", "found": "Found", "gain_found": "What a found one brings in"}
    shown = [(names[k], _number(given.number(document, "costs", k))) for k in names if given.number(document, "costs", k) is not None]
    return [pair for pair in shown if pair[1] != "0" or pair[0] in ("Missed", "False alarm")]


def name_of(threshold: Mapping[str, Any]) -> str:
    """Return what was asked of a threshold, in words."""
    rule, least = given.text(threshold, "rule"), given.number(threshold, "asked", "least")
    sure = given.number(threshold, "asked", "confidence")
    promise = f" ({wording.percent(sure)} sure)" if sure is not None else ""
    if rule == "recall":
        return f"finds at least {wording.percent(least)}{promise}"
    if rule == "precision":
        return f"is right for at least {wording.percent(least)}{promise}"
    if rule == "capacity":
        return f"names at most {wording.figure(given.number(threshold, 'asked', 'per_1000'))} of 1,000"
    if rule == "equal-cost":
        return f"equal cost for each {wording.name(given.text(threshold, 'asked', 'by'))}"
    return NAMES.get(rule, rule)


def _plain(lines: list[str]) -> str:
    return "\n".join(wording.clean(line) for line in lines).replace(wording.SPACE, " ").replace("’", "'")


def _offer(t: Mapping[str, Any]) -> Offer:
    parts = {k: given.number(t, "outcome", k) or 0.0 for k in ("found", "missed", "alarms", "left")}
    total = sum(parts.values()) or 1.0
    counts = [parts["found"] + parts["alarms"], parts["found"], parts["missed"], parts["alarms"]]
    groups = []
    for g in given.records(t, "groups"):
        low, high = given.entry(g, "interval", "low"), given.entry(g, "interval", "high")
        name = wording.cell(given.entry(g, "group"))
        shown = name.text or name.remark, _threshold(given.entry(g, "value")), _thresholds(low, high)
        groups.append((*shown, *_estimate(g, "cost"), _estimate(g, "cost_before")[0]))
    own = given.text(t, "rule") == "own"
    low, high = given.entry(t, "interval", "low"), given.entry(t, "interval", "high")
    return Offer(
        name_of(t),
        "" if own else "by group" if groups else _threshold(given.entry(t, "value")),
        "" if own or groups else _thresholds(low, high),
        tuple(_per_1000(1000 * c / total) for c in counts),
        _estimate(t, "precision"),
        _estimate(t, "recall"),
        _estimate(t, "cost") if given.entry(t, "cost") is not None else ("", ""),
        tuple(groups),
    )


def _estimate(document: Mapping[str, Any], key: str) -> tuple[str, str]:
    """Return an estimate and its interval."""
    value, low, high = (given.number(document, key, *keys) for keys in (("value",), ("interval", "low"), ("interval", "high")))
    return _number(value), "" if value is None else _span(low, high)


def _number(value: float | None) -> str:
    """Return a figure as a person reads it: three decimals below 10, whole above 100."""
    if value is None or value != value:
        return "unknown"
    if abs(value) >= 100 or value == int(value) or (abs(value) >= 10 and abs(value - round(value)) < 0.05):
        return f"{value:,.0f}".replace("-", "−")
    return (f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}").replace("-", "−")


def _per_1000(value: float) -> str:
    return f"{value:,.0f}" if value >= 9.95 or value == int(value) else f"{value:.1f}"


def _threshold(value: Any) -> str:
    """Return a threshold as it is shown; infinite ones name nobody, and 0 everyone."""
    if value in ("inf", "nobody", math.inf):
        return "nobody"
    number = given.number(value)
    if number is None:
        return "unknown"
    return "everyone" if number == 0 else f"{number:.3g}" if number < 0.9995 else f"{number:.6g}"


def _thresholds(low: Any, high: Any) -> str:
    if low is None or high is None or "nan" in (low, high) or low != low:
        return ""
    return f"{_threshold(low)} – {_threshold(high)}" if low != high or given.number(low) else ""


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{_number(low)} – {_number(high)}"


def _run(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = [("Seed", wording.figure(given.number(document, "seed")))] if given.number(document, "seed") is not None else []
    return lines + ([("Version of camelopard", wording.clean(given.text(document, "version"), 80))] if given.text(document, "version") else [])


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files(__package__) / "decision.html").read_text(encoding="utf-8"))
