"""Rules about texts and pictures: what breaks them, what does not, and limits that no rule can have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.errors import ArtifactError
from camelopard.core.records import Assumption
from camelopard.firewall.contract import Contract

GREY = np.full((4, 6), 100, dtype=np.uint8)


def broken(code: str, limits: dict[str, Any], cells: list[Any]) -> list[bool]:
    contract = Contract([Assumption(code, ("x",), "a rule.", limits)])
    found = contract.check(Batch({"x": objects(cells)}, np.arange(len(cells)))).broken[:, 0].tolist()
    alone = [bool(contract.check(Batch({"x": objects([cell])}, np.arange(1))).broken[0, 0]) for cell in cells]
    assert found == alone
    return [bool(b) for b in found]


@pytest.mark.parametrize(
    ("code", "limits", "cells", "expected"),
    [
        ("length", {"low": 2, "high": 4}, ["a", "ab", " abcd ", "abcde", "", None, 5, b"abcdefg"], [1, 0, 0, 1, 1, 0, 0, 0]),
        ("language", {"scripts": ["Latin"]}, ["plain", "na\u00efve", "\u0430", "5 \u20ac", "\u65e5", None, 3], [0, 0, 1, 0, 1, 0, 0]),
        ("language", {"scripts": []}, ["1 + 1", "\u00e9"], [0, 1]),
        ("characters", {"without": ["invisible characters"]}, ["ab", "a\u200bb", "a\0", "\ud800", "<b>", None], [0, 1, 1, 1, 0, 0]),
        ("characters", {"without": ["markup"]}, ["a < b", "<b>bold</b>", "www.where.com", "Tom &amp; Jerry"], [0, 1, 1, 1]),
        ("characters", {"without": ["signs of a broken encoding"]}, ["caf\u00e9", "caf\u00c3\u00a9"], [0, 1]),
        ("whitespace", {"stripped": True}, ["a", " a", "a\n", "", None, 5], [0, 1, 1, 0, 0, 0]),
        ("type", {"kind": "text"}, ["a", "", 5, b"a", ["a"], GREY, None], [0, 0, 1, 1, 1, 1, 0]),
        ("type", {"kind": "image", "dtypes": ["uint8"]}, [GREY, GREY.astype(float), b"file", "a", 3, None], [0, 1, 1, 1, 1, 0]),
        ("type", {"kind": "image", "dtypes": []}, [GREY.astype(float), b"file", "a"], [0, 0, 1]),
        ("size", {"low": [4, 4], "high": [4, 6]}, [GREY, GREY[:, :4], GREY[:3], GREY[:, :3], GREY.T, b"file", None], [0, 0, 1, 1, 1, 0, 0]),
        ("channels", {"channels": [1]}, [GREY, GREY[:, :, None], np.repeat(GREY[:, :, None], 3, 2), "a", None], [0, 0, 1, 0, 0]),
        ("range", {"low": 0, "high": 255, "levels": True}, [GREY, GREY - 300.0, GREY * 3.0, np.full((2, 2), np.nan), "a"], [0, 1, 1, 1, 0]),
        ("brightness", {"low": 50, "high": 150}, [GREY, GREY * 0, GREY * 2.0, np.full((9, 9), 1.7e308), np.zeros((0, 3))], [0, 1, 1, 1, 0]),
    ],
)
def test_a_rule_holds_for_what_it_is_about(code: str, limits: dict[str, Any], cells: list[Any], expected: list[int]) -> None:
    assert broken(code, limits, cells) == [bool(e) for e in expected]


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("length", {"low": 5, "high": 2}), ("length", {"low": "a", "high": 2}), ("length", {"low": 1}), ("length", {}),
        ("length", {"low": True, "high": 2}),        ("length", {"low": float("nan"), "high": 2}), ("language", {"scripts": "Latin"}),
        ("language", {"scripts": [5]}), ("language", {}),
        ("characters", {"without": ["vowels"]}), ("characters", {"without": "markup"}), ("type", {"kind": "sound"}),
        ("type", {"kind": "image"}), ("type", {"kind": "image", "dtypes": "uint8"}), ("size", {"low": [1], "high": [2, 2]}),
        ("size", {"low": [9, 9], "high": [2, 2]}), ("size", {"low": 1, "high": 2}), ("size", {"low": ["a", "b"], "high": [2, 2]}),
        ("channels", {"channels": 3}), ("channels", {"channels": ["3"]}), ("channels", {"channels": [True]}),
        ("range", {"low": 9, "high": 1, "levels": True}), ("brightness", {"low": None, "high": 1}), ("brightness", {"low": 0, "high": "1"}),
    ],
)  # fmt: skip
def test_limits_that_no_rule_can_have_are_refused_when_a_contract_is_read(code: str, limits: dict[str, Any]) -> None:
    text = Contract([Assumption(code, ("x",), "a rule.", limits)]).to_toml()
    with pytest.raises(ArtifactError, match=r"cannot be checked|not"):
        Contract.from_toml(text)


def test_every_rule_survives_being_written_and_read() -> None:
    rules = [
        Assumption("length", ("x",), "x has between 1 and 9 characters.", {"low": 1, "high": 9}),
        Assumption("language", ("x",), "x is written in Latin letters.", {"scripts": ["Latin"]}),
        Assumption("characters", ("x",), "x holds no markup.", {"without": ["markup"]}),
        Assumption("type", ("p",), "p holds pictures.", {"kind": "image", "dtypes": ["uint8"]}),
        Assumption("size", ("p",), "p is 4 × 6 pixels.", {"low": [4, 6], "high": [4, 6]}),
        Assumption("channels", ("p",), "p has 1 or 3 channels.", {"channels": [1, 3]}),
        Assumption("range", ("p",), "the numbers of p lie between 0 and 1.", {"low": 0.0, "high": 1.0, "levels": True}),
        Assumption("brightness", ("p",), "the mean brightness of p lies between 0.2 and 0.8.", {"low": 0.2, "high": 0.8}),
    ]
    text = Contract(rules).to_toml()
    again = Contract.from_toml(text)
    assert [(a.code, a.fields, dict(a.limits)) for a in again] == [(a.code, a.fields, dict(a.limits)) for a in rules]
    assert again.to_toml() == text


def test_a_broken_rule_is_told_with_what_was_found() -> None:
    contract = Contract([Assumption("size", ("p",), "p is 4 × 6 pixels.", {"low": [4, 6], "high": [4, 6]})])
    (reason,) = contract.check(Batch({"p": objects([GREY[:2]])}, np.arange(1)))[0]
    assert reason.message == "p is a picture of 2 × 6; expected: p is 4 × 6 pixels"
