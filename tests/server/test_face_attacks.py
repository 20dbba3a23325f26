"""What somebody tries who wishes us ill: other sites, borrowed names, bodies without end, words that are markup."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

import camelopard as cp
from camelopard.server import pages
from camelopard.server.home import Home
from camelopard.server.management.enrolment import enrol
from camelopard.server.run import proxies_of
from camelopard.server.web import app as management
from camelopard.server.web import bounds as guarded
from camelopard.server.web import visitor
from camelopard.server.web.app import managed
from camelopard.server.web.bounds import Guarded
from camelopard.server.web.masks import masked, unmasked
from camelopard.store import audit, inventory, people
from camelopard.store.roles import Actor
from camelopard.store.secret import Secret
from tests.server.test_face import OWN, browser, field, signed_in

BAD = "<script>alert(1)</script>\"'{{7*7}}&"


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall) -> Iterator[Home]:
    with Home.open(tmp_path / "home") as made:
        enrol(made, "promotion", firewall, made.clock())
        yield made


def test_a_page_of_another_site_changes_nothing(home: Home) -> None:
    client = signed_in(home)
    data = {"csrf": field(client.get("/me").text, "csrf"), "name": "eve", "role": "admin"}
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://elsewhere.example"}, {"origin": "null"}):
        assert client.post("/people", data=data, headers=headers).status_code == 403, headers
        assert client.post("/sign-in", data={"name": "eve", "password": "x"}, headers=headers).status_code == 403, headers
    assert client.post("/people", data=data, headers={"sec-fetch-site": "same-origin", "origin": "http://testserver"}).status_code == 200


def test_a_form_that_holds_json_is_no_call_of_the_api(home: Home) -> None:
    client = signed_in(home)
    body = json.dumps({"name": "eve", "roles": ["admin"]})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert client.post("/api/people", content=body, headers={"content-type": kind}).status_code in (400, 403), kind
        assert client.post("/api/people", content=body, headers={**_own(client), "content-type": kind}).status_code == 400, kind
    assert client.post("/api/people", content=body, headers={"content-type": "application/json"}).status_code == 403
    assert client.get("/api/people").json()["people"][-1]["name"] == "admin"


def test_a_form_of_a_sign_in_that_this_browser_did_not_get_is_refused(home: Home) -> None:
    client, other = browser(home), browser(home)
    theirs = field(other.get("/sign-in").text, "before")
    client.get("/sign-in")
    said = client.post("/sign-in", data={"name": "admin", "password": "x", "before": theirs})
    assert said.status_code == 403 and "too old" in said.text
    assert browser(home).post("/sign-in", data={"name": "a", "password": "x", "before": ""}).status_code == 403


def test_a_session_is_new_at_every_sign_in_and_the_old_one_ends(home: Home) -> None:
    client = signed_in(home)
    old = client.cookies[visitor.COOKIE]
    planted = browser(home)
    before = field(planted.get("/sign-in").text, "before")
    held = f"{visitor.COOKIE}=planted; camelopard_before={planted.cookies['camelopard_before']}"
    planted.cookies.clear()
    said = planted.post("/sign-in", data={"name": "admin", "password": OWN, "before": before}, headers={"cookie": held})
    assert said.status_code == 303 and planted.cookies[visitor.COOKIE] not in (old, "planted")
    again = browser(home)
    before = field(again.get("/sign-in").text, "before")
    held = f"{visitor.COOKIE}={old}; camelopard_before={again.cookies['camelopard_before']}"
    again.cookies.clear()
    assert again.post("/sign-in", data={"name": "admin", "password": OWN, "before": before}, headers={"cookie": held}).status_code == 303
    assert client.get("/me").status_code == 303


def test_cookies_are_hidden_from_scripts_and_over_tls_from_neighbours(home: Home) -> None:
    people.first_admin(home.database, home.clock())
    plain = browser(home).get("/sign-in").headers["set-cookie"]
    assert "HttpOnly" in plain and "SameSite=strict" in plain and "Secure" not in plain
    safe = TestClient(managed(home, ["testserver"]), base_url="https://testserver").get("/sign-in").headers["set-cookie"]
    assert safe.startswith("__Host-camelopard") and "Secure" in safe and "Path=/" in safe and "Domain" not in safe


def test_only_a_proxy_that_is_named_says_who_asks() -> None:
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(f"{scope['scheme']} {scope['client'][0]}")(scope, receive, send)

    headers = {"x-forwarded-for": "6.6.6.6, 192.0.2.7", "x-forwarded-proto": "https"}
    told = {
        where: TestClient(ProxyHeadersMiddleware(app, proxies_of("10.0.0.0/8")), client=(where, 1)).get("/", headers=headers).text  # type: ignore[arg-type]
        for where in ("10.1.2.3", "203.0.113.9")
    }
    assert told == {"10.1.2.3": "https 192.0.2.7", "203.0.113.9": "http 203.0.113.9"}
    for wrong in ("0.0.0.0/0", "::/0", "*", "proxy.example"):
        with pytest.raises(cp.CamelopardError, match="--proxy"):
            proxies_of(wrong)


HOSTS = {
    421: ("elsewhere.example", "testserver.elsewhere.example", "", "testserver@elsewhere.example", "[::1", "1.2.3.4.elsewhere.example"),
    200: ("192.0.2.7:8080", "[2001:db8::1]:80", "TESTSERVER", "testserver.", "localhost"),
}
NEXT = (
    "//e.example", "/\\e.example", "\\\\e.example", "https://e.example", "/\t/e.example", "javascript:alert(1)", "/a\r\nset-cookie: x=1",
    "/" + "a" * 3000,
)  # fmt: skip


def test_a_name_that_somebody_else_points_at_us_is_refused(home: Home) -> None:
    client = browser(home)
    assert {status: [client.get("/sign-in", headers={"host": host}).status_code for host in hosts] for status, hosts in HOSTS.items()} == {
        status: [status] * len(hosts) for status, hosts in HOSTS.items()
    }


def test_nobody_is_sent_elsewhere(home: Home) -> None:
    client = signed_in(home)
    for next in NEXT:
        said = client.get("/sign-in", params={"next": next})
        assert (said.status_code, said.headers["location"]) == (303, "/"), next


def test_an_address_without_end_or_with_slashes_leads_nowhere_else(home: Home) -> None:
    client = signed_in(home)
    for path in ("//elsewhere.example/", "//elsewhere.example/..", "/static/..%2f..%2fguarded.py", "/static/%2e%2e/people.py", "/static//etc/passwd"):
        said = client.get(f"http://testserver{path}")
        assert said.status_code in (303, 404) and "elsewhere" not in said.headers.get("location", ""), path
    assert client.get("/people/").status_code == 200


def test_a_version_that_is_no_hash_is_no_file(home: Home, tmp_path: Path) -> None:
    (tmp_path / "secret.firewall").write_bytes(b"x")
    for version in ("../../secret", "..", "", "a/b", "/etc/passwd", "²", "A" * 64):
        assert home.kept(version) is None
        with pytest.raises(cp.CamelopardError):
            home.keep(b"x", version)


def test_no_two_pages_show_the_same_token(home: Home) -> None:
    client = signed_in(home)
    one, other = (field(client.get("/me").text, "csrf") for _ in range(2))
    assert one != other and unmasked(one) == unmasked(other)
    assert set(re.findall("..", one)) != set(re.findall("..", other))
    for wrong in ("", "00", "zz", one[:-2], one[::-1], "0" * len(one), masked(Secret("another"))):
        assert client.post("/sign-out", data={"csrf": wrong}).status_code == 403


def test_words_that_are_markup_stay_words(home: Home) -> None:
    client = signed_in(home)
    with home.database.change(Actor.itself(), home.clock()) as change:
        inventory.add(change, BAD.replace("/", "|"), owner=BAD.replace("/", "|"), purpose=BAD, exposure=1, consequence=1)
    csrf = field(client.get("/me").text, "csrf")
    pages = [client.get("/audit"), client.get("/models"), client.get("/audit", params={"who": BAD}), client.get("/sign-out" + BAD)]
    pages.append(client.post("/people", data={"csrf": csrf, "name": BAD, "role": BAD}))
    pages.append(client.post("/me/tokens", data={"csrf": csrf, "label": BAD, "scope": BAD, "days": BAD}))
    pages.append(client.post("/me/tokens", data={"csrf": csrf, "label": BAD, "scope": "see models", "days": "7"}))
    pages.append(browser(home).get("/sign-in", params={"next": "/" + BAD}))
    for page in pages:
        assert "<script>alert" not in page.text and "49" not in re.findall(r"\{\{7\*7\}\}|49&", page.text)
        assert page.headers["content-type"].startswith("text/html")
    assert "&lt;script&gt;" in pages[0].text and "&lt;script&gt;" in pages[1].text


def test_what_was_typed_into_a_sign_in_is_not_shown_again(home: Home) -> None:
    client = browser(home)
    before = field(client.get("/sign-in").text, "before")
    said = client.post("/sign-in", data={"before": before, "name": "my-secret-word", "password": "my-secret-word"})
    assert said.status_code == 403 and "my-secret-word" not in said.text
    admin = signed_in(home)
    assert "my-secret-word" not in admin.get("/audit").text
    told = admin.post("/api/tokens", json={"label": ["my-secret-word"], "days": "my-secret-word"}, headers=_own(admin))
    assert told.status_code == 400 and "my-secret-word" not in told.text


def test_a_secret_does_not_show_in_what_is_printed(home: Home) -> None:
    from starlette.datastructures import FormData

    by = visitor.Visitor(home, None, None, "", home.clock())
    assert "word" not in repr(visitor.Form(by, FormData([("password", "word")])))


def test_a_failure_is_told_without_its_insides(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(home)
    client = TestClient(client.app, follow_redirects=False, raise_server_exceptions=False, cookies=client.cookies)

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(people, "page", broken)
    page, told = client.get("/people"), client.get("/api/people")
    assert (page.status_code, told.status_code) == (500, 500)
    assert "the secret" not in page.text + told.text and told.json()["code"] == "failed"
    assert "content-security-policy" in page.headers


def test_bodies_have_an_end(home: Home) -> None:
    client = signed_in(home)
    csrf = field(client.get("/me").text, "csrf")
    large = "a" * (guarded.MOST_TEXT + 1)
    assert client.post("/people", data={"csrf": csrf, "name": large}).status_code == 413
    assert client.post("/api/people", content=(b"x" * 65536 for _ in range(65)), headers=_own(client)).status_code == 413
    assert browser(home).post("/sign-in", data={"name": "a" * guarded.MOST_STRANGER}).status_code == 413
    assert client.post("/people", data={"csrf": csrf} | {f"f{i}": "" for i in range(visitor.MOST_FIELDS)}).status_code == 400
    files = [("file", ("a.bin", b"x")) for _ in range(visitor.MOST_FILES + 1)]
    assert client.post("/people", data={"csrf": csrf}, files=files).status_code == 400
    for body in (b"[" * 100_000, b"1" * 100_000, b'{"name": "\\ud800", "roles": []}', b"\xff\xfe"):
        assert client.post("/api/people", content=body, headers=_own(client)).status_code == 400


def test_who_sends_slowly_is_let_go_and_keeps_nobody_waiting() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            await receive()
        await PlainTextResponse("fine")(scope, receive, send)

    guard = Guarded(app, seconds=0.05, at_once=1)

    async def asked(method: str, wait: float) -> tuple[int, dict[bytes, bytes]]:
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.sleep(wait)
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await guard({"type": "http", "method": method, "path": "/", "headers": [(b"host", b"localhost")]}, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"])

    async def story() -> list[tuple[int, dict[bytes, bytes]]]:
        slow = asyncio.create_task(asked("POST", 60))
        await asyncio.sleep(0.01)
        return [await asked("GET", 0), await slow]

    (quick, _), (slow, headers) = asyncio.run(story())
    assert (quick, slow, headers[b"connection"]) == (200, 408, b"close")
    assert (guard.working, guard.sent) == (0, 0)


def test_too_many_at_once_are_told_to_come_back() -> None:
    async def story() -> list[int]:
        go = asyncio.Event()
        statuses: list[int] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await go.wait()
            await PlainTextResponse("fine")(scope, receive, send)

        guard = Guarded(app, at_once=2)

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {"type": "http", "method": "GET", "path": "/api/x", "headers": [(b"host", b"localhost")]}
        waiting = [asyncio.create_task(guard(dict(scope), receive, send)) for _ in range(3)]
        await asyncio.sleep(0.01)
        go.set()
        await asyncio.gather(*waiting)
        await guard(dict(scope), receive, send)
        return statuses

    assert asyncio.run(story()) == [503, 200, 200, 200]


def test_what_nobody_asked_for_behind_the_question_mark_is_an_error(home: Home) -> None:
    client = signed_in(home)
    told = client.get("/api/people", params={"sise": 5})
    assert told.status_code == 400 and "Did you mean 'size'" in told.json()["error"]
    for path in ("/people?x=1", "/me?x", "/models?owners=a", "/openapi.json?v=2", "/api/me?x=1"):
        assert client.get(path).status_code == 400, path
    assert client.get("/static/pages.css?whatever").status_code == 200


def _own(client: TestClient) -> dict[str, str]:
    return {"x-csrf-token": field(client.get("/me").text, "csrf"), "content-type": "application/json"}


OPEN = {("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/static/{name}")}


def _every_address() -> list[tuple[str, str]]:
    routes = [route for router in (*management.API, *pages.ROUTERS) for route in router.routes if isinstance(route, APIRoute)]
    return sorted({(method, route.path) for route in routes for method in route.methods or ()})


def test_every_address_but_the_sign_in_is_closed_to_strangers(home: Home) -> None:
    stranger = browser(home)
    asked = [one for one in _every_address() if one not in OPEN]
    assert len(asked) > 40
    for method, path in asked:
        said = stranger.request(method, re.sub(r"\{[^}]*\}", "1", path), json={} if method != "GET" and path.startswith("/api") else None)
        if path.startswith("/api/"):
            assert said.status_code == 401 or (said.status_code == 400 and method != "GET"), (method, path, said.status_code)
        else:
            assert said.status_code == 303 and said.headers["location"].startswith("/sign-in"), (method, path, said.status_code)


def test_no_change_is_made_without_the_sessions_own_token(home: Home) -> None:
    admin = signed_in(home)
    asked = [one for one in _every_address() if one[0] != "GET" and one not in OPEN]
    number = audit.head(home.database)[0]
    for method, path in asked:
        said = admin.request(method, re.sub(r"\{[^}]*\}", "1", path), json={} if path.startswith("/api") else None)
        assert said.status_code in (400, 403), (method, path, said.status_code)
        if said.status_code == 403:
            assert "not of this session" in said.text, (method, path)
    assert audit.head(home.database)[0] == number
