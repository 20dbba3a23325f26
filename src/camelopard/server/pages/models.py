"""The inventory: all models, searched and sorted."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from camelopard.server.pages import shell
from camelopard.server.visitor import SignedIn
from camelopard.store import listing
from camelopard.store.inventory import STATES, TIERS, State, Tier
from camelopard.store.listing import Sort

router = APIRouter(include_in_schema=False)


@router.get("/")
def first(by: SignedIn) -> Response:
    """Return the way to the inventory."""
    return shell.to("/models")


@router.get("/models")
def inventory(
    by: SignedIn,
    words: str = "",
    state: State | None = None,
    tier: Tier | None = None,
    sort: Sort = "name",
    descending: bool = False,
    after: str | None = None,
) -> Response:
    """Return a page of the inventory."""
    by.must("see models")
    found = listing.page(by.home.database, words=words, state=state, tier=tier, sort=sort, descending=descending, after=after)
    values = {"found": found, "words": words, "state": state, "tier": tier, "sort": sort, "descending": descending, "states": STATES, "tiers": TIERS}
    return shell.page(by, "models.html", values)
