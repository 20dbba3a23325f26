"""How sure the model is, how rightly, and what a policy does about it: read from what was measured on held-out rows, put into words and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from camelopard.core.tolerance import beyond, within
from camelopard.report import document as given
from camelopard.report import wording

SAYERS = {"confidence": "confidence", "own": "the model’s own word"}
COVERAGE = 0.8  # the share accepted that is told in a sentence: fixed, not picked where the curve looks best
MOST_POINTS, MOST_RATIOS = 60, 4
LARGEST = 1e9
ALONE = ("overrides", "audit", "reviews_per_day")  # parts of a policy that need more than held-out rows
ROUTES = ("pass", "repair", "review", "block")


@dataclass(frozen=True)
class Bin:
    """Rows that were said to be about equally sure: the mean of what was said, and the share right with its interval; all shares."""

    said: float
    right: float
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class Point:
    """Answers accepted down to some confidence: how many, and how many of those are wrong; all shares."""

    coverage: float
    wrong: float
    at_most: float


@dataclass(frozen=True)
class Price:
    """What 1,000 rows cost at one threshold of confidence; the cost by the model's own word is None where that is not known."""

    threshold: float
    cost: float
    low: float
    high: float
    own: float | None


@dataclass(frozen=True)
class CostCurve:
    """What 1,000 rows cost, in reviews, over all thresholds, where a wrong answer costs `ratio` reviews; `cells`: the row of a table about it."""

    ratio: float
    at: float
    prices: tuple[Price, ...]
    cost: float | None
    cells: tuple[str, ...]
    error: str = "A wrong answer"

    @property
    def title(self) -> str:
        return f"{self.error} costs {wording.figure(self.ratio, 3)} review{'' if self.ratio == 1 else 's'}"


@dataclass(frozen=True)
class Route:
    """What becomes of 1,000 rows: those on one route, and the wrong answers among them."""

    name: str
    rows: str
    span: str
    bar: int
    wrong: str
    wrong_span: str
    through: str
    through_span: str


@dataclass(frozen=True)
class Certainty:
    """All of it; each part, and the sentence about it, is empty where it was not measured.

    reliability, accepting
        By who says it: `SAYERS`.
    mix, within, by_risk
        The traffic that all is for, how far off a right answer may be (nothing for classes), and whether rows are routed without costs.
    """

    reliability: Mapping[str, tuple[Bin, ...]] = field(default_factory=dict)
    accepting: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    sureness: float = 0.95
    costs: tuple[CostCurve, ...] = ()
    routes: tuple[Route, ...] = ()
    sentences: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    mix: str = ""
    within: str = ""
    by_risk: bool = True

    def __bool__(self) -> bool:
        return bool(self.reliability or self.accepting or self.costs or self.routes)


def certainty(document: Mapping[str, Any]) -> Certainty:
    """Return what a report says of confidence and policy.

    >>> bool(certainty({})), certainty({}).sentences["routes"]
    (False, '')
    """
    firewall = given.entry(document, "firewall")
    measured, off = given.entry(firewall, "measured"), _off(firewall)
    reliability = {name: bins for name in SAYERS if (bins := _bins(given.entry(measured, "reliability", name)))}
    accepting = {name: points for name in SAYERS if (points := _points(given.entry(measured, "risk_coverage", name)))}
    sureness = _share(measured, "risk_coverage", "sureness") or 0.95
    costs = tuple(curve for raw in given.records(measured, "costs")[:MOST_RATIOS] if (curve := _cost_curve(raw, off)) is not None)
    sentences = {
        "reliability": _said_and_found(reliability, off),
        "accepting": _accepted(accepting, sureness, off),
        "costs": _priced(given.records(measured, "costs"), off),
        "routes": _routed(given.entry(measured, "routes"), off),
    }
    return Certainty(
        reliability,
        accepting,
        sureness,
        costs,
        _routes(given.entry(measured, "routes")),
        sentences,
        tuple(_notes(firewall)),
        wording.sentence(given.text(firewall, "mix"), 200),
        "" if off is None else wording.figure(off, 4),
        given.entry(measured, "routes", "policy", "costs") is None,
    )


def digest(measured: Mapping[str, Any], tolerance: float | None = None, policy: Mapping[str, Any] | None = None) -> list[str]:
    """Return the gist of what was measured, two lines for a terminal; none where there were no labels.

    `tolerance`: how far a number may be from the truth and still be right; None where answers are classes. `policy`: the one in force; where the
    routes measured are those of another, that is said.

    >>> curve = {"coverage": [0.5, 0.8, 1.0], "wrong": [0.02, 0.06, 0.15], "at_most": [0.03, 0.07, 0.16]}
    >>> digest({"risk_coverage": {"sureness": 0.95, "confidence": curve}})
    ['Accept the surest 80 % and 6 % of those are wrong (at most 7 %, with 95 % probability); accept everything, and 15 % are.']
    """
    model = {} if tolerance is None else {"model": {"task": "regression"}, "tolerance": tolerance}
    told = dict(certainty({"firewall": {"measured": measured, **model}}).sentences)
    if told["routes"] and policy is not None and policy != given.entry(measured, "routes", "policy"):
        told["routes"] = f"Under the policy it was fitted with: {told['routes']} What the policy in force does, evaluate measures."
    return [told[name].replace(wording.SPACE, " ").replace("’", "'") for name in ("accepting", "routes") if told[name]]


def _said_and_found(reliability: Mapping[str, tuple[Bin, ...]], off: float | None) -> str:
    if "confidence" not in reliability:
        return ""
    gaps = {name: sum(b.share * abs(b.said - b.right) for b in bins) for name, bins in reliability.items()}
    said = {name: sum(b.share * b.said for b in bins) / max(sum(b.share for b in bins), 1e-9) for name, bins in reliability.items()}
    right = sum(b.share * b.right for b in reliability["confidence"]) / max(sum(b.share for b in reliability["confidence"]), 1e-9)
    own = f", the model’s own word {wording.percent(said['own'])}" if "own" in said else ""
    apart = f", {100 * gaps['own']:.1f} by the model’s own word" if "own" in gaps else ""
    return (
        f"{wording.percent(right)} of the answers are {'right' if off is None else _spoken(within(off))}; "
        f"confidence says {wording.percent(said['confidence'])} on average{own}. "
        f"Bin by bin, what is said and what is found lie {_points_of(gaps['confidence'])} apart on average{apart}."
    )


def _accepted(accepting: Mapping[str, tuple[Point, ...]], sureness: float, off: float | None) -> str:
    if "confidence" not in accepting:
        return ""
    points = accepting["confidence"]
    point = min(points, key=lambda p: abs(p.coverage - COVERAGE))
    apart, close = (" (", ")") if off is None else (", ", "")
    text = (
        f"Accept the surest {wording.percent(point.coverage)} and {wording.percent(point.wrong)} of those are {_spoken(beyond(off))}{apart}"
        f"at most {wording.percent(point.at_most)}, with {wording.percent(sureness)} probability{close}"
    )
    if beside := _at(accepting.get("own", ()), point.coverage):
        text += f"; of as many by the model’s own word, {wording.percent(beside.wrong)} (at most {wording.percent(beside.at_most)})"
    return text + (f"; accept everything, and {wording.percent(points[-1].wrong)} are." if points[-1].coverage > 0.995 else ".")


def _at(points: tuple[Point, ...], coverage: float) -> Point | None:
    """Return what a curve says where this share is accepted, between its points by straight lines; None beyond its ends."""
    for before, after in pairwise(points):
        if before.coverage <= coverage <= after.coverage:
            part = (coverage - before.coverage) / max(after.coverage - before.coverage, 1e-12)
            errors = (1 - part) * before.coverage * before.wrong + part * after.coverage * after.wrong
            return Point(coverage, errors / max(coverage, 1e-12), (1 - part) * before.at_most + part * after.at_most)
    return None


def _priced(curves: list[Mapping[str, Any]], off: float | None) -> str:
    raw = curves[len(curves) // 2] if curves else {}
    at, ratio, cost = given.number(raw, "at"), given.number(raw, "ratio"), _estimate(raw, "by_confidence")
    accept, review = _amount(given.number(raw, "accept_all")), _amount(given.number(raw, "review_all"))
    if at is None or ratio is None or cost is None or accept is None or review is None:
        return ""
    own = _estimate(raw, "by_own")
    beside = f", going by the model’s own word {_rounded(own[0])}" if own is not None else ""
    error = "a wrong answer" if off is None else f"an answer {_spoken(beyond(off))}"
    return (
        f"Where {error} costs as much as {wording.figure(ratio, 3)} reviews, reviewing what is below a confidence of {wording.figure(at, 3)} "
        f"makes 1,000 rows cost {_rounded(cost[0])} reviews ({_between(cost)}); accepting everything {_rounded(accept)}, "
        f"reviewing everything {_rounded(review)}{beside}."
    )


def _routed(raw: Any, off: float | None) -> str:
    rows = {name: _estimate(raw, "per_1000", name) for name in ROUTES}
    before, through, caught = (_estimate(raw, key) for key in ("before", "through", "caught"))
    if any(found is None for found in rows.values()) or before is None or through is None or caught is None:
        return ""
    counts = _counts({name: found[0] for name, found in rows.items() if found is not None})
    wrong = "the model answers wrong" if off is None else f"are {_spoken(beyond(off))}"
    text = (
        f"The firewall passes {counts['pass']} of 1,000 rows, repairs {counts['repair']}, sends {counts['review']} to review and blocks "
        f"{counts['block']}. Of the {_rounded(before[0])} ({_between(before)}) that {wrong}, "
        f"{_rounded(caught[0])} ({_between(caught)}) are caught; "
    )
    spoilt = _estimate(raw, "spoilt")
    made = f", {_rounded(spoilt[0])} of them made by repair" if spoilt is not None and spoilt[0] >= 0.5 else ""
    unknown = given.entry(raw, "wrong_repaired") is None and counts["repair"] != "0"
    uncounted = ", those after repair not counted" if unknown else ""
    return f"{text}{_rounded(through[0])} {'wrong' if off is None else 'such'} answers ({_between(through)}) get through{made}{uncounted}."


def _routes(raw: Any) -> tuple[Route, ...]:
    rows = {name: found for name in ROUTES if (found := _estimate(raw, "per_1000", name)) is not None}
    if len(rows) < len(ROUTES):
        return ()
    counts, shown = _counts({name: found[0] for name, found in rows.items()}), []
    for name, found in rows.items():
        wrong = _estimate(raw, "wrong", name)
        still = _estimate(raw, "wrong_repaired") if name == "repair" else wrong if name == "pass" else (0.0, 0.0, 0.0)
        told = [("unknown", "") if figure is None else (_rounded(figure[0]), _between(figure) if figure[0] else "") for figure in (wrong, still)]
        shown.append(Route(name, counts[name], _between(found), round(min(found[0], 1000.0) / 10), *told[0], *told[1]))
    return tuple(shown)


def _counts(rows: Mapping[str, float]) -> dict[str, str]:
    """Return rows as whole numbers with the sum that they have: those nearest to the next number are rounded up (largest remainders).

    >>> _counts({"pass": 935.4, "repair": 3.6, "review": 58.5, "block": 2.5})
    {'pass': '935', 'repair': '4', 'review': '59', 'block': '2'}
    """
    left = round(sum(rows.values())) - sum(int(value) for value in rows.values())
    up = sorted(rows, key=lambda name: int(rows[name]) - rows[name])[: max(left, 0)]
    return {name: wording.count(int(value) + (name in up)) for name, value in rows.items()}


def _spoken(text: str) -> str:
    return text.replace("'", "’")


def _off(firewall: Any) -> float | None:
    """Return how far off an answer may be and still be right; None where answers are classes."""
    tolerance = given.number(firewall, "tolerance")
    return tolerance if given.text(firewall, "model", "task") == "regression" and tolerance is not None and math.isfinite(tolerance) else None


def _notes(firewall: Any) -> list[str]:
    notes = []
    judged, now = given.entry(firewall, "measured", "routes", "policy"), given.entry(firewall, "policy")
    if isinstance(judged, Mapping) and isinstance(now, Mapping):
        if judged != now:
            notes.append("The policy in force is another than that of these routes. What it does on traffic of yours says policy.simulate.")
        elif set(ALONE) & set(judged):
            notes.append("Each row is routed by itself here: overrides, the audit and the number of reviewers are left out.")
    if given.entry(firewall, "traffic"):
        notes.append("The firewall was recalibrated since: what is shown here is for the traffic of fitting.")
    return notes


def _bins(raw: Any) -> tuple[Bin, ...]:
    return tuple(Bin(*row) for row in _rows(raw, "said", "right", "low", "high", "share"))


def _points(raw: Any) -> tuple[Point, ...]:
    return tuple(sorted((Point(*row) for row in _rows(raw, "coverage", "wrong", "at_most")), key=lambda p: p.coverage))


def _rows(raw: Any, *names: str) -> list[list[float]]:
    """Return the rows of a table given by its columns of shares, without those in which anything is no share."""
    columns = [[_share(value) for value in given.items(raw, name)[:MOST_POINTS]] for name in names]
    return [[v for v in row if v is not None] for row in zip(*columns, strict=False) if all(v is not None for v in row)]


def _cost_curve(raw: Mapping[str, Any], off: float | None) -> CostCurve | None:
    columns = [given.items(raw, name)[:MOST_POINTS] for name in ("threshold", "cost", "low", "high")]
    own = [_amount(given.number(v)) for v in given.items(raw, "own")[:MOST_POINTS]]
    prices = []
    for k, row in enumerate(zip(*columns, strict=False)):
        threshold, cost, low, high = (_amount(given.number(v)) for v in row)
        if threshold is not None and cost is not None and low is not None and high is not None:
            prices.append(Price(threshold, cost, low, high, own[k] if k < len(own) else None))
    ratio, at = _amount(given.number(raw, "ratio")), _share(raw, "at")
    if len(prices) < 2 or ratio is None or at is None:
        return None
    by, beside = _estimate(raw, "by_confidence"), _estimate(raw, "by_own")
    told = ["–" if found is None else f"{_rounded(found[0])} ({_between(found)})" for found in (by, beside)]
    ends = [_amount(given.number(raw, key)) for key in ("accept_all", "review_all")]
    error = () if off is None else (f"An answer off by more than {wording.figure(off, 4)}",)
    cells = (wording.figure(at, 3), *told, *("–" if end is None else _rounded(end) for end in ends))
    return CostCurve(ratio, at, tuple(sorted(prices, key=lambda p: p.threshold)), None if by is None else by[0], cells, *error)


def _estimate(raw: Any, *keys: str) -> tuple[float, float, float] | None:
    """Return an estimate and the ends of its interval, or None where any of them is missing."""
    value, low, high = (_amount(given.number(given.entry(raw, *keys), part)) for part in ("value", "low", "high"))
    return None if value is None or low is None or high is None else (value, low, high)


def _share(document: Any, *keys: str) -> float | None:
    value = given.number(document, *keys)
    return value if value is not None and 0 <= value <= 1 else None


def _amount(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and 0 <= value <= LARGEST else None


def _rounded(value: float) -> str:
    return wording.count(round(value)) if value >= 1 or value == 0 else "< 1"


def _between(found: tuple[float, float, float]) -> str:
    return f"{wording.count(round(found[1]))}–{wording.count(round(found[2]))}"


def _points_of(gap: float) -> str:
    return f"{100 * gap:.1f} percentage points"
