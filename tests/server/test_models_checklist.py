"""The production checklist: every item both ways, and only by what exists."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from camelopard.core.errors import InputError
from camelopard.server.management.checklist import ITEMS, MEASURED, Facts, Item, LogState, attachable, done, items
from camelopard.store.inventory import Model
from camelopard.store.listing import Live
from camelopard.store.proofs import Proof
from camelopard.store.versions import Version

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
MODEL = Model("income", "ann", "Who is offered a card.", 3, 4, "draft", 1, NOW, NOW)
VERSION = Version("income", 1, "0" * 64, None, "", {"policy": {"review": None, "block": 0.8, "repair": True, "costs": None}}, "served", NOW, "ann")
BARE = Facts(MODEL, None, 0, Live(), None, (), NOW)
ALL = replace(BARE, version=VERSION)


def item(facts: Facts, key: str) -> Item:
    return next(one for one in items(facts) if one.key == key)


def proof(key: str) -> Proof:
    return Proof("income", 1, key, "https://example.org/minutes", "The board decided it.", NOW, "ben")


def version(**evidence: Any) -> Version:
    return replace(VERSION, evidence={**VERSION.evidence, **evidence})


DONE: dict[str, Facts] = {
    "metric": replace(ALL, version=version(policy={"costs": {"wrong": 100.0, "review": 5.0, "block": 20.0}})),
    "threshold": replace(ALL, version=version(policy={"review": 0.2, "block": 0.8})),
    "results-kept": replace(ALL, log=LogState(1_200, 0, "whole"), live=Live(1_200, 0.1, 0.8, 0, NOW)),
    "change": ALL,
    "data-checked": replace(ALL, rules=11),
    "uncertainty": replace(ALL, version=version(measured={"ece_confidence": 0.07})),
    "monitored": replace(ALL, live=Live(1_200, 0.1, 0.8, 0, NOW)),
    "security-privacy": replace(ALL, version=replace(VERSION, approved_by="ben", approved_at=NOW), log=LogState(0, 0, "hashed")),
}


@pytest.mark.parametrize("key", ITEMS)
def test_of_a_model_of_which_nothing_is_known_no_item_is_done(key: str) -> None:
    found = item(BARE, key)
    assert found.standing == ("open" if key in DONE else "unknown")
    assert found.words.endswith(".") and not found.proof


@pytest.mark.parametrize("key", DONE)
def test_an_item_is_done_where_something_that_exists_shows_it_and_is_linked(key: str) -> None:
    found = item(DONE[key], key)
    assert found.standing == "done"
    assert found.link.startswith("/models/income/")


@pytest.mark.parametrize("key", sorted(set(ITEMS) - set(DONE)))
def test_what_camelopard_cannot_know_is_said_to_be_not_built_until_somebody_attaches_it(key: str) -> None:
    assert item(ALL, key).words.startswith("Not built yet: ")
    found = item(replace(ALL, proofs=(proof(key),)), key)
    assert (found.standing, found.words, found.link) == ("done", "The board decided it.", "https://example.org/minutes")
    assert found.proof is not None and found.proof.made_by == "ben"


@pytest.mark.parametrize("key", ["metric", "threshold", "change"])
def test_a_decision_taken_elsewhere_may_be_attached(key: str) -> None:
    plain = replace(ALL, version=replace(VERSION, number=2))
    assert item(plain, key).standing == "open"
    assert item(replace(plain, proofs=(proof(key),)), key).standing == "done"


@pytest.mark.parametrize("key", sorted(MEASURED))
def test_a_link_does_not_stand_for_what_is_measured(key: str) -> None:
    assert item(replace(BARE, proofs=(proof(key),)), key).standing == "open"
    with pytest.raises(InputError, match="measured here"):
        attachable(key)


def test_an_item_that_there_is_not_takes_nothing() -> None:
    assert attachable("fairness") == "fairness"
    with pytest.raises(InputError, match="fairness"):
        attachable("fairnes")


def test_lost_verdicts_open_the_item_again() -> None:
    kept = DONE["results-kept"]
    assert item(replace(kept, log=LogState(1_200, 3, "whole")), "results-kept").words.startswith("3 verdicts were lost")
    assert item(replace(kept, log=LogState(0, 0, "whole"), live=Live()), "results-kept").standing == "open"
    assert "Another process" in item(replace(kept, log=None), "results-kept").words


def test_a_later_version_has_to_say_why_it_was_made() -> None:
    second = replace(VERSION, number=2)
    assert item(replace(ALL, version=second), "change").standing == "open"
    told = item(replace(ALL, version=replace(second, note="Hours may be 100 now.")), "change")
    assert (told.standing, told.link) == ("done", "/models/income/compare?from=1&to=2")
    assert "Hours may be 100 now." in told.words


def test_a_model_that_nobody_looked_at_lately_or_that_is_idle_is_not_monitored() -> None:
    seen = DONE["monitored"]
    assert item(replace(seen, now=NOW + dt.timedelta(minutes=11)), "monitored").standing == "open"
    assert item(replace(seen, live=Live(0, None, None, 0, NOW)), "monitored").standing == "open"


def test_security_takes_approval_and_either_less_in_the_log_or_a_review() -> None:
    approved = replace(VERSION, approved_by="ben", approved_at=NOW)
    reviewed = (proof("security-privacy"),)
    assert item(replace(ALL, log=LogState(0, 0, "hashed")), "security-privacy").standing == "open"
    assert item(replace(ALL, version=approved, log=LogState(0, 0, "whole")), "security-privacy").standing == "open"
    assert item(replace(ALL, proofs=reviewed), "security-privacy").standing == "open"
    assert item(replace(ALL, version=approved, proofs=reviewed), "security-privacy").standing == "done"
    hidden = item(replace(ALL, version=approved, log=LogState(0, 0, "whole", hidden=("name",))), "security-privacy")
    assert hidden.standing == "done" and "name left out" in hidden.words


def test_another_limit_than_that_of_the_start_is_a_decision() -> None:
    assert item(replace(ALL, version=version(policy={"review": None, "block": 0.6})), "threshold").standing == "done"
    assert item(replace(ALL, version=version(policy={"review": None, "block": 0.8})), "threshold").standing == "open"


def test_the_number_of_items_done_is_counted() -> None:
    assert done(items(BARE)) == 0
    assert done(items(replace(ALL, rules=3))) == 2  # data checked, and a first version has nothing to explain
