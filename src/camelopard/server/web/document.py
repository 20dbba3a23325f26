"""One OpenAPI document of all that this server understands: the gateway's own, and what the pages show, as programs call it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from camelopard.server.exchange import Response as Reply
from camelopard.server.openapi import described, merged

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """Return the document. It is the same for everybody, and says nothing about who is here."""
    return Response(Reply.of(document(request.app)).body, media_type="application/json")


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document of an application that `managed` made."""
    return merged(described(list(app.state.home.served), tokens=app.state.tokens), app.openapi())
