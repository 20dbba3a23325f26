"""What all pages share: the frame with its navigation, and the page that says what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from camelopard.core.errors import CamelopardError
from camelopard.server.pages import static
from camelopard.server.visitor import Visitor, visitor

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
HEADINGS = {400: "That does not fit", 403: "Not allowed", 404: "Nothing here", 409: "That contradicts what is there", 429: "Too often"}


def page(by: Visitor, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """Return a page: a template in the frame, with `by`, `csrf`, `places` and `now` beside the values given."""
    csrf = "" if by.session is None else by.session.csrf.reveal()
    places = [] if by.session is None else [(to, name) for to, name, needs in PLACES if needs is None or by.may(needs)]
    frame = {"by": by, "csrf": csrf, "places": places, "now": by.now, "here": template}
    return HTMLResponse(_template(template).render({**frame, **values}), status)


def to(address: str) -> RedirectResponse:
    """Return the way to another page, after a form."""
    return RedirectResponse(address, 303)


def within(address: str) -> str:
    """Return an address if it is one of this server, and the first page otherwise: nobody is sent elsewhere by a link to us.

    >>> within("/models/income"), within("//elsewhere.example"), within("/\\\\elsewhere.example")
    ('/models/income', '/', '/')
    """
    fine = address.startswith("/") and address[1:2] not in ("/", "\\") and address.isprintable() and "\\" not in address
    return address if fine else "/"


async def trouble(request: Request, status: int, code: str, text: str, headers: Mapping[str, str]) -> Response:
    """Return a page that says what went wrong; or the way to the sign-in, for those who have not."""
    if code == "sign_in_needed":
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = f"?next={quote(asked)}" if request.method == "GET" and asked != "/" else ""
        return RedirectResponse(f"/sign-in{back}", 303)
    try:
        by: Visitor | None = await run_in_threadpool(visitor, request)
    except CamelopardError:
        by = None
    if by is None:
        return HTMLResponse(text, status, dict(headers))
    said = page(by, "trouble.html", {"heading": HEADINGS.get(status, "That did not work"), "text": text, "status": status}, status)
    said.headers.update(headers)
    return said


@cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = files(__package__) / "templates"
    texts = {one.name: one.read_text(encoding="utf-8") for one in folder.iterdir() if one.name.endswith(".html")}
    made = Environment(loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals["static"] = static.address
    return made


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)
