from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from camelopard.core.errors import CamelopardError
from camelopard.core.protocols import Model
from camelopard.core.records import Finding, Interval, Level
from camelopard.stress.report import StressReport
from camelopard.stress.study import stress


def report(*levels: Level, example: object = None) -> StressReport:
    found = [
        Finding(
            "unit-scale", f"x{i}", f"Message {i}.", level, 0.5, 0.05, Interval(0.1, 0.9), np.nan, (3,), {"kind": "unit-scale", "example": example}
        )
        for i, level in enumerate(levels)
    ]
    return StressReport("It is fooled.", found, [], [], [], [], {}, [], {"asked": 5, "complete": True}, {"name": "m"}, {"rows": 1}, 7)


def test_the_worst_level_is_that_of_the_worst_finding() -> None:
    assert report().worst == "none"
    assert report("low", "high", "medium").worst == "high"


def test_the_dictionary_is_plain_and_has_every_part(people: pd.DataFrame, careful: Model) -> None:
    document = stress(careful, people, people["member"].map({True: "yes", False: "no"}), budget=6000).to_dict()
    assert set(document) >= {
        "version", "seed", "verdict", "model", "data", "findings", "curves", "assumptions", "ignored", "attacks", "serving", "cost", "mode"
    }  # fmt: skip
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["model"]["classes"] == ["no", "yes"]
    assert [c["name"] for c in document["data"]["columns"]] == ["age", "income", "city", "member"]
    assert document["data"]["columns"][2]["values"]["Bergen"] > 300
    assert document["curves"][0].keys() >= {"kind", "column", "severity", "n", "fooled", "fooled_interval", "loss_change", "floor"}


def test_nan_becomes_none_and_what_json_lacks_becomes_text() -> None:
    found = report("low", example={"a": np.float64("nan"), "b": np.int64(3), "c": float("inf"), "d": (1, b"x"), 5: pd.Timestamp("2020-01-01")})
    document = found.to_dict()["findings"][0]
    assert document["p_value"] is None
    assert document["details"]["example"] == {"a": None, "b": 3, "c": "inf", "d": [1, "b'x'"], "5": "2020-01-01 00:00:00"}
    assert json.loads(found.to_json())["findings"][0]["details"] == document["details"]


def test_a_report_is_saved_as_its_ending_says(tmp_path: Path) -> None:
    found = report("high", "low")
    for name in ("r.html", "r.JSON", "r.xml"):
        found.save(tmp_path / name)
    found.to_junit(tmp_path / "junit")
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads((tmp_path / "r.JSON").read_text(encoding="utf-8"))["seed"] == 7
    assert ET.parse(tmp_path / "r.xml").getroot().find(".//failure") is not None
    assert (tmp_path / "junit").read_bytes() == (tmp_path / "r.xml").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["junit", "r.JSON", "r.html", "r.xml"]  # nothing half-written lies about


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CamelopardError, match=r"\.html, \.json or \.xml"):
        report().save(tmp_path / "r.pdf")


@pytest.mark.parametrize("place", ["nowhere/r.json", "folder.json"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(CamelopardError, match="cannot be written|no regular file"):
        report().save(tmp_path / place)
    assert os.listdir(tmp_path) == ["folder.json"]


def test_a_report_that_was_there_stays_when_the_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CamelopardError, match="No space left"):
        report().save(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["r.json"]


def test_text_that_is_no_unicode_does_not_stop_a_report(tmp_path: Path) -> None:
    report("high", example={"city": ["Bergen", "\udc80\x00"]}).save(tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["findings"][0]["details"]["example"]["city"][1] == "\udc80\x00"


def test_the_short_text_shows_the_verdict_and_the_worst_of_each_kind() -> None:
    levels: list[Level] = ["high"] * 20
    given = report(*levels)
    given = replace(given, findings=[replace(f, code=f"kind-{i % 12}") for i, f in enumerate(given.findings)])
    text = repr(given).splitlines()
    assert text[0] == "<StressReport: It is fooled.>"
    assert text[1] == "    high  Message 0. And 1 more of this kind."
    assert text[10] == "    high  Message 9."
    assert text[11:] == ["          … and 2 more of 2 other kinds"]


def test_many_findings_of_one_kind_are_one_line() -> None:
    levels: list[Level] = ["high"] * 43
    assert report(*levels).lines(10) == ["    high  Message 0. And 42 more of this kind."]
    long = report("high", "low")
    long = replace(long, findings=[replace(f, message="word " * 100) for f in long.findings])
    (line,) = long.lines(10, 140)
    assert line.endswith(" … And 1 more of this kind.") and len(line) <= 150


def test_each_check_that_could_not_run_is_a_line_of_its_own() -> None:
    levels: list[Level] = ["high", "medium", "medium", "low"]
    given = report(*levels)
    codes = ("unit-scale", "not-run", "not-run", "unit-scale")
    lines = replace(given, findings=[replace(f, code=code) for f, code in zip(given.findings, codes, strict=True)]).lines(10, 1)
    assert lines == ["    high  Message 0. And 1 more of this kind.", "  medium  Message 1.", "  medium  Message 2."]
    assert report().lines(10) == []
