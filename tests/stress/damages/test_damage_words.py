"""What the damages to categories, booleans and text do, with values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damages import named

CLEAN = Batch.of(
    [
        {"status": s, "city": c, "code": i % 2 == 0}
        for i in range(20)
        for s, c in zip(["Never-married", "Divorced", "?"], ["Zürich", "Oslo", "Rio"], strict=True)
    ]
    + [{"status": "Widowed", "city": "Rio", "code": True}]
)
SCHEMA = Schema.infer(CLEAN)


def damaged(kind: str, column: str, severity: int, *values: object) -> list[object]:
    cells: Array = np.array(values) if all(type(v) is bool for v in values) else objects(values)
    n = len(values)
    batch = Batch({**{name: CLEAN.columns[name][:n] for name in SCHEMA.names}, column: cells}, np.arange(n))
    return list(named(kind).apply(batch, column, severity, np.random.default_rng(0), SCHEMA).columns[column].tolist())


def test_an_unseen_category_is_unseen_and_a_rare_one_is_known() -> None:
    for severity in range(1, 6):
        assert not {str(v) for v in damaged("unseen-category", "status", severity, "Divorced", "Never-married")} & set(SCHEMA["status"].values)
        assert set(damaged("rare-category", "status", severity, "Divorced", "Divorced")) <= set(SCHEMA["status"].values)
    assert damaged("rare-category", "status", 5, "Divorced") == ["Widowed"]
    assert damaged("unseen-category", "status", 1, None) == [None]


def test_another_legal_category_is_legal_and_another() -> None:
    cells = damaged("legal-category", "status", 5, *["Divorced"] * 50)
    assert "Divorced" not in cells
    assert set(cells) <= set(SCHEMA["status"].values)
    assert damaged("legal-category", "code", 5, True, False) == [False, True]


def test_a_sentinel_that_is_a_known_value_gives_way_to_the_next() -> None:
    assert [damaged("sentinel-category", "status", s, "Divorced")[0] for s in range(1, 6)] == ["unknown", "N/A", "-", "NULL", "none"]
    assert damaged("sentinel-category", "city", 3, "Rio", None) == ["?", None]


def test_an_empty_string_is_no_missing_value() -> None:
    assert damaged("empty-string", "city", 5, "Rio", None) == ["", None]


def test_case_and_white_space_leave_the_word_readable() -> None:
    for severity in range(1, 6):
        cased, spaced = damaged("case", "city", severity, "Oslo")[0], damaged("white-space", "city", severity, "Oslo")[0]
        assert cased != "Oslo"
        assert str(cased).casefold() == "oslo"
        assert spaced != "Oslo"
        assert str(spaced).strip() == "Oslo"


def test_mojibake_is_utf8_read_as_latin1() -> None:
    assert damaged("mojibake", "city", 1, "Zürich") == ["ZÃ¼rich"]
    assert damaged("mojibake", "city", 1, "Oslo") != ["Oslo"]


def test_a_typo_changes_every_word_and_more_at_higher_severity() -> None:
    for severity in (1, 5):
        assert "Oslo" not in damaged("typo", "city", severity, *["Oslo"] * 50)
    lengths = [sum(len(set("Never-married") ^ set(str(v))) for v in damaged("typo", "status", s, *["Never-married"] * 100)) for s in (1, 5)]
    assert lengths[1] > lengths[0]


def test_separators_change_and_a_single_word_is_cut() -> None:
    assert [damaged("separator", "status", s, "Never-married")[0] for s in (1, 2, 5)] == ["Never married", "Never_married", "Nevermarried"]
    assert damaged("separator", "status", 2, "Divorced", None) == ["Divo_rced", None]
    assert damaged("separator", "status", 3, "Never-married") == ["Never_married"]


def test_text_is_cut_to_a_width_and_never_to_nothing() -> None:
    assert [damaged("truncated-text", "status", s, "Never-married")[0] for s in range(1, 6)] == ["Never-marr", "Never-m", "Never", "Nev", "N"]
    assert damaged("truncated-text", "status", 1, "ab", "a") == ["a", "a"]


def test_booleans_are_spelt_out_or_become_digits() -> None:
    assert damaged("boolean-as-yes-no", "code", 1, True, False) == ["yes", "no"]
    assert [damaged("boolean-as-digit", "code", s, True, None) for s in (1, 2, 4)] == [[1, None], ["1", None], ["-1", None]]
    assert type(damaged("boolean-as-digit", "code", 1, True)[0]) is int


def test_a_category_becomes_its_place_in_the_alphabet() -> None:
    assert damaged("category-code", "status", 1, "?", "Divorced", "Never-married", "Widowed", "new", None) == [0, 1, 2, 3, 4, None]


def test_where_new_values_are_usual_a_new_or_a_rare_one_is_no_damage() -> None:
    names = Schema.infer(Batch.of(pd.DataFrame({"who": [f"name {i}" for i in range(40)], "status": ["single", "married"] * 20})))
    for kind in ("unseen-category", "rare-category"):
        assert named(kind).targets(names) == ["status"]
    assert "who" in named("sentinel-category").targets(names)
