"""Rules about texts and pictures: what breaks them, what does not, and limits that no rule can have."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch
from camelopard.core.errors import ArtifactError, CamelopardError, UnknownName
from camelopard.core.records import Assumption
from camelopard.demo.data import reviews
from camelopard.firewall.contract import Contract
from camelopard.firewall.contract_languages import other_language
from camelopard.firewall.media_checks import format_of

GREY = np.full((4, 6), 100, dtype=np.uint8)


def file(pixels: Array, form: str = "PNG") -> bytes:
    held = io.BytesIO()
    pytest.importorskip("PIL.Image").fromarray(pixels).save(held, form)
    return held.getvalue()


PNG, JPEG = file(GREY), file(np.repeat(GREY[:, :, None], 3, 2), "JPEG")


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
        ("characters", {"without": ["#", "markup"]}, ["a", "a#", "<b>", "", None], [0, 1, 1, 0, 0]),
        ("characters", {"characters": ["@", "."]}, ["a@b.c", "a@b", ".", "", 5, None], [0, 1, 1, 1, 0, 0]),
        (
            "encoding",
            {"encoding": "utf-8"},
            ["caf\u00e9", "caf\u00c3\u00a9", b"caf\xc3\xa9", b"caf\xe9", "\ud800", "a\ufffd", None, 5],
            [0, 1, 0, 1, 1, 1, 0, 0],
        ),
        ("encoding", {"encoding": "ascii"}, ["cafe", "caf\u00e9", b"caf\xe9"], [0, 1, 1]),
        ("encoding", {"encoding": "cp1252"}, ["5 \u20ac", "\u0436", b"\x80 5", b"\x81"], [0, 1, 0, 1]),
        ("whitespace", {"stripped": True}, ["a", " a", "a\n", "", None, 5], [0, 1, 1, 0, 0, 0]),
        ("type", {"kind": "text"}, ["a", "", 5, b"a", ["a"], GREY, None], [0, 0, 1, 1, 1, 1, 0]),
        ("type", {"kind": "image", "dtypes": ["uint8"]}, [GREY, GREY.astype(float), b"file", "a", 3, None], [0, 1, 1, 1, 1, 0]),
        ("type", {"kind": "image", "dtypes": []}, [GREY.astype(float), b"file", "a"], [0, 0, 1]),
        ("size", {"low": [4, 4], "high": [4, 6]}, [GREY, GREY[:, :4], GREY[:3], GREY[:, :3], GREY.T, b"file", None], [0, 0, 1, 1, 1, 0, 0]),
        ("size", {"low": [4, 6], "high": [4, 6]}, [PNG, file(GREY[:2]), PNG[:40], b""], [0, 1, 0, 0]),
        ("file-format", {"formats": ["png", "jpeg"]}, [PNG, JPEG, file(GREY, "GIF"), b"no file", b"", GREY, None, "a.gif"], [0, 0, 1, 1, 1, 0, 0, 0]),
        ("channels", {"channels": [1]}, [PNG, JPEG], [0, 1]),
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
        ("characters", {}), ("characters", {"characters": "@"}), ("encoding", {"encoding": "utf-9"}), ("encoding", {"encoding": 8}), ("encoding", {}),
        ("language", {"languages": ["Elvish"]}), ("language", {"languages": []}), ("language", {"languages": "English"}),
        ("file-format", {"formats": ["exe"]}), ("file-format", {"formats": []}), ("file-format", {"formats": "png"}),
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
        Assumption("encoding", ("x",), "x is text in utf-8.", {"encoding": "utf-8"}),
        Assumption("file-format", ("p",), "the files of p are PNG.", {"formats": ["png"]}),
    ]
    text = Contract(rules).to_toml()
    again = Contract.from_toml(text)
    assert [(a.code, a.fields, dict(a.limits)) for a in again] == [(a.code, a.fields, dict(a.limits)) for a in rules]
    assert again.to_toml() == text


def test_a_broken_rule_is_told_with_what_was_found() -> None:
    contract = Contract([Assumption("size", ("p",), "p is 4 × 6 pixels.", {"low": [4, 6], "high": [4, 6]})])
    (reason,) = contract.check(Batch({"p": objects([GREY[:2]])}, np.arange(1)))[0]
    assert reason.message == "p is a picture of 2 × 6; expected: p is 4 × 6 pixels"


def test_every_format_is_told_by_the_first_bytes_of_a_real_file() -> None:
    for form, name in (("PNG", "png"), ("JPEG", "jpeg"), ("GIF", "gif"), ("WEBP", "webp"), ("BMP", "bmp"), ("TIFF", "tiff"), ("PPM", "ppm")):
        assert format_of(file(GREY, form)) == name
    assert [format_of(other) for other in (b"", b"RIFF\x00\x00\x00\x00WAVE", b"P9\n", b"<svg>")] == [None] * 4


def test_a_rule_on_formats_looks_at_the_file_that_a_picture_was_unpacked_from() -> None:
    contract = Contract([Assumption("type", ("p",), "p holds pictures.", {"kind": "image", "dtypes": []})])
    came, opened = (Batch({"p": objects(cells)}, np.arange(2)) for cells in ([PNG, JPEG], [GREY, GREY]))
    assert contract.of_files(came) is contract
    contract.set("p", formats="png")
    assert not contract.check(opened).broken.any()
    found = contract.of_files(came).check(opened)
    assert found.broken[:, 1].tolist() == [False, True]
    assert [reason.message for reason in found[1]] == ["p has the format jpeg; expected: the files of p are PNG"]
    rules = contract.of_files(came).rules()
    assert rules is not None and rules.check(opened).broken[:, 0].tolist() == [False, True]
    contract.mute("file-format")
    assert contract.of_files(came) is contract


def columns() -> Contract:
    """A contract of a column of each kind, as clean data gives it."""
    return Contract(
        [
            Assumption("type", ("text",), "text holds text.", {"kind": "text"}),
            Assumption("length", ("text",), "text has between 5 and 9 characters.", {"low": 5, "high": 9}, cost=0.5),
            Assumption("characters", ("text",), "text holds no markup.", {"without": ["markup"]}),
            Assumption("type", ("photo",), "photo holds pictures of uint8.", {"kind": "image", "dtypes": ["uint8"]}),
            Assumption("type", ("age",), "age holds numbers.", {"kind": "number", "integral": False}),
            Assumption("values", ("city",), "city is one of ROME.", {"values": ["ROME"]}),
        ]
    )


@pytest.mark.parametrize(
    ("name", "setting", "sound", "cell", "message"),
    [
        ("text", {"length": (2, 4)}, "abc", "abcde", "text has 5 characters; expected: text has between 2 and 4 characters"),
        ("text", {"alphabets": "latin"}, "caf\u00e9", "p\u0430y", "text has Cyrillic letters: 'p\u0430y'; expected: "
         "text is written in Latin letters"),
        ("text", {"alphabets": ["Greek", "Latin"]}, "\u03c0 r", "\u0436", "text has Cyrillic letters: '\u0436'; expected: "
         "text is written in Greek and Latin letters"),
        ("text", {"alphabets": "Japanese"}, "\u304b\u6f22", "a\u0436", "text has Cyrillic and Latin letters: 'a\u0436'; expected: "
         "text is written in Japanese letters"),
        ("text", {"characters": ["@", "."]}, "a@b.c", "a.b", "text has no '@'; expected: text always contains '@' and '.'"),
        ("text", {"without": ["#", "markup"]}, "a", "a <b>", "text has markup: '<b>'; expected: text holds no '#', no markup"),
        ("text", {"without": "#"}, "a", "a#", "text has '#'; expected: text holds no '#'"),
        ("text", {"languages": "english"}, "A film noir by de la Rosa.", "Der Film ist nicht gut und war sehr lang.",
         "text has words in German: 'der', 'ist', 'nicht'; expected: text is in English"),
        ("text", {"languages": ["English", "German"]}, "Das ist es nicht.", "\u0424\u0438\u043b\u044c\u043c",
         "text has words in Cyrillic: '\u0424\u0438\u043b\u044c\u043c'; expected: text is in English or German"),
        ("text", {"encoding": "UTF8"}, "caf\u00e9", "caf\u00c3\u00a9",
         "text has signs of a broken encoding: '\u00c3\u00a9' at character 4; expected: "
         "text is written in utf-8, without signs of another encoding"),
        ("text", {"encoding": "latin1"}, "caf\u00e9", "\u20ac 5", "text has '\u20ac' at character 1, which latin-1 cannot write; expected: "
         "text is written in latin-1, without signs of another encoding"),
        ("text", {"encoding": "utf-8"}, b"ab", b"ab\xff", "text has bytes that are not utf-8, the first of them 0xff at byte 3; expected: "
         "text is written in utf-8, without signs of another encoding"),
        ("photo", {"size": (4, 6)}, GREY, GREY[:2], "photo is a picture of 2 × 6; expected: photo is 4 × 6 pixels (height × width)"),
        ("photo", {"size": ((2, 2), (4, 6))}, PNG, file(GREY[:1]), "photo has 1 × 6 pixels; expected: "
         "photo is between 2 × 2 and 4 × 6 pixels (height × width)"),
        ("photo", {"channels": 1}, GREY, np.repeat(GREY[:, :, None], 3, 2), "photo has 3 channels; expected: photo has 1 channel"),
        ("photo", {"channels": [3, 4]}, JPEG, PNG, "photo has 1 channel; expected: photo has 3 or 4 channels"),
        ("photo", {"range": (0, 200)}, GREY, GREY * 2.5, "photo has numbers from 250 to 250; expected: the numbers of photo lie between 0 and 200"),
        ("photo", {"brightness": (50, 150)}, PNG, file(GREY * 2), "photo has mean brightness 200; expected: "
         "the mean brightness of photo lies between 50 and 150"),
        ("photo", {"formats": [".JPG", "jpeg"]}, JPEG, PNG, "photo has the format png; expected: the files of photo are JPEG"),
        ("photo", {"formats": "png"}, PNG, b"MZ", "photo has the format of no known picture; expected: the files of photo are PNG"),
        ("city", {"encoding": "utf-8"}, "ROME", "M\u00c3\u00bc", "city has signs of a broken encoding: '\u00c3\u00bc' at character 2; expected: "
         "city is written in utf-8, without signs of another encoding"),
    ],
)  # fmt: skip
def test_what_is_set_of_texts_and_pictures_holds_is_told_and_survives_the_file(
    name: str, setting: dict[str, Any], sound: Any, cell: Any, message: str
) -> None:
    contract = columns()
    contract.set(name, **setting)
    again = Contract.from_toml(contract.to_toml())
    rows = Batch({"text": objects(["sound", "sound"]), name: objects([sound, cell])}, np.arange(2))
    for one in (contract, again):
        rules = one.rules()
        assert rules is not None
        assert rules.check(rows).broken.any(axis=1).tolist() == [False, True]
        assert [(reason.field, reason.message) for reason in rules.check(rows)[1]] == [(name, message)]


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("text", {"length": 5}, r"length=5: expected two whole numbers of characters, \(low, high\)"),
        ("text", {"length": (9, 2)}, "low ≤ high"), ("text", {"length": (0.5, 2)}, "whole numbers"), ("text", {"length": (-1, 2)}, "whole numbers"),
        ("text", {"length": (True, 2)}, "whole numbers"), ("text", {"alphabets": "Latn"}, "no alphabet named 'Latn'. Did you mean 'Latin'?"),
        ("text", {"alphabets": []}, "names of alphabets"), ("text", {"alphabets": 5}, "names of alphabets"),
        ("text", {"languages": "Englsh"}, "no language named 'Englsh'. Did you mean 'English'?"), ("text", {"languages": []}, "names of languages"),
        ("text", {"characters": "ab"}, "single characters"), ("text", {"characters": ""}, "single characters"),
        ("text", {"without": "makrup"}, "Did you mean 'markup'?"), ("text", {"without": [5]}, "single characters, or some of 'invisible characters'"),
        ("text", {"encoding": "utf-9"}, "no encoding named 'utf-9'. Did you mean 'utf-8'?"), ("text", {"encoding": 8}, "no encoding named '8'"),
        ("text", {"encoding": "utf-16"}, "no encoding named 'utf-16'"), ("text", {"encoding": "a\0"}, "no encoding named"),
        ("text", {"range": (1, 2)}, "Give length="), ("text", {"size": (8, 8)}, "text holds text, and size is a rule for pictures"),
        ("photo", {"size": 8}, r"size=8: expected \(height, width\)"), ("photo", {"size": ((9, 9), (8, 8))}, "smallest and the largest"),
        ("photo", {"size": (0, 8)}, "height, width"), ("photo", {"size": (8, "8")}, "height, width"),
        ("photo", {"size": ((8, 8), 9)}, "height, width"),
        ("photo", {"channels": 0}, "from 1 to 4"), ("photo", {"channels": [3, 5]}, "from 1 to 4"), ("photo", {"channels": "3"}, "from 1 to 4"),
        ("photo", {"channels": []}, "from 1 to 4"), ("photo", {"channels": True}, "from 1 to 4"), ("photo", {"range": ("a", "b")}, "two numbers"),
        ("photo", {"formats": "pgn"}, "no format of pictures named 'pgn'. Did you mean 'png'?"), ("photo", {"formats": []}, "names of formats"),
        ("photo", {"brightness": 5}, "the mean of all numbers of a picture"), ("photo", {"brightness": (2, 1)}, "low ≤ high"),
        ("photo", {"brightness": (float("nan"), 1)}, "low ≤ high"),
        ("photo", {"length": (1, 2)}, "photo holds pictures, and length is a rule for texts"),
        ("age", {"length": (1, 2)}, "age holds numbers, and length is a rule for texts"), ("age", {"values": 5}, "a list of values"),
        ("age", {"null": "no"}, "True where cells may be missing"), ("age", {}, "give one of range, values, null, length, languages, alphabets"),
    ],
)  # fmt: skip
def test_what_cannot_be_set_is_refused_in_words_and_changes_nothing(name: str, setting: dict[str, Any], message: str) -> None:
    contract = columns()
    with pytest.raises(CamelopardError, match=message):
        contract.set(name, **setting)
    assert list(contract) == list(columns())


def test_of_several_things_set_at_once_none_is_in_force_where_one_is_wrong() -> None:
    contract = columns()
    with pytest.raises(CamelopardError, match="low ≤ high"):
        contract.set("text", null=False, encoding="utf-8", length=(9, 2))
    assert list(contract) == list(columns())


def test_a_rule_that_is_set_takes_the_place_of_the_one_that_was_learned_but_leaves_what_says_something_else() -> None:
    contract = columns()
    contract.set("text", length=(1, 280), characters="@")
    lengths = [a for a in contract if a.code == "length"]
    assert [(a.limits, a.cost, a.evidence) for a in lengths] == [({"low": 1, "high": 280}, 0.5, {"set": "by hand"})]
    assert [dict(a.limits) for a in contract if a.code == "characters"] == [{"without": ["markup"]}, {"characters": ["@"]}]
    contract.set("text", without=["#"])
    assert [dict(a.limits) for a in contract if a.code == "characters"] == [{"without": ["#"]}, {"characters": ["@"]}]
    edited = columns().edited(Contract.from_toml(contract.to_toml()))
    assert [a.code for a in edited if a.evidence.get("set")] == ["length", "characters", "characters"]
    assert not any(a.evidence.get("set") for a in columns().edited(columns()))


def test_numbers_of_numpy_are_limits_like_others() -> None:
    contract = columns()
    numbers: dict[str, Any] = {"size": (np.int64(4), np.int64(6)), "channels": np.int64(1), "brightness": (np.float32(0), np.float64(9))}
    contract.set("photo", **numbers)
    assert Contract.from_toml(contract.to_toml()).to_toml() == contract.to_toml()


def test_an_unknown_column_is_told_whatever_is_set_of_it() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'photo'"):
        columns().set("phto", size=(8, 8))


SAID = {
    "German": "Der Film war lang und seine Musik alt, aber meine Freundin sagt, dass die Leute ihn wieder sehen werden.",
    "French": "Le film est trop long, mais la musique est belle et les acteurs sont bons.",
    "Spanish": "La pel\u00edcula es muy larga, pero los actores son buenos y la m\u00fasica me gusta.",
    "Italian": "Il film \u00e8 troppo lungo, ma la musica \u00e8 bella e gli attori sono bravi.",
    "Dutch": "De film is te lang, maar de muziek is mooi en de acteurs zijn goed.",
    "Portuguese": "O filme \u00e9 muito longo, mas a m\u00fasica \u00e9 bonita e os atores s\u00e3o bons.",
    "Polish": "Film jest za d\u0142ugi, ale muzyka jest pi\u0119kna i aktorzy s\u0105 dobrzy, nie wiem dlaczego.",
}


@pytest.mark.parametrize("language", SAID)
def test_a_sentence_in_another_language_is_told_and_one_in_its_own_is_not(language: str) -> None:
    found = other_language(SAID[language], ["English"])
    assert found is not None and found[0] == language
    assert other_language(SAID[language], ["English", language]) is None


def test_sentences_in_the_language_itself_and_short_ones_are_never_told_to_be_in_another() -> None:
    texts = reviews().held
    assert [text for text in texts if other_language(text, ["English"])] == []
    assert [other_language(text, ["German"]) for text in ("", "Un beau film.", "5", "\ud800", "de la de la de la")] == [None] * 5
    assert np.mean([other_language(text, ["German"]) is not None for text in texts]) > 0.8


def test_a_long_text_is_looked_at_in_bounded_time() -> None:
    assert other_language("der die das und " * 10**6, ["English"]) is not None
