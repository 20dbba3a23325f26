"""What columns hold: moments in UTC, documents as one line of JSON, and texts that sort the same in every database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from camelopard.core.documents import documented
from camelopard.core.errors import InputError


def moment(now: dt.datetime) -> dt.datetime:
    """Return a moment in UTC.

    Raises
    ------
    InputError
        If it has no time zone: nobody could tell when it was.

    >>> moment(dt.datetime(2026, 3, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=1)))).isoformat()
    '2026-03-01T08:00:00+00:00'
    """
    if not isinstance(now, dt.datetime) or now.utcoffset() is None:
        raise InputError(f"now={now!r}: expected a moment with its time zone, such as datetime.now(timezone.utc).")
    return now.astimezone(dt.UTC)


def line(value: object) -> str:
    """Return plain data as one line of JSON: the same data gives the same characters, whatever the order of its keys.

    Only ASCII, so that a database that knows no zero character or no half of a surrogate pair keeps them all the same.

    >>> line({"b": float("nan"), "a": "é"})
    '{"a":"\\\\u00e9","b":null}'
    """
    return json.dumps(documented(value), ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))


class Moment(TypeDecorator[dt.datetime]):
    """A moment in UTC, to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return moment(value).replace(tzinfo=None) if dialect.name == "sqlite" else moment(value)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Word(TypeDecorator[str]):
    """A name. Sorted by code points: SQLite does so by itself, and PostgreSQL would follow the language of the machine.

    Raises InputError for what no database could hold, so that nobody can ask for it either.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (isinstance(value, str) and "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)):
            return value
        raise InputError(f"{ascii(value)[:60]} is no name that could be kept: expected a text without zero characters and halves of characters.")


class Document(TypeDecorator[Mapping[str, Any]]):
    """Plain data, kept as one line of JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:
        return None if value is None else line(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, Any] | None:
        return None if value is None else json.loads(value)
