"""The gateway's face: one application for the pages that people read and the API that programs call, over the same facts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, Literal

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from camelopard.core.errors import CamelopardError, InputError, UnknownName
from camelopard.server import pages
from camelopard.server.api import audit as audit_api
from camelopard.server.api import models as models_api
from camelopard.server.api import models_changing
from camelopard.server.api import people as people_api
from camelopard.server.api import tokens as tokens_api
from camelopard.server.api import traffic as traffic_api
from camelopard.server.api import traffic_trying as trying_api
from camelopard.server.exchange import Receive, Refused, Scope, Send
from camelopard.server.home import Home
from camelopard.server.pages import shell
from camelopard.server.web import document
from camelopard.server.web.bounds import Guarded
from camelopard.server.web.parameters import all_known
from camelopard.server.web.visitor import PasswordNeeded, SignInNeeded
from camelopard.store.errors import NotAllowed, SignInRefused, StoreError
from camelopard.version import VERSION

App = Callable[[Scope, Receive, Send], Awaitable[None]]

CODES: Sequence[tuple[type[Exception], int, str]] = (
    (SignInNeeded, 401, "sign_in_needed"),
    (PasswordNeeded, 403, "password_needed"),
    (SignInRefused, 403, "sign_in_refused"),
    (NotAllowed, 403, "not_allowed"),
    (UnknownName, 404, "not_found"),
    (InputError, 400, "bad_input"),
    (StoreError, 409, "conflict"),
    (CamelopardError, 400, "refused"),
)


API = (models_api.router, models_changing.router, tokens_api.router, people_api.router, audit_api.router, traffic_api.router, trying_api.router)
WORDS = {
    400: "Something in the request does not fit.", 401: "Nobody has signed in, or the token is good for nothing.", 403: "Whoever asks may not.",
    404: "There is nothing of that name.", 405: "This address is not asked in that way.", 409: "That contradicts what is there.",
    413: "The request is too large.", 503: "Too much at once; come back in a moment.",
}  # fmt: skip


SAID = {404: "there is nothing at this address.", 405: "this address is not asked in that way."}


class Trouble(BaseModel):
    """An error: what was expected, what came and what to do; and a code for programs."""

    ok: Literal[False]
    error: str
    status: int
    code: str


TROUBLES: dict[int | str, dict[str, Any]] = {status: {"description": words, "model": Trouble} for status, words in WORDS.items()}


def managed(home: Home, hosts: Sequence[str] = (), *, tokens: bool = False) -> App:
    """Return the application.

    Parameters
    ----------
    home
        What it shows and changes.
    hosts
        Names by which it is called, beside those of the machine itself and any bare address; another name in a request is refused, so that no page
        elsewhere can speak to it under a name of its own. "*": any name.
    tokens
        Whether models are asked with a token: for the document that describes all this.
    """
    made = FastAPI(
        title="camelopard",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(all_known)],
    )
    made.state.home, made.state.tokens = home, tokens
    for router in API:
        made.include_router(router, responses=TROUBLES)
    for router in (document.router, *pages.ROUTERS):
        made.include_router(router)
    for kind in (CamelopardError, RequestValidationError, HTTPException):
        made.add_exception_handler(kind, _told)
    made.add_exception_handler(Exception, _failed)
    made.add_middleware(GZipMiddleware, minimum_size=1_000)
    return Guarded(made, hosts)


def wrong(error: Exception) -> tuple[int, str, str, dict[str, str]]:
    """Return an error's status of HTTP, its code, what to say, and headers."""
    if isinstance(error, Refused):
        return error.status, "refused", str(error), {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    if isinstance(error, SignInRefused) and error.retry_after:
        return 429, "too_many_attempts", str(error), {"retry-after": str(error.retry_after)}
    if isinstance(error, HTTPException):
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        return error.status_code, code, SAID.get(error.status_code, str(error.detail)), dict(error.headers or {})
    if isinstance(error, RequestValidationError):
        return 400, "bad_input", "; ".join(_field(one) for one in error.errors()[:5]), {}
    status, code = next((status, code) for kind, status, code in CODES if isinstance(error, kind))
    return status, code, str(error), {"www-authenticate": "Bearer"} if status == 401 else {}


def _field(error: Any) -> str:
    """Return what is wrong with one field, without repeating what was sent: it may be a secret."""
    return f"{'.'.join(str(part) for part in error['loc'][1:]) or 'the request'}: {error['msg']}"


async def _told(request: Request, error: Exception) -> Response:
    return await _in_their_shape(request, *wrong(error))


async def _failed(request: Request, error: Exception) -> Response:
    """Say that the server failed, and not how: its log says that."""
    return await _in_their_shape(request, 500, "failed", f"the server failed ({type(error).__name__}); its log says more.", {})


async def _in_their_shape(request: Request, status: int, code: str, text: str, headers: dict[str, str]) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"ok": False, "error": text, "status": status, "code": code}, status, headers)
    return await shell.trouble(request, status, code, text, headers)
