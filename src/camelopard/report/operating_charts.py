"""Draws what a classifier does over all its thresholds: four small charts, each a line with its 95 % band and what it is held against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camelopard.report import document as given
from camelopard.report.charts import BAND, FONT, INK, LINE, QUIET, RULE, accessible

WIDTH, HEIGHT = 370, 230
TITLES = {
    "roc": ("What is found, and what it takes in false alarms", "ROC curve"),
    "precision-recall": ("How many of the named are right, the more are found", "Precision–recall curve"),
    "cost": ("What each threshold costs", "Cost curve"),
    "net-benefit": ("Is using the model worth it, at each threshold?", "Decision curve: net benefit"),
}
DASHES = ([5, 4], [1, 3])


@dataclass(frozen=True)
class Chart:
    """A drawing, its title, what it is called, and what its broken lines are."""

    name: str
    title: str
    term: str
    drawing: str
    beside: tuple[tuple[str, str], ...]
    dot: str


def charts(document: Mapping[str, Any]) -> list[Chart]:
    """Return the charts of a decision, those that it has curves for."""
    found = []
    for name, (title, term) in TITLES.items():
        curve = given.entry(document, "curves", name)
        if not isinstance(curve, Mapping):
            continue
        points = _points(curve)
        if not points:
            continue
        marks = _marks(document, name)
        beside = tuple(zip([key for key, _ in given.pairs(curve, "beside")], ("dash", "dots"), strict=False))
        drawing = _drawing(name, curve, points, marks, title)
        found.append(Chart(name, title, term, drawing, beside, marks[0]["mark"] if marks else ""))
    return found


def _points(curve: Mapping[str, Any]) -> list[dict[str, float]]:
    columns = [given.items(curve, key) for key in ("x", "value", "low", "high")]
    rows = zip(*columns, strict=False)
    return [dict(zip(("x", "value", "low", "high"), row, strict=True)) for row in rows if all(given.number(v) is not None for v in row)]


def _marks(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the points to mark: the model's own answers, or the threshold of the smallest cost."""
    if name in ("roc", "precision-recall"):
        parts = {k: given.number(document, "own", "outcome", k) or 0.0 for k in ("found", "missed", "alarms", "left")}
        others, recall = parts["alarms"] + parts["left"], given.number(document, "own", "recall", "value")
        precision = given.number(document, "own", "precision", "value")
        x, y = (parts["alarms"] / others if others else None, recall) if name == "roc" else (recall, precision)
        return [] if x is None or y is None else [{"x": x, "value": y, "mark": "the model’s own answers"}]
    if name == "cost":
        for threshold in given.records(document, "thresholds"):
            x, y = given.number(threshold, "value"), given.number(threshold, "cost_seen")
            if given.text(threshold, "rule") == "cost" and x is not None and y is not None:
                return [{"x": x, "value": y, "mark": "the smallest cost on these rows"}]
    return []


def _drawing(name: str, curve: Mapping[str, Any], points: list[dict[str, float]], marks: list[dict[str, Any]], title: str) -> str:
    import altair as alt
    import vl_convert

    low, high = _range(name, curve, points)
    last = 1.0 if name in ("roc", "precision-recall") else _last(points)
    points = [p for p in points if p["x"] <= last]
    shares = name in ("roc", "precision-recall")
    x_axis = alt.Axis(grid=False, format="%" if shares else "~g", tickCount=5)
    y_axis = alt.Axis(format="%" if shares else ",~f", domain=False, ticks=False, tickCount=5)
    base = alt.Chart().encode(x=alt.X("x:Q", title=given.text(curve, "x_name"), axis=x_axis, scale=alt.Scale(domain=[0, last], nice=False)))
    scale = alt.Scale(domain=[low, high], nice=False)
    inside = [{**p, "low": max(p["low"], low), "high": min(p["high"], high)} for p in points if low <= p["value"] <= high]
    data = alt.Data(values=inside)
    up = alt.Y("low:Q", title=given.text(curve, "y_name"), scale=scale, axis=y_axis)
    layers = [base.mark_area(color=BAND, opacity=1).encode(y=up, y2="high:Q").properties(data=data)]
    for (_, values), dash in zip(given.pairs(curve, "beside"), DASHES, strict=False):
        line = [{"x": x, "value": v} for x, v in zip(given.items(curve, "x"), values, strict=False) if low <= v <= high and x <= last]
        layers.append(base.mark_line(color=QUIET, strokeDash=dash, strokeWidth=1.5).encode(y="value:Q").properties(data=alt.Data(values=line)))
    layers.append(base.mark_line(color=LINE, strokeWidth=2.5).encode(y="value:Q", order="x:Q").properties(data=data))
    if marks:
        layers.append(base.mark_circle(color=INK, size=70, opacity=1).encode(y="value:Q").properties(data=alt.Data(values=marks)))
    chart = (
        alt.layer(*layers)
        .properties(width=WIDTH, height=HEIGHT)
        .configure(aria=False, background="transparent", font=FONT, padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=QUIET,
            titleColor=QUIET,
            gridColor=RULE,
            domainColor=RULE,
            tickColor=RULE,
            labelFontSize=12,
            titleFontSize=12,
            titlePadding=8,
            titleFontWeight="normal",
        )
    )
    drawing = vl_convert.vegalite_to_svg(chart.to_dict(), vl_version=".".join(alt.SCHEMA_VERSION.split(".")[:2]))
    return accessible(drawing, f"chart-{name}", title, _description(curve, points))


def _range(name: str, curve: Mapping[str, Any], points: list[dict[str, float]]) -> tuple[float, float]:
    """Return between which values a chart is drawn: net benefit not far below 0, where naming everyone soon lies."""
    if name == "roc":
        return 0.0, 1.0
    if name == "precision-recall":
        return 0.0, min(1.0, math.ceil(12 * max(p["high"] for p in points)) / 10)
    top, bottom = max(p["high"] for p in points), min(0.0, *(p["low"] for p in points))
    if name == "net-benefit":
        return -0.1 * max(top, 1e-9), max(top, 1e-9) * 1.05
    top = max([top, *(v for _, values in given.pairs(curve, "beside") for v in values)])
    return bottom, max(top * 1.05, bottom + 1e-9)


def _last(points: list[dict[str, float]]) -> float:
    """Return up to which threshold there is something to see: beyond the highest score nothing changes."""
    end = points[-1]["value"]
    moving = [p["x"] for p in points if abs(p["value"] - end) > 1e-9]
    return min(1.0, max(0.05, 1.1 * max(moving, default=1.0)))


def _description(curve: Mapping[str, Any], points: list[dict[str, float]]) -> str:
    told = [points[round(part * (len(points) - 1))] for part in (0.1, 0.5, 0.9)]
    said = "; ".join(f"{p['value']:.4g} ({p['low']:.4g} to {p['high']:.4g}) at {p['x']:.3g}" for p in told)
    return f"{given.text(curve, 'y_name')} over {given.text(curve, 'x_name')}, with its 95 percent band: {said}."
