"""The gateway's face: one application for the pages that people read and the API that programs call, over the same facts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from camelopard.core.errors import CamelopardError, InputError, UnknownName
from camelopard.server import pages
from camelopard.server.api import models as models_api
from camelopard.server.exchange import Receive, Refused, Scope, Send
from camelopard.server.guarded import Guarded
from camelopard.server.home import Home
from camelopard.server.pages import shell
from camelopard.server.visitor import SignInNeeded
from camelopard.store.errors import NotAllowed, SignInRefused, StoreError
from camelopard.version import VERSION

App = Callable[[Scope, Receive, Send], Awaitable[None]]

CODES: Sequence[tuple[type[Exception], int, str]] = (
    (SignInNeeded, 401, "sign_in_needed"),
    (SignInRefused, 403, "sign_in_refused"),
    (NotAllowed, 403, "not_allowed"),
    (UnknownName, 404, "not_found"),
    (InputError, 400, "bad_input"),
    (StoreError, 409, "conflict"),
    (CamelopardError, 400, "refused"),
)


def managed(home: Home, hosts: Sequence[str] = ()) -> App:
    """Return the application.

    Parameters
    ----------
    home
        What it shows and changes.
    hosts
        Names by which it is called, beside those of the machine itself; another name in a request is refused, so that no page elsewhere can speak to
        it under a name of its own. Empty: any name.
    """
    made = FastAPI(title="camelopard", version=VERSION, docs_url=None, redoc_url=None, openapi_url=None)
    made.state.home = home
    for router in (models_api.router, *pages.ROUTERS):
        made.include_router(router)
    for kind in (CamelopardError, RequestValidationError, HTTPException):
        made.add_exception_handler(kind, _told)
    made.add_middleware(GZipMiddleware, minimum_size=1_000)
    return Guarded(made, hosts)


def wrong(error: Exception) -> tuple[int, str, str, dict[str, str]]:
    """Return an error's status of HTTP, its code, what to say, and headers."""
    if isinstance(error, Refused):
        return error.status, "refused", str(error), {}
    if isinstance(error, SignInRefused) and error.retry_after:
        return 429, "too_many_attempts", str(error), {"retry-after": str(error.retry_after)}
    if isinstance(error, HTTPException):
        words = {404: "there is nothing at this address.", 405: "this address is not asked in that way."}
        return error.status_code, HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"), words.get(error.status_code, str(error.detail)), {}
    if isinstance(error, RequestValidationError):
        return 400, "bad_input", "; ".join(_field(one) for one in error.errors()[:5]), {}
    status, code = next((status, code) for kind, status, code in CODES if isinstance(error, kind))
    return status, code, str(error), {"www-authenticate": "Bearer"} if status == 401 else {}


def _field(error: Any) -> str:
    """Return what is wrong with one field, without repeating what was sent: it may be a secret."""
    return f"{'.'.join(str(part) for part in error['loc'][1:]) or 'the request'}: {error['msg']}"


async def _told(request: Request, error: Exception) -> Response:
    status, code, text, headers = wrong(error)
    if request.url.path.startswith("/api"):
        return JSONResponse({"ok": False, "error": text, "status": status, "code": code}, status, headers)
    return await shell.trouble(request, status, code, text, headers)
