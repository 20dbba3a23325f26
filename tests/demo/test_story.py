from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from camelopard.demo import story
from camelopard.demo.data import adult


def test_the_data_is_divided_as_promised_and_named_with_its_source() -> None:
    data = adult()
    assert (len(data.train), len(data.held), len(data.test)) == (16_280, 16_281, 16_281)
    assert set(data.train_labels) == {"<=50K", ">50K"}
    assert list(data.train.columns) == list(data.test.columns)
    assert "CC BY 4.0" in (Path(story.__file__).parent / "adult.md").read_text()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    out = tmp_path_factory.mktemp("demo") / "report.html"
    text = io.StringIO()
    story.run(out, Console(file=text, width=200, highlight=False), budget=120_000)
    return text.getvalue(), out.read_text()


def test_the_story_shows_every_mishap_and_lets_the_harmless_ones_pass(told: tuple[str, str]) -> None:
    text, _ = told
    for mishap in story.MISHAPS:
        assert mishap.words in text
    lines = [line for line in text.splitlines() if "odd, harmless" in line]
    assert len(lines) == 2
    assert all(" pass " in line for line in lines)


def test_most_of_what_fools_the_model_is_stopped(told: tuple[str, str]) -> None:
    text, _ = told
    rows = [line for mishap in story.MISHAPS if not mishap.harmless for line in text.splitlines() if mishap.words in line and "│" in line]
    stopped = [row for row in rows if any(f" {route} " in row for route in ("repair", "review", "block"))]
    assert len(rows) == 8
    assert len(stopped) >= 6


def test_the_report_holds_the_day_and_the_quality_of_the_firewall(told: tuple[str, str]) -> None:
    _, page = told
    assert "A day of bad input" in page
    assert "age given as a birth year" in page
    assert "<script" not in page
