"""Pages of the inventory: the same models, in the same order, whatever the size of the pages; read off an index wherever one fits."""

from __future__ import annotations

import base64
import datetime as dt
import json
import random
from typing import Any, get_args

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")

from sqlalchemy import event

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import inventory, listing
from camelopard.store.database import Database
from camelopard.store.listing import Live, Sort
from camelopard.store.roles import Actor
from tests.store.conftest import NOW

SORTS: tuple[Sort, ...] = get_args(Sort)


def filled(database: Database, n: int = 24) -> None:
    rng = random.Random(0)
    for i in range(n):
        with database.change(Actor.itself(), NOW + dt.timedelta(minutes=rng.randrange(5))) as change:
            name = f"{'Fraud' if i % 3 else 'Zürich'}_{i:02d}"
            inventory.add(change, name, owner=rng.choice("AaéZ"), purpose=f"50% of {i}", exposure=rng.randint(1, 5), consequence=rng.randint(1, 5))
            if i % 2:
                inventory.set_state(change, name, rng.choice(("shadow", "retired")))
    known = [(f"Fraud_{i:02d}", Live(rng.randrange(3), rng.choice((None, 0.5)), rng.random(), rng.randrange(3))) for i in range(n)]
    assert listing.note_live(database, known, NOW) == sum(i % 3 > 0 for i in range(n))


def walked(database: Database, size: int, **which: Any) -> list[str]:
    found, after = [], None
    while True:
        page = listing.page(database, size=size, after=after, **which)
        found += [model.name for model, _ in page.models]
        after = page.next
        if after is None:
            return found


def test_pages_of_any_size_hold_all_models_once_and_in_order(database: Database) -> None:
    filled(database)
    for sort in SORTS:
        for descending in (False, True):
            whole = listing.page(database, sort=sort, descending=descending, size=100)
            assert whole.next is None
            names = [model.name for model, _ in whole.models]
            assert walked(database, 7, sort=sort, descending=descending) == names
            assert len(set(names)) == 24

            def key(pair: tuple[inventory.Model, Live], sort: Sort = sort) -> Any:
                model, live = pair
                known = {"traffic": live.traffic, "not passed": live.not_passed, "accuracy": live.accuracy, "questions": live.questions}
                facts = {"name": model.name, "owner": model.owner, "state": model.state, "tier": model.stake, "changed": model.changed_at}
                value = {**known, **facts}[sort]
                return (-1 if value is None else value, model.name)

            assert list(whole.models) == sorted(whole.models, key=key, reverse=descending)


def test_filters_hold_on_every_page_and_agree_with_the_count(database: Database) -> None:
    filled(database)
    for which, right in (
        ({"state": "shadow"}, lambda m: m.state == "shadow"),
        ({"tier": "medium"}, lambda m: m.tier == "medium"),
        ({"owner": "é"}, lambda m: m.owner == "é"),
        ({"words": "FRAUD"}, lambda m: m.name.startswith("Fraud")),
        ({"words": "zÜRICH of"}, lambda m: m.name.startswith("Zürich")),
        ({"words": "50% _0"}, lambda m: "_0" in m.name),
        ({"words": "fraud", "state": "draft", "tier": "low"}, lambda m: m.name.startswith("Fraud") and m.state == "draft" and m.tier == "low"),
        ({"words": "nothing such"}, lambda m: False),
    ):
        everything = [model for model, _ in listing.page(database, size=100).models]
        expected = sorted(model.name for model in everything if right(model))
        for sort in SORTS:
            assert sorted(walked(database, 9, sort=sort, descending=sort == "tier", **which)) == expected, (which, sort)
        assert listing.count(database, **which) == len(expected)  # type: ignore[arg-type]
    assert sum(listing.by_state(database).values()) == 24
    assert list(listing.by_state(database)) == ["draft", "shadow", "guarding", "retired"]


def test_a_model_that_comes_between_two_pages_shows_no_other_one_twice(database: Database) -> None:
    filled(database, 6)
    first = listing.page(database, size=3)
    with database.change(Actor.itself(), NOW) as change:
        inventory.add(change, "A", owner="x", purpose="", exposure=1, consequence=1)
    second = listing.page(database, size=3, after=first.next)
    assert not {m.name for m, _ in first.models} & {m.name for m, _ in second.models}


def test_what_was_not_measured_is_not_known(database: Database) -> None:
    filled(database, 3)
    listing.note_live(database, [("Zürich_00", Live(7, float("nan"), 0.25, 1))], NOW)
    found = {model.name: live for model, live in listing.page(database).models}
    assert found["Zürich_00"] == Live(7, None, 0.25, 1, NOW)
    assert listing.note_live(database, [], NOW) == 0
    assert listing.note_live(database, [("no such", Live())], NOW) == 0


def forged(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "after",
    [
        "",
        "%%%",
        "é",
        "AAAA",
        forged("name", False),
        forged("tier", False, 3, "x"),
        forged("name", True, "x", "x"),
        forged("name", False, 3, "x"),
        forged("name", False, "x", 3),
        forged("name", False, "\x00", "x"),
        forged("name", False, "x", "\ud800"),
        "[" * 100_000,
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
)
def test_a_place_that_is_none_is_refused(database: Database, after: str) -> None:
    with pytest.raises(InputError, match="this is not where a page of this list ended"):
        listing.page(database, after=after)


def test_a_forged_place_never_fails_in_the_database(database: Database) -> None:
    wrong: list[tuple[Sort, object]] = [
        ("tier", 26),
        ("tier", True),
        ("accuracy", "x"),
        ("changed", "today"),
        ("changed", 7),
        ("changed", "2026-01-01"),
    ]
    for sort, value in wrong:
        with pytest.raises(InputError, match="not where a page"):
            listing.page(database, sort=sort, after=forged(sort, False, value, "x"))
    first = "0001-01-01T00:00:00+00:00"
    far: list[tuple[Sort, object]] = [("tier", 25), ("traffic", 2**62), ("accuracy", 1e308), ("accuracy", 3), ("changed", first)]
    for sort, value in far:
        listing.page(database, sort=sort, after=forged(sort, False, value, "x"))


def test_what_does_not_exist_cannot_be_asked_for(database: Database) -> None:
    for wrong, told in (({"sort": "nam"}, "no order named 'nam'"), ({"state": "x"}, "no state"), ({"tier": "x"}, "no tier")):
        with pytest.raises(UnknownName, match=told):
            listing.page(database, **wrong)  # type: ignore[arg-type]
    for size in (0, 501, True):
        with pytest.raises(InputError, match="from 1 to 500"):
            listing.page(database, size=size)
    with pytest.raises(InputError, match="at most 100"):
        listing.page(database, words="x" * 101)
    with pytest.raises(InputError, match="words: expected a text, got NoneType"):
        listing.page(database, words=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_page_is_read_off_an_index_or_all_models_are_looked_at_once(database: Database, request: pytest.FixtureRequest) -> None:
    plans: list[str] = []

    def plan(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith("SELECT models"):
            rows = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.append("; ".join(row[3] for row in rows))

    event.listen(database.engine, "before_cursor_execute", plan)
    request.addfinalizer(lambda: event.remove(database.engine, "before_cursor_execute", plan))
    filled(database, 6)

    def shown(**which: Any) -> str:
        del plans[:]
        after = listing.page(database, size=2, **which).next
        if after:
            listing.page(database, size=2, after=after, **which)
        return " | ".join(plans)

    for sort in SORTS:
        for descending in (False, True):
            found = shown(sort=sort, descending=descending)
            assert "INDEX" in found and "TEMP B-TREE" not in found, (sort, found)
        found = shown(sort=sort, state="draft")
        assert "SEARCH models USING INDEX" in found and "TEMP B-TREE" not in found, (sort, found)
    assert shown(words="fraud", sort="tier") == "SCAN models; USE TEMP B-TREE FOR ORDER BY | SCAN models; USE TEMP B-TREE FOR ORDER BY"
    assert shown(tier="critical", sort="name").startswith("SCAN models; USE TEMP")
