"""Signing in and out, and setting one's own password."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Form as Field
from starlette.responses import Response

from camelopard.core.errors import InputError
from camelopard.server.pages import shell
from camelopard.server.web.masks import masked
from camelopard.server.web.visitor import COOKIE, Anybody, Sent, SignedIn, cookie, same_browser
from camelopard.store import sessions
from camelopard.store.errors import NotAllowed, SignInRefused
from camelopard.store.secret import Secret
from camelopard.store.sessions import Session

router = APIRouter(include_in_schema=False)

BEFORE = "camelopard_before"  # the cookie of who is about to sign in
GIVEN = re.compile(r"[A-Za-z0-9_-]{43}")
PATIENCE = 3600  # seconds that the form may lie open


@router.get("/sign-in")
def sign_in_form(request: Request, by: Anybody, next: str = "/") -> Response:
    """Return the form."""
    if by.session is not None:
        return shell.to(shell.within(next))
    return _asked(request, by, next, "", 200)


@router.post("/sign-in")
def sign_in(
    request: Request,
    by: Anybody,
    name: Annotated[str, Field()] = "",
    password: Annotated[str, Field()] = "",
    before: Annotated[str, Field()] = "",
    next: Annotated[str, Field()] = "/",
) -> Response:
    """Sign in; who was somebody else before is so no longer."""
    if not same_browser(request.cookies.get(cookie(request, BEFORE), ""), before):
        return _asked(request, by, next, "this form was too old, or the browser keeps no cookies. Send it once more.", 403)
    try:
        session = sessions.sign_in(by.home.database, name, Secret(password), by.address, by.now)
    except SignInRefused as error:
        return _asked(request, by, next, str(error), 429 if error.retry_after else 403, error.retry_after)
    if by.session is not None:
        sessions.sign_out(by.home.database, by.session, by.now)
    said = shell.to("/me/password" if session.user.must_change else shell.within(next))
    _keep(request, said, session)
    _let_go(request, said, BEFORE)
    return said


@router.get("/me/password")
def password_form(by: SignedIn) -> Response:
    """Return the form in which one sets one's own password."""
    return shell.page(by, "password.html", {"wrong": "", "first": _of(by.session).user.must_change})


@router.post("/me/password")
def set_password(request: Request, form: Sent) -> Response:
    """Set one's own password."""
    session = _of(form.by.session)
    old, new, again = (Secret(form.secret(name)) for name in ("old", "new", "again"))
    try:
        if new != again:
            raise InputError("the new password was not the same both times.")
        fresh = sessions.change_password(form.by.home.database, session, old, new, form.by.address, form.by.now)
    except (InputError, SignInRefused) as error:
        status = 429 if isinstance(error, SignInRefused) and error.retry_after else 400
        return shell.page(form.by, "password.html", {"wrong": str(error), "first": session.user.must_change}, status)
    said = shell.to("/" if session.user.must_change else "/me?done=password")
    _keep(request, said, fresh)
    return said


@router.post("/sign-out")
def sign_out(request: Request, form: Sent) -> Response:
    """Sign out."""
    sessions.sign_out(form.by.home.database, _of(form.by.session), form.by.now)
    said = shell.to("/sign-in")
    _let_go(request, said, COOKIE)
    return said


def _of(session: Session | None) -> Session:
    if session is None:
        raise NotAllowed("passwords are for people who signed in. A token has none.")
    return session


def _keep(request: Request, said: Response, session: Session) -> None:
    """Let the browser keep a session."""
    _set(request, said, COOKIE, session.secret.reveal(), "lax")


def _set(request: Request, said: Response, name: str, value: str, site: str, seconds: int | None = None) -> None:
    secure = request.url.scheme == "https"
    said.set_cookie(cookie(request, name), value, httponly=True, samesite=site, secure=secure, max_age=seconds, path="/")  # type: ignore[arg-type]


def _let_go(request: Request, said: Response, name: str) -> None:
    said.delete_cookie(cookie(request, name), httponly=True, secure=request.url.scheme == "https", path="/")


def _asked(request: Request, by: Anybody, next: str, wrong: str, status: int, retry_after: int = 0) -> Response:
    known = request.cookies.get(cookie(request, BEFORE), "")
    before = Secret(known) if GIVEN.fullmatch(known) else Secret.random()
    said = shell.page(by, "sign_in.html", {"next": shell.within(next), "before": masked(before), "wrong": wrong}, status)
    _set(request, said, BEFORE, before.reveal(), "strict", PATIENCE)
    if retry_after:
        said.headers["retry-after"] = str(retry_after)
    return said
