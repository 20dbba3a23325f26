"""The page of one verdict: what came, what is wrong, the repair, rows like it, and the same decision again."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("deltalake", reason="the log of verdicts needs deltalake: pip install 'camelopard[serve]'")

import camelopard as cp
from camelopard.report.content import Content
from camelopard.report.wording import Cell
from camelopard.server.home import Home
from camelopard.server.management import judging
from camelopard.server.management.beside import by_name
from camelopard.server.pages.verdict_cells import lines, shown
from camelopard.store.log import VerdictLog
from camelopard.store.log_cells import HIDDEN, Nameless
from camelopard.store.log_privacy import Privacy
from camelopard.store.log_reading import row
from tests.server.test_traffic_pages import GOOD, HOSTILE, WRONG, judged, logging
from tests.server.visiting import Person, at_home, field, told


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall) -> Iterator[Home]:
    with at_home(tmp_path, firewall) as made:
        yield from logging(made, "promotion")


def test_the_page_tells_the_row_what_is_wrong_and_the_repair_beside_it(home: Home) -> None:
    (id,) = judged(home, [WRONG])
    ann = Person(home, "ann", "labeller")
    page, logged = ann.get(f"/traffic/{id}"), row(str(home.verdicts), id)
    words = told(page)
    assert "age is 1985; expected: age lies between" in words and "a whole number between" in words
    assert "<mark><bdi>1985</bdi></mark>" in page
    assert logged.repair is not None and f"<ins><bdi>{logged.repair['changes']['age']}</bdi></ins>" in page
    assert "The model says" in words and f"judged by version 1 · {id}" in words
    assert "Clean rows like it" in words and 'href="/models/promotion/versions/1"' in page
    assert page.count("<h1>") == 1


def test_the_same_by_the_api_with_the_cells_as_they_came(home: Home) -> None:
    (id,) = judged(home, [{"age": float("nan"), "hours": 2**70, "when": dt.date(2026, 3, 1)}])
    found = Person(home, "ann", "labeller").client.get(f"/api/traffic/{id}").json()["verdict"]
    assert found["cells"] == {"age": {"~": "float", "v": "nan"}, "hours": {"~": "int", "v": hex(2**70)}, "when": {"~": "date", "v": "2026-03-01"}}
    assert (found["id"], found["version"], found["model"]) == (id, 1, "promotion")


def test_the_api_tells_what_is_usual_and_clean_rows_like_it_as_the_page_does(home: Home) -> None:
    (id,) = judged(home, [WRONG])
    ann = Person(home, "ann", "labeller")
    found, page = ann.client.get(f"/api/traffic/{id}").json()["verdict"], told(ann.get(f"/traffic/{id}"))
    assert set(found["usual"]) == {"age", "hours", "gain"} and all(words in page for words in found["usual"].values())
    assert len(found["similar"]) == 5
    for one in found["similar"]:
        assert "".join([one["answer"], *one["cells"].values()]) in page.split("Clean rows like it")[1]


def test_the_api_tells_neither_where_the_firewall_is_not_kept(home: Home) -> None:
    (id,) = judged(home, [WRONG])
    served, home.served = home.served, {}
    for path in home.firewalls.iterdir():
        path.unlink()
    found = Person(home, "ann", "labeller").client.get(f"/api/traffic/{id}").json()["verdict"]
    home.served = served
    assert (found["usual"], found["similar"]) == (None, [])


def test_a_decision_comes_out_the_same_again(home: Home) -> None:
    ids = judged(home, [GOOD, WRONG, HOSTILE])
    ann = Person(home, "ann", "labeller")
    for id in ids:
        page = ann.client.post(f"/traffic/{id}/replay?route=pass", data={"csrf": field(ann.get(f"/traffic/{id}"), "csrf")}).text
        assert "the verdict is the same to the last digit" in page
        said = ann.client.post(f"/api/traffic/{id}/replay", headers={"x-csrf-token": ann.csrf}).json()
        assert said["same"] is True and said["then"] == said["now"]
    assert ann.client.post(f"/traffic/{ids[0]}/replay", data={"csrf": "0"}).status_code == 403
    assert ann.client.post(f"/api/traffic/{ids[0]}/replay").status_code == 403


def test_what_differs_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (id,) = judged(home, [WRONG])
    logged = row(str(home.verdicts), id)
    monkeypatch.setattr("camelopard.server.pages.verdict.row", lambda place, id: replace(logged, risk=0.5, prediction="maybe"))
    ann = Person(home, "ann", "labeller")
    page = ann.client.post(f"/traffic/{id}/replay", data={"csrf": ann.csrf}).text
    differs = re.findall(r'<th scope="row">(\w+)</th><td><bdi>([^<]*)</bdi></td><td><bdi>([^<]*)', page)
    assert "the verdict differs" in page and differs == [("answer", "maybe", logged.prediction), ("risk", "0.5", repr(logged.risk))]


def test_a_firewall_of_the_past_is_loaded_from_the_home_and_judges_again(home: Home) -> None:
    (id,) = judged(home, [WRONG])
    served = home.served["promotion"]
    served.take(served.force.firewall.with_policy(cp.Policy(block=0.99)))
    found = row(str(home.verdicts), id)
    assert found.firewall != served.force.content
    assert judging.replayed(home, found).same
    assert judging.version_number(home, found) == 1 and judging.version_number(home, replace(found, firewall="0" * 64)) is None


def test_where_model_or_firewall_are_not_here_the_page_says_how_to_replay_elsewhere(home: Home) -> None:
    (id,) = judged(home, [WRONG])
    ann = Person(home, "ann", "labeller")
    served, home.served = home.served, {}
    page = ann.get(f"/traffic/{id}")
    assert "the model is not served by this process" in page and "a whole number between" in page
    assert f"/traffic/{id}/replay" not in page
    home.kept(row(str(home.verdicts), id).firewall).unlink()  # type: ignore[union-attr]
    judging._loaded.clear()
    page = ann.get(f"/traffic/{id}")
    assert "the firewall of that time is not kept" in page and "1985" in page
    said = ann.client.post(f"/api/traffic/{id}/replay", headers={"x-csrf-token": ann.csrf})
    assert (said.status_code, "its firewall is not kept here" in said.json()["error"]) == (400, True)
    home.served = served


@pytest.mark.parametrize(
    ("privacy", "said"),
    [
        ({"hidden": ("age",)}, "Not all cells of this row were kept"),
        ({"hashed": ("age",), "key": bytes(32)}, "kept as the hash"),
        ({"inputs": "hashed", "key": bytes(32)}, "only a keyed hash was kept"),
        ({"inputs": "none"}, "Nothing of this row was kept"),
    ],
)
def test_what_is_not_kept_is_said_and_not_shown(home: Home, privacy: dict[str, Any], said: str) -> None:
    assert home.verdicts is not None
    with VerdictLog(home.verdicts, flush_seconds=0.05, **privacy) as log:
        home.served["promotion"].judge.log = log
        (id,) = judged(home, [WRONG])
        ann = Person(home, "ann", "labeller")
        page, api = told(ann.get(f"/traffic/{id}")), ann.client.get(f"/api/traffic/{id}").json()["verdict"]
    assert api["similar"] == [] and (api["usual"] is None) == ("whole number between" not in page)
    assert said in page and "1985" not in page and "It cannot be replayed" in page
    assert Privacy().partial is False


def test_newer_and_older_lead_through_what_was_asked_for(home: Home) -> None:
    a, b, c = judged(home, [WRONG, GOOD, WRONG])
    ann = Person(home, "ann", "labeller")
    route = row(str(home.verdicts), a).route
    page = ann.get(f"/traffic/{a}?route={route}")
    assert re.findall(r'rel="(prev|next)" href="/traffic/([^"?]+)\?route=', page) == [("next", c), ("next", c)]
    page = ann.get(f"/traffic/{b}")
    assert re.findall(r'rel="(prev|next)" href="/traffic/([^"]+)"', page)[:2] == [("prev", a), ("next", c)]


def test_a_verdict_of_a_program_that_names_its_requests_itself_has_a_page(home: Home, firewall: cp.Firewall) -> None:
    request, served = "night/2026 & <b>", home.served["promotion"]
    assert served.log is not None
    served.log.append("promotion", served.force.version, request, firewall.screen([WRONG]), [WRONG], ["refuse"], home.clock())
    assert served.log.flush()
    ann = Person(home, "ann", "labeller")
    address = re.search(r'<th scope="row"><a href="([^"]+)"', ann.get("/traffic"))
    assert address is not None and "1985" in told(ann.get(address[1]))
    assert "the same to the last digit" in ann.client.post(f"{address[1]}/replay", data={"csrf": ann.csrf}).text
    api = address[1].replace("/traffic/", "/api/traffic/")
    assert ann.client.get(api).json()["verdict"]["request"] == request
    assert ann.client.get(api.replace("/api/traffic/", "/api/held/")).json()["state"] == "refused"


def test_a_row_without_names_has_the_names_of_the_columns(firewall: cp.Firewall) -> None:
    assert by_name(Nameless((36.0, 40.0, 1.0)), firewall.schema) == {"age": 36.0, "hours": 40.0, "gain": 1.0}
    assert by_name(Nameless((36.0,)), firewall.schema) == {"column 1": 36.0}


def test_of_many_columns_those_with_something_wrong_come_first() -> None:
    cells = {f"c{k:02}": k for k in range(60)}
    found = lines(cells, {"c50": ["c50 is 50"]}, {"c40": 7}, None)
    assert [line.name for line in found[:3]] == ["c40", "c50", "c00"] and len(found) == 60
    assert found[0].repaired is not None and found[1].wrong == ("c50 is 50",) and found[0].usual == ""


def test_long_texts_and_many_pictures_leave_the_page_small() -> None:
    words = "word " * 3_000
    found = lines({f"t{k}": words for k in range(5)}, {}, {}, None)
    assert [len(line.whole) for line in found] == [15_000, 5_001, 0, 0, 0]
    found = lines({f"p{k}": np.zeros((4, 4), dtype=np.uint8) for k in range(12)}, {}, {}, None)
    assert sum(isinstance(line.came, Content) for line in found) == 8 and found[11].came == Cell("", "4 × 4 pixels, uint8, 0 to 0; not drawn here")
    (line,) = lines({"t": "A fine flim about a town."}, {}, {"t": "A fine film about a town."}, None)
    assert isinstance(line.came, Content) and [part.text for part in line.came.parts if part.kind == "del"] == ["flim"]


def test_cells_of_any_kind_are_shown_without_being_trusted() -> None:
    assert shown(HIDDEN) == Cell("", "not kept")
    assert "14 bytes" in shown(b"not a picture!").remark
    assert shown("a\u202eb") == Cell("a[U+202E]b")
    drawn = shown(np.zeros((3000, 10), dtype=np.uint8))
    assert isinstance(drawn, Content) and drawn.picture is not None and len(drawn.picture.source) < 60_000
    assert shown(np.zeros((1, 2, 3, 4))).remark.startswith("an array of shape")
    listed = shown(["x" * 10_000])
    assert isinstance(listed, Cell) and len(listed.text) < 100
