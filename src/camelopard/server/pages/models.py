"""The inventory: all models, searched and sorted, and the form that adds one by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.responses import Response

from camelopard.core.errors import InputError, UnknownName
from camelopard.report import wording
from camelopard.server.pages import shell
from camelopard.server.web.visitor import Sent, SignedIn, Visitor
from camelopard.store import inventory as models
from camelopard.store import listing
from camelopard.store.errors import StoreError
from camelopard.store.inventory import STATES, TIERS, State, Tier
from camelopard.store.listing import Sort

router = APIRouter(include_in_schema=False)

COLUMNS: tuple[tuple[Sort, str, bool], ...] = (  # what is sorted by, its heading, and whether it is a number
    ("name", "Model", False),
    ("state", "State", False),
    ("tier", "At stake", False),
    ("traffic", "Rows, last day", True),
    ("not passed", "Not passed", True),
    ("accuracy", "Right, estimated", True),
    ("questions", "Open questions", True),
    ("owner", "Owner", False),
)
EMPTY = {"name": "", "owner": "", "purpose": "", "exposure": "3", "consequence": "3"}


@dataclass(frozen=True)
class Head:
    """The head of a column: its name, the link that sorts by it, and how it is sorted now ("" where it is not)."""

    name: str
    link: str
    sorted: str
    number: bool


@router.get("/")
def first(by: SignedIn) -> Response:
    """Return the way to the inventory."""
    return shell.to("/models")


@router.get("/models")
def inventory(
    by: SignedIn, words: str = "", state: str = "", tier: str = "", sort: str = "name", descending: bool = False, after: str | None = None
) -> Response:
    """Return a page of the inventory."""
    by.must("see models")
    return _page(by, words, state, tier, sort, descending, after)


@router.post("/models")
def add(form: Sent) -> Response:
    """Add a model by hand."""
    form.by.must("change models")
    typed = {name: form.text(name) for name in EMPTY}
    try:
        with form.by.home.database.change(form.by.who, form.by.now) as change:
            made = models.add(
                change,
                typed["name"],
                owner=typed["owner"],
                purpose=typed["purpose"],
                exposure=form.whole("exposure"),
                consequence=form.whole("consequence"),
            )
    except (InputError, StoreError) as error:
        return _page(form.by, typed=typed, wrong=str(error), status=400)
    return shell.to(at(made.name))


def at(name: str, *parts: object) -> str:
    """Return where a model is shown, or something of it.

    >>> at("Preis 100 %"), at("income", "versions", 3)
    ('/models/Preis%20100%20%25', '/models/income/versions/3')
    """
    return "/".join(("/models", quote(name, safe=""), *map(str, parts)))


def _page(
    by: Visitor,
    words: str = "",
    state: str = "",
    tier: str = "",
    sort: str = "name",
    descending: bool = False,
    after: str | None = None,
    typed: dict[str, str] | None = None,
    wrong: str = "",
    status: int = 200,
) -> Response:
    for word, known, what in ((state, STATES, "state"), (tier, tuple(TIERS), "tier"), (sort, get_args(Sort), "order")):
        if word and word not in known:
            raise InputError(str(UnknownName.among(word, known, what)))
    asked, chosen = cast("tuple[State | None, Tier | None]", (state or None, tier or None)), cast("Sort", sort or "name")
    found = listing.page(by.home.database, words=words, state=asked[0], tier=asked[1], sort=chosen, descending=descending, after=after)
    kept = {key: value for key, value in (("words", words), ("state", state), ("tier", tier)) if value}
    order = {"sort": chosen, **({"descending": "true"} if descending else {})}
    values = {
        "found": found,
        "counts": listing.by_state(by.home.database),
        "heads": [_head(column, kept, chosen, descending) for column in COLUMNS],
        "words": words,
        "state": state,
        "tier": tier,
        "sort": chosen,
        "descending": descending,
        "sorts": [*((key, called) for key, called, _ in COLUMNS), ("changed", "Last change")],
        "states": STATES,
        "tiers": TIERS,
        "first": _link({**kept, **order}) if after else "",
        "next": _link({**kept, **order, "after": found.next}) if found.next else "",
        "narrowed": bool(kept or after),
        "typed": typed or EMPTY,
        "wrong": wrong,
        "percent": wording.percent,
        "at": at,
    }
    return shell.page(by, "models.html", values, status)


def _head(column: tuple[Sort, str, bool], kept: dict[str, str], chosen: str, descending: bool) -> Head:
    """Return the head of a column. A second click turns the order round; numbers begin with the largest."""
    sort, name, number = column
    down = not descending if sort == chosen else number
    now = "" if sort != chosen else "descending" if descending else "ascending"
    return Head(name, _link({**kept, "sort": sort, **({"descending": "true"} if down else {})}), now, number)


def _link(asked: dict[str, str]) -> str:
    return f"/models?{urlencode(asked)}"
