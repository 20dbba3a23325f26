"""Trying a model: by form, by pasting, by a file; what is typed is never lost, and nothing is kept that nobody asked to keep."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("deltalake", reason="the log of verdicts needs deltalake: pip install 'camelopard[serve]'")

import camelopard as cp
from camelopard.core.batch import Batch
from camelopard.core.errors import InputError
from camelopard.core.schema import Column, Schema
from camelopard.server.exchange import Refused
from camelopard.server.home import Home
from camelopard.server.management import trying
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from camelopard.store import inventory
from camelopard.store.log_reading import read
from camelopard.store.roles import Actor
from tests.server.test_traffic_pages import GOOD, HOSTILE, WRONG, logging, program
from tests.server.visiting import Person, at_home, told

HERE = "/models/promotion/try"


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall) -> Iterator[Home]:
    with at_home(tmp_path, firewall) as made:
        yield from logging(made, "promotion")


@pytest.fixture
def dev(home: Home) -> Person:
    return Person(home, "dev", "developer")


def post(person: Person, files: Any = None, **fields: str) -> Any:
    return person.client.post(HERE, data={"csrf": person.csrf, **fields}, files=files)


def test_the_form_is_filled_with_a_row_that_passes(dev: Person) -> None:
    page = dev.get(HERE)
    typical = dict(re.findall(r'<input id="(c\d)" name="c\d" value="([^"]+)"', page))
    assert set(typical) == {"c0", "c1", "c2"} and "a whole number between" in page
    said = told(post(dev, way="form", **typical).text)
    assert "This row passed" in said and "A client gets the model’s answer" in said


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(dev: Person) -> None:
    said = post(dev, way="form", c0="1985", c1='fo"rty', c2="").text
    assert re.search(r'id="c0"[^>]* value="1985"[^>]*aria-describedby="c0-hint c0-wrong"', said)
    assert 'value="fo&#34;rty"' in said
    wrong = dict(re.findall(r'<p class="field-wrong" id="(c\d)-wrong">([^<]+)', said))
    assert wrong["c0"].startswith("age is 1985") and "hours is" in wrong["c1"]
    assert "<ins><bdi>" in said


def test_rows_are_pasted_as_json_or_csv_of_any_dialect(dev: Person) -> None:
    for text, rows in (
        (json.dumps(GOOD), 1),
        (json.dumps([GOOD, WRONG]), 2),
        (json.dumps({"rows": [GOOD, WRONG, HOSTILE]}), 3),
        ("age,hours,gain\n40,38,900\n1985,2,1\n", 2),
        ("age;hours;gain\r\n40;38;900\r\n1985;2;1\r\n\r\n", 2),
        ("age\thours\tgain\n40\t38\t900\n", 1),
    ):
        said = post(dev, way="paste", rows=text)
        assert said.status_code == 200, text
        assert (f"{rows} rows judged" in said.text) == (rows > 1)
        assert told(text.replace("\r", ""))[:20] in told(said.text)


def test_what_cannot_be_read_is_said_and_stays_in_its_field(dev: Person) -> None:
    for text, word in (
        ('{"age": 3', "begins like JSON but cannot be read"),
        ("[1, 2", "cannot be read"),
        ("hello", "neither JSON"),
        ("   ", "nothing to judge"),
        ("[]", "no row to judge"),
        ("x" * (trying.MOST_TYPED + 1), "Send a file"),
    ):
        said = post(dev, way="paste", rows=text)
        assert said.status_code == 400 and word in told(said.text)
        if text.strip() and len(text) < 100:
            assert text in told(said.text).replace("&#34;", '"')
    assert len(said.content) < 300_000


def test_a_file_is_judged_row_by_row_and_all_verdicts_can_be_downloaded(dev: Person) -> None:
    lines = ["age,hours,gain"] + ["40,38,900"] * 298 + ["1985,2,1", "=cmd|' /C calc'!A0,38,900"]
    file = {"file": ("rows.csv", "\n".join(lines).encode())}
    said = post(dev, file, way="file")
    assert "300 rows judged" in said.text and "These are the first 200" in said.text
    assert len(re.findall(r'<td data-name="Route">', said.text)) == 200
    said = post(dev, file, way="file", then="csv")
    assert said.headers["content-type"].startswith("text/csv") and "attachment" in said.headers["content-disposition"]
    found = list(csv.DictReader(io.StringIO(said.content.decode("utf-8-sig"))))
    assert len(found) == 300 and found[299]["route"] != "pass" and found[0]["row"] == "1"
    assert not any(cell.startswith(("=", "+", "@", "\t")) for one in found for cell in one.values())


def test_a_cell_that_a_spreadsheet_would_compute_is_made_harmless(firewall: cp.Firewall) -> None:
    served = Served(firewall, Settings())
    found = trying.tried(served, served.force, [GOOD], {}, dt.datetime.now(dt.UTC), keep=False)
    for label, there in (("=1+1", "'=1+1"), ("+1", "'+1"), ("@a", "'@a"), ("-2+3", "'-2+3"), (" =1", "' =1"), ("fine", "fine")):
        object.__setattr__(found.said.verdicts, "prediction", np.array([label], dtype=object))
        assert next(csv.DictReader(io.StringIO(trying.as_csv(found).decode("utf-8-sig"))))["prediction"] == there


def test_files_that_are_too_large_or_of_another_kind_are_refused(dev: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "MOST_ROWS", 50)
    monkeypatch.setattr(trying, "MOST_BYTES", 5_000)
    many = "age,hours,gain\n" + "40,38,900\n" * 51
    for name, content, word in (
        ("rows.csv", many.encode(), "More than 50 rows"),
        ("rows.json", json.dumps([GOOD] * 51).encode(), "at most 50"),
        ("rows.csv", b"x" * 5_001, "larger than"),
        ("rows.parquet", b"PAR1", "is not read here"),
        ("rows.exe", b"MZ", "is not read here"),
        ("rows.csv", b"", "is empty"),
        ("rows.csv", b"age,hours\n\xff\xfe\x00", "is not UTF-8"),
        ("rows.csv", b"age,hours,gain\n", "There is no row in it"),
        ("rows.json", b"{", "cannot be read as JSON"),
        ("rows.png", b"\x89PNG", "not for pictures"),
    ):
        said = post(dev, {"file": (name, content)}, way="file")
        words = told(said.text)
        assert said.status_code == 400 and word in words, (name, words)
        assert "/tmp/" not in words
    broken = told(post(dev, {"file": ("rows.csv", b'age,hours,gain\n40,38,900\n"1,2,3\n')}, way="file").text)
    assert "2 rows judged" in broken and "a quote that does not close" in broken and "/tmp/" not in broken
    assert "No file was chosen" in told(post(dev, way="file").text)


def test_a_picture_is_looked_at_by_its_head_before_it_is_unpacked() -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 8_000, 8_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    assert trying.picture(bomb) == bomb
    large = bomb.replace(struct.pack(">II", 8_000, 8_000), struct.pack(">II", 7_999, 8_001))
    assert trying.picture(large) == large  # 64 million pixels are what is looked at anywhere
    with pytest.raises(InputError, match="too large"):
        trying.picture(b"x" * (trying.MOST_BYTES + 1))


def test_nothing_is_kept_unless_it_is_asked_for(home: Home, dev: Person) -> None:
    post(dev, way="paste", rows=json.dumps(WRONG))
    log = home.served["promotion"].log
    assert log is not None and log.flush() and read(str(home.verdicts)) == []
    said = post(dev, way="paste", rows=json.dumps([WRONG, GOOD]), log="yes").text
    assert log.flush()
    kept = read(str(home.verdicts))
    assert [one.id for one in kept] == re.findall(r'href="/traffic/([^"]+)">\d', said) and kept[0].cells == WRONG


def test_whoever_may_not_ask_models_sees_no_form(home: Home) -> None:
    labeller = Person(home, "lea", "labeller")
    assert labeller.client.get(HERE).status_code == 403
    assert labeller.client.post(HERE, data={"csrf": labeller.csrf, "way": "paste", "rows": "{}"}).status_code == 403
    assert labeller.client.post("/api/models/promotion/try", json=GOOD, headers={"x-csrf-token": labeller.csrf}).status_code == 403


def test_a_model_that_is_not_served_here_says_how_to(home: Home, dev: Person) -> None:
    with home.database.change(Actor.itself(), home.clock()) as change:
        inventory.add(change, "elsewhere", owner="ann", purpose="", exposure=3, consequence=3)
    page = dev.get("/models/elsewhere/try")
    assert "camelopard serve FIREWALL --model MODEL" in page and '<form method="post" action="/models' not in page
    said = dev.client.post("/api/models/elsewhere/try", json=GOOD, headers={"x-csrf-token": dev.csrf})
    assert said.status_code == 404 and "is not served by this process" in said.json()["error"]
    assert dev.client.get("/models/nobody/try").status_code == 404


def test_the_api_judges_and_keeps_only_what_is_asked_for(home: Home) -> None:
    robot = program(home, "ask models")
    said = robot.post("/api/models/promotion/try", json=[GOOD, WRONG, HOSTILE]).json()
    assert said["rows"][0]["route"] == "pass" and said["logged"] is False and said["rows"][0]["id"] is None
    assert said["rows"][1]["reasons"][0]["field"] == "age" and said["rows"][1]["prediction"] is not None
    kept = robot.post("/api/models/promotion/try?log=true", json=GOOD).json()["rows"][0]["id"]
    log = home.served["promotion"].log
    assert log is not None and log.flush()
    assert [one.id for one in read(str(home.verdicts))] == [kept]
    for content, status in ((b"{", 400), (b"3", 400), (b"", 400), (b"[" * 9_000_000, 413)):
        assert robot.post("/api/models/promotion/try", content=content).status_code == status


def test_others_wait_a_moment_and_are_then_told_to_come_back(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(firewall, Settings())
    monkeypatch.setattr(trying, "PATIENCE", 0.01)
    for _ in range(trying.AT_ONCE):
        trying.TURNS.acquire()
    try:
        with pytest.raises(Refused, match="come back"):
            trying.tried(served, served.force, [GOOD], {}, dt.datetime.now(dt.UTC), keep=False)
    finally:
        for _ in range(trying.AT_ONCE):
            trying.TURNS.release()
    with pytest.raises(InputError, match="no log"):
        trying.tried(served, served.force, [GOOD], {}, dt.datetime.now(dt.UTC), keep=True)


def test_each_kind_of_column_has_its_field_and_its_words_become_cells() -> None:
    rows = [
        {"n": float(k), "x": k / 7, "c": "ab"[k % 2], "b": k % 3 > 0, "d": f"{1 + k % 28:02}.03.2026", "i": k % 4, "": "empty"} for k in range(40)
    ]
    schema = Schema.infer(Batch.of(rows))
    found = {entry.name: entry for entry in trying.entries(schema)}
    assert [found[name].kind for name in ("n", "c", "b", "d")] == ["number", "category", "boolean", "date"]
    assert found["n"].typical == "20" and found["b"].typical == "=True" and found["d"].typical.endswith(".03.2026")
    typed = {entry.key: entry.typical for entry in trying.entries(schema)}
    row = trying.row(schema, lambda key: typed.get(key, ""), lambda key: None)
    assert row["n"] == 20 and row["b"] is True and row["c"] in ("a", "b") and row["d"] == found["d"].typical and row[""] == "empty"
    assert trying.row(schema, lambda key: "", lambda key: None) == dict.fromkeys(schema.names)
    other = trying.row(schema, lambda key: "zebra" if key == "o2" else "=a" if key == "c2" else "7 apples", lambda key: None)
    assert other["c"] == "zebra" and other["n"] == "7 apples"
    with pytest.raises(InputError, match="at most 20,000"):
        trying.row(schema, lambda key: "x" * 20_001, lambda key: None)
    numbers = Column("k", "category", values={1: 3, 2: 2})
    date, text = Column("d", "date"), Column("t", "text")
    assert [typed_into(numbers, typed, other) for typed, other in (("=2", ""), ("", "9"), ("=gone", ""))] == [2, 9, "gone"]
    assert (typed_into(date, "2026-03-01"), typed_into(date, "soon"), typed_into(text, " a ")) == (dt.datetime(2026, 3, 1), "soon", " a ")


def typed_into(column: Column, typed: str, other: str = "") -> Any:
    """Return the cell that a form makes of what was typed for its only column, in the list or beside it."""
    return trying.row(Schema({column.name: column}), lambda key: typed if key == "c0" else other, lambda key: None)[column.name]


def test_the_form_is_filled_with_a_row_that_could_have_come() -> None:
    rng = np.random.default_rng(0)
    old = rng.integers(0, 2, 600)  # 30 and a pupil, or 70 and retired: in the middle there is nobody
    rows = pd.DataFrame({"age": 30.0 + 40 * old + rng.integers(-5, 6, 600), "work": np.where(old, "retired", "pupil")})
    firewall = cp.Firewall(budget=4_000, alpha=0.2).fit(cp.wrap(lambda X: (X["age"] > 50).to_numpy(), task="classification"), rows)
    found = trying.typical(firewall)
    assert (found["work"] == "retired") == (found["age"] > 50)
    filled = {entry.name: entry.typical for entry in trying.entries(firewall.schema, found)}
    assert filled == {"age": f"{round(found['age'])}", "work": f"={found['work']}"}
