"""Signing in and out."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Form as Field
from starlette.responses import Response

from camelopard.core.errors import InputError
from camelopard.server.pages import shell
from camelopard.server.visitor import COOKIE, Anybody, Sent, SignedIn, same_site
from camelopard.store import sessions
from camelopard.store.errors import NotAllowed, SignInRefused
from camelopard.store.secret import Secret
from camelopard.store.sessions import Session

router = APIRouter(include_in_schema=False)

BEFORE = "camelopard_before"  # the cookie of who is about to sign in


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
    """Sign in."""
    if not same_site(request, request.cookies.get(BEFORE, ""), before):
        return _asked(request, by, next, "this form was too old. Send it once more.", 403)
    try:
        session = sessions.sign_in(by.home.database, name, Secret(password), by.address, by.now)
    except SignInRefused as error:
        return _asked(request, by, next, str(error), 429 if error.retry_after else 403)
    said = shell.to("/me/password" if session.user.must_change else shell.within(next))
    keep(request, said, session)
    said.delete_cookie(BEFORE)
    return said


@router.get("/me/password")
def password_form(by: SignedIn) -> Response:
    """Return the form in which one sets one's own password."""
    return shell.page(by, "password.html", {"wrong": "", "first": by.session is not None and by.session.user.must_change})


@router.post("/me/password")
def set_password(request: Request, form: Sent) -> Response:
    """Set one's own password."""
    session = form.by.session
    assert session is not None
    old, new, again = (Secret(form.secret(name)) for name in ("old", "new", "again"))
    try:
        if new != again:
            raise InputError("the new password was not the same both times.")
        fresh = sessions.change_password(form.by.home.database, session, old, new, form.by.address, form.by.now)
    except (InputError, SignInRefused) as error:
        return shell.page(form.by, "password.html", {"wrong": str(error), "first": session.user.must_change}, 400)
    said = shell.to("/")
    keep(request, said, fresh)
    return said


@router.post("/sign-out")
def sign_out(form: Sent) -> Response:
    """Sign out."""
    if form.by.session is None:
        raise NotAllowed("nobody is signed in.")
    sessions.sign_out(form.by.home.database, form.by.session, form.by.now)
    said = shell.to("/sign-in")
    said.delete_cookie(COOKIE)
    return said


def keep(request: Request, said: Response, session: Session) -> None:
    """Let the browser keep a session."""
    said.set_cookie(COOKIE, session.secret.reveal(), httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/")


def _asked(request: Request, by: Anybody, next: str, wrong: str, status: int) -> Response:
    before = request.cookies.get(BEFORE) or secrets.token_urlsafe(18)
    said = shell.page(by, "sign_in.html", {"next": shell.within(next), "before": before, "wrong": wrong}, status)
    said.set_cookie(BEFORE, before, httponly=True, samesite="strict", secure=request.url.scheme == "https", max_age=3600, path="/")
    return said
