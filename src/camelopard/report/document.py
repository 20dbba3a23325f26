"""Reads a report's document, in which every key may be absent, every list empty and every number None."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

LEVELS = ("none", "low", "medium", "high")


def entry(document: Any, *keys: str) -> Any:
    """Return what lies under these keys, one after the other, or None.

    >>> entry({"model": {"name": "income"}}, "model", "name"), entry({}, "model", "name")
    ('income', None)
    """
    for key in keys:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def items(document: Any, *keys: str) -> list[Any]:
    """Return the list under these keys, or an empty one."""
    found = entry(document, *keys)
    return list(found) if isinstance(found, (list, tuple)) else []


def records(document: Any, *keys: str) -> list[Mapping[str, Any]]:
    """Return the dictionaries in the list under these keys."""
    return [item for item in items(document, *keys) if isinstance(item, Mapping)]


def pairs(document: Any, *keys: str) -> Iterator[tuple[str, Any]]:
    """Give the names and values of the dictionary under these keys."""
    found = entry(document, *keys)
    if isinstance(found, Mapping):
        for key, value in found.items():
            yield str(key), value


def number(document: Any, *keys: str) -> float | None:
    """Return the number under these keys, or None where there is none: NaN, text and truth values are none.

    >>> number({"n": 3}, "n"), number({"n": float("nan")}, "n"), number({"n": "3"}, "n")
    (3, None, None)
    """
    value = entry(document, *keys) if keys else document
    if hasattr(value, "item") and not isinstance(value, (int, float)):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (isinstance(value, float) and math.isnan(value)):
        return None
    return value


def text(document: Any, *keys: str) -> str:
    """Return the text under these keys, or nothing."""
    value = entry(document, *keys)
    return "" if value is None or isinstance(value, (Mapping, list, tuple)) else str(value)


def level(finding: Mapping[str, Any]) -> str:
    """Return how bad a finding is; an unknown word is taken for "none"."""
    found = text(finding, "level")
    return found if found in LEVELS else "none"


def column_names(document: Mapping[str, Any], kind: str | None = None) -> frozenset[str]:
    """Return the names of the data's columns, or of those of one kind."""
    return frozenset(text(column, "name") for column in records(document, "data", "columns") if kind in (None, text(column, "kind")))


def media(document: Mapping[str, Any]) -> str:
    """Return what the data are where they are no table: "text", "pair" (of texts) or "image"; nothing where they are one.

    >>> media({"data": {"columns": [{"name": "text", "kind": "text"}]}})
    'text'
    """
    columns = records(document, "data", "columns")
    kinds, names = ([text(column, key) for column in columns] for key in ("kind", "name"))
    if kinds == ["text", "text"] and names == ["first", "second"]:
        return "pair"
    return kinds[0] if len(kinds) == 1 and kinds[0] in ("text", "image") else ""


def all_findings(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the findings of the whole run, serving faults included, each once, worst first."""
    found = records(document, "findings")
    known = {_identity(f) for f in found}
    found += [f for f in records(document, "serving") if _identity(f) not in known]
    return worst_first(found)


def model_findings(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the findings without the serving faults and without those of level "none", which chance explains; worst first."""
    serving = {_identity(f) for f in records(document, "serving")}
    return worst_first([f for f in records(document, "findings") if text(f, "level") != "none" and _identity(f) not in serving])


def is_floor(point: Mapping[str, Any]) -> bool:
    """Return whether a point of a curve is about legal values, what damage is held against, and no damage itself."""
    return text(point, "family") == "floor"


def worst_first(findings: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return them by level; within one level their order stands."""
    return sorted(findings, key=lambda f: -LEVELS.index(level(f)))


def kind_of(finding: Mapping[str, Any]) -> str:
    """Return the kind of damage a finding is about, or its code where it is about none."""
    return text(finding, "details", "kind") or text(finding, "code") or "unnamed"


def target_of(finding: Mapping[str, Any]) -> str:
    """Return what it was done to: the column, the pair, the whole row."""
    return text(finding, "details", "column") or text(finding, "subject")


def _identity(finding: Mapping[str, Any]) -> tuple[str, str, str]:
    return text(finding, "code"), text(finding, "subject"), text(finding, "message")
