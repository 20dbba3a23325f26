"""Was this cell meant to be something we know? Undoes what formatting, encoding and typing do to a value."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST = 200  # characters looked at: a cell may hold megabytes
NEAR = 0.8  # similarity at which a mistyped category is taken for a known one (difflib's ratio)
MOST_COMPARED = 400  # known values beyond which typing errors are not looked for

_NUMBER = re.compile(r"[-+]?(?:\d[\d.,'\u00a0\u202f ]*\d|\d)(?:[eE][-+]?\d{1,3})?")
_AROUND = re.compile(r"(?:[^\W\d_]|[\s$€£¥₹%‰°²³'\".,:~≈≤≥()/+-]){0,16}")  # a unit, a currency, a word such as "years": not markup, not a sentence
_TRUE = {"true", "yes", "y", "1", "on", "t"}
_FALSE = {"false", "no", "n", "0", "off", "f"}


def recovered_number(cell: object) -> float | None:
    """Return the number a cell was meant to be, or None.

    >>> [recovered_number(c) for c in ("36", " 1.234,5 ", "1,234", "36 years", "abc", True, "alert(1);", "one of 7 who never said how old")]
    [36.0, 1234.5, 1234.0, 36.0, None, None, None, None]
    """
    if not isinstance(cell, str) or len(cell) > LONGEST:
        return None
    text = cell.strip()
    try:
        value = float(text.replace("_", "x"))
    except ValueError:
        found = _NUMBER.findall(text)
        if len(found) != 1 or not _AROUND.fullmatch(text.replace(found[0], "", 1)):
            return None
        value = _grouped(found[0])
    return value if math.isfinite(value) else None


def _grouped(text: str) -> float:
    """Read a number with thousands separators or a decimal comma."""
    text = re.sub(r"[\s'\u00a0\u202f]", "", text)
    comma, dot = text.rfind(","), text.rfind(".")
    if comma >= 0 and dot >= 0:
        text = text.replace(".", "").replace(",", ".") if comma > dot else text.replace(",", "")
    elif comma >= 0:
        thousands = re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+", text)
        text = text.replace(",", "") if thousands else text.replace(",", ".", 1)
    elif text.count(".") > 1:
        text = text.replace(".", "")
    try:
        return float(text)
    except ValueError:
        return math.nan


def recovered_boolean(cell: object) -> bool | None:
    """Return the truth value a cell was meant to be, or None.

    >>> recovered_boolean("Yes"), recovered_boolean(0), recovered_boolean("perhaps")
    (True, False, None)
    """
    if isinstance(cell, (int, float)) and cell in (0, 1):
        return bool(cell)
    if isinstance(cell, str) and len(cell) < 10:
        text = cell.strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
    return None


def plain_form(cell: object) -> str:
    """Return a value without case, accents, outer space and separators: what two spellings of one value share.

    >>> plain_form(" Self_emp-not  INC ") == plain_form("self-emp-not-inc")
    True
    """
    text = unicodedata.normalize("NFKD", str(cell)[:LONGEST]).casefold()
    return re.sub(r"[\W_]+", "", "".join(c for c in text if not unicodedata.combining(c)))


def recovered_category(cell: object, plain: Mapping[str, Any], known: Iterable[Any], nearly: bool = True) -> Any | None:
    """Return the known value that a cell was meant to be, or None: other case, space, broken encoding, one slip of the finger.

    `plain` maps the plain form of each known value to it (see `plain_forms`). Not `nearly`: slips of the finger are not looked for.

    >>> recovered_category("privat", plain_forms(["Private", "State-gov"]), ["Private", "State-gov"])
    'Private'
    >>> recovered_category("Elephant", plain_forms(["Private"]), ["Private"]) is None
    True
    """
    form = plain_form(cell)
    if not form:
        return None
    if form in plain:
        return plain[form]
    if isinstance(cell, str) and not cell.isascii():
        repaired = _decoded(cell)
        if repaired is not None and plain_form(repaired) in plain:
            return plain[plain_form(repaired)]
    if not nearly or len(form) < 4 or len(plain) > MOST_COMPARED or not isinstance(cell, str):
        return None
    near = difflib.get_close_matches(form, list(plain), n=2, cutoff=NEAR)
    if len(near) == 2 and difflib.SequenceMatcher(None, form, near[1]).ratio() > difflib.SequenceMatcher(None, form, near[0]).ratio() - 0.02:
        return None  # two known values are equally near: no guess
    return plain[near[0]] if near and abs(len(near[0]) - len(form)) <= 2 else None


def plain_forms(known: Iterable[Any]) -> dict[str, Any]:
    """Return plain form → value for the known values, without the forms that two values share."""
    forms: dict[str, Any] = {}
    shared: set[str] = set()
    for value in known:
        form = plain_form(value)
        if form in forms:
            shared.add(form)
        forms[form] = value
    return {form: value for form, value in forms.items() if form and form not in shared}


def _decoded(cell: str) -> str | None:
    """Undo UTF-8 that was read as Latin-1 or Windows-1252, or None where it was not."""
    for wrong in ("cp1252", "latin-1"):
        try:
            return cell[:LONGEST].encode(wrong).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
    return None
