"""The Open Inference Protocol: tensors in JSON and in binary, the same verdicts, and errors that say what is wrong."""

from __future__ import annotations

import json
import struct
from typing import Any

import msgspec
import numpy as np
import pytest

import camelopard as cp
from camelopard.server.gateway import Gateway
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from tests.server.conftest import NAMES, Reply, people, speak

ROWS = people(6, 4)[list(NAMES)].to_numpy()


def infer(firewall: cp.Firewall, request: Any, body: bytes | None = None, headers: dict[str, str] | None = None, **settings: Any) -> Reply:
    app = Gateway({"promotion": Served(firewall, Settings(**settings))})
    return speak(app, "POST", "/v2/models/promotion/infer", json.dumps(request).encode() if body is None else body, headers)


def by_column(rows: Any) -> dict[str, Any]:
    return {"inputs": [{"name": n, "datatype": "FP64", "shape": [len(rows)], "data": rows[:, j].tolist()} for j, n in enumerate(NAMES)]}


def test_one_tensor_and_one_for_each_column_are_the_same_rows(firewall: cp.Firewall) -> None:
    first = infer(firewall, by_column(ROWS))
    whole = infer(firewall, {"id": "7", "inputs": [{"name": "x", "datatype": "FP64", "shape": [6, 3], "data": ROWS.tolist()}]})
    flat = infer(firewall, {"inputs": [{"name": "x", "datatype": "FP64", "shape": [6, 3], "data": ROWS.ravel().tolist()}]})
    assert first.status == whole.status == flat.status == 200 and whole.value["id"] == "7"
    assert first.value["outputs"] == whole.value["outputs"] == flat.value["outputs"]
    answer, shares = first.value["outputs"]
    verdicts = firewall.screen(people(6, 4))
    assert (answer["name"], answer["datatype"], answer["data"]) == ("predict", "BYTES", verdicts.prediction.tolist())
    assert verdicts.proba is not None and shares["shape"] == [6, 2] and shares["data"] == verdicts.proba.ravel().tolist()
    assert msgspec.json.decode(first.value["parameters"]["risk"]) == verdicts.risk.tolist()


def test_of_one_row_the_parameters_are_plain_numbers_and_texts(firewall: cp.Firewall) -> None:
    reply = infer(firewall, by_column(ROWS[:1]))
    assert reply.value["parameters"]["route"] == "pass" and type(reply.value["parameters"]["risk"]) is float
    assert all(type(value) in (str, float, int, bool) for value in reply.value["parameters"].values())
    stopped = infer(firewall, by_column(np.array([[1985.0, 2.0, 800.0]])))
    assert stopped.status == 202 and stopped.value["error"].startswith("the row is held for a person to look at: age is 1985")
    assert json.loads(stopped.value["parameters"]["reasons"])[0]["field"] == "age"


def test_the_binary_extension_says_the_same(firewall: cp.Firewall) -> None:
    parts = [ROWS[:, j].astype("<f4" if j else "<f8").tobytes() for j in range(3)]
    tensors = [
        {"name": n, "datatype": "FP32" if j else "FP64", "shape": [6, 1], "parameters": {"binary_data_size": len(parts[j])}}
        for j, n in enumerate(NAMES)
    ]
    header = json.dumps({"inputs": tensors, "outputs": [{"name": "predict", "parameters": {"binary_data": True}}]}).encode()
    reply = infer(firewall, None, header + b"".join(parts), {"inference-header-content-length": str(len(header))})
    assert reply.status == 200 and reply.headers["content-type"] == "application/octet-stream"
    cut = int(reply.headers["inference-header-content-length"])
    told = msgspec.json.decode(reply.body[:cut])["outputs"]
    assert [output["name"] for output in told] == ["predict"] and told[0]["parameters"]["binary_data_size"] == len(reply.body) - cut
    found, at = [], cut
    while at < len(reply.body):
        (length,) = struct.unpack_from("<I", reply.body, at)
        found.append(reply.body[at + 4 : at + 4 + length].decode())
        at += 4 + length
    rows = people(6, 4).astype({"hours": np.float32, "gain": np.float32})
    assert found == firewall.screen(rows).prediction.tolist()


def test_withheld_answers_are_empty_and_all_of_them_an_error(firewall: cp.Firewall) -> None:
    rows = np.vstack([ROWS[:2], [[np.nan, np.nan, np.nan]]])
    request = by_column(np.where(np.isnan(rows), 0.0, rows))
    for tensor in request["inputs"]:
        tensor["data"][2] = None
    reply = infer(firewall, request)
    assert reply.status == 200 and reply.headers["camelopard-withheld"] == "1"
    assert reply.value["outputs"][0]["data"][2] == "" and reply.value["outputs"][1]["data"][4:] == [None, None]
    assert json.loads(reply.value["parameters"]["route"])[2] == "block"


def test_numbers_have_no_empty_answer_so_a_batch_with_withheld_ones_is_refused() -> None:
    held = people(700, 1)
    model = cp.wrap(lambda rows: (rows["age"].to_numpy(dtype=float) > 50).astype(int), name="old", task="classification", classes=[0, 1])
    firewall = cp.Firewall(alpha=0.05, budget=4_000).fit(model, held, (held["age"] > 50).astype(int).to_numpy())
    request = by_column(ROWS[:2])
    assert infer(firewall, request).value["outputs"][0]["datatype"] == "INT64"
    for tensor in request["inputs"]:
        tensor["data"][1] = None
    reply = infer(firewall, request)
    assert reply.status == 422 and "1 of 2 rows" in reply.value["error"] and "outputs" not in reply.value


def tensor(**changes: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 3], "data": [41, 38, 800], **changes}]}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "missing required field `inputs`"),
        ({"inputs": []}, "no inputs"),
        (tensor(datatype="FP128"), "datatype 'FP128' is not known"),
        (tensor(shape=[]), "shape"),
        (tensor(shape=[-1, 3]), "shape"),
        (tensor(shape=[2, 3]), "3 values for shape [2, 3]"),
        (tensor(shape=[1 << 40, 1 << 40]), "shape [1099511627776"),
        (tensor(shape=[1, 1 << 30]), "3 values for shape"),
        (tensor(shape=[1, 0], data=[]), "shape [1, 0]"),
        (tensor(shape=[2**60] * 50_000, data=[]), "is none"),
        (tensor(data=None), "has no data"),
        (tensor(data=[[1, 2], 3]), "nested unevenly"),
        (tensor(data=["a", 2, 3]), "data is no FP64"),
        (tensor(datatype="INT64", data=[1.5, 2, 3]), "data is no INT64"),
        (tensor(datatype="UINT8", data=[-1, 2, 3]), "data is no UINT8"),
        (tensor(parameters={"binary_data_size": 24}), "binary_data_size 24 is not within"),
        (tensor(name="age"), "'age' has more than one value a row"),
        ({**tensor(), "outputs": [{"name": "logits"}]}, "there is no output 'logits'"),
        ({"inputs": [*by_column(ROWS[:1])["inputs"], *by_column(ROWS[:1])["inputs"]]}, "two inputs have the same name"),
        ({"inputs": [*by_column(ROWS[:1])["inputs"][:2], *by_column(ROWS[:2])["inputs"][2:]]}, "different numbers of rows"),
    ],
)
def test_what_is_no_such_request_is_told_in_words(firewall: cp.Firewall, request_: Any, words: str) -> None:
    reply = infer(firewall, request_)
    assert reply.status == 400 and words in reply.value["error"], reply.value


@pytest.mark.parametrize("length", ["-1", "99999", "ten", "²"])
def test_a_header_length_outside_the_body_is_refused(firewall: cp.Firewall, length: str) -> None:
    assert infer(firewall, tensor(), headers={"inference-header-content-length": length.encode("utf-8").decode("latin-1")}).status == 400


def test_binary_texts_are_bounded_by_their_part(firewall: cp.Firewall) -> None:
    for part in (b"\x05\x00\x00\x00abc", b"\xff\xff\xff\xff", b"\x01\x00\x00\x00aX", b""):
        header = json.dumps(tensor(name="age", datatype="BYTES", shape=[1], data=None, parameters={"binary_data_size": len(part)})).encode()
        reply = infer(firewall, None, header + part, {"inference-header-content-length": str(len(header))})
        assert reply.status == 400 and "do not hold 1 texts" in reply.value["error"]


def test_metadata_and_health_are_those_of_the_protocol(firewall: cp.Firewall) -> None:
    app = Gateway({"promotion": Served(firewall, Settings())})
    assert speak(app, "GET", "/v2/health/live").value == {"live": True} and speak(app, "GET", "/v2/health/ready").value == {"ready": True}
    assert speak(app, "GET", "/v2/models/promotion/ready").status == 200 and speak(app, "GET", "/v2/models/other/ready").status == 404
    assert "binary_tensor_data" in speak(app, "GET", "/v2").value["extensions"]
    found = speak(app, "GET", "/v2/models/promotion/versions/1").value
    assert [(i["name"], i["datatype"], i["shape"]) for i in found["inputs"]] == [(name, "FP64", [-1]) for name in NAMES]
    assert found["outputs"] == [
        {"name": "predict", "datatype": "BYTES", "shape": [-1]},
        {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]},
    ]
    assert speak(app, "POST", "/v2/models/promotion/versions/1/infer", json.dumps(tensor()).encode()).status == 200
