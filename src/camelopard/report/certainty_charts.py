"""Draws how sure the model is: the reliability diagram, the risk–coverage curve, and what each threshold of confidence costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from camelopard.report import wording
from camelopard.report.certainty import Bin, CostCurve, Point
from camelopard.report.charts import BAND, INK, LINE, QUIET, finished

NAMES = {"confidence": "Confidence", "own": "The model’s own word"}
COLOURS = {"confidence": LINE, "own": QUIET}
HEIGHT = 230
TEXT = 12
LEAST = 0.05  # share accepted from which on a line is drawn: of fewer rows next to nothing is known


def reliability(bins: Mapping[str, Sequence[Bin]], columns: int, width: int, name: str) -> str:
    """Return the reliability diagram as an SVG element: one panel for confidence and one for the model's own word; nothing for no bins."""
    if not bins:
        return ""
    import altair as alt

    least = min(min(b.said, b.low) for some in bins.values() for b in some)
    scale = alt.Scale(domain=[max(0.0, math.floor(10 * least) / 10), 1.0], nice=False)
    ends = [{"said": v, "right": v} for v in (max(0.0, math.floor(10 * least) / 10), 1.0)]
    x = alt.X("said:Q", title="said", scale=scale, axis=alt.Axis(format="%", grid=False, tickCount=5))
    y = alt.Y("right:Q", title="found right", scale=scale, axis=alt.Axis(format="%", tickCount=5, domain=False, ticks=False))
    panels = []
    for sayer, some in bins.items():
        rows = [{"said": b.said, "right": b.right, "low": b.low, "high": b.high} for b in some]
        dotted = alt.Chart(alt.Data(values=rows))
        layers = [
            alt.Chart(alt.Data(values=ends)).mark_line(color=QUIET, strokeDash=[5, 4], strokeWidth=1.5).encode(x=x, y=y),
            dotted.mark_rule(color=COLOURS[sayer], strokeWidth=2).encode(x=x, y=alt.Y("low:Q", scale=scale, title="found right"), y2="high:Q"),
            dotted.mark_circle(color=COLOURS[sayer], size=60, opacity=1).encode(x=x, y=y),
        ]
        panels.append(alt.layer(*layers).properties(width=width, height=width, title=NAMES[sayer]))
    told = " ".join(
        f"{NAMES[sayer]}: " + "; ".join(f"said {b.said * 100:.0f} percent, found {b.right * 100:.0f} percent" for b in some) + "."
        for sayer, some in bins.items()
    )
    description = f"Share of answers found right by what was said of them, in bins of equal weight, with 95 percent intervals. {told}"
    return finished(alt.concat(*panels, columns=columns, spacing=30), name, "Is it right as often as it says?", description, TEXT)


def accepting(curves: Mapping[str, Sequence[Point]], width: int, name: str, within: str = "") -> str:
    """Return the risk–coverage curve as an SVG element, with its upper limit as a band, beside that of the model's own word.

    `within`: how far a number may be off and still be right; nothing where answers are classes.
    """
    if not any(len(points) > 1 for points in curves.values()):
        return ""
    import altair as alt

    wrong = f"off by more than {within}" if within else "wrong"
    top = max(p.wrong for points in curves.values() for p in points if p.coverage >= LEAST or p is points[-1])
    top = min(1.0, max(0.02, 1.25 * top))
    x = alt.X(
        "x:Q",
        title="share accepted, the surest first",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(format="%", grid=False, tickCount=5),
    )
    scale = alt.Scale(domain=[0, top], nice=False)
    y = alt.Y("y:Q", title=f"{wrong} among those accepted", scale=scale, axis=alt.Axis(format="%", tickCount=5, domain=False, ticks=False))
    layers: list[Any] = []
    shown = {name: [p for p in points if p.wrong <= top and p.coverage >= LEAST] for name, points in curves.items()}
    if band := [{"x": p.coverage, "y": p.wrong, "high": min(p.at_most, top)} for p in shown.get("confidence", ())]:
        layers.append(alt.Chart(alt.Data(values=band)).mark_area(color=BAND, opacity=1).encode(x=x, y=y, y2="high:Q"))
    for sayer in ("own", "confidence"):
        if rows := [{"x": p.coverage, "y": p.wrong} for p in shown.get(sayer, ())]:
            drawn = alt.Chart(alt.Data(values=rows))
            dash = [5, 4] if sayer == "own" else [1, 0]
            layers.append(drawn.mark_line(color=COLOURS[sayer], strokeWidth=2.5, strokeDash=dash).encode(x=x, y=y, order="x:Q"))
    for label in _labels(shown, top):
        mark = alt.Chart(alt.Data(values=[label]))
        layers.append(mark.mark_text(color=label["colour"], align="right", baseline=label["base"], fontSize=TEXT + 1).encode(x=x, y=y, text="text:N"))
    described = {NAMES[sayer]: points for sayer, points in curves.items() if points}
    told = " ".join(f"{sayer}: {_told(points, wrong)}." for sayer, points in described.items())
    description = f"Share of answers {wrong} among those accepted, by the share accepted, the surest first. {told}"
    chart = alt.layer(*layers).properties(width=width, height=HEIGHT)
    return finished(chart, name, "How much can be accepted?", description, TEXT)


def costs(curves: Sequence[CostCurve], columns: int, width: int, name: str) -> str:
    """Return what each threshold costs as an SVG element, one panel for each ratio of costs; nothing for no curves."""
    if not curves:
        return ""
    import altair as alt

    first = max(0.0, min(_first(curve) for curve in curves) - 0.05)
    x = alt.X(
        "x:Q",
        title="review below this confidence",
        scale=alt.Scale(domain=[first, 1], nice=False),
        axis=alt.Axis(format=".1f", grid=False, tickCount=4),
    )
    panels = []
    for curve in curves:
        prices = [p for p in curve.prices if p.threshold >= first]
        top = 1.05 * max(max(p.high, p.own or 0.0) for p in prices)
        scale = alt.Scale(domain=[0, top], nice=False)
        y_axis, y_title = alt.Axis(format=",~f", tickCount=4, domain=False, ticks=False), "cost, in reviews"
        y = alt.Y("y:Q", title=y_title, scale=scale, axis=y_axis)
        rows = alt.Chart(alt.Data(values=[{"x": p.threshold, "y": p.cost, "low": p.low, "high": p.high} for p in prices]))
        layers: list[Any] = [
            rows.mark_area(color=BAND, opacity=1).encode(x=x, y=alt.Y("low:Q", scale=scale, axis=y_axis, title=y_title), y2="high:Q")
        ]
        if own := [{"x": p.threshold, "y": p.own} for p in prices if p.own is not None]:
            dashed = alt.Chart(alt.Data(values=own)).mark_line(color=QUIET, strokeWidth=2, strokeDash=[5, 4])
            layers.append(dashed.encode(x=x, y=y))
        layers.append(rows.mark_line(color=LINE, strokeWidth=2.5).encode(x=x, y=y))
        if curve.cost is not None and curve.at >= first:
            at = alt.Chart(alt.Data(values=[{"x": curve.at, "y": curve.cost, "text": f"{curve.cost:,.0f}"}]))
            layers.append(at.mark_circle(color=INK, size=70, opacity=1).encode(x=x, y=y))
            layers.append(at.mark_text(color=INK, dy=16, fontSize=TEXT + 1).encode(x=x, y=y, text="text:N"))
        panels.append(alt.layer(*layers).properties(width=width, height=170, title=curve.title))
    told = " ".join(
        f"{curve.title}: {curve.cost:,.0f} reviews when what is below {wording.figure(curve.at, 3)} is reviewed."
        for curve in curves
        if curve.cost is not None
    )
    chart = alt.concat(*panels, columns=columns, spacing=24)
    return finished(
        chart, name, "What each threshold of confidence costs", f"Cost of 1,000 rows by the threshold below which rows are reviewed. {told}", TEXT
    )


def _labels(curves: Mapping[str, Sequence[Point]], top: float) -> list[dict[str, Any]]:
    """Return the names of the lines and where they stand: above the upper one, where it rises, and in the free corner below the lower one."""
    heights = {sayer: sum(p.wrong for p in points) / len(points) for sayer, points in curves.items() if points}
    if not heights:
        return []
    upper = max(heights, key=lambda sayer: heights[sayer])
    labels = []
    for sayer in heights:
        if sayer == upper and len(heights) > 1:
            point = next((p for p in curves[sayer] if p.wrong >= 0.55 * top and p.coverage > 0.4), curves[sayer][-1])
            labels.append({"x": point.coverage - 0.03, "y": point.wrong, "text": NAMES[sayer], "base": "bottom"})
        else:
            last = min(curves[sayer], key=lambda p: abs(p.coverage - 0.75))
            labels.append({"x": 0.99, "y": max(0.5 * last.wrong, 0.06 * top), "text": NAMES[sayer], "base": "middle"})
        labels[-1]["colour"] = COLOURS[sayer]
    return labels


def _first(curve: CostCurve) -> float:
    """Return up to which threshold next to nothing is reviewed."""
    start = curve.prices[0]
    moved = [p.threshold for p in curve.prices if abs(p.cost - start.cost) > 0.01 * start.cost or (p.own or 0.0) != (start.own or 0.0)]
    return min(moved, default=0.0)


def _told(points: Sequence[Point], wrong: str) -> str:
    marks = [points[round(part * (len(points) - 1))] for part in (0.25, 0.5, 0.75, 1.0)]
    return "; ".join(f"{p.wrong * 100:.1f} percent {wrong} of the surest {p.coverage * 100:.0f} percent" for p in marks)
