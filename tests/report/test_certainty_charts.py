from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from camelopard.report import certainty_charts as drawn
from camelopard.report import charts
from camelopard.report.certainty import Certainty, certainty


@pytest.fixture
def sure(labelled: dict[str, Any]) -> Certainty:
    return certainty(labelled)


def words(drawing: str) -> list[str]:
    return [e.text for e in ET.fromstring(drawing).iter("text") if e.text]


def test_reliability_has_a_panel_for_each_sayer_an_interval_for_each_bin_and_a_dashed_line_of_truth(sure: Certainty) -> None:
    drawing = drawn.reliability(sure.reliability, 2, 330, "r")
    root = ET.fromstring(drawing)
    assert root.get("role") == "img" and root.findtext("title") == "Is it right as often as it says?"
    assert {"Confidence", "The model’s own word", "said", "found right"} <= set(words(drawing))
    assert drawing.count("stroke-dasharray") >= 2
    assert "Confidence: said 50 percent, found 50 percent" in (root.findtext("desc") or "")


def test_risk_coverage_names_its_lines_where_they_are_and_shows_the_upper_limit(sure: Certainty) -> None:
    drawing = drawn.accepting(sure.accepting, 620, "a")
    assert {"Confidence", "The model’s own word", "share accepted, the surest first", "wrong among those accepted"} <= set(words(drawing))
    assert f'fill="{charts.BAND}"' in drawing and f'stroke="{charts.LINE}"' in drawing
    assert "15.0 percent wrong of the surest 100 percent" in (ET.fromstring(drawing).findtext("desc") or "")


def test_costs_have_a_panel_for_each_ratio_and_say_what_the_threshold_to_use_costs(sure: Certainty) -> None:
    drawing = drawn.costs(sure.costs, 3, 225, "c")
    assert [text for text in words(drawing) if text.startswith("A wrong answer")] == [f"A wrong answer costs {n} reviews" for n in (2, 5, 20)]
    assert words(drawing).count("400") >= 3
    assert {"review below this confidence", "cost, in reviews"} <= set(words(drawing))


def test_nothing_is_drawn_of_nothing_and_little_of_little(sure: Certainty) -> None:
    assert drawn.reliability({}, 2, 330, "r") == drawn.accepting({}, 620, "a") == drawn.costs((), 3, 225, "c") == ""
    one = {"confidence": sure.reliability["confidence"][:1]}
    assert "The model’s own word" not in words(drawn.reliability(one, 2, 330, "r"))
    assert drawn.accepting({"confidence": sure.accepting["confidence"][:1]}, 620, "a") == ""


def test_no_label_is_cut_off_at_the_edge_of_a_phone(sure: Certainty) -> None:
    for drawing in (
        drawn.reliability(sure.reliability, 1, 255, "r"),
        drawn.accepting(sure.accepting, 265, "a"),
        drawn.costs(sure.costs, 1, 265, "c"),
    ):
        root = ET.fromstring(drawing)
        assert float(root.get("viewBox", "").split()[2]) <= 355, "wider than the text of a phone"


def test_every_colour_is_one_that_the_page_turns_in_the_dark(sure: Certainty) -> None:
    known = {charts.INK, charts.QUIET, charts.RULE, charts.BAND, charts.LINE, "none", "transparent", None}
    for drawing in (
        drawn.reliability(sure.reliability, 2, 330, "r"),
        drawn.accepting(sure.accepting, 620, "a"),
        drawn.costs(sure.costs, 3, 225, "c"),
    ):
        assert {e.get(key) for e in ET.fromstring(drawing).iter() for key in ("fill", "stroke")} <= known


def test_drawings_are_the_same_every_time(sure: Certainty) -> None:
    assert len({drawn.costs(sure.costs, 3, 225, "c") for _ in range(2)}) == 1
