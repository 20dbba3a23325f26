"""What people and programs ask of the log of verdicts, and one verdict as plain data: the same for the pages and for the API."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import Any, TypedDict
from urllib.parse import urlencode

from camelopard.core.errors import InputError
from camelopard.firewall.overrides import REASONS
from camelopard.server.home import Home
from camelopard.store.log_cells import careful
from camelopard.store.log_columns import UNJUDGED, UNTOLD
from camelopard.store.log_reading import By, Logged, Place
from camelopard.store.log_table import NoLog

ROUTES = ("pass", "repair", "review", "block", UNJUDGED)
CODES = tuple(sorted({*REASONS, UNTOLD}))
TIMES: dict[str, tuple[str, dt.timedelta]] = {
    "hour": ("the last hour", dt.timedelta(hours=1)),
    "day": ("the last 24 hours", dt.timedelta(days=1)),
    "month": ("the last 30 days", dt.timedelta(days=30)),
}
STEPS: dict[By, dt.timedelta] = {"minute": dt.timedelta(minutes=1), "hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1)}
MOST_STEPS = 62  # of a chart
YEARS = (1971, 3000)  # from which, and before which, times are told
LONGEST_WORD, LONGEST_NAME, LONGEST_CURSOR = 60, 200, 400


class Among(TypedDict):
    """What verdicts are to have, besides a time; None where that does not matter."""

    model: str | None
    route: str | None
    reason: str | None


@dataclass(frozen=True)
class Asked:
    """Which verdicts are asked for; None and "" where that does not matter.

    time
        A word of TIMES.
    since, until
        Times from which on, and before which, in UTC; they go before the word.
    """

    model: str | None = None
    route: str | None = None
    reason: str | None = None
    time: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    @property
    def narrow(self) -> bool:
        """Return whether anything is asked for but the model."""
        return replace(self, model=None) != Asked()

    def bounds(self, now: dt.datetime) -> tuple[dt.datetime | None, dt.datetime | None]:
        """Return from when on, and before when."""
        if self.since is None and self.until is None and self.time:
            return now - TIMES[self.time][1], None
        return self.since, self.until

    def among(self) -> Among:
        """Return what is asked for besides time, for the log."""
        return {"model": self.model, "route": self.route, "reason": self.reason}

    def query(self, **more: str) -> str:
        """Return the same as the query of an address, with its question mark; nothing where nothing is asked for.

        >>> Asked("a b", "block").query(before="x")
        '?model=a+b&route=block&before=x'
        """
        moments = {name: None if at is None else f"{at:%Y-%m-%dT%H:%M:%S}" for name, at in (("since", self.since), ("until", self.until))}
        told = {name: value for name, value in {**self.among(), "time": self.time, **moments, **more}.items() if value}
        return f"?{urlencode(told)}" if told else ""


def asked(model: str = "", route: str = "", reason: str = "", time: str = "", since: str = "", until: str = "") -> Asked:
    """Return what the query of a request asks for.

    Raises
    ------
    InputError
        If a word is not known, or a time is none.
    """
    for name, word, known in (("route", route, ROUTES), ("time", time, tuple(TIMES))):
        if word and word not in known:
            raise InputError(f"{name}={word[:LONGEST_WORD]!r}: expected {', '.join(known[:-1])} or {known[-1]}.")
    for name, word, most in (("reason", reason, LONGEST_WORD), ("model", model, LONGEST_NAME)):
        if len(word) > most:
            raise InputError(f"{name}: {len(word)} characters; at most {most} are looked for.")
    begin, end = moment("since", since), moment("until", until)
    if begin is not None and end is not None and end <= begin:
        raise InputError(f"until={until}: that is not after since={since}.")
    return Asked(model or None, route or None, reason.strip() or None, time, begin, end)


def moment(name: str, text: str) -> dt.datetime | None:
    """Return a time in UTC as it stands in a query; None for nothing. Raises InputError if it is none.

    >>> moment("since", "2026-05-17T14:30")
    datetime.datetime(2026, 5, 17, 14, 30, tzinfo=datetime.timezone.utc)
    """
    if not text:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
        found = (found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
        return within(found)
    except (ValueError, OverflowError):
        raise InputError(f"{name}={text[:LONGEST_WORD]!r}: expected a day or a time in UTC, such as 2026-05-17 or 2026-05-17T14:30.") from None


def within(at: dt.datetime) -> dt.datetime:
    """Return a time from which one can count on and back. Raises ValueError for one before 1971 or after 2999."""
    if not YEARS[0] <= at.year < YEARS[1]:
        raise ValueError(at)
    return at


def place(home: Home) -> str:
    """Return where the log is. Raises NoLog where none is kept."""
    if home.verdicts is None:
        raise NoLog("no log of verdicts is kept here. Serve with --home or --log, and every verdict is.")
    return home.verdicts


def steps(question: Asked, now: dt.datetime) -> tuple[By, dt.datetime, dt.datetime]:
    """Return by what steps of time rows are counted, from when on, and before when; without a time, the last 24 hours by the hour.

    >>> steps(Asked(time="month"), dt.datetime(2026, 3, 31, 9, 30, tzinfo=dt.UTC))[:2]
    ('day', datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc))
    """
    since, until = question.bounds(now)
    end = now if until is None else until
    begin = end - TIMES["day"][1] if since is None else min(since, end)
    by: By = next((by for by, step in STEPS.items() if end - begin <= MOST_STEPS * step), "day")
    begin = max(begin, end - MOST_STEPS * STEPS[by])
    return by, floor(begin, by) if question.since is None else begin, end


def floor(at: dt.datetime, by: By) -> dt.datetime:
    """Return the beginning of the minute, hour or day of a time."""
    whole = at.replace(second=0, microsecond=0)
    return whole if by == "minute" else whole.replace(minute=0) if by == "hour" else whole.replace(minute=0, hour=0)


def cursor(place: Place) -> str:
    """Return a place in the log as a word for an address: where the next page begins.

    >>> word = cursor((dt.datetime(2026, 3, 1, tzinfo=dt.UTC), "r", 2))
    >>> place_of(word)
    (datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc), 'r', 2)
    """
    return base64.urlsafe_b64encode(json.dumps([place[0].isoformat(), *place[1:]]).encode()).decode().rstrip("=")


def place_of(word: str) -> Place | None:
    """Return the place that a cursor stands for; None for nothing. Raises InputError if it is no cursor."""
    if not word:
        return None
    try:
        if len(word) > LONGEST_CURSOR:
            raise ValueError(word)
        at, request, row = json.loads(base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True))
        found = dt.datetime.fromisoformat(at)
        if found.tzinfo is None or not isinstance(request, str) or type(row) is not int:
            raise ValueError(word)
        return within(found.astimezone(dt.UTC)), request, row
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise InputError("this is no place in the log. Take the link to the next page, or `next` of the page before, as it is.") from None


def plain(logged: Logged, *, cells: bool = False) -> dict[str, Any]:
    """Return a verdict as plain data for JSON; what JSON has no word for is an object with a "~", as in the log itself.

    Parameters
    ----------
    cells
        Whether the row itself belongs to it: `cells`, None where nothing of it is kept.
    """
    told = {name: value for name, value in vars(logged).items() if name not in ("input", "reasons", "time")}
    told |= {"reasons": [vars(reason) for reason in logged.reasons], "repair": None if logged.repair is None else dict(logged.repair)}
    if told["probabilities"] is not None:
        told["probabilities"] = list(told["probabilities"])
    found: dict[str, Any] = json.loads(careful(told)[0])
    found = {"id": logged.id, "time": logged.time.isoformat(), **found}
    if cells:
        found["cells"] = None if logged.input is None or logged.kept == "none" else json.loads(logged.input)
    return found
