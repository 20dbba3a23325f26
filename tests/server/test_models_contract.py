"""The contract as a page: read, edited rule by rule or as TOML, saved as a new version, approved, put in force; and two versions compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import camelopard as cp
from camelopard.core.errors import ArtifactError, InputError
from camelopard.core.records import Assumption
from camelopard.firewall.contract import Contract
from camelopard.server.home import Home
from camelopard.server.management import amending, comparing
from camelopard.server.management.amending import Edit, Unsound
from camelopard.store import audit, inventory, versions
from camelopard.store.roles import Actor
from tests.server.visiting import Person, at_home, field, told

AT = "/models/promotion"
AGE = Assumption("range", ("age",), "age lies between 17 and 90.", {"low": 17.0, "high": 90.0}, {"rows": 100})
BORN = Assumption("range", ("born",), "born lies …", {"low": 0.0, "high": 365.0, "date": True, "format": None})
TEXT = Assumption("length", ("text",), "text has between 1 and 20 characters.", {"low": 1, "high": 20})
NULL = Assumption("null", ("age",), "age is never missing.", {"null": False})


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall) -> Iterator[Home]:
    with at_home(tmp_path, firewall) as made:
        yield made


def place(home: Home, statement: str) -> int:
    return next(r.place for r in amending.rules(amending.contract_of(versions.get(home.database, "promotion", 1))) if r.statement == statement)


def test_limits_are_shown_as_one_types_them() -> None:
    shown = [(rule.low, rule.high) for rule in amending.rules(Contract([AGE, BORN, TEXT, NULL]))]
    assert shown == [("17", "90"), ("1970-01-01", "1971-01-01"), ("1", "20"), (None, None)]


def test_an_edit_changes_what_it_names_and_tells_it_anew() -> None:
    made = list(amending.edited(Contract([AGE, BORN, TEXT, NULL]), {0: Edit(False, "0", "120"), 2: Edit(True, "1", "280"), 3: Edit(True)}))
    assert made[0].statement == "age lies between 0 and 120."
    assert [a.muted for a in made] == [False, False, True, True]
    assert made[1] is not None and made[1].limits == BORN.limits
    assert made[2].limits == {"low": 1, "high": 280}
    assert list(amending.edited(Contract([AGE]), {0: Edit(False, "17", "90")})) == [AGE]


@pytest.mark.parametrize(
    ("a", "low", "high", "word"),
    [
        (AGE, "90", "17", "is above the highest"),
        (AGE, "seventeen", "90", "expected two numbers"),
        (AGE, "", "90", "give both limits"),
        (AGE, "nan", "90", "low ≤ high"),
        (BORN, "1970-13-01", "1971-01-01", "dates"),
        (TEXT, "1.5", "20", "whole numbers"),
        (TEXT, "30", "20", "is above the highest"),
    ],
)
def test_limits_that_cannot_be_are_told_at_their_rule(a: Assumption, low: str, high: str, word: str) -> None:
    with pytest.raises(Unsound) as caught:
        amending.edited(Contract([NULL, a]), {1: Edit(False, low, high)})
    assert list(caught.value.why) == [1] and word in caught.value.why[1]


def test_the_contract_is_readable_and_its_muted_rules_stand_apart(home: Home) -> None:
    page = told(Person(home, "vera", "viewer").get(f"{AT}/contract"))
    before, muted = page.split("Switched off")
    assert "age lies between 18 and 89." in before and "gain is never missing." in muted
    assert "Edit the rules" not in page


def test_editing_a_limit_makes_a_version_that_somebody_else_approves_and_puts_in_force(home: Home) -> None:
    dora, ben = Person(home, "dora", "developer"), Person(home, "ben", "approver", "developer")
    k = place(home, "age lies between 18 and 89.")
    sent = {"version": 1, "rule": [str(k)], f"low-{k}": "18", f"high-{k}": "99", "note": "People work longer."}
    assert dora.send(f"{AT}/contract/edit", **sent) == (303, f"{AT}/versions/2?made=true")
    second = versions.get(home.database, "promotion", 2)
    assert (second.made_by, second.note, second.evidence["contract_edited_from"]) == ("dora", "People work longer.", 1)
    assert "age lies between 18 and 99." in second.contract
    page = told(dora.get(f"{AT}/versions/2?made=true"))
    assert "Version 2 was made. It is not in force yet." in page and "somebody other than you has to" in page and "Approve it" not in page
    assert dora.send(f"{AT}/versions/2/approve")[0] == 403
    assert "Approve it" in ben.get(f"{AT}/versions/2")
    assert ben.send(f"{AT}/versions/2/approve")[0] == 303
    served = home.served["promotion"]
    row = [{"age": 95.0, "hours": 40.0, "gain": 900.0}]
    assert ben.send(f"{AT}/versions/2/force") == (303, f"{AT}/versions/2")
    assert served.force.content == second.firewall
    assert "range" not in [reason.code for reason in served.force.firewall.screen(row).reasons(0)]
    assert served.force.firewall.screen([{**row[0], "age": 100.0}]).route[0] != "pass"
    assert [entry.action for entry in audit.entries(home.database, on=("model", "promotion"), size=3)] == [
        "version put in force",
        "version approved",
        "version added",
    ]


def test_a_wrong_limit_is_told_beside_its_field_and_nothing_typed_is_lost(home: Home) -> None:
    dora, k = Person(home, "dora", "developer"), place(home, "hours lies between 1 and 79.")
    sent = {"csrf": dora.csrf, "version": "1", "rule": [str(k), "0"], "muted-0": "true", f"low-{k}": "80", f"high-{k}": "12", "note": "Because."}
    said = dora.client.post(f"{AT}/contract/edit", data=sent)
    assert said.status_code == 400
    assert f'id="bad-{k}"' in said.text and "hours: the lowest value, 80, is above the highest, 12." in said.text
    assert f'name="low-{k}" value="80"' in said.text and f'name="high-{k}" value="12"' in said.text and 'value="Because."' in said.text
    assert re.search(r'name="muted-0" value="true" checked', said.text)
    assert len(versions.of(home.database, "promotion")) == 1


def test_toml_that_is_none_comes_back_as_it_was_typed(home: Home) -> None:
    dora = Person(home, "dora", "developer")
    text = '[[assumption]]\ncode = "range"\nfields = <age>'
    said = dora.client.post(f"{AT}/contract/edit", data={"csrf": dora.csrf, "version": "1", "as_text": "true", "toml": text, "note": "n"})
    assert said.status_code == 400
    assert "this is not TOML" in said.text and "line 3" in said.text and "fields = &lt;age&gt;" in said.text
    assert 'aria-describedby="toml-wrong"' in said.text


def test_edited_toml_is_told_anew_and_unknown_columns_and_no_change_are_refused(home: Home) -> None:
    dora = Person(home, "dora", "developer")
    text = versions.get(home.database, "promotion", 1).contract
    sent = {"version": 1, "as_text": "true", "note": "Older people came."}
    status, said = dora.send(f"{AT}/contract/edit", **sent, toml=text)
    assert status == 400 and "Nothing was changed" in said
    status, said = dora.send(f"{AT}/contract/edit", **sent, toml=text.replace('fields = ["age"]', 'fields = ["agee"]'))
    assert status == 400 and "Did you mean 'age'?" in said
    wider = text.replace('limits = {"low" = 18.0, "high" = 89.0}', 'limits = {"low" = 18.0, "high" = 120.0}')
    assert wider != text
    assert dora.send(f"{AT}/contract/edit", **{**sent, "note": " "}, toml=wider)[0] == 400
    assert dora.send(f"{AT}/contract/edit", **sent, toml=wider) == (303, f"{AT}/versions/2?made=true")
    assert "age lies between 18 and 120." in versions.get(home.database, "promotion", 2).contract
    status, said = dora.send(f"{AT}/contract/edit", **sent, toml=wider)
    assert status == 400 and "Version 2 has this very contract already" in said


def test_a_text_that_is_far_too_long_is_not_even_read() -> None:
    with pytest.raises(ArtifactError, match="at most 1,048,576"):
        amending.parsed("#" * (1 << 21))


def test_where_only_the_contract_was_edited_no_figures_are_compared(home: Home) -> None:
    dora = Person(home, "dora", "developer")
    dora.send(f"{AT}/contract/edit", version=1, rule=["0"], **{"muted-0": "true"}, note="It may be missing.")
    page = told(dora.get(f"{AT}/compare?from=1&to=2"))
    assert "Only the contract was edited" in page and "AUROC" not in page


def test_a_viewer_edits_no_contract(home: Home) -> None:
    vera = Person(home, "vera", "viewer")
    assert vera.client.get(f"{AT}/contract/edit").status_code == 403
    assert vera.send(f"{AT}/contract/edit", version=1, note="x", as_text="true", toml="")[0] == 403


def test_where_the_model_guards_only_an_approved_version_comes_into_force(home: Home) -> None:
    dora, ben = Person(home, "dora", "developer"), Person(home, "ben", "approver")
    ben.send(f"{AT}/versions/1/approve")
    ben.send(f"{AT}/state", state="guarding")
    dora.send(f"{AT}/contract/edit", version=1, rule=["0"], **{"muted-0": "true"}, note="It may be missing.")
    assert "The model guards: somebody has to approve this version first." in ben.get(f"{AT}/versions/2")
    assert dora.send(f"{AT}/versions/2/force")[0] == 403
    assert ben.send(f"{AT}/versions/2/force")[0] == 409
    assert inventory.get(home.database, "promotion").version == 1
    ben.send(f"{AT}/versions/2/approve")
    assert ben.send(f"{AT}/versions/2/force")[0] == 303


def test_a_contract_whose_file_is_elsewhere_cannot_be_edited_here(home: Home) -> None:
    with home.database.change(Actor.itself(), home.clock()) as change:
        versions.add(change, "promotion", firewall="0" * 64, contract=Contract([AGE]).to_toml(), note="from elsewhere")
    dora = Person(home, "dora", "developer")
    assert "not kept on this machine" in dora.get(f"{AT}/contract/edit?version=2")
    status, said = dora.send(f"{AT}/contract/edit", version=2, rule=["0"], **{"muted-0": "true"}, note="x")
    assert status == 400 and "not kept here" in said


def test_the_api_amends_too_and_says_what_is_wrong(home: Home) -> None:
    dora = Person(home, "dora", "developer")
    head = {"x-csrf-token": dora.csrf}
    found = dora.client.get(f"/api{AT}/contract").json()
    assert found["version"] == 1 and found["rules"][0]["column"] == "age"
    text = found["toml"].replace("muted = false", "muted = true", 1)
    made = dora.client.post(f"/api{AT}/contract", json={"toml": text, "note": "It may be missing."}, headers=head)
    assert (made.status_code, made.json()["version"]["number"]) == (201, 2)
    bad = dora.client.post(f"/api{AT}/contract", json={"toml": "[[", "note": "x"}, headers=head)
    assert bad.status_code == 400 and "not TOML" in bad.json()["error"]
    none = dora.client.post(f"/api{AT}/contract", json={"toml": text, "note": "x", "version": 0}, headers=head)
    assert none.status_code == 400 and "expected a whole number from 1" in none.json()["error"]
    told_all = dora.client.get(f"/api{AT}/compare?from=1&to=2").json()
    assert told_all["contract"]["altered"] == [{"before": "The column age is there.", "after": "The column age is there. (muted)"}]


def test_two_versions_are_compared_by_rules_settings_and_figures(home: Home, firewall: cp.Firewall) -> None:
    first = versions.get(home.database, "promotion", 1)
    figures = {"fooled_caught": {"value": 0.9, "low": 0.8, "high": 0.95}, "auroc_fooled": {"value": 0.75, "low": 0.7, "high": 0.8}, "new": 0.1}
    contract = Contract([*(a for a in firewall.contract if a.fields != ("hours",)), Assumption("null", ("other",), "other …", {"null": False})])
    with home.database.change(Actor("dora", ("developer",)), home.clock()) as change:
        versions.add(
            change, "promotion", firewall="1" * 64, contract=contract.to_toml(), evidence={**first.evidence, "alpha": 0.01, "measured": figures}
        )
    found = comparing.compared(first, versions.get(home.database, "promotion", 2))
    assert found.added == ("other …",) and len(found.removed) == 5 and not found.altered
    assert ("clean rows that may be stopped, at most", "0.05", "0.01") in found.settings
    by_name = {pair.name: pair for pair in found.figures}
    assert by_name["Rows that fooled the model and were stopped"].overlap is False
    assert by_name["new"].overlap is None and by_name["new"].before is None
    page = told(Person(home, "vera", "viewer").get(f"{AT}/compare?from=1&to=2"))
    assert "apart" in page and "overlap" in page and "other …" in page


def test_charts_are_drawings_of_the_evidence_and_kept(home: Home) -> None:
    vera = Person(home, "vera", "viewer")
    said = vera.client.get(f"{AT}/versions/1/chart.svg?what=reliability")
    assert (said.status_code, said.headers["content-type"]) == (200, "image/svg+xml")
    assert said.text.startswith('<svg xmlns="http://www.w3.org/2000/svg"') and "prefers-color-scheme: dark" in said.text
    assert "max-age" in said.headers["cache-control"]
    wide, narrow = (int(re.findall(r'width="(\d+)"', vera.client.get(f"{AT}/versions/1/chart.svg?narrow={word}").text)[0]) for word in ("0", "1"))
    assert narrow < 390 < wide
    assert vera.client.get(f"{AT}/versions/1/chart.svg?what=nothing").status_code == 400
    with home.database.change(Actor.itself(), home.clock()) as change:
        versions.add(change, "promotion", firewall="0" * 64)
    assert vera.client.get(f"{AT}/versions/2/chart.svg").status_code == 404
    assert "Nothing was measured of this version" in vera.get(f"{AT}/versions/2")


def test_old_versions_are_on_further_pages(home: Home) -> None:
    with home.database.change(Actor.itself(), home.clock()) as change:
        for i in range(60):
            versions.add(change, "promotion", firewall=f"{i:064x}", note=f"number {i}")
    vera = Person(home, "vera", "viewer")
    assert f'href="{AT}/versions?before=52"' in vera.get(AT)
    page = vera.get(f"{AT}/versions?before=52")
    assert re.findall(r'<th scope="row"><a href="[^"]+">(\d+)</a>', page)[:2] == ["51", "50"]
    assert f'href="{AT}/versions?before=2"' in page
    found = vera.client.get(f"/api{AT}/versions?size=10").json()
    assert (found["versions"][0]["number"], found["next"]) == (61, 52)


def test_a_contract_that_nobody_can_read_is_shown_as_such(home: Home) -> None:
    with home.database.change(Actor.itself(), home.clock()) as change:
        versions.add(change, "promotion", firewall="0" * 64, contract="[[")
    with pytest.raises(ArtifactError):
        amending.contract_of(versions.get(home.database, "promotion", 2))
    dora = Person(home, "dora", "developer")
    assert "this is not TOML" in dora.get(f"{AT}/contract?version=2")
    assert field(dora.client.get(f"{AT}/contract/edit?version=2").text, "as_text") == "true"
    assert issubclass(Unsound, InputError)
