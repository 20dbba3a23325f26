"""The API as people read it: every address, what it does, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from camelopard.server.pages import shell
from camelopard.server.web.document import document
from camelopard.server.web.visitor import SignedIn

router = APIRouter(include_in_schema=False)

OWN = "Asking models, and watching over the server"


@dataclass(frozen=True)
class Call:
    """One thing that the API does. `given`: what stands in the query, or in the body."""

    method: str
    path: str
    does: str
    given: tuple[str, ...]


@router.get("/api")
def api(request: Request, by: SignedIn) -> Response:
    """Return the page."""
    groups = grouped(document(request.app))
    base = f"{request.url.scheme}://{request.url.netloc}"
    return shell.page(by, "api.html", {"groups": groups, "base": base})


def grouped(document: Mapping[str, Any]) -> dict[str, list[Call]]:
    """Return all that a document describes, by tag, in its order; what has no tag is the gateway's own."""
    found: dict[str, list[Call]] = {}
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if method == "parameters":
                continue
            tag = next(iter(told.get("tags", ())), "")
            words = (told.get("description") or told.get("summary", "")).split("\n")[0]
            found.setdefault(tag.capitalize() or OWN, []).append(Call(method.upper(), path, words, _given(told, schemas)))
    return {**{name: calls for name, calls in found.items() if name != OWN}, OWN: found.get(OWN, [])}


def _given(told: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[str, ...]:
    query = [one["name"] for one in told.get("parameters", ()) if one["in"] == "query"]
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = schemas.get(body.get("$ref", "").rpartition("/")[2], body)
    return (*query, *named.get("properties", {}))
