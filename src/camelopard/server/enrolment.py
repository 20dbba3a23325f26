"""Puts a model that is served into the inventory, with the version that is in force and what was measured of it: nobody has to type it."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from pathlib import Path
from typing import Any

from camelopard.core.errors import UnknownName
from camelopard.firewall.firewall import Firewall
from camelopard.server.home import Home
from camelopard.store import inventory, versions
from camelopard.store.errors import NotAllowed, StoreError
from camelopard.store.log_replay import version_of
from camelopard.store.roles import Actor

UNNAMED, UNSAID = "nobody yet", "Not written down yet."
MIDDLE = 3  # of exposure and consequence, until somebody says


def enrol(home: Home, name: str, firewall: Firewall, now: dt.datetime) -> tuple[versions.Version, str]:
    """Put a model and this version of its firewall into the inventory, unless they are there, and the version in force.

    Return the version, and why it could not be put in force; "" where it was. A model that guards needs somebody's approval for it.
    """
    content, firewall_hash = _file(firewall)
    home.keep(content, firewall_hash)
    by = Actor.itself()
    with home.database.change(by, now) as change:
        try:
            inventory.held(change, name)
        except UnknownName:
            inventory.add(change, name, owner=UNNAMED, purpose=UNSAID, exposure=MIDDLE, consequence=MIDDLE)
        found = versions.holding(change, name, firewall_hash)
        if found is None:
            contract = firewall.contract_.to_toml()
            found = versions.add(change, name, firewall=firewall_hash, contract=contract, evidence=evidence(firewall), note="served")
    try:
        with home.database.change(by, now) as change:
            if inventory.held(change, name).version != found.number:
                versions.put_in_force(change, name, found.number)
    except (NotAllowed, StoreError) as error:
        return found, str(error)
    return found, ""


def evidence(firewall: Firewall) -> dict[str, Any]:
    """Return what was measured when a firewall was fitted, as plain data that any JSON reader takes."""
    told: dict[str, Any] = _finite({key: value for key, value in firewall.describe().items() if key != "contract"})
    return told


def _finite(value: Any) -> Any:
    """Return plain data without numbers that are none."""
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _file(firewall: Firewall) -> tuple[bytes, str]:
    """Return the content of a firewall's file, and its hash."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.firewall"
        firewall.save(path)
        return path.read_bytes(), version_of(path)
