"""MLflow's forms of rows, and CSV: the same verdicts as plain rows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.batch import Form
from camelopard.core.schema import Column, Schema
from camelopard.server.gateway import Gateway
from camelopard.server.scoring.rows import listed
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from tests.server.conftest import NAMES, people, speak

TABLE = people(60, 6).query("age < 30 or age > 70").head(4).reset_index(drop=True)  # far from where answers change: all pass
SPLIT = {"columns": list(NAMES), "data": TABLE[list(NAMES)].to_numpy().tolist()}
RECORDS = TABLE.to_dict("records")


def app_of(firewall: cp.Firewall) -> Gateway:
    return Gateway({"promotion": Served(firewall, Settings())})


@pytest.mark.parametrize(
    "given",
    [
        {"dataframe_split": SPLIT},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS},
        {"instances": SPLIT["data"]},
        {"inputs": {name: TABLE[name].tolist() for name in NAMES}},
        {"inputs": SPLIT["data"]},
    ],
    ids=["split", "records", "instances", "lists", "columns", "inputs"],
)
def test_each_form_of_mlflow_is_answered_like_the_rows_themselves(firewall: cp.Firewall, given: Any) -> None:
    reply, verdicts = speak(app_of(firewall), "POST", "/invocations", json.dumps(given).encode()), firewall.screen(TABLE)
    assert reply.status == 200 and reply.value["predictions"] == verdicts.prediction.tolist()
    assert [row["risk"] for row in reply.value["verdicts"]] == verdicts.risk.tolist()


def test_a_table_by_column_in_plain_json_is_answered_like_its_rows(firewall: cp.Firewall) -> None:
    by_column = json.dumps({name: TABLE[name].tolist() for name in NAMES}).encode()
    reply, verdicts = speak(app_of(firewall), "POST", "/predict", by_column), firewall.screen(TABLE)
    assert reply.status == 200 and [row["prediction"] for row in reply.value["rows"]] == verdicts.prediction.tolist()
    assert len(speak(app_of(firewall), "POST", "/predict", b'{"age": [41], "hours": [38], "gain": [800]}').value["rows"]) == 1
    refused = speak(app_of(firewall), "POST", "/predict", b'{"age": [41, 42], "hours": [38], "gain": [800]}')
    assert refused.status == 400 and "different lengths" in refused.value["error"]


def test_a_table_by_column_counts_its_rows_and_one_with_a_plain_cell_is_a_row(firewall: cp.Firewall) -> None:
    app = Gateway({"promotion": Served(firewall, Settings(most_rows=3))})
    assert speak(app, "POST", "/predict", b'{"age": [41, 42, 43, 44]}').status == 413
    assert "prediction" in speak(app, "POST", "/predict", b'{"age": [41, 42], "hours": 38, "gain": 800}').value


def test_csv_is_read_too_and_its_bad_cells_are_bad_rows(firewall: cp.Firewall) -> None:
    body = TABLE.to_csv(index=False).encode()
    reply = speak(app_of(firewall), "POST", "/invocations", body, {"content-type": "text/csv; charset=utf-8"})
    assert reply.value["predictions"] == firewall.screen(TABLE).prediction.tolist()
    broken = b"age,hours,gain\n41,38,800\nabc,38,800\n1,2\n,,\n"
    found = speak(app_of(firewall), "POST", "/invocations", broken, {"content-type": "text/csv"}).value
    assert found["verdicts"][0]["route"] == "pass" and found["predictions"][2:] == [None, None]
    assert found["verdicts"][1]["reasons"][0]["field"] == "age"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "expected an object with one of"),
        ({}, "expected an object with one of"),
        ({"instances": [], "inputs": []}, "expected an object with one of"),
        ({"instances": 5}, "'instances' holds a number"),
        ({"dataframe_split": [1]}, "'columns', a list of names"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1], [1, 2]]}}, "row 1 of 'data'"),
        ({"inputs": {"age": [1, 2], "hours": [1]}}, "different lengths"),
        ({"inputs": {"age": 3}}, "no list"),
    ],
)
def test_other_forms_are_refused_in_words(firewall: cp.Firewall, given: Any, words: str) -> None:
    reply = speak(app_of(firewall), "POST", "/invocations", json.dumps(given).encode())
    assert reply.status == 400 and words in reply.value["error"]


def test_other_media_types_are_refused(firewall: cp.Firewall) -> None:
    assert speak(app_of(firewall), "POST", "/invocations", b"x", {"content-type": "application/pdf"}).status == 415


def test_texts_are_rows_by_themselves() -> None:
    good = ["a fine and funny film with a warm heart", "a dull and heavy story that goes nowhere at all"] * 60
    texts = [f"{text} number {i}" for i, text in enumerate(good)]
    model = cp.wrap(
        lambda rows: ["good" if "fine" in str(text) else "bad" for text in rows], name="taste", task="classification", classes=["bad", "good"]
    )
    firewall = cp.Firewall(alpha=0.1, budget=2_000).fit(model, texts)
    app = Gateway({"taste": Served(firewall, Settings())})
    reply = speak(app, "POST", "/predict", json.dumps(texts[:3]).encode())
    assert reply.status == 200 and [row["prediction"] for row in reply.value["rows"]] == ["good", "bad", "good"]
    tensor = {"name": "text", "datatype": "BYTES", "shape": [2, 1], "data": texts[:2]}
    found = speak(app, "POST", "/v2/models/taste/infer", json.dumps({"inputs": [tensor]}).encode())
    assert found.value["outputs"][0]["data"] == ["good", "bad"]
    assert speak(app, "POST", "/predict", json.dumps(texts[0]).encode()).value["prediction"] == "good"


def test_a_picture_in_json_has_the_bytes_that_it_would_have_in_a_file() -> None:
    pictures = Schema({"image": Column("image", "image")}, Form("images"))
    whole, bright, fraction = (listed([[[0, value]]], pictures)[0] for value in (255, 256, 0.5))
    assert (whole.dtype, whole.tolist()) == (np.uint8, [[0, 255]])
    assert (bright.dtype.kind, fraction.dtype) == ("i", np.float64)
