"""The inventory: what is put in is found, by whom it may be changed, and what it takes to guard."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")

from camelopard.core.errors import CamelopardError, InputError, UnknownName
from camelopard.store import audit, inventory, versions
from camelopard.store.change import Change
from camelopard.store.database import Database
from camelopard.store.errors import NotAllowed, StoreError
from camelopard.store.roles import Actor
from tests.store.conftest import NOW

ANN = Actor("ann", ("developer",))
BEN = Actor("ben", ("approver",))
CLEO = Actor("cleo", ("developer", "approver"))
HASH = hashlib.sha256(b"a firewall").hexdigest()


def income(database: Database) -> inventory.Model:
    with database.change(ANN, NOW) as change:
        return inventory.add(change, "income", owner="team one", purpose="Tells incomes.", exposure=3, consequence=4)


def by(database: Database, who: Actor, what: Callable[[Change], Any]) -> Any:
    with database.change(who, NOW + dt.timedelta(hours=1)) as change:
        return what(change)


def test_a_model_is_found_as_it_was_put_in(database: Database) -> None:
    made = income(database)
    assert inventory.get(database, "income") == made
    assert made == inventory.Model("income", "team one", "Tells incomes.", 3, 4, "draft", None, NOW, NOW)
    assert (made.stake, made.tier) == (12, "high")


def test_every_pair_of_exposure_and_consequence_has_a_tier() -> None:
    found = [[inventory.tier(e, c) for c in range(1, 6)] for e in range(1, 6)]
    short = [" ".join(tier[0] for tier in row) for row in found]
    assert short == ["l l l l m", "l l m m h", "l m m h h", "l m h h c", "m h h c c"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": ""}, "cannot be the name of a model"),
        ({"name": "a/b"}, "no slash among them"),
        ({"name": ".."}, "cannot be the name"),
        ({"name": "a\x00b"}, r"holds the character U\+0000"),
        ({"name": "a\ud800"}, r"holds the character U\+D800"),
        ({"name": "x" * 101}, "101 characters; at most 100"),
        ({"name": 7}, "expected a text, got int"),
        ({"owner": " "}, "cannot be the name of a model's owner"),
        ({"purpose": "x" * 10_001}, "at most 10,000"),
        ({"exposure": 0}, r"exposure=0: expected a whole number from 1 \(little\) to 5 \(much\)"),
        ({"consequence": True}, "consequence=True"),
        ({"consequence": 2.0}, "consequence=2.0"),
    ],
)
def test_what_cannot_be_kept_is_told(change: dict[str, Any], told: str) -> None:
    class NoDatabase:
        by, now = ANN, NOW

    given = {"name": "income", "owner": "ann", "purpose": "", "exposure": 1, "consequence": 1, **change}
    with pytest.raises(InputError, match=told):
        inventory.add(NoDatabase(), **given)  # type: ignore[arg-type]


def test_a_name_is_given_once(database: Database) -> None:
    income(database)
    with pytest.raises(StoreError, match="there is a model named 'income'"):
        income(database)


def test_a_model_that_is_not_there_is_told_with_its_neighbour(database: Database) -> None:
    income(database)
    with pytest.raises(UnknownName, match="no model named 'incom'. Did you mean 'income'"):
        inventory.get(database, "incom")
    with pytest.raises(UnknownName, match="no model named"):
        inventory.get(database, "'; DROP TABLE models; --")
    for name in ("income\x00", "\ud800", 7):
        with pytest.raises(InputError, match="is no name that could be kept"):
            inventory.get(database, name)  # type: ignore[arg-type]
    assert inventory.get(database, "income").name == "income"


def test_the_log_tells_what_was_before_and_after(database: Database) -> None:
    income(database)
    after = by(database, ANN, lambda change: inventory.edit(change, "income", exposure=1, owner="team one"))
    assert (after.exposure, after.tier, after.changed_at) == (1, "low", NOW + dt.timedelta(hours=1))
    assert inventory.get(database, "income") == after
    assert audit.entries(database)[0].told == {"exposure": [3, 1]}
    assert by(database, ANN, lambda change: inventory.edit(change, "income", exposure=1)) == after
    assert audit.head(database)[0] == 2  # nothing changed, nothing is told


def version(database: Database, who: Actor = ANN, **given: Any) -> versions.Version:
    found: versions.Version = by(database, who, lambda change: versions.add(change, "income", **{"firewall": HASH, **given}))
    return found


def test_versions_count_and_are_kept_to_the_letter(database: Database) -> None:
    income(database)
    contract = 'values = ["e\u0301", "é"]\n\n'
    first = version(database, contract=contract, evidence={"auroc": 0.93, "gap": float("nan")}, note="the first")
    assert version(database, CLEO).number == 2
    found = versions.get(database, "income", 1)
    assert found.contract == contract
    assert found.evidence == {"auroc": 0.93, "gap": None}
    assert (first.number, found.made_by, found.note, found.approved_by) == (1, "ann", "the first", None)
    assert [v.number for v in versions.of(database, "income")] == [2, 1]
    assert [v.number for v in versions.of(database, "income", before=2)] == [1]
    assert [(v.model, v.number) for v in versions.with_firewall(database, HASH)] == [("income", 1), ("income", 2)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"firewall": "abc"}, "firewall='abc': expected the SHA-256"),
        ({"model_file": HASH.upper()}, "expected the SHA-256"),
        ({"contract": "x" * ((1 << 20) + 1)}, "at most 1,048,576"),
        ({"evidence": {"rows": "x" * 300_000}}, "Keep figures, not rows"),
    ],
)
def test_a_version_that_cannot_be_kept_is_told(database: Database, given: dict[str, Any], told: str) -> None:
    income(database)
    with pytest.raises(InputError, match=told):
        version(database, **given)


def test_a_version_that_is_not_there_is_told(database: Database) -> None:
    income(database)
    with pytest.raises(UnknownName, match="income: there is no version 7"):
        versions.get(database, "income", 7)
    for wrong in (0, -1, "1", 2**70, True, None):
        with pytest.raises(InputError, match="expected a whole number from 1"):
            versions.get(database, "income", wrong)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="expected a whole number from 1"):
            versions.of(database, "income", size=wrong)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="there is no version 7"):
        by(database, BEN, lambda change: versions.approve(change, "income", 7))


def test_nobody_approves_what_they_made_whatever_their_roles(database: Database) -> None:
    income(database)
    version(database, CLEO)
    with pytest.raises(NotAllowed, match="cleo made version 1 of income; somebody else must approve it"):
        by(database, CLEO, lambda change: versions.approve(change, "income", 1))
    approved = by(database, BEN, lambda change: versions.approve(change, "income", 1))
    assert versions.get(database, "income", 1) == approved
    assert (approved.approved_by, approved.approved_at) == ("ben", NOW + dt.timedelta(hours=1))
    with pytest.raises(StoreError, match="was approved by ben already"):
        by(database, BEN, lambda change: versions.approve(change, "income", 1))


def test_a_model_guards_only_with_a_version_that_was_approved(database: Database) -> None:
    income(database)

    def guard(change: Change) -> Any:
        return inventory.set_state(change, "income", "guarding")

    with pytest.raises(StoreError, match="no version is in force"):
        by(database, BEN, guard)
    version(database)
    by(database, ANN, lambda change: versions.put_in_force(change, "income", 1))
    with pytest.raises(StoreError, match="version 1, which nobody has approved, is in force"):
        by(database, BEN, guard)
    by(database, BEN, lambda change: versions.approve(change, "income", 1))
    with pytest.raises(NotAllowed, match="'approve versions' needs the role approver"):
        by(database, ANN, guard)
    assert by(database, BEN, guard).state == "guarding"
    assert inventory.get(database, "income").version == 1

    version(database)
    with pytest.raises(NotAllowed, match="needs the role approver"):
        by(database, ANN, lambda change: versions.put_in_force(change, "income", 2))
    with pytest.raises(StoreError, match="income guards, and nobody has approved version 2"):
        by(database, BEN, lambda change: versions.put_in_force(change, "income", 2))
    with pytest.raises(NotAllowed, match="needs the role approver"):
        by(database, ANN, lambda change: inventory.set_state(change, "income", "retired"))
    assert by(database, BEN, lambda change: inventory.set_state(change, "income", "retired")).state == "retired"
    assert [entry.action for entry in audit.entries(database, on=("model", "income"), size=3)] == ["state changed", "version added", "state changed"]


def test_a_state_that_does_not_exist_is_told(database: Database) -> None:
    income(database)
    with pytest.raises(UnknownName, match="no state named 'guard'. Did you mean 'guarding'"):
        by(database, BEN, lambda change: inventory.set_state(change, "income", "guard"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "what",
    [
        lambda change: inventory.add(change, "other", owner="x", purpose="", exposure=1, consequence=1),
        lambda change: inventory.edit(change, "income", exposure=1),
        lambda change: inventory.set_state(change, "income", "shadow"),
        lambda change: versions.add(change, "income", firewall=HASH),
        lambda change: versions.put_in_force(change, "income", 1),
        lambda change: versions.approve(change, "income", 1),
    ],
)
def test_who_only_looks_changes_nothing(database: Database, what: Callable[[Change], Any]) -> None:
    income(database)
    version(database)
    for who in (
        Actor("eve", ("viewer", "labeller", "expert", "auditor", "admin")),
        Actor("eve", ("developer", "approver"), frozenset({"see models"})),
    ):
        with pytest.raises(CamelopardError, match="needs the role|this token is not for it"):
            by(database, who, what)
    assert audit.head(database)[0] == 2
