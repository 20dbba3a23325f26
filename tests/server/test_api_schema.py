"""Every call that the document describes, asked with what fits it and what does not: the server never fails, and answers as described.

A longer run by hand: CAMELOPARD_EXAMPLES=200 python -m pytest tests/server/test_api_schema.py
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import camelopard as cp
from camelopard.server.gateway import Gateway
from camelopard.server.home import Home
from camelopard.server.management.enrolment import enrol
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Mode, Settings
from camelopard.server.web.app import managed
from camelopard.store import people, tokens
from camelopard.store.roles import ROLES, SCOPES, Actor
from tests.server.conftest import NAMES

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
    app, token = everything
    count = 0
    for operation in _operations(app, "^/api/"):
        count += 1
        ways = _ways(operation)
        known = next((name for start, name in KNOWN.items() if operation.path.startswith(start)), None)
        if known is not None and operation.path.count("{") == 1:
            ways.append(operation.as_strategy(path_parameters={"name": known}))
        for way in ways:
            _asked(way, {"authorization": token})
    assert count >= 10


@pytest.mark.parametrize("mode", ["guard", "shadow", "mirror", "off"])
def test_every_way_to_ask_a_model_answers_as_it_is_described(firewall: cp.Firewall, mode: Mode) -> None:
    app = Gateway({"promotion": Served(firewall, Settings(mode))})
    paths, statuses = set(), set()
    for operation in _operations(app):
        paths.add(operation.path)
        ways = _ways(operation)
        form = operation.path.rpartition("/")[2]
        if form in FORMS:
            ways.append(_rows().map(FORMS[form]).map(partial(_case, operation)))
        for way in ways:
            statuses |= _asked(way)
    assert paths >= {"/predict", "/invocations", "/models/{name}/predict", "/v2/models/{name}/infer", "/health", "/metrics", "/openapi.json"}
    assert statuses >= ({200, 202} if mode == "mirror" else {200, 400})


def _rows() -> SearchStrategy[list[dict[str, Any]]]:
    """Rows with the model's columns, and anything that JSON can hold in their cells."""
    from hypothesis import strategies as st

    usual = st.floats(18, 90, width=16)
    words = st.sampled_from(["41 years", "", "nan", "1e999", "1985-02-30", "\x00", "𝟜𝟙"]) | st.text(st.characters(codec="utf-8"), max_size=20)
    number = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
    single = st.none() | st.booleans() | number | words
    cell = usual | single | st.lists(single, max_size=3) | st.dictionaries(words, single, max_size=2)
    known = st.fixed_dictionaries(dict.fromkeys(NAMES, usual)) | st.fixed_dictionaries(dict.fromkeys(NAMES, cell))
    return st.lists(known | st.dictionaries(st.sampled_from(NAMES) | words, cell, max_size=4), min_size=1, max_size=4)


def _tensors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return rows as one tensor for each column, its kind taken from its first cell."""
    columns = {name: [row.get(name) for row in rows] for name in NAMES}
    kinds = {float: "FP64", int: "INT64", bool: "BOOL"}
    return {
        "inputs": [
            {"name": name, "datatype": kinds.get(type(cells[0]), "BYTES"), "shape": [len(rows)], "data": cells} for name, cells in columns.items()
        ]
    }


FORMS: Mapping[str, Callable[[list[dict[str, Any]]], Any]] = {
    "predict": lambda rows: rows[0] if len(rows) == 1 else {"rows": rows},
    "invocations": lambda rows: {"dataframe_records": rows},
    "infer": _tensors,
}


def _case(operation: Any, body: Any) -> Any:
    return operation.Case(path_parameters={"name": "promotion"}, body=body, media_type="application/json")


def _operations(app: object, paths: str = "") -> Iterator[Any]:
    import schemathesis
    from schemathesis.core.result import Ok

    for result in schemathesis.openapi.from_asgi("/openapi.json", app).include(path_regex=paths).get_all_operations():
        assert isinstance(result, Ok)
        yield result.ok()


def _ways(operation: Any) -> list[SearchStrategy[Any]]:
    import schemathesis

    modes = [mode for mode in schemathesis.GenerationMode if not mode.is_negative or operation.body or list(operation.iter_parameters())]
    return [operation.as_strategy(generation_mode=mode) for mode in modes]


def _asked(way: SearchStrategy[Any], headers: Mapping[str, str] | None = None) -> set[int]:
    """Ask what fits and what does not; return the statuses that came."""
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import checks

    asked = [checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]

    found = set()

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=way)
    def one(case: Any) -> None:
        found.add(case.call_and_validate(headers=dict(headers or {}), checks=asked).status_code)

    one()
    return found
