from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.report import content, html, wording
from camelopard.report.content import Content
from camelopard.report.picture import drawn
from camelopard.report.wording import Cell

EVIL = '</bdi><script>alert("x")</script>'


def plain(parts: Any) -> str:
    return "".join(p.text for p in parts)


def picture_report() -> dict[str, Any]:
    pixels = np.arange(64.0).reshape(8, 8)
    example = {"row": 3, "changes": {"image": [drawn(pixels), drawn(pixels[::-1])]}, "answer": [3, 5], "confidence": [0.9, 0.8]}
    finding = {
        "code": "flip",
        "subject": "image",
        "message": "Turned.",
        "level": "high",
        "details": {"kind": "flip", "column": "image", "example": example},
    }
    seen = {"was": drawn(pixels), "came": drawn(pixels[::-1]), "unlike": (np.eye(8) * 9).tolist(), "repaired": drawn(pixels)}
    statements = {"size": "image is 8 × 8 pixels (height × width).", "range": "the numbers of image lie between 0 and 63."}
    return {
        "data": {"rows": 281, "columns": [{"name": "image", "kind": "image", "null_rate": 0.0, "values": {}}]},
        "assumptions": [{"code": code, "fields": ["image"], "statement": statement} for code, statement in statements.items()],
        "findings": [finding],
        "attacks": {"rows": 60, "fooled_within": {"0.05": 0.1}, "by_way": [{"way": "one-pixel", "moved": 0.13}], "examples": []},
        "screen": {"rows": [{"id": 0, "wrong": "upside down", "route": "review", "content": {"image": seen}}]},
    }


def test_entries_of_tables_stay_cells() -> None:
    assert content.pair("Private", "private") == (Cell("Private"), Cell("private"))


def test_a_missing_text_is_said_to_be_missing() -> None:
    before, after = content.pair("A fine film for all.", None)
    assert isinstance(before, Content) and plain(before.parts) == "A fine film for all."
    assert after == Cell("", "missing")
    assert content.pair("A fine film for all.", "")[1] == Cell("", "empty text")


def test_an_attack_on_a_picture_is_told_in_words() -> None:
    assert content.pair("as it was", "changed in 59 pixels of it", words=True) == (Cell("as it was"), Cell("changed in 59 pixels of it"))


def test_a_file_that_cannot_be_drawn_is_told_in_words() -> None:
    assert content.pair(drawn(np.zeros((2, 2))), {"words": "a file of 3 bytes"})[1] == Cell("", "a file of 3 bytes")


def test_a_screened_text_shows_its_marks_with_the_reasons() -> None:
    row = {"content": {"text": {"was": "A fine film.", "came": "A fine flim.", "marks": [[7, 11, "unknown word"]], "repaired": "A fine film."}}}
    (look,) = content.looks(row)
    assert [title for title, _ in look.views] == ["As it should be", "As it came", "Repaired"]
    came = look.views[1][1]
    assert isinstance(came, Content) and [p.text for p in came.parts if p.kind == "mark"] == ["flim"]
    assert look.reasons == ("unknown word",)


def test_a_screened_text_without_marks_shows_what_is_new() -> None:
    (look,) = content.looks({"content": {"text": {"was": "A fine film, so it is.", "came": "A fine film, so it was."}}})
    came = look.views[1][1]
    assert isinstance(came, Content) and [p.text for p in came.parts if p.kind == "ins"] == ["was"]


def test_a_screened_picture_shows_a_veil_only_where_something_is_unlike() -> None:
    seen = {"came": drawn(np.zeros((8, 8))), "unlike": np.zeros((8, 8)).tolist()}
    assert [t for t, _ in content.looks({"content": {"image": seen}})[0].views] == ["As it came"]
    seen["unlike"] = (np.eye(8) * 9).tolist()
    assert [t for t, _ in content.looks({"content": {"image": seen}})[0].views] == ["As it came", "Unlike clean ones"]


@pytest.mark.parametrize("wrong", [None, 3, "text", [], {"text": None}, {"text": {}}, {"text": {"came": 3}}, {"text": {"came": {"picture": 3}}}])
def test_content_of_a_wrong_kind_is_no_trouble(wrong: Any) -> None:
    assert html.write({"screen": {"rows": [{"content": wrong}]}}).startswith("<!doctype html>")


def test_a_page_of_pictures_speaks_of_pictures() -> None:
    page = html.write(picture_report())
    assert page.count('<img src="data:image/png;base64,') == 2 + 4
    assert 'class="veil"' in page and "img-src data:" in page
    assert "281 pictures" in page and "1 column<" not in page
    assert "is 8 × 8 pixels (height × width); the numbers lie between 0 and 63" in page
    assert "For 60 pictures the smallest change was sought" in page and "one pixel" in page
    assert "random legal value" not in page.split('id="reading"')[0]


def test_a_page_of_texts_escapes_them() -> None:
    changes = {"text": [f"A fine film, {EVIL} they say.", f"A fine flim, {EVIL} they say."]}
    example = {"row": 3, "changes": changes, "answer": ["good", "bad"], "confidence": [0.9, 0.8]}
    seen = {"was": EVIL * 3, "came": f"a b c d {EVIL}", "marks": [[0, 1, EVIL]], "repaired": EVIL}
    page = html.write(
        {
            "data": {"rows": 3, "columns": [{"name": "first", "kind": "text"}, {"name": "second", "kind": "text"}]},
            "findings": [{"code": "typo", "message": EVIL, "level": "high", "details": {"kind": "typo", "example": example}}],
            "screen": {"rows": [{"wrong": EVIL, "content": {EVIL: seen}}]},
        }
    )
    assert "<script" not in page
    assert "<del>film</del>" in page and "<ins>flim</ins>" in page and "<mark>a</mark><sup>1</sup>" in page
    assert "3 pairs of texts" in page


def test_a_table_with_texts_says_so() -> None:
    columns = [{"name": n, "kind": k} for n, k in (("age", "number"), ("note", "text"), ("remark", "text"))]
    assert html.masthead({"data": {"rows": 10, "columns": columns}}).about.replace(wording.SPACE, " ") == "10 rows, 3 columns (2 of texts)"
