"""Models and their versions, by the API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from camelopard.server.visitor import SignedIn
from camelopard.store import listing
from camelopard.store.inventory import Model, State, Tier
from camelopard.store.listing import Live, Sort

router = APIRouter(prefix="/api/models", tags=["models"])


@router.get("")
def page(
    by: SignedIn,
    words: str = "",
    state: State | None = None,
    tier: Tier | None = None,
    owner: str | None = None,
    sort: Sort = "name",
    descending: bool = False,
    after: str | None = None,
    size: Annotated[int, Query(ge=1, le=listing.MOST)] = 50,
) -> dict[str, Any]:
    """Return a page of the inventory."""
    by.must("see models")
    found = listing.page(by.home.database, words=words, state=state, tier=tier, owner=owner, sort=sort, descending=descending, after=after, size=size)
    return {"ok": True, "models": [plain(model, live) for model, live in found.models], "next": found.next}


def plain(model: Model, live: Live | None = None) -> dict[str, Any]:
    """Return a model as plain values, with what was measured of it where that is given."""
    told: dict[str, Any] = {**vars(model), "tier": model.tier}
    return told if live is None else {**told, "live": vars(live)}
