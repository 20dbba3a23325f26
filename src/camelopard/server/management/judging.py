"""Finds the firewall that a verdict in the log came from: the one in force, or the one of that time that the home keeps; and replays it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from camelopard.core.errors import CamelopardError
from camelopard.core.protocols import Model
from camelopard.firewall.firewall import Firewall
from camelopard.server.home import Home
from camelopard.store import versions
from camelopard.store.log_reading import Logged
from camelopard.store.log_replay import Replay, replay

MOST_LOADED = 4  # firewalls of the past that are kept in memory

_loaded: OrderedDict[tuple[Path, int | None], Firewall] = OrderedDict()
_turn = Lock()


@dataclass(frozen=True)
class Judge:
    """The firewall that judged a row; None where it is not to be had. `able`: its model is here, so that it can judge again."""

    firewall: Firewall | None
    able: bool


def judge(home: Home, found: Logged) -> Judge:
    """Return the firewall of a verdict, with its model where that is served here under the same name."""
    served = home.served.get(found.model)
    if served is not None and served.force.content == found.firewall:
        return Judge(served.force.firewall, True)
    path = home.kept(found.firewall) if found.firewall else None
    if path is None:
        return Judge(None, False)
    if served is not None:
        try:
            return Judge(_load(path, served.force.model), True)
        except CamelopardError:  # the model served now is another one
            pass
    try:
        return Judge(_load(path, None), False)
    except CamelopardError:  # written by another version of this program
        return Judge(None, False)


def replayed(home: Home, found: Logged) -> Replay:
    """Judge a row of the log again, by the firewall of that time.

    Raises
    ------
    CamelopardError
        If it was not kept whole, nobody judged it, or firewall or model are not here: what to do then is said.
    """
    known = judge(home, found)
    if known.firewall is None or not known.able:
        lacking = (
            "its model is not served by this process, or is another one by now" if known.firewall is not None else "its firewall is not kept here"
        )
        raise CamelopardError(
            f"row {found.id} cannot be replayed here: {lacking}. Where both are: "
            f"camelopard traffic LOG --request {found.request} --replay FIREWALL --model MODEL."
        )
    return replay(found, known.firewall, version=found.firewall)


def version_number(home: Home, found: Logged) -> int | None:
    """Return the number of the model's version that judged a row; None where the inventory knows none."""
    known = versions.with_firewall(home.database, found.firewall) if found.firewall else ()
    return max((one.number for one in known if one.model == found.model), default=None)


def _load(path: Path, model: Model | None) -> Firewall:
    key = (path, None if model is None else id(model))
    with _turn:
        if key in _loaded:
            _loaded.move_to_end(key)
            return _loaded[key]
    found = Firewall.load(path, model=model)
    with _turn:
        _loaded[key] = found
        while len(_loaded) > MOST_LOADED:
            _loaded.popitem(last=False)
    return found
