"""Draws the dose–response curves as one SVG: small multiples, with the interval as a band and the floor as a dashed line.

Colours are plain attributes, so the drawing is right on its own; the page's style sheet overrides them by value in the dark.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from camelopard.report.curves import Panel

INK, QUIET, RULE, BAND, LINE = "#22282e", "#59626b", "#d5dade", "#c9dfe9", "#17597a"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
LETTER = 7  # pixels of width per letter of a label
ROOM = 1.08  # so that the topmost label stays inside its panel


def dose_response(panels: Sequence[Panel], columns: int, width: int, name: str) -> str:
    """Return the panels as an SVG element, `columns` side by side, each `width` pixels wide; nothing for no panels.

    `name` makes the ids of its title and description unique in the page.
    """
    if not panels:
        return ""
    return finished(_chart(panels, columns, width), name, "How being fooled grows with severity", _description(panels), 11)


def finished(chart: Any, name: str, title: str, description: str, size: int) -> str:
    """Return an Altair chart as an SVG element in the style of the page, its axes in letters of `size` pixels."""
    import altair as alt
    import vl_convert

    styled = (
        chart.configure(aria=False, background="transparent", font=FONT, padding=4)
        .configure_view(stroke=None)
        .configure_title(color=INK, fontSize=size + 1, fontWeight="normal", anchor="start", frame="group", offset=10)
        .configure_axis(
            labelColor=QUIET,
            titleColor=QUIET,
            gridColor=RULE,
            domainColor=RULE,
            tickColor=RULE,
            labelFontSize=size,
            titleFontSize=size,
            titleFontWeight="normal",
        )
    )
    drawing = vl_convert.vegalite_to_svg(styled.to_dict(), vl_version=".".join(alt.SCHEMA_VERSION.split(".")[:2]))
    return accessible(drawing, name, title, description)


def accessible(drawing: str, name: str, title: str, description: str) -> str:
    """Return an SVG drawing as an element for a page: scalable, with title and description, without namespaces or a background."""
    root = ET.fromstring(drawing)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for key in [k for k in element.attrib if k.startswith(("{", "aria-", "on")) or k in ("role", "class", "pointer-events")]:
            del element.attrib[key]
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag in ("script", "style", "image", "a") or c.get("display") == "none" or c.get("d") == ""]:
            parent.remove(child)
    head = ET.Element("title", id=f"{name}-title"), ET.Element("desc", id=f"{name}-desc")
    head[0].text, head[1].text = title, description
    body = list(root)
    size = root.get("viewBox", "0 0 1 1")
    root.attrib.clear()
    root.attrib.update({"viewBox": size, "width": size.split()[2], "role": "img", "class": "chart", "aria-labelledby": f"{name}-title {name}-desc"})
    root[:] = [*head, *body]
    return ET.tostring(root, encoding="unicode")


def _chart(panels: Sequence[Panel], columns: int, width: int) -> Any:
    import altair as alt

    rows = [
        {"panel": _label(i, p, width // LETTER), "severity": d.severity, "fooled": d.fooled, "low": d.low, "high": d.high, "floor": d.floor}
        for i, p in enumerate(panels)
        for d in p.dots
    ]
    top = max(max(d.fooled, d.high or 0.0, d.floor or 0.0) for p in panels for d in p.dots)
    top = min(1.0, max(0.1, math.ceil(top * 10) / 10))
    severities = sorted({d.severity for p in panels for d in p.dots})
    base = alt.Chart().encode(
        x=alt.X(
            "severity:Q",
            title="severity",
            axis=alt.Axis(values=severities, grid=False, format="d"),
            scale=alt.Scale(domain=[severities[0] - 0.25, severities[-1] + 0.25], nice=False),
        )
    )
    high = alt.Scale(domain=[0, top * ROOM], nice=False)
    percents = alt.Axis(format="%", values=[0, top / 2, top], domain=False, ticks=False)
    band = base.mark_area(color=BAND, opacity=1).encode(y=alt.Y("low:Q", scale=high, axis=percents, title=None), y2="high:Q")
    floor = base.mark_line(color=QUIET, strokeDash=[5, 4], strokeWidth=1.5).encode(y="floor:Q")
    line = base.mark_line(color=LINE, strokeWidth=2.5).encode(y="fooled:Q")
    dots = base.mark_circle(color=LINE, size=34, opacity=1).encode(y="fooled:Q")
    header = alt.Header(
        title=None,
        labelExpr="slice(split(datum.label, '\\n'), 1)",
        labelAnchor="start",
        labelColor=INK,
        labelFontSize=12,
        labelLineHeight=15,
        labelPadding=6,
    )
    return (
        alt.layer(band, floor, line, dots, data=alt.Data(values=rows))
        .properties(width=width, height=100)
        .facet(facet=alt.Facet("panel:N", header=header), columns=columns, spacing=22)
    )


def _label(i: int, panel: Panel, longest: int) -> str:
    return f"{i:03d}\n{_cut(panel.kind, longest)}\n{_cut(panel.target, longest)}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _description(panels: Sequence[Panel]) -> str:
    lines = []
    for panel in panels:
        first, last = panel.dots[0], panel.dots[-1]
        lines.append(
            f"{panel.kind} on {panel.target}: {first.fooled * 100:.0f} percent of rows fooled at severity {first.severity:g}, "
            f"{last.fooled * 100:.0f} percent at severity {last.severity:g}."
        )
    return f"{len(panels)} small charts, share of rows fooled by severity. " + " ".join(lines)
