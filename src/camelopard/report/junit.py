"""Writes a stress report as JUnit XML, so that a build server can show it and stop a release."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from camelopard.report import document as given
from camelopard.report import wording

FAILING = ("medium", "high")
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # characters that XML 1.0 cannot hold


@dataclass(frozen=True)
class Case:
    """One test case: passed, failed with a message, or skipped with a reason."""

    group: str
    name: str
    failure: str = ""
    level: str = ""
    body: str = ""
    skipped: str = ""


def write(document: Mapping[str, Any]) -> str:
    """Return the report as JUnit XML. Findings of level medium and high are failures.

    Each finding is a test case; so is each pair of damage and column in which nothing was found, and each assumption of the contract.

    >>> 'failures="0"' in write({})
    True
    """
    seconds = given.number(document, "cost", "seconds")
    time = f"{0.0 if seconds is None else seconds:.3f}"
    suites = {"findings": list(_findings(document)), "no finding": list(_clean(document)), "contract": list(_contract(document))}
    everything = [case for cases in suites.values() for case in cases]
    root = ET.Element("testsuites", {"name": "camelopard", **_counts(everything), "time": time})
    for name, cases in suites.items():
        suite = ET.SubElement(root, "testsuite", {"name": f"camelopard {name}", **_counts(cases), "time": time if name == "findings" else "0.000"})
        if name == "findings":
            _properties(suite, document)
        _fill(suite, cases)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def legal(text: str) -> str:
    """Return the text without characters that XML cannot hold.

    >>> legal("a\\x00b")
    'ab'
    """
    return ILLEGAL.sub("", text)


def _findings(document: Mapping[str, Any]) -> Iterator[Case]:
    for finding in given.all_findings(document):
        level, message = given.level(finding), wording.sentence(given.text(finding, "message"))
        name = wording.name(given.target_of(finding)) if given.target_of(finding) else "the model"
        kind = given.kind_of(finding)
        yield Case(kind, name, message or "no description" if level in FAILING else "", level, "\n".join([message, *_details(finding)]))


def _clean(document: Mapping[str, Any]) -> Iterator[Case]:
    known = {(given.kind_of(f), given.target_of(f)) for f in given.all_findings(document)}
    tried = dict.fromkeys((given.text(p, "kind"), given.text(p, "column")) for p in given.records(document, "curves") if not given.is_floor(p))
    for kind, target in tried:
        if (kind, target) not in known:
            yield Case(kind or "unnamed", wording.name(target))


def _contract(document: Mapping[str, Any]) -> Iterator[Case]:
    for assumption in given.records(document, "assumptions"):
        muted, tried = bool(given.entry(assumption, "muted")), given.number(assumption, "cost") is not None
        reason = "muted" if muted else "" if tried else "not tried against the model"
        code = given.text(assumption, "code") or "assumption"
        yield Case(f"contract.{code}", wording.sentence(given.text(assumption, "statement")) or code, skipped=reason)


def _details(finding: Mapping[str, Any]) -> Iterator[str]:
    def share(label: str, *keys: str) -> Iterator[str]:
        value = given.number(finding, *keys)
        if value is not None:
            yield f"{label}: {wording.percent(value)}"

    yield f"level: {given.level(finding)}"
    yield from share("fooled", "details", "fooled")
    yield from share("floor", "details", "floor")
    yield from share("model raised", "details", "exceptions")
    for key in ("value", "limit", "p_value"):
        if (number := given.number(finding, key)) is not None:
            yield f"{key}: {number:.6g}"
    low, high = given.number(finding, "interval", "low"), given.number(finding, "interval", "high")
    if low is not None and high is not None:
        yield f"interval: {low:.6g} to {high:.6g}"
    for pair in given.items(finding, "details", "dose"):
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and None not in (given.number(pair[0]), given.number(pair[1])):
            yield f"severity {pair[0]:g}: {wording.percent(pair[1])}"
    for column, pair in given.pairs(finding, "details", "example", "changes"):
        if isinstance(pair, (list, tuple)) and len(pair) == 2:
            before, after = (wording.cell(value).text or wording.cell(value).remark for value in pair)
            yield f"example: {wording.name(column)}: {before} → {after}"


def _counts(cases: list[Case]) -> dict[str, str]:
    failed, skipped = sum(bool(c.failure) for c in cases), sum(bool(c.skipped) for c in cases)
    return {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": str(skipped)}


def _properties(suite: ET.Element, document: Mapping[str, Any]) -> None:
    values = {
        "verdict": wording.sentence(given.text(document, "verdict")),
        "model": wording.clean(given.text(document, "model", "name"), wording.LONGEST_NAME),
        "version": wording.clean(given.text(document, "version"), wording.LONGEST_NAME),
        "seed": given.text(document, "seed"),
    }
    known = {name: value for name, value in values.items() if value}
    if known:
        properties = ET.SubElement(suite, "properties")
        for name, value in known.items():
            ET.SubElement(properties, "property", {"name": name, "value": legal(value)})


def _fill(suite: ET.Element, cases: list[Case]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for case in cases:
        group, name = legal(wording.clean(f"camelopard.{case.group}", wording.LONGEST_NAME)), legal(case.name)
        seen[group, name] = seen.get((group, name), 0) + 1
        if seen[group, name] > 1:
            name = f"{name} ({seen[group, name]})"
        element = ET.SubElement(suite, "testcase", {"classname": group, "name": name, "time": "0.000"})
        if case.failure:
            ET.SubElement(element, "failure", {"message": legal(case.failure), "type": case.level}).text = legal(case.body)
        elif case.skipped:
            ET.SubElement(element, "skipped", {"message": case.skipped})
        elif case.body:
            ET.SubElement(element, "system-out").text = legal(case.body)
