"""You: who you are here, what you may do, and the tokens of your programs."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from camelopard.core.errors import InputError, UnknownName
from camelopard.server.pages import shell
from camelopard.server.web.visitor import Sent, SignedIn, Visitor
from camelopard.store import tokens
from camelopard.store.roles import PERMISSIONS, SCOPES, Permission
from camelopard.store.secret import Secret
from camelopard.store.tokens import Token

router = APIRouter(include_in_schema=False)

DAYS = (7, 30, 90, 366)
DONE = {"password": "Your password is changed. Wherever else you were signed in, you are no longer.", "revoked": "The token is good for nothing now."}
MEANING: dict[Permission, str] = {
    "see models": "see the models, what they assume and how they do",
    "see rows": "see the rows that came, and what was decided",
    "ask models": "send rows to models, and try them",
    "answer reviews": "answer what is held for a person",
    "settle reviews": "settle what the answers differ on",
    "change models": "add and change models, contracts and versions",
    "approve versions": "approve versions, and let models guard",
    "see audit": "read the audit log",
    "manage people": "add people, give roles, reset passwords",
    "own tokens": "make tokens for programs of your own",
}


@router.get("/me")
def me(by: SignedIn, done: Literal["password", "revoked", ""] = "") -> Response:
    """Return the page."""
    return _page(by, done=DONE.get(done, ""))


@router.post("/me/tokens")
def make(form: Sent) -> Response:
    """Make a token, and show it this once."""
    by, known = form.by, {str(scope): scope for scope in SCOPES}
    try:
        scopes = [known.get(scope, scope) for scope in form.texts("scope")]
        days = dt.timedelta(days=form.whole("days"))
        with by.home.database.change(by.who, by.now) as change:
            made, secret = tokens.make(change, form.text("label"), scopes, days)  # type: ignore[arg-type]  # checked there
    except (InputError, UnknownName) as error:
        return _page(by, wrong=str(error), label=form.text("label"), chosen=form.texts("scope"), status=400)
    return _page(by, made=made, secret=secret)


@router.post("/me/tokens/{id}/revoke")
def revoke(id: str, form: Sent) -> Response:
    """Make one of one's own tokens good for nothing."""
    with form.by.home.database.change(form.by.who, form.by.now) as change:
        tokens.revoke(change, id)
    return shell.to("/me?done=revoked")


def _page(
    by: Visitor, *, done: str = "", wrong: str = "", made: Token | None = None, secret: Secret | None = None,
    label: str = "", chosen: list[str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    values = {
        "done": done,
        "wrong": wrong,
        "made": made,
        "shown": "" if secret is None else secret.reveal(),
        "label": label,
        "chosen": chosen or [],
        "allowed": [(what, MEANING[what]) for what in PERMISSIONS if by.may(what)],
        "scopes": [(what, MEANING[what]) for what in SCOPES if by.may(what)],
        "days": DAYS,
        "tokens": tokens.of(by.home.database, by.who.name),
    }
    return shell.page(by, "me.html", values, status)
