"""People with roles who visit the pages of a gateway, and a home for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argon2 import PasswordHasher
from starlette.testclient import TestClient

import camelopard as cp
from camelopard.server.home import Home
from camelopard.server.management.enrolment import enrol
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from camelopard.server.web.app import managed
from camelopard.server.web.visitor import COOKIE
from camelopard.store import passwords, people, sessions
from camelopard.store.roles import Actor, Role
from camelopard.store.secret import Secret

OWN = Secret("a sentence that I keep")
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@contextmanager
def at_home(folder: Path, firewall: cp.Firewall, name: str = "promotion") -> Iterator[Home]:
    """Yield a home that serves one model."""
    before, passwords.HASHER = passwords.HASHER, CHEAP
    try:
        with Home.open(folder / "home", served={name: Served(firewall, Settings())}) as made:
            enrol(made, name, firewall, made.clock())
            yield made
    finally:
        passwords.HASHER = before


class Person:
    """Somebody with a browser, signed in."""

    def __init__(self, home: Home, name: str, *roles: Role) -> None:
        now, self.home, self.name = home.clock(), home, name
        with home.database.change(Actor.itself(), now) as change:
            word = people.add(change, name, roles)
        session = sessions.sign_in(home.database, name, word, "127.0.0.1", now)
        session = sessions.change_password(home.database, session, word, OWN, "127.0.0.1", now)
        self.client = TestClient(managed(home, ["testserver"]), follow_redirects=False, cookies={COOKIE: session.secret.reveal()})

    @property
    def csrf(self) -> str:
        return field(self.client.get("/models").text, "csrf")

    def get(self, path: str) -> str:
        """Return a page, which must be there."""
        said = self.client.get(path)
        assert said.status_code == 200, said.text
        return said.text

    def send(self, path: str, **fields: object) -> tuple[int, str]:
        """Send a form; return the status, and where one is led or what is said."""
        said = self.client.post(path, data={"csrf": self.csrf, **fields})
        return said.status_code, said.headers.get("location") or told(said.text)


def field(page: str, name: str) -> str:
    """Return the value of the first field with this name."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return found[1]


def told(page: str) -> str:
    """Return what a page says, without its tags."""
    text = re.sub(r"<(style|title)[^>]*>.*?</\1>", "", page, flags=re.S)
    found = " ".join(re.sub(r"<[^>]+>", "", text).split())
    return found.replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
