from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import audit, inventory, proofs
from camelopard.store.errors import NotAllowed, StoreError
from camelopard.store.proofs import Proof
from camelopard.store.roles import Actor
from tests.store.conftest import NOW

if TYPE_CHECKING:
    from camelopard.store.database import Database

DEVELOPER, APPROVER, VIEWER = Actor("dora", ("developer",)), Actor("ben", ("approver",)), Actor("vera", ("viewer",))
LINK = "https://example.org/a?b=c#d"


@pytest.fixture
def facts(database: Database) -> Database:
    with database.change(DEVELOPER, NOW) as change:
        inventory.add(change, "income", owner="dora", purpose="", exposure=1, consequence=1)
    return database


def attached(database: Database, by: Actor = DEVELOPER, item: str = "fairness", link: str = LINK, said: str = "Looked at by age.") -> Proof:
    with database.change(by, NOW) as change:
        return proofs.attach(change, "income", item=item, link=link, said=said)


def test_a_proof_stands_until_it_is_withdrawn_and_the_audit_log_keeps_both(facts: Database) -> None:
    first, second = attached(facts), attached(facts, APPROVER, "labelling", "/models/income/traffic")
    assert proofs.of(facts, "income") == (second, first)
    assert (first.number, second.number, second.made_by) == (1, 2, "ben")
    later = NOW + dt.timedelta(days=1)
    with facts.change(APPROVER, later) as change:
        gone = proofs.withdraw(change, "income", 1)
    assert (gone.withdrawn_by, gone.withdrawn_at) == ("ben", later)
    assert proofs.of(facts, "income") == (second,)
    assert [entry.action for entry in audit.entries(facts, size=3)] == ["proof withdrawn", "proof attached", "proof attached"]
    assert audit.entries(facts, action="proof attached")[1].told == {"number": 1, "item": "fairness", "link": LINK, "said": "Looked at by age."}
    assert attached(facts).number == 3  # a number is never given twice


def test_developers_and_approvers_attach_and_withdraw_and_nobody_else(facts: Database) -> None:
    attached(facts)
    with pytest.raises(NotAllowed, match="developer"):
        attached(facts, VIEWER)
    with pytest.raises(NotAllowed), facts.change(VIEWER, NOW) as change:
        proofs.withdraw(change, "income", 1)


@pytest.mark.parametrize(
    "link", ["", "javascript:alert(1)", "ftp://example.org", "//example.org", "https://", "https:///x", "http://a b", "/\\x", "x" * 3000]
)
def test_only_a_link_to_a_page_is_kept(facts: Database, link: str) -> None:
    with pytest.raises(InputError, match="link"):
        attached(facts, link=link)


def test_a_proof_says_something_about_a_model_that_is_there(facts: Database) -> None:
    with pytest.raises(InputError, match="said"):
        attached(facts, said="  ")
    with pytest.raises(UnknownName), facts.change(DEVELOPER, NOW) as change:
        proofs.attach(change, "incme", item="fairness", link=LINK, said="x")
    with pytest.raises(UnknownName, match="no proof 7 stands"), facts.change(DEVELOPER, NOW) as change:
        proofs.withdraw(change, "income", 7)
    assert proofs.of(facts, "elsewhere") == ()


def test_there_are_not_too_many_of_them(facts: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "MOST", 2)
    attached(facts)
    attached(facts)
    with pytest.raises(StoreError, match="Withdraw"):
        attached(facts)
