"""Pages of the inventory: found by words, sorted, one page after the other, as quick with a hundred thousand models as with ten.

A page begins where the last one ended, by value and not by count, so that the thousandth page costs what the first does, and nothing is shown twice
when models come and go in between.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Select, UnaryExpression, func, select, tuple_
from sqlalchemy.sql.operators import custom_op

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import inventory
from camelopard.store import words as texts
from camelopard.store.columns import moment
from camelopard.store.database import Database
from camelopard.store.inventory import STATES, TIERS, Model, State, Tier, model_of
from camelopard.store.tables import models

Sort = Literal["name", "owner", "state", "tier", "changed", "traffic", "not passed", "accuracy", "questions"]
KEYS: dict[Sort, ColumnElement[Any]] = {
    "name": models.c.name,
    "owner": models.c.owner,
    "state": models.c.state,
    "tier": models.c.stake,
    "changed": models.c.changed_at,
    "traffic": models.c.traffic,
    "not passed": models.c.not_passed,
    "accuracy": models.c.accuracy,
    "questions": models.c.questions,
}
MOST = 500  # models on a page
MOST_WORDS = 8


@dataclass(frozen=True)
class Live:
    """What was measured of a model lately.

    traffic
        Rows judged in the time that is looked at.
    not_passed
        The share of them that did not simply pass; None where not known.
    accuracy
        The estimated share of right answers; None where not known.
    questions
        Reviews that nobody has answered yet.
    measured_at
        When; None if never.
    """

    traffic: int = 0
    not_passed: float | None = None
    accuracy: float | None = None
    questions: int = 0
    measured_at: dt.datetime | None = None


@dataclass(frozen=True)
class Page:
    """Some models of the inventory with what was measured of them, and where the next page begins; None where there is none."""

    models: tuple[tuple[Model, Live], ...]
    next: str | None


def page(
    database: Database,
    *,
    words: str = "",
    state: State | None = None,
    tier: Tier | None = None,
    owner: str | None = None,
    sort: Sort = "name",
    descending: bool = False,
    after: str | None = None,
    size: int = 50,
) -> Page:
    """Return a page of the inventory.

    Parameters
    ----------
    words
        Each of them occurs in name, owner or purpose, in large or small letters.
    state, tier, owner
        Only models that are so.
    sort, descending
        By what, and whether the largest come first; among equals by name. What is not known counts as the smallest.
    after
        What `Page.next` said; the rest must be as it was then.
    size
        How many, from 1 to 500.

    Raises
    ------
    UnknownName
        If there is no such state, tier or order.
    InputError
        If the size is another, or `after` does not belong to this list.
    """
    if sort not in KEYS:
        raise UnknownName.among(sort, get_args(Sort), "order")
    texts.whole(size, "size", MOST)
    texts.sentence(words, "words", texts.LONGEST_NAME)
    key = KEYS[sort]
    scanned = database.engine.dialect.name == "sqlite" and not _indexed(sort, words, state, tier, owner)
    columns: tuple[ColumnElement[Any], ...] = (key,) if key is models.c.name else (key, models.c.name)
    if scanned:
        columns = tuple(_plain(column) for column in columns)
    query = _filtered(select(models), words, state, tier, owner, scanned=scanned)
    query = query.order_by(*(column.desc() if descending else column.asc() for column in columns)).limit(size + 1)
    if after is not None:
        start = _read(after, sort, descending)[-len(columns) :]
        query = query.where(tuple_(*columns) < start if descending else tuple_(*columns) > start)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    found = tuple((model_of(row), _live(row)) for row in rows[:size])
    if len(rows) <= size:
        return Page(found, None)
    return Page(found, _written(sort, descending, getattr(rows[size - 1], key.name), found[-1][0].name))


def count(database: Database, *, words: str = "", state: State | None = None, tier: Tier | None = None, owner: str | None = None) -> int:
    """Return how many models there are of which that is so."""
    query = _filtered(select(func.count()).select_from(models), words, state, tier, owner)
    with database.reading() as connection:
        return int(connection.execute(query).scalar_one())


def by_state(database: Database) -> dict[State, int]:
    """Return how many models are in each state."""
    with database.reading() as connection:
        found = {row.state: row.n for row in connection.execute(select(models.c.state, func.count().label("n")).group_by(models.c.state))}
    return {state: found.get(state, 0) for state in STATES}


def live(database: Database, name: str) -> Live:
    """Return what was measured of one model lately. Raises UnknownName if there is none of that name."""
    with database.reading() as connection:
        row = connection.execute(select(models).where(models.c.name == name)).first()
    if row is None:
        inventory.get(database, name)  # says what is near
        return Live()
    return _live(row)


def note_live(database: Database, measured: Iterable[tuple[str, Live]], now: dt.datetime) -> int:
    """Note what was measured of models just now, in one go; return how many of them there are in the inventory."""
    at = moment(now)
    rows: list[dict[str, object]] = [
        {
            "model": name,
            "traffic": int(was.traffic),
            "not_passed": _known(was.not_passed),
            "accuracy": _known(was.accuracy),
            "questions": int(was.questions),
            "measured_at": at,
        }
        for name, was in measured
    ]
    if not rows:
        return 0
    with database.noting() as noting:
        return noting.measured(rows)


def _indexed(sort: Sort, words: str, state: State | None, tier: Tier | None, owner: str | None) -> bool:
    """Return whether the page can be read off an index, in order, without looking at more models than it shows."""
    if words.strip():
        return False
    if owner is not None:
        return sort == "name" and state is None and tier is None
    return tier is None or sort == "tier"


def _plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column that SQLite uses no index for: rather than look at all models once, it would fetch them one by one, five times as slow."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


def _filtered(query: Select[Any], words: str, state: State | None, tier: Tier | None, owner: str | None, *, scanned: bool = False) -> Select[Any]:
    if state is not None:
        if state not in STATES:
            raise UnknownName.among(state, STATES, "state")
        query = query.where((_plain(models.c.state) if scanned else models.c.state) == state)
    if tier is not None:
        if tier not in TIERS:
            raise UnknownName.among(tier, TIERS, "tier")
        query = query.where((_plain(models.c.stake) if scanned else models.c.stake).between(*TIERS[tier]))
    if owner is not None:
        query = query.where((_plain(models.c.owner) if scanned else models.c.owner) == texts.name(owner, "model's owner"))
    for word in texts.search(texts.sentence(words, "words", texts.LONGEST_NAME)).split()[:MOST_WORDS]:
        query = query.where(models.c.words.contains(word, autoescape=True))
    return query


def _live(row: Any) -> Live:
    not_passed, accuracy = (None if share < 0 else share for share in (row.not_passed, row.accuracy))
    return Live(row.traffic, not_passed, accuracy, row.questions, row.measured_at)


def _known(share: float | None) -> float:
    """Return a share as it is kept: −1 where it is not known."""
    return -1.0 if share is None or not math.isfinite(share) else float(share)


def _written(sort: Sort, descending: bool, value: Any, name: str) -> str:
    plain = value.isoformat() if isinstance(value, dt.datetime) else value
    return base64.urlsafe_b64encode(json.dumps([sort, descending, plain, name], separators=(",", ":")).encode()).decode().rstrip("=")


def _read(after: str, sort: Sort, descending: bool) -> tuple[Any, str]:
    """Return the value and the name at which the last page ended; it may come from anybody."""
    wrong = InputError("this is not where a page of this list ended. Begin with its first page.")
    try:
        found = json.loads(base64.b64decode(after.encode("ascii") + b"=" * (-len(after) % 4), altchars=b"-_", validate=True))
        said, down, value, name = found
        if sort == "changed":
            value = moment(dt.datetime.fromisoformat(value))
    except (binascii.Error, UnicodeError, ValueError, TypeError, RecursionError, OverflowError, AttributeError, InputError):
        raise wrong from None
    kinds: dict[str, tuple[type, ...]] = {"name": (str,), "owner": (str,), "state": (str,), "changed": (dt.datetime,)}
    numbers = (int,) if sort in ("tier", "traffic", "questions") else (int, float)
    fits = type(value) in kinds.get(sort, numbers) and (type(value) is not int or -1 <= value <= (25 if sort == "tier" else 2**62))
    if (said, down) != (sort, descending) or not fits or type(name) is not str or not _kept(name) or (type(value) is str and not _kept(value)):
        raise wrong
    return value, name


def _kept(text: str) -> bool:
    """Return whether a text could be in the database."""
    return "\x00" not in text and len(text) <= texts.LONGEST_NAME and not any(0xD800 <= ord(c) < 0xE000 for c in text)
