from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from typing import Any

from camelopard.report import junit


def parsed(document: dict[str, Any]) -> ET.Element:
    return ET.fromstring(junit.write(document).encode("utf-8"))


def test_findings_of_medium_and_high_level_fail_and_low_ones_pass(document: dict[str, Any]) -> None:
    root = parsed(document)
    expected = sum(f["level"] in ("medium", "high") for f in document["findings"] + document["serving"])
    assert root.get("failures") == str(expected) == str(len(root.findall(".//failure")))
    assert {f.get("type") for f in root.findall(".//failure")} == {"medium", "high"}
    low = next(f for f in document["findings"] if f["level"] == "low")
    case = next(c for c in root.iter("testcase") if c.get("classname") == f"camelopard.{low['details']['kind']}" and c.get("name") == low["subject"])
    assert case.find("failure") is None and "level: low" in (case.findtext("system-out") or "")


def test_failure_tells_message_dose_and_example(document: dict[str, Any]) -> None:
    failure = parsed(document).find(".//testcase[@classname='camelopard.unit-scale'][@name='age']/failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("With the damage unit scale, age changes the model's answer in 62 % of rows")
    assert "example: age: 36 → 3600" in (failure.text or "")
    assert "severity 5: 62" in (failure.text or "")


def test_damage_without_a_finding_is_a_passing_case(document: dict[str, Any]) -> None:
    document["findings"] = [f for f in document["findings"] if f["details"]["kind"] != "noise"]
    clean = [c for c in parsed(document).iter("testcase") if c.get("classname") == "camelopard.noise"]
    assert [c.get("name") for c in clean] == ["age", "hours_per_week"]
    assert all(len(c) == 0 for c in clean)


def test_the_floor_is_no_test_case(document: dict[str, Any]) -> None:
    document["curves"].append({**document["curves"][0], "kind": "in-range-resample", "family": "floor"})
    assert "camelopard.in-range-resample" not in {c.get("classname") for c in parsed(document).iter("testcase")}


def test_assumptions_pass_where_they_were_tried_and_are_skipped_otherwise(document: dict[str, Any]) -> None:
    suite = next(s for s in parsed(document) if s.get("name") == "camelopard contract")
    reasons = [skipped.get("message") if (skipped := c.find("skipped")) is not None else None for c in suite]
    assert reasons == [None, None, None, None, "not tried against the model", None, "muted"]


def test_counts_add_up(document: dict[str, Any]) -> None:
    root = parsed(document)
    for key, path in (("tests", "testcase"), ("failures", "testcase/failure"), ("skipped", "testcase/skipped")):
        assert [int(s.get(key) or -1) for s in root] == [len(s.findall(path)) for s in root]
        assert int(root.get(key) or -1) == sum(len(s.findall(path)) for s in root)


def test_names_are_unique_within_the_report(document: dict[str, Any]) -> None:
    document["findings"] += copy.deepcopy(document["findings"][:2])
    for finding in document["findings"][-2:]:
        finding["message"] += " Again."
    names = [(c.get("classname"), c.get("name")) for c in parsed(document).iter("testcase")]
    assert len(names) == len(set(names))


def test_hostile_text_gives_legal_xml(document: dict[str, Any]) -> None:
    evil = "</failure><x>\x00\x08\ufffe\ud800\u202e&\"'" + "A" * 3000
    for finding in document["findings"]:
        finding["message"] = finding["subject"] = finding["details"]["kind"] = finding["details"]["column"] = evil
        finding["details"]["example"] = {"changes": {evil: [evil, evil]}}
    document["verdict"] = document["model"]["name"] = document["assumptions"][0]["statement"] = evil
    root = parsed(document)
    assert not list(root.iter("x"))
    assert len(list(root.iter("testcase"))) > 20


def test_empty_report_is_an_empty_suite() -> None:
    assert parsed({}).get("tests") == "0"
    assert parsed({"findings": None, "curves": [None], "assumptions": ["x"]}).get("tests") == "0"


def test_same_document_gives_the_same_bytes(document: dict[str, Any]) -> None:
    assert junit.write(document) == junit.write(copy.deepcopy(document))
