from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch, Form, plain
from camelopard.core.schema import Column
from camelopard.modality.texts import EMPTY, read, typed

KINDS = [Column("x", "number"), Column("x", "boolean"), Column("x", "date"), Column("x", "category", values={"a": 2}), None]
CELLS = st.one_of(st.text(max_size=6), st.sampled_from([*EMPTY, "1", "-2.5e3", "1_0", " 1", "1\0", "inf", "true", "2024-02-29", "now", "١٢"]))


@given(st.lists(CELLS, min_size=1, max_size=6), st.sampled_from(KINDS))
def test_a_cell_is_read_the_same_whatever_stands_beside_it(texts: list[str], column: Column | None) -> None:
    together = [plain(v) for v in read(texts, column)]
    alone = [plain(read([t], column)[0]) for t in texts]
    assert together == alone


def test_a_known_category_is_not_missing_though_it_looks_so() -> None:
    known = Column("x", "category", values={"?": 3, "None": 2, 7: 1})
    assert read(["?", "None", "NA", "7", "new"], known).tolist() == ["?", "None", None, 7, "new"]


@pytest.mark.parametrize("text", ["now", "today", "2020", "2020-1-2", "2020-03-04 12", "2020-13-01", "2020-03-04T05:06:07Z", "9999999-01-01", "soon"])
def test_only_plain_iso_dates_are_dates(text: str) -> None:
    assert read([text], Column("d", "date")).tolist() == [text]


def test_iso_dates_and_moments_are_read() -> None:
    texts = ["2020-03-04", "2020-03-04 05:06", "2020-03-04T05:06:07.123456789", ""]
    want = [dt.datetime(2020, 3, 4), dt.datetime(2020, 3, 4, 5, 6), dt.datetime(2020, 3, 4, 5, 6, 7, 123456), None]
    found = read(texts, Column("d", "date"))
    assert found.dtype == np.dtype("datetime64[us]")
    assert found.tolist() == want


def test_a_column_of_texts_is_what_all_of_it_is() -> None:
    texts = {
        "whole": ["1", "-2", "3"],
        "gap": ["1", "", "3"],
        "point": ["1.0", "2", "3"],
        "large": ["1", "2", "9" * 20],
        "truth": ["true", "False", "TRUE"],
        "maybe": ["true", "NA", "false"],
        "text": ["1", "2", "three"],
        "none": ["", "NA", "?"],
    }
    found = typed(Batch({name: objects(cells) for name, cells in texts.items()}, np.arange(3), Form("rows")))
    dtypes = ("int64", "float64", "float64", "float64", "bool", "object", "str", "str")
    assert found.form == Form("pandas", dict(zip(texts, dtypes, strict=True)))
    assert found.columns["maybe"].tolist() == [True, None, False]
    assert found.columns["text"].tolist() == ["1", "2", "three"]
    assert found.columns["none"].tolist() == [None, None, None]
