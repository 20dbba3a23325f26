"""Writes a stress report as one page: a single file without scripts or outside addresses, for readers who do not program.

The page is made in three steps: the document (plain data, all of it optional) is read into what is shown, charts are drawn, a template is filled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from camelopard.report import certainty, certainty_charts, charts, curves, defence, fooled, terms, wording
from camelopard.report import document as given
from camelopard.report.certainty import Certainty
from camelopard.report.fooled import Group

if TYPE_CHECKING:
    from jinja2 import Template

WIDE, NARROW = (4, 190), (2, 132)  # panels side by side and their width in pixels, on a desk and on a phone
SURE_WIDE, SURE_NARROW = (2, 330, 620, 3, 225), (1, 255, 265, 1, 265)  # columns and width: reliability, risk–coverage (one column), costs
MOST_DATA = 200
MOST_NOTES = 10
NOUNS = {"": "rows", "text": "texts", "pair": "pairs of texts", "image": "pictures"}
READ_IN_TERMS = ("length", "language", "size", "channels", "range")  # assumptions that say what a column of texts or pictures holds


@dataclass(frozen=True)
class Masthead:
    """The top of the page: what it is about, the verdict, how many findings of each level."""

    model: str
    about: str
    verdict: list[tuple[bool, str]]
    levels: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class DataColumn:
    """One column of the data, as it was seen."""

    name: str
    kind: str
    missing: str
    holds: str


def write(document: Mapping[str, Any]) -> str:
    """Return the page for a report given as plain data (`StressReport.to_dict()`). The same document gives the same page.

    >>> page = write({"verdict": "Nothing fools it.", "model": {"name": "<b>"}})
    >>> page.startswith("<!doctype html>"), "<b>" in page
    (True, False)
    """
    panels = curves.panels(document)
    groups = fooled.groups(document)
    sure = certainty.certainty(document)
    page: str = _template().render(
        style=(files(__package__) / "report.css").read_text(encoding="utf-8"),
        top=masthead(document),
        groups=groups[: fooled.IN_FULL],
        more=groups[fooled.IN_FULL :],
        groups_left_out=fooled.groups_left_out(document),
        measured=bool(groups or given.records(document, "curves")),
        panels=len(panels),
        wide=charts.dose_response(panels, *WIDE, name="dose"),
        narrow=charts.dose_response(panels, *NARROW, name="dose-narrow"),
        overview=curves.overview(document),
        contract=terms.contract(document),
        ignored=terms.ignored(document),
        attacks=defence.attacks(document),
        serving=serving(document),
        serving_checked=given.text(document, "mode") not in ("data", "predictions") and given.entry(document, "serving") is not None,
        firewall=defence.firewall(document),
        sure=sure,
        sayers=certainty.SAYERS,
        percent=wording.percent,
        span=wording.span,
        figure=wording.figure,
        sure_wide=drawings(sure, *SURE_WIDE, name="sure"),
        sure_narrow=drawings(sure, *SURE_NARROW, name="sure-narrow"),
        screened=defence.screened(document),
        screen_title=wording.sentence(given.text(document, "screen", "title") or "Rows that were screened", wording.LONGEST_NAME),
        data=data_columns(document),
        media=given.media(document),
        cost=cost(document),
    )
    return page


def masthead(document: Mapping[str, Any]) -> Masthead:
    """Return the top of the page."""
    model, task = given.text(document, "model", "name"), given.text(document, "model", "task")
    classes = [wording.cell(c).text for c in given.items(document, "model", "classes")]
    rows, columns, media = given.number(document, "data", "rows"), given.records(document, "data", "columns"), given.media(document)
    about = []
    if task:
        named = f" into {', '.join(classes[:6])}{' …' if len(classes) > 6 else ''}" if classes else ""
        about.append(wording.clean(f"{task}{named}", 200))
    if rows is not None:
        about.append(f"{wording.count(rows)} {NOUNS[media]}")
    if columns and not media:
        about.append(f"{len(columns)} column{'' if len(columns) == 1 else 's'}{_of_media(document)}")
    return Masthead(
        wording.name(model) if model else "",
        ", ".join(about),
        _verdict(document),
        _levels(document) if _measured(document) else (),
        tuple(_notes(document)),
    )


def serving(document: Mapping[str, Any]) -> list[Group]:
    """Return the serving faults, by what is wrong."""
    return fooled.groups({"findings": given.records(document, "serving")})


def drawings(sure: Certainty, columns: int, width: int, long: int, prices: int, each: int, *, name: str) -> dict[str, str]:
    """Return the charts of how sure the model is, by what they show."""
    return {
        "reliability": certainty_charts.reliability(sure.reliability, columns, width, f"{name}-reliability"),
        "accepting": certainty_charts.accepting(sure.accepting, long, f"{name}-accepting", sure.within),
        "costs": certainty_charts.costs(sure.costs, prices, each, f"{name}-costs"),
    }


def cost(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the run cost and what it takes to run it again."""
    asked, planned = given.number(document, "cost", "asked"), given.number(document, "cost", "planned")
    seconds, seed = given.number(document, "cost", "seconds"), given.number(document, "seed")
    lines = []
    if asked is not None:
        lines.append(("Rows the model was asked", wording.count(asked) + (f" of {wording.count(planned)} planned" if planned is not None else "")))
    if given.entry(document, "cost", "complete") is not None:
        done = given.number(document, "cost", "share_done")
        partly = "no" if done is None else f"no, {wording.percent(done)} of it"
        lines.append(("The whole plan was done", "yes" if given.entry(document, "cost", "complete") else partly))
    for key, name in (
        ("rows_per_case", "Rows per damage, column and severity"),
        ("targets_left_out", "Columns or pairs left out to keep the budget"),
    ):
        if size := given.number(document, "cost", key):
            lines.append((name, wording.count(size)))
    if seconds is not None:
        lines.append(("Time", wording.duration(seconds)))
    if seed is not None:
        lines.append(("Seed", wording.figure(seed)))
    if version := given.text(document, "version"):
        lines.append(("Version of camelopard", wording.clean(version, wording.LONGEST_NAME)))
    return lines


def data_columns(document: Mapping[str, Any]) -> list[DataColumn]:
    """Return what the data's columns hold."""
    return [_data_column(column, document) for column in given.records(document, "data", "columns")[:MOST_DATA]]


def _verdict(document: Mapping[str, Any]) -> list[tuple[bool, str]]:
    if verdict := given.text(document, "verdict"):
        return wording.prose(verdict)
    findings = given.all_findings(document)
    if findings:
        n = len(findings)
        return wording.prose(f"{n} finding{'' if n == 1 else 's'}, the worst of level {given.level(findings[0])}.")
    if given.records(document, "curves"):
        return wording.prose("Nothing that was tried fools this model beyond what a random legal value does.")
    return wording.prose("Nothing was measured, so nothing can be said about this model.")


def _measured(document: Mapping[str, Any]) -> bool:
    return bool(given.all_findings(document) or given.records(document, "curves"))


def _levels(document: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    found = [given.level(finding) for finding in given.all_findings(document)]
    return tuple((name, found.count(name)) for name in reversed(given.LEVELS[1:]))


def _notes(document: Mapping[str, Any]) -> list[str]:
    notes = []
    mode = given.text(document, "mode")
    if mode == "data":
        notes.append("There was no model: this page describes the data only.")
    if mode == "predictions":
        notes.append(f"Only the model’s answers were at hand. A stand-in that learned to imitate them was examined{_agreement(document)}.")
    if given.entry(document, "cost", "complete") is False:
        done = given.number(document, "cost", "share_done")
        share = "part" if done is None else wording.percent(done)
        notes.append(f"The budget ended the run early: {share} of the plan was done. What was measured stands; more budget measures the rest.")
    return notes + [wording.sentence(note) for note in given.items(document, "notes")[:MOST_NOTES] if isinstance(note, str)]


def _agreement(document: Mapping[str, Any]) -> str:
    found = given.number(document, "model", "agreement", "value")
    if found is None:
        return ": what is said here holds as far as the two agree"
    if given.text(document, "model", "task") == "regression":
        return f"; on rows it had not seen it explains the answers with an R² of {found:.2f}"
    return f"; on rows it had not seen it gives the same answer in {wording.percent(found)}"


def _of_media(document: Mapping[str, Any]) -> str:
    """Return how many columns of a table are read or looked at."""
    found = [(len(given.column_names(document, kind)), words) for kind, words in (("text", "texts"), ("image", "pictures"))]
    told = " and ".join(f"{n} of {words}" for n, words in found if n)
    return f" ({told})" if told else ""


def _seen_in(name: str, document: Mapping[str, Any]) -> str:
    """Return what a column of texts or pictures holds, as its assumptions say: the column's own name, which stands beside it, is left out."""
    found = [a for a in given.records(document, "assumptions") if given.items(a, "fields") == [name] and given.text(a, "code") in READ_IN_TERMS]
    told = [wording.sentence(given.text(a, "statement"), terms.LONGEST).removeprefix(f"{name} ").removesuffix(".") for a in found]
    return "; ".join(words.replace(f" of {name} ", " ") for words in told if words)


def _data_column(column: Mapping[str, Any], document: Mapping[str, Any]) -> DataColumn:
    kind, low, high = given.text(column, "kind"), given.entry(column, "low"), given.entry(column, "high")
    holds = _seen_in(given.text(column, "name"), document) if kind in ("text", "image") else ""
    values = given.entry(column, "values")
    if holds:
        pass
    elif isinstance(values, (Mapping, list, tuple)) and values:
        known = [wording.cell(v).text or wording.cell(v).remark for v in list(values)[:5]]
        holds = ", ".join(known) + (f" and {len(values) - 5:,} more" if len(values) > 5 else "")
    elif low is not None and high is not None:
        show = wording.day if kind == "date" else lambda v: wording.cell(v).text
        holds = f"{show(low)} to {show(high)}"
    elif size := given.number(values):
        holds = f"{wording.count(size)} value{'' if size == 1 else 's'}"
    missing = given.number(column, "null_rate")
    shown = "never" if missing == 0 else wording.percent(missing)
    return DataColumn(wording.name(given.text(column, "name")), wording.kind_words(kind) if kind else "unknown", shown, wording.clean(holds, 300))


@cache
def _template() -> Template:
    from jinja2 import DictLoader, Environment, StrictUndefined

    pages = {name: (files(__package__) / name).read_text(encoding="utf-8") for name in ("report.html", "certainty.html")}
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=DictLoader(pages))
    return environment.get_template("report.html")
