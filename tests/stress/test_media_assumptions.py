"""What clean texts and pictures are assumed to be is read off them, in words, and clean cells keep to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Column
from camelopard.firewall.contract import Contract
from camelopard.stress.media_assumptions import MOST_READ, channels_of, of_media

SEEN = {"rows": 40}


def found(kind: Any, cells: list[Any]) -> dict[str, Any]:
    return {a.code: a for a in of_media(Column("x", kind), objects(cells), SEEN)}


def statements(kind: Any, cells: list[Any]) -> dict[str, str]:
    return {code: a.statement for code, a in found(kind, cells).items()}


def test_texts_are_described_by_length_letters_signs_and_space() -> None:
    assert statements("text", ["A film.", "A longer film.", None, ""]) == {
        "type": "x holds text.",
        "length": "x has between 7 and 14 characters.",
        "language": "x is written in Latin letters.",
        "characters": "x holds no invisible characters, no signs of a broken encoding, no markup.",
        "whitespace": "x has no space before or behind.",
    }


def test_what_clean_texts_hold_themselves_is_not_forbidden() -> None:
    codes = statements("text", [" <b>bold</b> ", "caf\u00c3\u00a9", "a\u200bb", "\u043a\u0438\u043d\u043e"])
    assert not {"characters", "whitespace"} & set(codes)
    assert codes["language"] == "x is written in Cyrillic and Latin letters."


def test_texts_without_letters_have_no_language_and_no_texts_only_a_type() -> None:
    assert "language" not in found("text", ["1 + 1", "2 / 3"])
    assert list(found("text", [None, "", 5, " "])) == ["type"]
    assert list(found("text", [])) == ["type"]


def test_pictures_are_described_by_type_size_channels_levels_and_light() -> None:
    pictures = [np.full((4, 6), v, dtype=np.uint8) for v in (50, 100, 150)]
    assert statements("image", pictures) == {
        "type": "x holds pictures of uint8.",
        "size": "x is 4 × 6 pixels (height × width).",
        "channels": "x has 1 channel.",
        "range": "the numbers of x lie between 50 and 150.",
        "brightness": "the mean brightness of x lies between 45 and 155.",
    }


def test_pictures_of_several_forms_are_described_by_all_of_them() -> None:
    told = statements("image", [np.zeros((4, 6)), np.ones((8, 2, 3), dtype=np.uint8), b"file", None, "a"])
    assert told["type"] == "x holds pictures of float64 or uint8."
    assert told["size"] == "x is between 4 × 2 and 8 × 6 pixels (height × width)."
    assert told["channels"] == "x has 1 or 3 channels."
    assert list(found("image", [None, b"file", np.zeros((0, 4))])) == ["type"]


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("text", ["A film.", " two ", "caf\u00e9", "<b>", "\u0430"]),
        ("image", [np.zeros((4, 6)), np.ones((8, 2, 3)), np.full((5, 5), 7, dtype=np.uint8)]),
        ("image", [np.full((3, 3), 7.0)]),
    ],
)
def test_the_cells_that_were_read_break_none_of_it(kind: Any, cells: list[Any]) -> None:
    contract = Contract(list(found(kind, cells).values()))
    assert not contract.check(Batch({"x": objects(cells)}, np.arange(len(cells)))).broken.any()


def test_numbers_that_are_none_do_not_become_limits() -> None:
    pictures = [np.array([[0.0, 1.0]]), np.array([[np.nan, 0.5]]), np.array([[np.inf, 0.5]]), np.array([[-np.inf, 0.5]])]
    told = found("image", pictures)
    assert told["range"].limits["low"] == 0.0
    assert told["range"].limits["high"] == 1.0
    assert np.isfinite([told["brightness"].limits["low"], told["brightness"].limits["high"]]).all()


def test_of_many_cells_some_spread_over_all_are_read() -> None:
    texts = ["ab"] * (3 * MOST_READ)
    texts[-3] = "a longer one"
    assert found("text", texts)["length"].limits == {"low": 2, "high": 12}


def test_the_last_dimension_is_that_of_the_channels() -> None:
    assert (channels_of(np.zeros((4, 6))), channels_of(np.zeros((4, 6, 1))), channels_of(np.zeros((4, 6, 3)))) == (1, 1, 3)
