"""What the page shows of attacks, of the firewall's measured quality, and of rows it has screened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from camelopard.core.tolerance import beyond
from camelopard.report import content, wording
from camelopard.report import document as given
from camelopard.report.blind_spots import blind_spots
from camelopard.report.content import Look
from camelopard.report.fooled import Example, example_of
from camelopard.report.wording import Cell

MOST_ROWS = 200
LONGEST_WRONG, LONGEST_REASON = 200, 300
ROUTES = ("pass", "repair", "review", "block")
FIGURES = {
    "auroc_fooled": "AUROC: rows that fool the model above rows that do not, by this firewall",
    "auroc_fooled_by_own_doubt": "The same, by the model’s own confidence",
    "auroc_fooled_by_oddity": "The same, by how odd the row is",
    "auroc_unseen": "AUROC on families of damage that it was not taught",
    "auroc_unseen_by_own_doubt": "The same, by the model’s own confidence",
    "auroc_wrong": "AUROC: answers that are wrong above right ones, by confidence",
    "auroc_wrong_by_own_doubt": "AUROC: answers that are wrong above right ones, by the model’s own confidence",
    "clean_stopped": "Clean rows that were stopped",
    "fooled_caught": "Rows that fooled the model and were stopped",
    "harmless_flagged": "Damaged rows that did not fool it and were stopped all the same",
    "fooled_caught_at_5_percent": "Fooling rows that would be stopped at 5 % clean alarms",
    "harmful_caught_at_5_percent": "Fooling rows with answers that are wrong, stopped at 5 % clean alarms",
    "harmless_flagged_at_5_percent": "Damaged rows that did not fool it, stopped at 5 % clean alarms",
    "ece_risk": "Calibration error of the risk (0 is perfect)",
    "brier_risk": "Brier score of the risk (0 is perfect)",
    "ece_confidence": "Calibration error of the confidence (0 is perfect)",
    "brier_confidence": "Brier score of the confidence (0 is perfect)",
    "repaired": "Wrong answers among those given to repaired rows",
}
SIZES = {  # what the size of a change is, by what the data are
    "": "Sizes are in spreads of a column (about a standard deviation); another category counts as 1.",
    "text": "The size of a change is the share of the text’s characters that it touches.",
    "pair": "The size of a change is the share of the texts’ characters that it touches.",
    "image": "The size of a change is its root mean square over the picture, as a share of the range of values.",
}
SHARES = frozenset(
    {
        "clean_stopped",
        "fooled_caught",
        "harmless_flagged",
        "fooled_caught_at_5_percent",
        "harmful_caught_at_5_percent",
        "harmless_flagged_at_5_percent",
        "repaired",
    }
)
SAME = 1e-6
OWN = "_by_own_doubt"  # how keys of figures by the model's own confidence end
TOLD_ELSEWHERE = frozenset({"repaired_wrong"})  # the same figure as "repaired"


@dataclass(frozen=True)
class Step:
    """The share of rows fooled by a total change of at most `size` spreads."""

    size: str
    share: str
    bar: int


@dataclass(frozen=True)
class Attacks:
    """How small a change suffices; `size` says what sizes are, `ways` how often each way alone sufficed, `texts` the same for texts beside them."""

    rows: str
    queries: str
    size: str
    steps: tuple[Step, ...]
    columns: tuple[tuple[str, str, str], ...]
    ways: tuple[tuple[str, str], ...]
    examples: tuple[tuple[Example, str], ...]
    texts: Attacks | None = None

    def __bool__(self) -> bool:
        return bool(self.steps or self.columns or self.examples)


@dataclass(frozen=True)
class Figure:
    """One measured quantity with its interval."""

    name: str
    value: str
    span: str


@dataclass(frozen=True)
class Defence:
    """The firewall's promise, its measured quality, and what it cannot see."""

    promise: tuple[str, ...]
    figures: tuple[Figure, ...]
    heads: tuple[str, ...]
    table: tuple[tuple[str, tuple[str, ...]], ...]
    notes: tuple[str, ...]
    unseen: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.promise or self.figures or self.table or self.notes)


@dataclass(frozen=True)
class Screened:
    """One row that came in, and what the firewall did with it."""

    id: str
    wrong: list[tuple[bool, str]]
    harmless: bool
    said_harmless: bool
    risk: str
    confidence: str
    route: str
    should_be: Cell | None
    before: Cell
    mistaken: bool
    after: Cell | None
    reasons: tuple[list[tuple[bool, str]], ...]
    looks: tuple[Look, ...]


def attacks(document: Mapping[str, Any]) -> Attacks:
    """Return how small a change of a row moves the model's answer; in a table with texts also how small a change of these."""
    found, pictures = given.entry(document, "attacks"), given.column_names(document, "image")
    texts = _attacks(given.entry(found, "texts"), "text", pictures)
    return replace(_attacks(found, given.media(document), pictures), texts=texts or None)


def _attacks(found: Any, media: str, pictures: frozenset[str]) -> Attacks:
    within = sorted(
        (size, share)
        for key, value in given.pairs(found, "fooled_within")
        if (size := _as_float(key)) is not None and (share := given.number(value)) is not None
    )
    columns = [] if media else sorted(given.records(found, "by_column"), key=lambda c: -(given.number(c, "flipped") or 0.0))[:40]
    examples = [
        (shown, _size(given.number(raw, "cost"), media)) for raw in given.records(found, "examples")[:3] if (shown := example_of(raw, pictures))
    ]
    rows, queries = given.number(found, "rows"), given.number(found, "queries")
    return Attacks(
        "" if rows is None else wording.count(rows),
        "" if queries is None else wording.count(queries),
        SIZES[media],
        tuple(Step(_size(size, media), wording.percent(share), _bar(share)) for size, share in within),
        tuple(
            (wording.name(given.text(c, "column")), wording.percent(given.number(c, "flipped")), _spreads(given.number(c, "median_change")) or "–")
            for c in columns
        ),
        tuple(_ways(found)),
        tuple(examples),
    )


def firewall(document: Mapping[str, Any]) -> Defence:
    """Return what the firewall promises and how good it was measured to be."""
    found = given.entry(document, "firewall")
    heads, table = _table(given.records(found, "table") or _by_kind(found))
    notes = tuple(wording.sentence(note) for note in given.items(found, "notes") if isinstance(note, str))
    return Defence(tuple(_promise(found)), tuple(_figures(found)), heads, table, notes[:20], tuple(blind_spots(found)))


def screened(document: Mapping[str, Any]) -> list[Screened]:
    """Return the screened rows that the report was given."""
    return [_screened(row) for row in given.records(document, "screen", "rows")[:MOST_ROWS]]


def _screened(row: Mapping[str, Any]) -> Screened:
    route, should_be, before, after = (given.entry(row, key) for key in ("route", "should_be", "before", "after"))
    return Screened(
        wording.cell(given.entry(row, "id")).text,
        wording.prose(given.text(row, "wrong"), LONGEST_WRONG),
        bool(given.entry(row, "harmless")),
        "harmless" in given.text(row, "wrong"),
        wording.percent(given.number(row, "risk")),
        wording.percent(given.number(row, "confidence")),
        route if route in ROUTES else "unknown",
        None if should_be is None else wording.cell(should_be),
        Cell("", "no answer") if before is None else wording.cell(before),
        should_be is not None and str(should_be) != str(before),
        None if after is None else wording.cell(after),
        tuple(wording.prose(reason, LONGEST_REASON) for reason in given.items(row, "reasons") if isinstance(reason, str))[:5],
        content.looks(row),
    )


def _ways(found: Any) -> list[tuple[str, str]]:
    """Return the ways of changing a text or a picture, and how often each alone sufficed, the most dangerous first."""
    named = [(name, given.number(share)) for name, share in given.pairs(found, "by_way")]
    named += [(given.text(way, "way"), given.number(way, "moved")) for way in given.records(found, "by_way")]
    ways = [(wording.kind_words(name), share) for name, share in named if share is not None]
    return [(name, wording.percent(share)) for name, share in sorted(ways, key=lambda way: -way[1])[:20]]


def _promise(found: Any) -> list[str]:
    little = given.text(found, "little_learned", "told")
    lines = [wording.sentence(little)] if little else []
    alpha = given.number(found, "threshold", "alpha") or given.number(found, "alpha")
    rows, sure = given.number(found, "threshold", "rows"), given.number(found, "threshold", "confidence")
    if given.entry(found, "threshold", "alarms_possible") is False:
        lines.append(f"No alarms: {wording.count(rows)} calibration rows are too few to promise at most {wording.percent(alpha)} false alarms.")
    elif alpha is not None:
        few = " on average over such fits" if given.entry(found, "threshold", "on_average") is True else ""
        holds, chance = "This fit keeps to it" if few else "This holds", ""
        if sure is not None and rows is not None:
            chance = f" {holds} with a probability of {wording.percent(sure)}, given {wording.count(rows)} calibration rows."
        lines.append(f"Of clean rows like those it was fitted on, at most {wording.percent(alpha)} are stopped{few}.{chance}")
    threshold = given.number(found, "threshold", "risk")
    threshold = given.number(found, "threshold") if threshold is None else threshold
    if threshold is not None:
        lines.append(f"A row is stopped from a risk of {wording.figure(threshold, 2)}.")
    if mix := given.text(found, "mix"):
        lines.append(f"Risk and confidence are probabilities for this traffic: {wording.sentence(mix)}.")
    return lines


def is_silent(key: str, found: Any) -> bool:
    """Whether a figure of a model's own confidence says only that it has none: then nothing ranks the rows.

    >>> is_silent("auroc_fooled_by_own_doubt", {"value": 0.5, "low": 0.5, "high": 0.5})
    True
    """
    parts = [given.number(found, part) for part in ("value", "low", "high")]
    return key.endswith(OWN) and all(part is not None and abs(part - 0.5) < SAME for part in parts)


def _figures(found: Any) -> list[Figure]:
    figures, within = [], given.number(found, "tolerance") if given.text(found, "model", "task") == "regression" else None
    for key, value in given.pairs(found, "measured"):
        estimate = given.number(value, "value") if isinstance(value, Mapping) else given.number(value)
        if estimate is None or key in TOLD_ELSEWHERE or is_silent(key, value):
            continue
        interval = given.entry(value, "interval") or value
        low, high = given.number(interval, "low"), given.number(interval, "high")
        between = "" if low is None or high is None else wording.span(low, high) if key in SHARES else f"{low:.3f}–{high:.3f}"
        name = FIGURES.get(key) or wording.clean(key.replace("_", " "), wording.LONGEST_NAME)
        if within is not None:
            name = name.replace("Wrong answers", f"Answers {beyond(within)}").replace("answers that are wrong", f"answers {beyond(within)}")
        figures.append(Figure(name, wording.percent(estimate) if key in SHARES else f"{estimate:.3f}", between))
    return figures[:40]


def _by_kind(found: Any) -> list[Mapping[str, Any]]:
    kinds = [_told(kind, row) for kind, row in given.pairs(found, "measured", "by_kind") if isinstance(row, Mapping)]
    return sorted(kinds, key=lambda row: (given.number(row, "auroc") is None, given.number(row, "auroc") or 0.0))


def _told(kind: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row of the table, its interval as one cell behind the share that it belongs to."""
    between = wording.span(given.number(row, "low"), given.number(row, "high"))
    figures = {key: value for key, value in row.items() if key not in ("low", "high")}
    told = {"n": figures.pop("n", None), "fooled": figures.pop("fooled", None), **({"95 % interval": between} if between else {}), **figures}
    return {"kind of damage": wording.kind_words(kind), **told}


def _table(rows: list[Mapping[str, Any]]) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    keys = list(dict.fromkeys(str(key) for row in rows for key in row))[:10]
    if not keys:
        return (), ()
    heads = tuple({"auroc": "AUROC", "n": "rows"}.get(key) or wording.kind_words(key) for key in keys)
    lines = tuple((_table_cell(keys[0], row.get(keys[0])), tuple(_table_cell(key, row.get(key)) for key in keys[1:])) for row in rows[:MOST_ROWS])
    return heads, lines


def _table_cell(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("value")
    size = given.number(value)
    if size is None:
        return wording.clean(value, wording.LONGEST_NAME) if isinstance(value, str) else "–"
    if key in ("n", "rows"):
        return wording.count(size)
    return wording.percent(size) if key in ("fooled", "caught", "flagged") and 0 <= size <= 1 else wording.figure(size, 3)


def _spreads(value: float | None) -> str:
    return "" if value is None else wording.figure(value, 2)


def _size(value: float | None, media: str) -> str:
    if value is None:
        return ""
    return wording.percent(value) if media else f"{_spreads(value)} spread{'' if value == 1 else 's'}"


def _bar(share: float) -> int:
    return round(100 * min(max(share, 0.0), 1.0))


def _as_float(text: str) -> float | None:
    try:
        return given.number(float(text))
    except ValueError:
        return None
