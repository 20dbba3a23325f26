"""The inventory as a page: searched, filtered, sorted, one page after the other; and models added by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import camelopard as cp
from camelopard.server.home import Home
from camelopard.store import audit, inventory, listing
from camelopard.store.listing import Live
from camelopard.store.roles import Actor
from tests.server.visiting import Person, at_home, told

ODD = "Größe & 'Preis' 100 % <b>"


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall) -> Iterator[Home]:
    with at_home(tmp_path, firewall) as made:
        yield made


def add(home: Home, *names: str, owner: str = "ann", exposure: int = 3) -> None:
    with home.database.change(Actor.itself(), home.clock()) as change:
        for name in names:
            inventory.add(change, name, owner=owner, purpose="", exposure=exposure, consequence=5)


def listed(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]+"><bdi>([^<]+)</bdi>', page)


def test_a_model_is_found_by_words_state_and_tier(home: Home) -> None:
    add(home, "credit", "fraud", exposure=5)
    viewer = Person(home, "vera", "viewer")
    assert listed(viewer.get("/models")) == ["credit", "fraud", "promotion"]
    assert listed(viewer.get("/models?words=FRAU")) == ["fraud"]
    assert listed(viewer.get("/models?tier=critical&state=draft&words=")) == ["credit", "fraud"]
    assert listed(viewer.get("/models?state=guarding")) == []
    assert "No model is like that" in viewer.get("/models?state=guarding")


def test_every_column_sorts_both_ways_and_says_so(home: Home) -> None:
    add(home, "a", "b")
    listing.note_live(home.database, [("b", Live(traffic=70, not_passed=0.5, accuracy=0.9, questions=3))], home.clock())
    viewer = Person(home, "vera", "viewer")
    page = viewer.get("/models")
    assert page.count('aria-sort="ascending"') == 1
    links = re.findall(r'<th scope="col"[^>]*><a href="([^"]+)"', page)
    assert len(links) == 8
    by_traffic = next(link for link in links if "sort=traffic" in link).replace("&amp;", "&")
    assert listed(viewer.get(by_traffic))[0] == "b"
    again = next(link for link in re.findall(r'href="([^"]+)"', viewer.get(by_traffic)) if link.endswith("sort=traffic"))
    assert listed(viewer.get(again.replace("&amp;", "&")))[-1] == "b"


def test_one_page_leads_to_the_next_and_back_to_the_first(home: Home) -> None:
    add(home, *(f"model {i:03}" for i in range(60)))
    viewer = Person(home, "vera", "viewer")
    first = viewer.get("/models?words=model")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None and len(listed(first)) == 50
    second = viewer.get(following[1].replace("&amp;", "&"))
    assert listed(second) == [f"model {i:03}" for i in range(50, 60)]
    assert 'href="/models?words=model&amp;sort=name">First page' in second


def test_what_was_measured_stands_beside_the_model(home: Home) -> None:
    listing.note_live(home.database, [("promotion", Live(traffic=1200, not_passed=0.11, accuracy=0.68, questions=129))], home.clock())
    page = told(Person(home, "vera", "viewer").get("/models"))
    assert "1,200 11 % 68 % 129" in page.replace("\xa0", " ")


def test_a_name_with_odd_letters_is_shown_as_it_is_and_its_link_works(home: Home) -> None:
    add(home, ODD)
    viewer = Person(home, "vera", "viewer")
    page = viewer.get("/models")
    assert "<b>" not in page
    link = next(link for link in re.findall(r'href="(/models/[^"]+)"', page) if "Preis" in link)
    assert f"<h1><bdi>{ODD.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;').replace(chr(39), '&#39;')}</bdi></h1>" in viewer.get(link)
    assert viewer.client.get(f"/api{link}").json()["model"]["name"] == ODD


def test_a_developer_adds_a_model_by_hand_and_nobody_else_does(home: Home) -> None:
    dora, vera = Person(home, "dora", "developer"), Person(home, "vera", "viewer")
    new = {"name": "by hand", "owner": "dora", "purpose": "Tells.", "exposure": 4, "consequence": 5}
    assert dora.send("/models", **new) == (303, "/models/by%20hand")
    assert inventory.get(home.database, "by hand").tier == "critical"
    assert audit.entries(home.database, on=("model", "by hand"))[0].by == "dora"
    assert "Add a model by hand" not in vera.get("/models")
    status, said = vera.send("/models", **{**new, "name": "other"})
    assert status == 403 and "needs the role developer" in said


def test_what_was_typed_is_still_there_when_it_was_wrong(home: Home) -> None:
    dora = Person(home, "dora", "developer")
    said = dora.client.post("/models", data={"csrf": dora.csrf, "name": "a/b", "owner": "the whole team", "exposure": "2", "consequence": "5"})
    assert said.status_code == 400
    assert "no slash among them" in said.text
    assert 'value="the whole team"' in said.text and '<option value="5" selected>' in said.text
    status, told_twice = dora.send("/models", name="promotion", owner="o", exposure=1, consequence=1)
    assert status == 400 and "There is a model named 'promotion'" in told_twice


def test_an_empty_inventory_says_what_to_do(tmp_path: Path) -> None:
    with Home.open(tmp_path / "empty") as empty:
        assert "camelopard serve" in Person(empty, "vera", "viewer").get("/models")
        assert "Add a model by hand" in Person(empty, "dora", "developer").get("/models")


def test_an_unknown_word_in_the_address_is_told(home: Home) -> None:
    viewer = Person(home, "vera", "viewer")
    for asked, known in (("sort=size", "accuracy"), ("state=lost", "guarding"), ("tier=huge", "critical")):
        said = viewer.client.get(f"/models?{asked}")
        assert said.status_code == 400 and known in said.text


def test_a_page_is_small_with_all_its_style(home: Home) -> None:
    add(home, *(f"a model with a rather long name, number {i}" for i in range(80)))
    viewer = Person(home, "vera", "viewer")
    sizes = [int(viewer.client.get(path).headers["content-length"]) for path in ("/models", "/static/report.css", "/static/pages.css")]
    assert sum(sizes) < 60_000
