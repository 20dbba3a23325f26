from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest

from camelopard.report import html, wording
from camelopard.report.certainty import certainty

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr", "col"}
EVIL = "<script>alert(1)</script>\"'&\u202egnp.exe\x00\x07\ud800</style>-->{{7*7}}`" + "A" * 5000


class Page(HTMLParser):
    """Reads a page strictly: every element that is opened is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split()).replace(wording.SPACE, " ")


def poisoned(value: Any) -> Any:
    """Return the document with every text in it replaced by a hostile one, except the words that the page's logic reads."""
    if isinstance(value, dict):
        return {key: item if key in ("level", "mode", "route") else poisoned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return EVIL if isinstance(value, str) else value


def hollow(value: Any) -> Any:
    """Return the document with every number None."""
    if isinstance(value, dict):
        return {key: hollow(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hollow(item) for item in value]
    return None if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def test_full_report_tells_verdict_levels_example_and_answer(document: dict[str, Any]) -> None:
    text = Page(html.write(document)).text
    assert "A wrong unit in age or capital_gain fools this model in up to 62 % of rows" in text
    assert (
        "An example from the data, row 1,217 Column As it was As it came age 36 3600 The model's answer >50K <=50K Its confidence 83 % 97 %" in text
    )
    assert "No value tried changes the answer: 0 of 2,000, at most 0.15 %." in text
    assert "age is a whole number between 17 and 90, never missing 62 % 59–65 %" in text
    assert "Asked alone, 2 of 64 rows get another answer than in a batch." in text
    assert "The budget ended the run early: 98 % of the plan was done." in text
    assert "118,240 of 120,000 planned" in text
    assert "0.957 0.948–0.966" in text
    assert "age given as a birth year: age: 36 → 1985" in text


def test_levels_are_counted_once_over_the_whole_run(document: dict[str, Any]) -> None:
    document["findings"].append(copy.deepcopy(document["serving"][0]))
    expected = {level: sum(f["level"] == level for f in document["findings"]) for level in ("high", "medium", "low")}
    assert dict(html.masthead(document).levels) == expected


def test_a_serving_fault_among_the_findings_is_told_once(document: dict[str, Any]) -> None:
    document["findings"].append(copy.deepcopy(document["serving"][0]))
    assert Page(html.write(document)).text.count("Asked alone, 2 of 64 rows") == 1


def test_worst_level_comes_first_even_where_the_document_is_not_sorted(document: dict[str, Any]) -> None:
    document["findings"].reverse()
    document["serving"] = document["screen"] = None
    levels = [a["class"] for a in Page(html.write(document)).named("span") if (a.get("class") or "").startswith("badge ")]
    assert levels[:4] == ["badge high", "badge medium", "badge low", "badge high"], "three counts, then the first finding"


@pytest.mark.parametrize(
    "empty", [{}, {"findings": [], "curves": [], "model": None, "data": None, "cost": {}, "attacks": {}, "screen": {"rows": []}}]
)
def test_an_empty_report_claims_nothing(empty: dict[str, Any]) -> None:
    page = Page(html.write(empty))
    assert "Nothing was measured, so nothing can be said about this model." in page.text
    assert "No fault was found" not in page.text
    assert "Nothing that was tried fools" not in page.text
    assert not page.named("svg")


def test_a_clean_model_is_said_to_be_clean_only_where_something_was_tried(document: dict[str, Any]) -> None:
    text = Page(html.write({"mode": "model", "curves": document["curves"], "findings": [], "serving": []})).text
    assert "Nothing that was tried fools this model beyond what a random legal value does." in text
    assert "No fault was found." in text
    assert "No fault was found." not in Page(html.write({"mode": "data", "serving": []})).text


def test_every_number_may_be_none(document: dict[str, Any]) -> None:
    page = Page(html.write(hollow(document)))
    assert "What fools" in page.text
    assert "nan" not in page.text.lower().split()


def test_how_sure_it_is_stands_on_the_page_only_where_it_was_measured(document: dict[str, Any], labelled: dict[str, Any]) -> None:
    document["curves"] = labelled["curves"] = labelled["firewall"]["measured"]["costs"] = []
    page = Page(html.write(labelled))
    assert "What routing by risk does with 1,000 rows" in page.text and "#sure" in [a.get("href") for a in page.named("a")]
    assert "Accept the surest 80 % and 12 % of those are wrong (at most 13 %, with 95 % probability)" in page.text
    bare = Page(html.write(document))
    assert "How sure it is" not in bare.text and "#sure" not in [a.get("href") for a in bare.named("a")]


def test_hostile_words_about_confidence_stay_words(labelled: dict[str, Any]) -> None:
    del labelled["firewall"]["measured"]["costs"]
    evil = {"firewall": {**poisoned(labelled["firewall"]), "policy": EVIL}}
    text = html.write(evil)
    assert "<script" not in text and "\u202e" not in text and "A" * 700 not in text
    assert len(Page(text).named("svg")) == 4


def test_every_part_of_how_sure_it_is_may_be_absent_or_of_a_wrong_kind(labelled: dict[str, Any]) -> None:
    measured = {key: labelled["firewall"]["measured"][key] for key in ("reliability", "risk_coverage", "costs", "routes")}
    wrongs: tuple[Any, ...] = (None, [], {}, "text", 3, [None, "text", 3, []], {"confidence": {"said": [float("nan"), "x", 2.0]}})
    for key in measured:
        parts = measured[key][0] if isinstance(measured[key], list) else measured[key]
        for wrong in wrongs:
            for changed in (wrong, *[{**parts, part: wrong} for part in parts], [{**parts, part: wrong} for part in parts]):
                assert certainty({"firewall": {"measured": {**measured, key: changed}}})
        assert html.write({"firewall": {"measured": {key: measured[key]}}}).startswith("<!doctype html>")
    assert "How sure it is" not in html.write({"firewall": {"measured": hollow(measured)}})


def test_every_single_key_may_be_absent_or_of_a_wrong_kind(document: dict[str, Any]) -> None:
    document["curves"] = document["curves"][:10]
    wrongs: tuple[Any, ...] = (None, [], {}, "text", 3, [None, "text", 3, []])
    for key in document:
        for wrong in wrongs:
            changed = {**document, key: wrong}
            changed["curves"] = wrong if key == "curves" else []
            assert html.write(changed).startswith("<!doctype html>")


def test_hostile_text_is_shown_and_never_obeyed(document: dict[str, Any]) -> None:
    evil = poisoned(document)
    evil["findings"][0]["details"]["example"] = {
        "row": 3,
        "changes": {EVIL: [EVIL, " \u202e\x00"]},
        "answer": [EVIL, EVIL + "!"],
        "confidence": [0.2, 0.3],
    }
    for i, point in enumerate(evil["curves"]):
        point["kind"], point["column"] = f"{i // 25}{EVIL}", f"{i // 5}{EVIL}"
    text = html.write(evil)
    page = Page(text)
    assert "<script" not in text
    assert not page.named("script")
    assert "49" not in re.sub(r"[^{}\d*]", " ", " ".join(page.words)).split(), "the template runs no text of the data"
    assert not [c for c in text if c != "\n" and (ord(c) < 32 or ord(c) in (0x202E, 0xD800))]
    assert "[U+202E]" in page.text
    assert "A" * 700 not in text
    assert not [k for _, attributes in page.elements for k in attributes if k.startswith("on")]
    text.encode("utf-8")


def test_page_is_one_file_without_scripts_or_outside_addresses(document: dict[str, Any]) -> None:
    text = html.write(document)
    page = Page(text)
    assert "http:" not in text and "https:" not in text and "@import" not in text and "url(" not in text
    assert not page.named("script", "link", "img", "iframe", "object", "image", "use")
    assert {a["href"] for a in page.named("a")} <= {f"#{a['id']}" for _, a in page.elements if "id" in a}


def test_page_is_valid_in_structure(labelled: dict[str, Any]) -> None:
    text = html.write(labelled)
    page = Page(text)
    ranks = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert ranks[0] == 1 and ranks.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(ranks)), "no heading skips a rank"
    assert all(a.get("scope") in ("col", "row", "rowgroup") for a in page.named("th"))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert text.startswith("<!doctype html>") and '<html lang="en">' in text
    assert all(a["role"] == "img" and a["aria-labelledby"] for a in page.named("svg"))
    assert len(page.named("svg")) == 2 * 4, "each of four drawings once for a desk, once for a phone"


def test_same_document_gives_the_same_bytes(document: dict[str, Any]) -> None:
    assert html.write(document) == html.write(copy.deepcopy(document))


def test_document_may_come_from_a_file(document: dict[str, Any]) -> None:
    assert html.write(json.loads(json.dumps(document))) == html.write(document)


def test_document_is_not_changed(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    html.write(document)
    assert document == before


def test_a_very_long_report_stays_a_page(document: dict[str, Any]) -> None:
    finding = document["findings"][0]
    many = [{**finding, "details": {**finding["details"], "kind": f"kind-{i % 90}", "column": f"column {i}"}} for i in range(6000)]
    curves = [{**document["curves"][0], "kind": f"kind-{i % 90}", "column": f"column {i % 200}", "severity": 1 + i % 5} for i in range(20_000)]
    assumptions = [{**document["assumptions"][0], "fields": [f"column {i}"]} for i in range(3000)]
    text = html.write({**document, "findings": many, "curves": curves, "assumptions": assumptions})
    assert len(text.encode("utf-8")) < 1_500_000
    assert "2900 further columns are in the JSON report." in Page(text).text


def test_kinds_left_out_are_said_to_be_left_out(document: dict[str, Any]) -> None:
    finding = document["findings"][0]
    many = [{**finding, "details": {**finding["details"], "kind": f"kind-{i}"}} for i in range(100)]
    assert "40 further kinds are in the JSON report." in Page(html.write({"findings": many})).text


def test_regression_answers_are_shown_as_numbers(document: dict[str, Any]) -> None:
    document["findings"] = document["findings"][:1]
    document["findings"][0]["details"]["example"] = {"row": 0, "changes": {"age": [36, 3600]}, "answer": [12.5, 90.25], "confidence": [None, None]}
    text = Page(html.write(document)).text
    assert "The model's answer 12.5 90.25" in text
    assert "Its confidence" not in text


@pytest.mark.parametrize(("mode", "words"), [("data", "There was no model"), ("predictions", "Only the model’s answers were at hand"), ("model", "")])
def test_reader_is_told_what_was_examined(document: dict[str, Any], mode: str, words: str) -> None:
    notes = html.masthead({**document, "mode": mode, "cost": {}}).notes
    assert [note.startswith(words) for note in notes] == [True] * bool(words)


def test_a_stand_in_says_how_well_it_imitates() -> None:
    document = {"mode": "predictions", "model": {"task": "classification", "agreement": {"value": 0.93}}, "notes": ["Few rows.", None]}
    assert [n.replace(wording.SPACE, " ") for n in html.masthead(document).notes] == [
        "Only the model’s answers were at hand. A stand-in that learned to imitate them was examined; "
        "on rows it had not seen it gives the same answer in 93 %.",
        "Few rows.",
    ]
    assert "an R² of 0.93" in html.masthead({**document, "model": {"task": "regression", "agreement": {"value": 0.93}}}).notes[0]


def test_values_may_be_counted_or_listed() -> None:
    columns = [{"name": "a", "kind": "category", "values": 7}, {"name": "b", "kind": "number", "values": 0, "low": 1.0, "high": 2.5}]
    assert [c.holds for c in html.data_columns({"data": {"columns": columns}})] == ["7 values", "1 to 2.5"]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palettes() -> Iterator[dict[str, str]]:
    style = (files("camelopard.report") / "report.css").read_text(encoding="utf-8")
    for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL):
        yield dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def test_text_is_readable_in_light_and_dark() -> None:
    light, dark = palettes()
    pairs = [("ink", b) for b in ("paper", "raised", "mark", "medium-soft", "t1", "t2", "t3", "t4", "t5")]
    pairs += [
        ("quiet", "paper"),
        ("quiet", "raised"),
        ("accent", "paper"),
        *((level, f"{level}-soft") for level in ("high", "medium", "low", "none")),
    ]
    for palette in (light, dark):
        assert {pair: contrast(palette[pair[0]], palette[pair[1]]) for pair in pairs if contrast(palette[pair[0]], palette[pair[1]]) < 4.5} == {}


def test_every_colour_of_the_charts_is_turned_for_the_dark() -> None:
    from camelopard.report import charts

    style = (files("camelopard.report") / "report.css").read_text(encoding="utf-8")
    dark = style[style.index("prefers-color-scheme: dark") :]
    for colour in (charts.INK, charts.QUIET, charts.RULE, charts.BAND, charts.LINE):
        assert f'="{colour}"' in dark
