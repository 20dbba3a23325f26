"""Trying a model by the API: rows judged as the gateway judges them, and kept in the log only if that is asked for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from camelopard.server.exchange import Refused, encoded
from camelopard.server.management import trying
from camelopard.server.scoring import rows
from camelopard.server.web.visitor import Changing
from camelopard.store import inventory

router = APIRouter(prefix="/api/models", tags=["traffic"])


async def body(request: Request) -> bytes:
    """Return the body of a request, if it is not too large. Raises Refused (413) otherwise."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > trying.MOST_BYTES:
            raise Refused(413, f"at most {trying.MOST_BYTES:,} bytes are tried at once. Send more to /models/NAME/predict.")
    return bytes(found)


@router.post("/{name}/try")
def tried(by: Changing, name: str, content: Annotated[bytes, Depends(body)], log: bool = False) -> Response:
    """Judge rows of plain JSON: a row as an object, a list of rows, {"rows": […]}, or a list for every column, as /models/NAME/predict takes them.

    For each row the model's answer, even where a client would not get it, the verdict, and what is done with such a row. `log`: keep the verdicts.
    """
    by.must("ask models")
    model = trying.served(by.home, inventory.get(by.home.database, name).name)
    force = model.force
    asked = rows.plain_json(content, force.schema, force.classes, trying.MOST_ROWS)
    found = trying.tried(model, force, asked.rows, {}, by.now, keep=log)
    told: list[dict[str, Any]] = []
    for i, verdict in enumerate(found.verdicts):
        told.append({**verdict.to_dict(), "id": f"{found.said.request}-{i}" if log else None, "done": found.said.done[i]})
    return Response(encoded({"ok": True, "rows": told, "logged": log}), media_type="application/json")
