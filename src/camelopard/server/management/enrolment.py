"""Keeps the inventory and what is served in step: a model that is served is in the inventory, and the version in force is the one that is served."""

from __future__ import annotations

import datetime as dt
import logging
import math
import tempfile
from pathlib import Path
from typing import Any

from camelopard.core.errors import ArtifactError, UnknownName
from camelopard.core.protocols import Model
from camelopard.firewall.firewall import Firewall
from camelopard.server.home import Home
from camelopard.store import inventory, versions
from camelopard.store.change import Change
from camelopard.store.errors import NotAllowed, StoreError
from camelopard.store.log_replay import version_of
from camelopard.store.roles import Actor

logger = logging.getLogger("camelopard.server")

UNNAMED, UNSAID = "nobody yet", "Not written down yet."
MIDDLE = 3  # of exposure and consequence, until somebody says
SERVED = "served"  # the note of a version that nobody made in so many words


def enrol(home: Home, name: str, firewall: Firewall, now: dt.datetime) -> tuple[versions.Version, str]:
    """Put a model and this version of its firewall into the inventory, unless they are there, and a new version in force.

    Return the version, and why it is not in force; "" where it is. A model that guards needs somebody's approval for it; and a file that is known
    already does not undo what people put in force since.
    """
    content, firewall_hash = filed(firewall)
    home.keep(content, firewall_hash)
    by = Actor.itself()
    with home.database.change(by, now) as change:
        before = _held(change, name)
        found = versions.holding(change, name, firewall_hash)
        if found is not None and before.version not in (None, found.number):
            if versions.held(change, name, before.version).firewall == firewall_hash:
                return versions.held(change, name, before.version), ""
            return found, f"the file is version {found.number} of {name}, and version {before.version} is in force. That one is served."
        if found is None:
            contract = firewall.contract_.to_toml()
            found = versions.add(change, name, firewall=firewall_hash, contract=contract, evidence=evidence(firewall), note=SERVED)
    try:
        with home.database.change(by, now) as change:
            if inventory.held(change, name).version != found.number:
                versions.put_in_force(change, name, found.number)
    except (NotAllowed, StoreError) as error:
        return found, str(error)
    return found, ""


def firewall_to_serve(home: Home, name: str, firewall: Firewall, now: dt.datetime) -> Firewall:
    """Enrol a firewall with its model, and return the one that is to be served: itself, or the one that people put in force in its place."""
    _, wrong = enrol(home, name, firewall, now)
    if wrong:
        logger.warning("%s", wrong)
    return other_in_force(home, name, firewall.model_, version_of(firewall)) or firewall


def other_in_force(home: Home, name: str, model: Model | None, serving: str) -> Firewall | None:
    """Return the firewall in force where that is another one than `serving` (a hash); None where it is that one, or is not kept here."""
    try:
        number = inventory.get(home.database, name).version
    except UnknownName:
        return None
    if number is None:
        return None
    found = versions.get(home.database, name, number)
    return None if found.firewall == serving else kept_firewall(home, found, model)


def kept_firewall(home: Home, version: versions.Version, model: Model | None = None) -> Firewall | None:
    """Return the firewall of a version, as it was when the version was made; None where its file is not kept here.

    Raises
    ------
    ArtifactError
        If the file was changed since, is damaged, or does not fit the model.
    """
    path = home.kept(version.firewall)
    if path is None:
        return None
    if version_of(path) != version.firewall:
        raise ArtifactError(
            f"{path}: this is not what version {version.number} of {version.model} is; the file was changed. Bring back a copy of it."
        )
    return Firewall.load(path, model=model)


def follow(home: Home, name: str) -> bool:
    """Serve the version in force, which people may have changed in another process; return whether that was another one than before."""
    served = home.served[name]
    found = other_in_force(home, name, served.force.model, served.force.content)
    if found is None:
        return False
    served.take(found)
    return True


def put_in_force(home: Home, by: Actor, name: str, number: int, now: dt.datetime) -> versions.Version:
    """Put a version in force. Where this process serves the model, it serves that version from now on, and no request is dropped.

    Raises
    ------
    NotAllowed, UnknownName, StoreError
        As `camelopard.store.versions.put_in_force`; StoreError as well if the model is served here, and the version's file is not kept.
    """
    firewall = None
    if name in home.served:
        asked, served = versions.get(home.database, name, number), home.served[name]
        if asked.firewall != served.force.content:
            firewall = kept_firewall(home, asked, served.force.model)  # before anything is written: it may fail
            if firewall is None:
                raise StoreError(
                    f"{name}: the file of version {number} is not kept here. Copy it from where it was made, into this home's folder firewalls."
                )
            served.check(firewall)
    with home.database.change(by, now) as change:
        found = versions.put_in_force(change, name, number)
    if firewall is not None:
        home.served[name].take(firewall)
    return found


def evidence(firewall: Firewall) -> dict[str, Any]:
    """Return what was measured when a firewall was fitted, as plain data that any JSON reader takes."""
    told: dict[str, Any] = _finite({key: value for key, value in firewall.describe().items() if key != "contract"})
    return told


def filed(firewall: Firewall) -> tuple[bytes, str]:
    """Return the content of a firewall's file, and its hash."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.firewall"
        firewall.save(path)
        return path.read_bytes(), version_of(path)


def _held(change: Change, name: str) -> inventory.Model:
    """Return a model of the inventory, put there where it was not."""
    try:
        return inventory.held(change, name)
    except UnknownName:
        return inventory.add(change, name, owner=UNNAMED, purpose=UNSAID, exposure=MIDDLE, consequence=MIDDLE)


def _finite(value: Any) -> Any:
    """Return plain data without numbers that are none."""
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
