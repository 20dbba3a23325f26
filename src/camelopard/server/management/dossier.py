"""What there is to know of one model, gathered from facts, from what was measured, and from what is served here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from camelopard.core.errors import ArtifactError
from camelopard.server.home import Home
from camelopard.server.management.amending import contract_of
from camelopard.server.management.checklist import Facts, LogState
from camelopard.server.scoring.served import Served
from camelopard.store import inventory, listing, proofs, versions
from camelopard.store.inventory import Model, State
from camelopard.store.roles import ITSELF, Actor, Permission
from camelopard.store.versions import Version

STATES_IN_WORDS: dict[State, str] = {
    "draft": "not in use yet",
    "shadow": "looked at: the firewall judges, and nobody hears it",
    "guarding": "in front of people: what the firewall decides is done",
    "retired": "not in use any more",
}


@dataclass(frozen=True)
class Move:
    """A state that a model could go to, what it means, and why whoever asks cannot move it there; "" where they can."""

    state: State
    means: str
    hindered: str


def facts(home: Home, name: str, now: dt.datetime) -> Facts:
    """Return what the checklist looks at. Raises UnknownName if there is no such model."""
    model = inventory.get(home.database, name)
    version = None if model.version is None else versions.get(home.database, name, model.version)
    log = log_state(home.served[name]) if name in home.served else None
    rules = 0 if version is None else rules_in(version)
    return Facts(model, version, rules, listing.live(home.database, name), log, proofs.of(home.database, name), now)


def chosen(home: Home, name: str, number: int | None) -> Version:
    """Return a version: the one asked for, or the one in force, or the newest.

    Raises
    ------
    UnknownName
        If there is no such model or version, or no version at all.
    """
    model = inventory.get(home.database, name)
    if number is None and model.version is None and (newest := versions.of(home.database, name, size=1)):
        return newest[0]
    return versions.get(home.database, name, (model.version or 1) if number is None else number)


def rules_in(version: Version) -> int:
    """Return how many rules of a version's contract are not muted; none of a contract that cannot be read."""
    try:
        return sum(not a.muted for a in contract_of(version))
    except ArtifactError:
        return 0


def log_state(served: Served) -> LogState | None:
    """Return how a served model's rows are logged; None where they are not."""
    log = served.log
    if log is None:
        return None
    health = log.health()
    return LogState(health.written, health.lost, log.inputs, log.hidden, log.hashed)


def warning(home: Home, model: Model, version: Version | None) -> str:
    """Return what is wrong with how a model is served here; "" where nothing is, or it is not served here."""
    served = home.served.get(model.name)
    if served is None:
        return ""
    if version is None or version.firewall != served.force.content:
        known = versions.with_firewall(home.database, served.force.content)
        number = next((one.number for one in known if one.model == model.name), None)
        serving = "a firewall that is not in the inventory" if number is None else f"version {number}"
        force = "no version is" if version is None else f"version {version.number} is"
        return f"This server serves {serving}, and {force} in force. Put in force what should be served."
    if served.settings.mode == "guard" and version.approved_by is None:
        who = "Somebody" if version.made_by == ITSELF else f"Somebody other than {version.made_by}"
        return f"This server guards with version {version.number}, which nobody has approved. {who} should look at it, and approve it."
    return ""


def moves(model: Model, version: Version | None, by: Actor) -> tuple[Move, ...]:
    """Return the states that a model could go to, and for each why whoever asks cannot move it there."""
    found = []
    for state, means in STATES_IN_WORDS.items():
        if state == model.state:
            continue
        needs: Permission = "approve versions" if "guarding" in (state, model.state) else "change models"
        hindered = ""
        if not by.may(needs):
            who = "an approver: two pairs of eyes stand before every model in front of people" if needs == "approve versions" else "a developer"
            hindered = f"This is for {who}."
        elif state == "guarding" and (version is None or version.approved_by is None):
            hindered = "A version must be in force that somebody other than its maker has approved."
        found.append(Move(state, means, hindered))
    return tuple(found)
