"""People on the pages and by the API: who may do what, what is shown once, and what everybody finds under "You"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from camelopard.server.home import Home
from camelopard.store import audit, people, tokens
from camelopard.store.roles import MAY, ROLES, Actor, Role
from camelopard.store.secret import Secret
from tests.server.test_face import OWN, browser, field, signed_in


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home.open(tmp_path / "home") as made:
        yield made


def add(home: Home, name: str, *roles: Role) -> str:
    with home.database.change(Actor.itself(), home.clock()) as change:
        return people.add(change, name, roles).reveal()


def entered(home: Home, name: str, word: str) -> TestClient:
    """Return the browser of somebody who just signed in with this password."""
    client = browser(home)
    data = {"before": field(client.get("/sign-in").text, "before"), "name": name, "password": word}
    assert client.post("/sign-in", data=data).status_code == 303
    return client


def send(client: TestClient, path: str, **data: str | list[str]) -> tuple[int, str]:
    said = client.post(path, data={"csrf": field(client.get("/me/password").text, "csrf"), **data})
    return said.status_code, said.text or said.headers["location"]


def secret(page: str) -> str:
    found = re.search(r'id="secret"[^>]*>([^<]+)<', page)
    assert found is not None
    return found[1]


def test_somebody_is_added_and_gets_in_with_the_word_that_was_shown_once(home: Home) -> None:
    admin = signed_in(home)
    status, page = send(admin, "/people", name="Ann@example.org", role=["developer", "labeller"])
    word = secret(page)
    assert status == 200 and word not in admin.get("/people/ann@example.org").text
    ann = entered(home, "ann@example.org", word)
    assert send(ann, "/me/password", old=word, new=OWN, again=OWN) == (303, "/")
    page = ann.get("/me").text
    assert "Your roles: labeller, developer" in page and "add and change models" in page
    assert ann.get("/people").status_code == 403 and 'href="/people"' not in page


def test_who_has_a_one_time_password_is_led_to_choose_another_from_everywhere(home: Home) -> None:
    client = entered(home, "ann", add(home, "ann", "developer"))
    for path in ("/", "/models", "/me", "/people", "/audit", "/api"):
        assert client.get(path).headers["location"] == "/me/password", path
    told = client.get("/api/me")
    assert (told.status_code, told.json()["code"]) == (403, "password_needed")
    assert 'href="/models"' not in client.get("/me/password").text
    assert send(client, "/me/tokens", label="x", scope="see models", days="7") == (303, "/me/password")
    assert send(client, "/sign-out") == (303, "/sign-in")


def test_a_password_that_does_not_do_is_refused_in_words(home: Home) -> None:
    client = signed_in(home)
    other = OWN + "1"
    for old, new, again, why in (
        (OWN, "short", "short", "5 characters"),
        (OWN, other, OWN, "both times"),
        ("wrong one", other, other, "old password"),
    ):
        status, page = send(client, "/me/password", old=old, new=new, again=again)
        assert status == 400 and why in page
    assert send(client, "/me/password", old=OWN, new=other, again=other) == (303, "/me?done=password")
    assert "Your password is changed" in client.get("/me?done=password").text


def test_the_last_admin_stays_and_the_page_says_so(home: Home) -> None:
    admin = signed_in(home)
    for path, data in (("/people/admin/disable", {}), ("/people/admin/roles", {"role": "viewer"})):
        status, page = send(admin, path, **data)
        assert status == 409 and "is the only admin. Make somebody else one first." in page
    assert people.get(home.database, "admin").roles == ("admin",)


def test_roles_are_given_and_people_disabled_enabled_and_reset(home: Home) -> None:
    admin, old = signed_in(home), add(home, "ann", "viewer")
    assert send(admin, "/people/ann/roles", role=["expert", "auditor"]) == (303, "/people/ann?done=roles")
    assert people.get(home.database, "ann").roles == ("expert", "auditor")
    assert send(admin, "/people/ann/roles", role="king")[0] == 404
    ann = entered(home, "ann", old)
    assert send(admin, "/people/ann/disable") == (303, "/people/ann?done=disabled")
    assert ann.get("/me/password").status_code == 303 and "signed out everywhere" in admin.get("/people/ann?done=disabled").text
    assert send(admin, "/people/ann/enable") == (303, "/people/ann?done=enabled")
    status, page = send(admin, "/people/ann/reset")
    assert status == 200 and entered(home, "ann", secret(page)).get("/me/password").status_code == 200


def test_a_token_is_shown_once_works_and_is_revoked(home: Home) -> None:
    admin = signed_in(home)
    assert "You have none." in admin.get("/me").text
    status, page = send(admin, "/me/tokens", label="nightly", scope=["see models", "see audit"], days="7")
    token = secret(page)
    assert status == 200 and token not in admin.get("/me").text
    program = browser(home)
    program.headers["authorization"] = f"Bearer {token}"
    me = program.get("/api/me").json()
    assert (me["name"], me["may"], me["via"][:5]) == ("admin", ["see models", "see audit"], "token")
    assert program.get("/api/audit").status_code == 200 and program.get("/api/people").status_code == 403
    assert program.post("/me/tokens", data={"label": "x"}).status_code == 403
    name = token.split("_")[1]
    assert send(admin, f"/me/tokens/{name}/revoke") == (303, "/me?done=revoked")
    told = program.get("/api/me")
    assert (told.status_code, told.json()["code"], told.headers["www-authenticate"]) == (401, "sign_in_needed", "Bearer")
    assert "revoked" in admin.get("/me").text


def test_a_token_that_cannot_be_made_is_refused_in_words(home: Home) -> None:
    ann = entered(home, "ann", word := add(home, "ann", "viewer"))
    send(ann, "/me/password", old=word, new=OWN, again=OWN)
    for data, why in (
        ({"label": "x", "days": "7"}, "without a scope"),
        ({"label": "x", "scope": "see models", "days": "400"}, "up to 366 days"),
        ({"label": "x", "scope": "see models", "days": "x"}, "whole number"),
        ({"label": "x", "scope": "fly", "days": "7"}, "scope named &#39;fly&#39;"),
    ):
        status, page = send(ann, "/me/tokens", **data)
        assert status == 400 and why in page and 'value="x"' in page
    assert send(ann, "/me/tokens", label="x", scope="manage people", days="7")[0] == 403
    assert 'value="manage people"' not in ann.get("/me").text


def test_only_admins_manage_people_on_pages_and_by_the_api(home: Home) -> None:
    admin = signed_in(home)
    kept = people.get(home.database, "admin").password
    for role in ROLES:
        with home.database.change(Actor.itself(), home.clock()) as change:
            people._add(change, f"{role}1", (role,), kept)
            people.set_password(change, people.held(change, f"{role}1"), kept, must_change=False)
        client = entered(home, f"{role}1", OWN)
        allowed = "manage people" in MAY[role]
        headers = {"x-csrf-token": field(client.get("/me").text, "csrf")}
        statuses = [
            client.get("/people").status_code,
            client.get("/people/admin").status_code,
            client.get("/api/people").status_code,
            client.patch("/api/people/admin", json={}, headers=headers).status_code,
            client.get("/api/people/admin/tokens").status_code,
        ]
        assert statuses == [200 if allowed else 403] * 5, role
        assert client.post("/api/people/nobody/reset", headers=headers).status_code == (404 if allowed else 403)
        assert client.get("/audit").status_code == (200 if "see audit" in MAY[role] else 403)
        if role == "viewer":
            break_in = send(client, "/people", name="eve", role="admin")
            assert break_in[0] == 403
    assert admin.get("/people/eve").status_code == 404


def test_the_api_does_what_the_pages_do(home: Home) -> None:
    admin = signed_in(home)
    own = {"x-csrf-token": field(admin.get("/me").text, "csrf")}
    made = admin.post("/api/people", json={"name": "ann", "roles": ["viewer"]}, headers=own)
    assert made.status_code == 201 and made.json()["person"]["must_change"]
    assert entered(home, "ann", made.json()["one_time_password"]).get("/me/password").status_code == 200
    changed = admin.patch("/api/people/ann", json={"roles": ["expert"], "active": False}, headers=own).json()
    assert changed["ok"] and (changed["person"]["roles"], changed["person"]["active"]) == (["expert"], False)
    assert admin.patch("/api/people/admin", json={"active": False}, headers=own).json()["code"] == "conflict"
    assert admin.post("/api/people", json={"name": "ann", "roles": []}, headers=own).status_code == 409
    page = admin.get("/api/people", params={"size": 1}).json()
    assert (page["people"][0]["name"], page["next"]) == ("admin", "admin")
    assert admin.get("/api/people", params={"size": 1, "after": "admin"}).json()["next"] is None
    token = admin.post("/api/tokens", json={"label": "x", "scopes": ["see models"], "days": 1}, headers=own).json()
    assert tokens.actor(home.database, Secret(token["secret"]), home.clock()) is not None
    assert [one["id"] for one in admin.get("/api/tokens").json()["tokens"]] == [token["token"]["id"]]
    assert admin.delete(f"/api/tokens/{token['token']['id']}", headers=own).json() == {"ok": True}
    assert admin.delete("/api/tokens/12345678", headers=own).status_code == 404
    assert audit.verify(home.database).whole


def test_many_people_come_page_by_page(home: Home) -> None:
    admin = signed_in(home)
    kept = people.get(home.database, "admin").password
    with home.database.change(Actor.itself(), home.clock()) as change:
        for i in range(60):
            people._add(change, f"p{i:02}", ("viewer",), kept)
    first = admin.get("/people").text
    assert "p48" in first and "p49" not in first and "/people?after=p48" in first
    assert "p49" in admin.get("/people?after=p48").text
    assert "Nobody comes after" in admin.get("/people?after=zz").text
    assert admin.get("/people?after=").status_code == 200 and admin.get("/people?after=ä").status_code == 400


def test_the_page_of_the_api_lists_every_call_of_the_document(home: Home) -> None:
    admin = signed_in(home)
    page, document = admin.get("/api").text, admin.get("/openapi.json").json()
    assert not [name for name in document["components"]["schemas"] if "__" in name]
    assert document["openapi"].startswith("3.1") and "/predict" in document["paths"] and "/api/people/{name}/reset" in document["paths"]
    for path, methods in document["paths"].items():
        assert path in page
        assert all("422" not in told["responses"] for method, told in methods.items() if path.startswith("/api"))
    assert "HTTPValidationError" not in document["components"]["schemas"]
