"""Style sheets and scripts. Their addresses carry the hash of what they hold, so that a browser keeps them for good."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FROM_REPORT = ("report.css",)  # one look for report and pages
FOR_GOOD = {"cache-control": "public, max-age=31536000, immutable"}

router = APIRouter(prefix="/static", include_in_schema=False)


@router.get("/{name}")
def static(name: str) -> Response:
    """Return a file of the pages."""
    found = content().get(name)
    if found is None:
        raise HTTPException(404)
    return Response(found, media_type=KINDS[name.rpartition(".")[2]], headers=FOR_GOOD)


@cache
def content() -> dict[str, bytes]:
    """Return all files by name."""
    report, own = files("camelopard.report"), files(__package__) / "static"
    found = {name: (report / name).read_bytes() for name in FROM_REPORT}
    return found | {one.name: one.read_bytes() for one in own.iterdir() if one.name.rpartition(".")[2] in KINDS}


@cache
def address(name: str) -> str:
    """Return where a file is found."""
    return f"/static/{name}?{hashlib.sha256(content()[name]).hexdigest()[:12]}"
