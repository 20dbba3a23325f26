from __future__ import annotations

import xml.etree.ElementTree as ET

from camelopard.report import charts
from camelopard.report.curves import Dot, Panel


def panel(kind: str = "unit scale", target: str = "age", floor: float | None = 0.05) -> Panel:
    return Panel(kind, target, tuple(Dot(float(s), s / 10, s / 10 - 0.05, s / 10 + 0.05, floor) for s in range(1, 6)))


def test_drawing_is_an_image_with_title_and_description() -> None:
    root = ET.fromstring(charts.dose_response([panel()], 4, 180, "dose"))
    assert root.tag == "svg" and root.get("role") == "img"
    assert root.findtext("title") == "How being fooled grows with severity"
    assert "unit scale on age: 10 percent of rows fooled at severity 1, 50 percent at severity 5." in (root.findtext("desc") or "")


def test_drawing_holds_line_band_and_dashed_floor() -> None:
    drawing = charts.dose_response([panel()], 4, 180, "dose")
    assert f'stroke="{charts.LINE}"' in drawing and f'fill="{charts.BAND}"' in drawing and "stroke-dasharray" in drawing


def test_a_missing_floor_or_interval_leaves_the_line() -> None:
    bare = Panel("noise", "age", (Dot(1.0, 0.1, None, None, None), Dot(5.0, 0.4, None, None, None)))
    drawing = charts.dose_response([bare], 4, 180, "dose")
    assert f'stroke="{charts.LINE}"' in drawing


def test_nothing_is_drawn_for_no_panels() -> None:
    assert charts.dose_response([], 4, 180, "dose") == ""


def test_hostile_names_stay_text() -> None:
    root = ET.fromstring(charts.dose_response([panel("</text><script>", "' + datum.x + \\'")], 2, 300, "dose"))
    assert {e.tag for e in root.iter()} <= {"svg", "g", "path", "line", "text", "tspan", "rect", "title", "desc"}
    assert "</text><script>" in [e.text for e in root.iter()]


def test_drawing_is_the_same_every_time_and_names_no_outside_address() -> None:
    first, second = (charts.dose_response([panel(), panel("noise")], 4, 180, "dose") for _ in range(2))
    assert first == second
    assert "http" not in first
