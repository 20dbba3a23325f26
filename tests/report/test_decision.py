from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.report.decision import text, write
from camelopard.report.operating_charts import charts


def says(X: pd.DataFrame) -> Any:
    p = 1 / (1 + np.exp(-2 * X["dose"].astype(float)))
    return np.column_stack([p, 1 - p])


def decided(label: str = "sick", name: str = "states", **more: Any) -> cp.Decision:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"dose": rng.normal(-0.6, 0.8, 500), "ward": rng.choice(["Gomel", "<i>Minsk</i>"], 500)})
    y = np.where(rng.random(500) < says(rows)[:, 0], label, "well").astype(object)
    model = cp.wrap(says, name=name, task="classification", classes=[label, "well"])
    return cp.decide(model, rows, y, positive=label, costs={"missed": 50, "false_alarm": 4}, by="ward", **more)


DOCUMENT = decided().to_dict()
PAGE = write(DOCUMENT)


def test_the_page_shows_every_sentence_metric_threshold_and_curve() -> None:
    for words in ("Of 1,000 people", "naming nobody costs", "Smallest cost".lower(), "average precision", "equal cost for each ward", "net benefit"):
        assert words in PAGE
    for metric in DOCUMENT["metrics"]:
        assert f'<th scope="row">{metric["name"]}</th>' in PAGE
    assert PAGE.count("<svg ") == 4
    for svg in re.findall(r"<svg .*?</svg>", PAGE, re.S):
        ElementTree.fromstring(svg)


def test_the_page_stands_alone_without_scripts_and_outside_addresses() -> None:
    assert "<script" not in PAGE
    assert not re.search(r"""(src|href)=["'](?!#)""", PAGE)
    assert "url(http" not in PAGE
    assert "default-src 'none'" in PAGE


def test_names_from_anyones_data_are_text_and_never_tags() -> None:
    decision = decided(label="<script>alert(1)</script>", name="<b>mine</b>", noun="<u>people</u>")
    page = write({**decision.to_dict(), "curves": {}})
    assert not re.search(r"<script|<b>mine|<u>people|<i>Minsk", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    told = text(decided(label="sick\u202e\x1b[31m", name="a\x1b[31m").to_dict())
    assert not {"\u202e", "\x1b"} & set(told)


def test_the_same_decision_gives_the_same_page() -> None:
    assert write(decided().to_dict()) == PAGE


def test_curves_of_which_nothing_is_known_are_left_out() -> None:
    assert charts({"curves": {"roc": {"x": [0.5], "value": [None], "low": ["nan"], "high": [1.0]}}}) == []


@pytest.mark.parametrize("gone", ["metrics", "curves", "thresholds", "story", "costs", "own", "notes", "positive", "rows"])
def test_a_part_that_is_absent_is_left_out(gone: str) -> None:
    rest = {key: value for key, value in {**DOCUMENT, "curves": {}}.items() if key != gone}
    assert write(rest).startswith("<!doctype html>")
    assert text(rest)


def test_an_empty_document_is_still_a_page() -> None:
    assert "</html>" in write({})
    assert text({"model": "m"}).startswith("m on unknown labelled")


def test_each_figure_stands_with_its_interval() -> None:
    auroc = next(m for m in DOCUMENT["metrics"] if m["name"] == "AUROC")
    assert f"{auroc['value']:.3f}" in PAGE
    assert f"{auroc['interval']['low']:.3f} – {auroc['interval']['high']:.3f}" in PAGE
    cost = DOCUMENT["thresholds"][0]["cost"]
    assert f"{cost['value']:,.0f}" in text(DOCUMENT)
    assert f"{cost['interval']['low']:,.0f} – {cost['interval']['high']:,.0f}" in text(DOCUMENT)


def test_every_chart_tells_its_figures_to_those_who_cannot_see_it() -> None:
    found = charts(DOCUMENT)
    assert [c.name for c in found] == ["roc", "precision-recall", "cost", "net-benefit"]
    for chart in found:
        assert "<desc" in chart.drawing
        assert "with its 95 percent band" in chart.drawing
    assert [name for name, _ in found[2].beside] == ["name everyone", "name nobody"]
    assert found[2].dot == "the smallest cost on these rows"


def test_thresholds_that_name_nobody_or_everyone_are_said_in_words() -> None:
    told = text(decided(least_precision=0.999, least_recall=0.9999).to_dict())
    line = next(line for line in told.splitlines() if line.startswith("  is right for at least"))
    assert " nobody " in line
    line = next(line for line in told.splitlines() if line.startswith("  finds at least"))
    assert " everyone " in line
