"""Values of a report's document as they are shown: an entry of a table as a cell, a text with what differs marked, a picture as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camelopard.report import document as given
from camelopard.report import picture, texts, wording
from camelopard.report.picture import Picture
from camelopard.report.texts import Part
from camelopard.report.wording import Cell

MOST_COLUMNS = 8  # of texts and pictures that are shown of one row


@dataclass(frozen=True)
class Content:
    """A text in parts, or a picture; with a remark that is no part of it."""

    parts: tuple[Part, ...] = ()
    picture: Picture | None = None
    remark: str = ""


@dataclass(frozen=True)
class Look:
    """A text or picture of a screened row: how it should be, how it came, what is odd in it, how it was repaired; and why places are marked."""

    name: str
    views: tuple[tuple[str, Cell | Content], ...]
    reasons: tuple[str, ...] = ()


def pair(before: Any, after: Any, *, words: bool = False) -> tuple[Cell | Content, Cell | Content]:
    """Return a value before and after, as they are shown beside each other.

    Parameters
    ----------
    words
        The two are said in words, they are not themselves texts to be compared.

    >>> pair(36, "36")
    (Cell(text='36', remark=''), Cell(text='“36”', remark='text'))
    """
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        return _one(before), _one(after)
    if words:
        first, second = (Cell(wording.clean(v)) if isinstance(v, str) else wording.cell(v) for v in (before, after))
        return first, second
    if not texts.is_text(before, after):
        return wording.cell(before), wording.cell(after)
    if not (isinstance(before, str) and isinstance(after, str) and before and after):
        return _one(before), _one(after)
    old, new = texts.differences(before, after)
    return Content(old), Content(new, remark=texts.strange(before, after))


def looks(row: Mapping[str, Any]) -> tuple[Look, ...]:
    """Return the texts and pictures of a screened row, out of its `content`: {column: {"was", "came", "repaired", "marks", "unlike"}}."""
    found = (_look(name, seen) for name, seen in given.pairs(row, "content"))
    return tuple(look for look in found if look is not None)[:MOST_COLUMNS]


def _look(name: str, seen: Any) -> Look | None:
    if not isinstance(seen, Mapping) or "came" not in seen:
        return None
    was, came, repaired = (seen.get(key) for key in ("was", "came", "repaired"))
    views: list[tuple[str, Cell | Content]] = []
    reasons: tuple[str, ...] = ()
    told = pair(was, came)[1] if "was" in seen else _one(came)
    if "was" in seen:
        views.append(("As it should be", _one(was)))
    if isinstance(came, str) and (marks := texts.marked(came, seen.get("marks"))).reasons:
        told, reasons = Content(marks.parts, remark=told.remark), marks.reasons
    views.append(("As it came", told))
    if isinstance(came, Mapping) and (veiled := picture.read(came, seen.get("unlike"))) is not None and veiled.veil:
        views.append(("Unlike clean ones", Content(picture=veiled)))
    if "repaired" in seen:
        views.append(("Repaired", _one(repaired)))
    return Look(wording.name(name), tuple(views), reasons)


def _one(value: Any) -> Cell | Content:
    """Return one text or picture as it is; what is neither as an entry of a table."""
    if isinstance(value, Mapping):
        words = wording.clean(given.text(value, "words"), wording.LONGEST_NAME) or "no picture that can be shown"
        found = picture.read(value)
        return Cell("", words) if found is None else Content(picture=found, remark=words)
    if isinstance(value, str) and value.strip():
        return Content(texts.differences(value, value)[0])
    return wording.cell(value)
