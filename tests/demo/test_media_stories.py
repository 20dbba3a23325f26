"""The stories of pictures and texts, told with a budget so small that they take seconds: what is told, not how well the firewall does."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from camelopard.demo import digit_story, review_story

Told = tuple[str, str]


def tell(story: ModuleType, folder: Path) -> Told:
    text, out = io.StringIO(), folder / "report.html"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few rows can promise nothing
        story.run(out, Console(file=text, width=200, highlight=False), budget=5000)
    return text.getvalue(), out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(digit_story, tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(review_story, tmp_path_factory.mktemp("texts"))


def test_pictures_show_every_mishap_and_both_strangers(pictures: Told) -> None:
    text, page = pictures
    for words in ("an 8, which it never saw", "a 9, which it never saw", *(mishap.words for mishap in digit_story.MISHAPS)):
        assert words in text and words in page
    assert "pictures of an 8 or a 9" in text
    assert "What to try next" in text


def test_texts_show_every_mishap(texts: Told) -> None:
    text, page = texts
    for mishap in review_story.MISHAPS:
        assert mishap.words.split("(")[0] in text and mishap.words.split("(")[0] in page
    assert "What to try next" in text


def test_the_report_of_pictures_shows_them_and_says_pictures(pictures: Told) -> None:
    _, page = pictures
    assert page.count('<img src="data:image/png;base64,') > 2 * len(digit_story.MISHAPS)
    assert 'class="veil"' in page
    assert "pictures</p>" in page and "1 column<" not in page
    assert "<script" not in page and "http:" not in page and "https:" not in page


def test_the_report_of_texts_marks_what_changed_and_why(texts: Told) -> None:
    _, page = texts
    assert "<del>" in page and "<ins>" in page
    assert "letters of two alphabets" in page
    assert "texts</p>" in page and "random legal value" not in page.split('id="reading"')[0]
    assert "<script" not in page
