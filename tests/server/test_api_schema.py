"""Every call that the document describes, asked with what fits it and what does not: the server never fails, and answers as described.

A longer run by hand: CAMELOPARD_EXAMPLES=200 python -m pytest tests/server/test_api_schema.py
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import camelopard as cp
from camelopard.server.home import Home
from camelopard.server.management.enrolment import enrol
from camelopard.server.web.app import managed
from camelopard.store import people, tokens
from camelopard.store.roles import ROLES, SCOPES, Actor

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

pytestmark = pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="needs schemathesis")

KNOWN = {"/api/models/{name}": "promotion", "/api/people/{name}": "ann"}  # asked by name as well
EXAMPLES = int(os.environ.get("CAMELOPARD_EXAMPLES", "2"))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, firewall: cp.Firewall) -> Iterator[tuple[object, str]]:
    """Yield the application, and the token of somebody who may do everything."""
    with Home.open(tmp_path_factory.mktemp("schema") / "home") as home:
        enrol(home, "promotion", firewall, home.clock())
        with home.database.change(Actor.itself(), home.clock()) as change:
            people.add(change, "ann", ["viewer"])
            people.add(change, "root", ROLES)
            root = people.held(change, "root")
            people.set_password(change, root, root.password, must_change=False)
        with home.database.change(Actor("root", ROLES), home.clock()) as change:
            _, secret = tokens.make(change, "everything", SCOPES, dt.timedelta(days=1))
        yield managed(home, ["testserver"]), f"Bearer {secret.reveal()}"


def test_every_call_answers_as_it_is_described(everything: tuple[object, str]) -> None:
    import schemathesis
    from schemathesis import checks
    from schemathesis.core.result import Ok

    app, token = everything
    schema = schemathesis.openapi.from_asgi("/openapi.json", app).include(path_regex="^/api/")
    asked = [checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]
    count = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        count += 1
        ways = [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]
        known = next((name for start, name in KNOWN.items() if operation.path.startswith(start)), None)
        if known is not None and operation.path.count("{") == 1:
            ways.append(operation.as_strategy(path_parameters={"name": known}))
        for way in ways:
            _asked(way, token, asked)
    assert count >= 10


def _asked(way: SearchStrategy[Any], token: str, asked: list[Any]) -> None:
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=way)
    def one(case: Any) -> None:
        case.call_and_validate(headers={"authorization": token}, checks=asked)

    one()
