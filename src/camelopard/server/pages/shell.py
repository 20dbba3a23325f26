"""What all pages share: the frame with its navigation, and the page that says what went wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from camelopard.core.errors import CamelopardError
from camelopard.server.pages import static
from camelopard.server.web.masks import masked
from camelopard.server.web.visitor import Visitor, visitor
from camelopard.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment, Template

    from camelopard.store.roles import Permission

PLACES: tuple[tuple[str, str, Permission | None], ...] = (  # in the navigation: address, name, who sees it
    ("/models", "Models", "see models"),
    ("/traffic", "Live traffic", "see rows"),
    ("/people", "People", "manage people"),
    ("/audit", "Audit log", "see audit"),
    ("/me", "You", None),
)
HEADINGS = {
    400: "That does not fit", 403: "Not allowed", 404: "Nothing here", 405: "Not in that way", 409: "That contradicts what is there",
    429: "Too often", 500: "This server failed", 503: "Too much at once",
}  # fmt: skip
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
LONGEST = 2_000  # characters of an address within


def page(by: Visitor, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """Return a page: a template in the frame, with `by`, `csrf`, `places` and `now` beside the values given."""
    csrf = "" if by.session is None else masked(by.session.csrf)
    inside = by.session is not None and not by.session.user.must_change
    places = [(to, name) for to, name, needs in PLACES if needs is None or by.may(needs)] if inside else []
    frame = {"by": by, "csrf": csrf, "places": places, "now": by.now, "here": template}
    return HTMLResponse(_template(template).render({**frame, **values}), status)


def part(template: str, values: Mapping[str, Any]) -> str:
    """Return a template by itself, without the frame: a piece of a page that is sent later."""
    return _template(template).render(values)


def to(address: str) -> RedirectResponse:
    """Return the way to another page, after a form."""
    return RedirectResponse(address, 303)


def within(address: str) -> str:
    """Return an address if it is one of this server, and the first page otherwise: nobody is sent elsewhere by a link to us.

    >>> within("/models/income"), within("//elsewhere.example"), within("/\\\\elsewhere.example")
    ('/models/income', '/', '/')
    """
    fine = address.startswith("/") and address[1:2] != "/" and "\\" not in address and address.isprintable() and len(address) <= LONGEST
    return address if fine else "/"


def quoted(name: str) -> str:
    """Return a name as a part of an address.

    >>> quoted("100 % sûr?")
    '100%20%25%20s%C3%BBr%3F'
    """
    return quote(name, safe="")


async def trouble(request: Request, status: int, code: str, text: str, headers: Mapping[str, str]) -> Response:
    """Return a page that says what went wrong; or the way to the sign-in, for those who have not."""
    if code == "sign_in_needed":
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = f"?next={quote(asked)}" if request.method == "GET" and asked != "/" else ""
        return RedirectResponse(f"/sign-in{back}", 303)
    if code == "password_needed":
        return to("/me/password")
    try:
        by: Visitor | None = await run_in_threadpool(visitor, request)
    except CamelopardError:
        by = None
    if by is None:
        return PlainTextResponse(text, status, dict(headers))
    said = page(by, "trouble.html", {"heading": HEADINGS.get(status, "That did not work"), "text": text, "status": status}, status)
    said.headers.update(headers)
    return said


@cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = files(__package__) / "templates"
    texts = {one.name: one.read_text(encoding="utf-8") for one in folder.iterdir() if one.name.endswith(".html")}
    made = Environment(loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals["static"], made.globals["version"] = static.address, VERSION
    made.filters.update(day=day, moment=moment, capital=capital)
    return made


def capital(text: str) -> str:
    """Return a sentence that begins as sentences do.

    >>> capital("there is no user named 'ann'.")
    "There is no user named 'ann'."
    """
    return text[:1].upper() + text[1:]


def day(at: dt.datetime) -> str:
    """Return a day as people read it.

    >>> day(dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC))
    '1 March 2026'
    """
    at = at.astimezone(dt.UTC)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def moment(at: dt.datetime) -> str:
    """Return a moment as people read it, to the second.

    >>> moment(dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC))
    '1 March 2026, 09:30:00 UTC'
    """
    return f"{day(at)}, {at.astimezone(dt.UTC):%H:%M:%S} UTC"


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)
