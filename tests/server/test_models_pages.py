"""One model as a page: its checklist with what people attach, its facts, where it stands in its life, and what is wrong with how it is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import camelopard as cp
from camelopard.server.home import Home
from camelopard.server.management import enrolment
from camelopard.store import audit, inventory, proofs, versions
from camelopard.store.roles import Actor
from tests.server.visiting import Person, at_home, told

AT = "/models/promotion"
LINK = "https://example.org/fairness?a=1&b=2"


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall) -> Iterator[Home]:
    with at_home(tmp_path, firewall) as made:
        yield made


def test_the_page_of_a_served_model_shows_checklist_figures_and_versions(home: Home) -> None:
    page = told(Person(home, "vera", "viewer").get(AT))
    assert "3 of 15 are shown to be done" in page  # data checked, change explained, uncertainty measured
    assert "holds every row to 11 rules" in page
    assert "Of clean rows like those it was fitted on, at most 5" in page
    assert "The kinds of damage that fool it most" in page
    assert "Versions, the newest first VersionMadeApprovedWhy 1 in force" in page
    assert "Make it" not in page and "Attach what" not in page  # a viewer changes nothing


def test_what_the_stress_run_found_is_told_on_page_and_api_the_worst_first(home: Home, firewall: cp.Firewall) -> None:
    vera, worst = Person(home, "vera", "viewer"), firewall.report_.findings[0]
    for path in (AT, f"{AT}/versions/1"):
        found = told(vera.get(path)).split("What was found")[1]
        assert f"What was seen {worst.level}shifted columnsthe whole rowWith the table mixed up (shifted columns)" in found
    listed = vera.client.get(f"/api{AT}/versions/1").json()["findings"]
    assert (listed[0]["level"], listed[0]["kind"], listed[0]["column"]) == (worst.level, "shifted columns", "the whole row")
    assert {one["column"] for one in listed} >= {"age", "hours"}
    words = next(one["words"] for one in listed if one["kind"] == "decimal comma")
    assert words.endswith("raise an error in 100 % of rows: ValueError.")  # and not what the error quotes from a row


def test_a_version_without_findings_says_nothing_of_them(home: Home) -> None:
    with home.database.change(Actor.itself(), home.clock()) as change:
        evidence = {key: value for key, value in versions.held(change, "promotion", 1).evidence.items() if key != "findings"}
        versions.add(change, "promotion", firewall="0" * 64, evidence=evidence)
    vera = Person(home, "vera", "viewer")
    assert "What was found" not in vera.get(f"{AT}/versions/2")
    assert vera.client.get(f"/api{AT}/versions/2").json()["findings"] == []


def test_a_proof_closes_an_item_until_it_is_withdrawn(home: Home) -> None:
    dora = Person(home, "dora", "developer")
    assert dora.send(f"{AT}/proofs", item="fairness", link=LINK, said="Measured by age.") == (303, f"{AT}#checklist")
    page = dora.get(AT)
    assert "Measured by age." in page and 'href="https://example.org/fairness?a=1&amp;b=2"' in page
    assert "4 of 15" in page
    assert audit.entries(home.database, action="proof attached")[0].told["link"] == LINK
    assert Person(home, "ben", "approver").send(f"{AT}/proofs/1/withdraw")[0] == 303
    assert "3 of 15" in dora.get(AT)
    assert proofs.of(home.database, "promotion") == ()


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//elsewhere.example", "example.org", "https://", "https://a b", "data:text/html,x", "/\\x"])
def test_a_link_that_is_no_page_is_refused_and_what_was_typed_stays(home: Home, link: str) -> None:
    dora = Person(home, "dora", "developer")
    said = dora.client.post(f"{AT}/proofs", data={"csrf": dora.csrf, "item": "fairness", "link": link, "said": "By age & sex"})
    assert said.status_code == 400
    assert "an address that begins with https://" in said.text and 'value="By age &amp; sex"' in said.text


def test_a_viewer_attaches_nothing_and_what_is_measured_takes_no_link(home: Home) -> None:
    vera, dora = Person(home, "vera", "viewer"), Person(home, "dora", "developer")
    assert vera.send(f"{AT}/proofs", item="fairness", link=LINK, said="x")[0] == 403
    status, said = dora.send(f"{AT}/proofs", item="data-checked", link=LINK, said="x")
    assert status == 400 and "this is measured here" in said
    assert '<option value="data-checked"' not in dora.get(AT)


def test_facts_are_edited_by_developers_alone(home: Home) -> None:
    dora, vera = Person(home, "dora", "developer"), Person(home, "vera", "viewer")
    new = {"owner": "Dora", "purpose": "Who is promoted.", "exposure": "4", "consequence": "5"}
    assert dora.send(AT, **new) == (303, f"{AT}#facts")
    found = inventory.get(home.database, "promotion")
    assert (found.owner, found.purpose, found.tier) == ("Dora", "Who is promoted.", "critical")
    assert vera.send(AT, **new)[0] == 403
    said = dora.client.post(AT, data={"csrf": dora.csrf, **new, "owner": " ", "purpose": "kept as typed"})
    assert said.status_code == 400 and "kept as typed" in said.text and "name of a model's owner" in told(said.text)


def test_two_pairs_of_eyes_stand_before_guarding(home: Home) -> None:
    dora, ben = Person(home, "dora", "developer"), Person(home, "ben", "approver")
    page = told(dora.get(AT))
    assert "This is for an approver: two pairs of eyes" in page and "Make it shadow" in page and "Make it guarding" not in page
    assert dora.send(f"{AT}/state", state="guarding")[0] == 403
    assert "somebody other than its maker has approved" in told(ben.get(AT))
    status, said = ben.send(f"{AT}/state", state="guarding")
    assert status == 400 and "which nobody has approved" in said
    assert ben.send(f"{AT}/versions/1/approve") == (303, f"{AT}/versions/1")
    assert ben.send(f"{AT}/state", state="guarding") == (303, f"{AT}#state")
    assert "guarding, medium stakes" in told(dora.get(AT))
    assert ben.send(f"{AT}/state", state="asleep")[0] == 404


def test_a_server_that_guards_with_what_nobody_approved_says_so(home: Home) -> None:
    vera = Person(home, "vera", "viewer")
    assert "which nobody has approved" in told(vera.get(AT))
    with home.database.change(Actor("ben", ("approver",)), home.clock()) as change:
        versions.approve(change, "promotion", 1)
    assert "Careful" not in vera.get(AT)
    assert vera.client.get(f"/api{AT}").json()["warning"] is None


def test_a_server_that_serves_another_version_than_the_one_in_force_says_so(home: Home, firewall: cp.Firewall) -> None:
    other = firewall.with_policy(cp.Policy(block=0.7))
    enrolment.enrol(home, "promotion", other, home.clock())
    vera = Person(home, "vera", "viewer")
    assert "This server serves version 1, and version 2 is in force." in told(vera.get(AT))
    home.served["promotion"].take(other)
    assert "This server serves" not in told(vera.get(AT))


def test_a_model_without_a_version_says_what_to_do(home: Home) -> None:
    with home.database.change(Actor.itself(), home.clock()) as change:
        inventory.add(change, "planned", owner="ann", purpose="", exposure=1, consequence=1)
    vera = Person(home, "vera", "viewer")
    page = told(vera.get("/models/planned"))
    assert "There is no version yet" in page and "0 of 15" in page
    assert "There is no version yet" in told(vera.get("/models/planned/compare"))
    assert vera.client.get("/models/planned/contract").status_code == 404
    assert vera.client.get("/models/planet").status_code == 404


def test_evidence_that_somebody_else_wrote_breaks_no_page(home: Home) -> None:
    odd = {
        "measured": {"by_kind": {"<b>": 3, "x": {"fooled": "all"}, "y": {"fooled": 0.5}}, "auroc_fooled": "nan", "reliability": 7, "routes": [1]},
        "policy": 3,
        "threshold": [],
        "contract_edited_from": "<i>",
        "findings": [3, {"level": "<b>", "message": "<script>", "subject": 7, "others": "many"}, {}],
    }
    with home.database.change(Actor.itself(), home.clock()) as change:
        versions.add(change, "promotion", firewall="0" * 64, evidence=odd, note="<script>")
        inventory.add(change, "other", owner="<u>", purpose="<s>", exposure=1, consequence=1)
        versions.add(change, "other", firewall="0" * 64, evidence=odd)
        versions.put_in_force(change, "other", 1)
    vera = Person(home, "vera", "viewer")
    for path in (
        "/models/other",
        "/models/other/versions/1",
        f"{AT}/versions/2",
        f"{AT}/compare?from=1&to=2",
        f"{AT}/versions",
        "/models",
        "/api/models/other",
    ):
        page = vera.get(path)
        assert path.startswith("/api") or not any(tag in page for tag in ("<script>", "<i>", "<u>", "<s>"))


def test_the_page_is_small_with_all_its_style(home: Home) -> None:
    vera = Person(home, "vera", "viewer")
    sizes = [int(vera.client.get(path).headers["content-length"]) for path in (AT, "/static/report.css", "/static/pages.css")]
    assert sum(sizes) < 60_000


def test_the_api_changes_what_the_pages_change(home: Home) -> None:
    dora = Person(home, "dora", "developer", "approver")
    client, head = dora.client, {"x-csrf-token": dora.csrf}
    made = client.post("/api/models", json={"name": "new", "owner": "dora", "purpose": "", "exposure": 1, "consequence": 2}, headers=head)
    assert (made.status_code, made.json()["model"]["tier"]) == (201, "low")
    assert client.patch("/api/models/new", json={"owner": "ann"}, headers=head).json()["model"]["owner"] == "ann"
    assert client.post("/api/models/new/state", json={"state": "shadow"}, headers=head).json()["model"]["state"] == "shadow"
    proof = {"item": "fairness", "link": LINK, "said": "By age."}
    assert client.post("/api/models/new/proofs", json=proof, headers=head).status_code == 201
    assert client.get("/api/models/new/checklist").json()["done"] == 1
    assert client.delete("/api/models/new/proofs/1", headers=head).json()["ok"]
    assert client.post(f"/api{AT}/approve", json={"version": 1}, headers=head).json()["version"]["approved_by"] == "dora"
    assert client.post(f"/api{AT}/force", json={"version": 1}, headers=head).json()["version"]["number"] == 1
    told_off = client.patch("/api/models/new", json={"ownr": "ann"}, headers=head)
    assert (told_off.status_code, told_off.json()["code"]) == (400, "bad_input")
    assert client.post("/api/models/new/state", json={"state": "asleep"}, headers=head).status_code == 400
    assert client.patch("/api/models/new", json={"owner": "eve"}).status_code == 403  # without the session's own token
