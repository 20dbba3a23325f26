"""Texts, pairs and pictures become batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from camelopard.core.batch import Batch
from camelopard.core.cells import Opaque
from camelopard.core.errors import InputError
from camelopard.core.schema import Schema

REVIEWS = [f"A film about the number {i} and what comes of it" for i in range(40)]


@pytest.mark.parametrize(
    "texts",
    [REVIEWS, tuple(REVIEWS), np.array(REVIEWS), np.array(REVIEWS, dtype=object), pd.Series(REVIEWS), pl.Series(REVIEWS), pa.array(REVIEWS)],
    ids=["list", "tuple", "array", "objects", "pandas", "polars", "arrow"],
)
def test_texts_come_in_many_forms_and_are_one_column(texts: object) -> None:
    batch = Batch.of(texts)
    assert batch.form.kind == "texts"
    assert batch.columns["text"].tolist() == REVIEWS


def test_a_row_of_a_pandas_table_is_a_row_and_no_list_of_texts() -> None:
    row = pd.DataFrame({"city": ["Rome"], "name": ["Ada"]}).iloc[0]
    assert Batch.of(row).row(0) == {"city": "Rome", "name": "Ada"}


def test_pairs_are_two_columns_and_a_row_that_is_no_pair_has_no_second() -> None:
    batch = Batch.of([("one?", "yes"), ("two?", None), "three?"])
    assert batch.columns["first"].tolist() == ["one?", "two?", "three?"]
    assert batch.columns["second"].tolist() == ["yes", None, None]


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 8, 8, 3)])
def test_an_array_of_three_or_four_dimensions_holds_pictures(shape: tuple[int, ...]) -> None:
    batch = Batch.of(np.zeros(shape, dtype=np.uint8))
    assert batch.form.kind == "images"
    assert [cell.shape for cell in batch.columns["image"]] == [shape[1:]] * 5


def test_pictures_of_several_sizes_bytes_and_gaps_keep_their_places() -> None:
    small, large = np.zeros((4, 4)), np.ones((9, 5, 3), dtype=bool)
    cells = Batch.of([small, large, b"\x89PNG", None, "no picture"]).columns["image"]
    assert cells[0] is small
    assert cells[1].dtype == np.uint8
    assert cells[2:].tolist() == [b"\x89PNG", None, "no picture"]


@pytest.mark.parametrize("odd", [[], np.zeros((2, 2, 2, 2, 2)), "a path.csv", 3])
def test_what_is_neither_a_table_nor_texts_nor_pictures_is_refused_in_words(odd: object) -> None:
    if isinstance(odd, list):
        assert not len(Batch.of(odd))
        return
    with pytest.raises(InputError, match=r"texts|pictures"):
        Batch.of(odd)


def test_a_column_of_sentences_in_a_table_is_text_and_one_of_names_is_a_category() -> None:
    table = pd.DataFrame({"review": REVIEWS, "name": [f"person {i}" for i in range(40)], "stars": range(40)})
    schema = Schema.infer(Batch.of(table))
    assert [schema[name].kind for name in table.columns] == ["text", "category", "number"]
    assert schema.tabular


def test_repeated_sentences_are_categories() -> None:
    answers = pd.DataFrame({"answer": ["I agree with all of this", "I do not agree with any of this"] * 20})
    assert Schema.infer(Batch.of(answers))["answer"].kind == "category"


def test_a_list_of_texts_is_text_however_short_they_are() -> None:
    schema = Schema.infer(Batch.of(["yes", "no", "yes"]))
    assert schema["text"].kind == "text"
    assert not schema["text"].constant
    assert not schema.tabular


def test_bytes_in_a_table_are_pictures_only_where_they_begin_like_a_file_of_one() -> None:
    table = pd.DataFrame({"flag": [b"yes", b"no"] * 20, "photo": [b"\x89PNG\r\n" + bytes([i]) for i in range(40)]})
    schema = Schema.infer(Batch.of(table))
    assert [schema[name].kind for name in ("flag", "photo")] == ["category", "image"]


@pytest.mark.parametrize("form", ["pandas", "polars", "rows"])
def test_a_column_of_pictures_in_a_table_is_read_as_such_wherever_they_come_from(form: str) -> None:
    photos = [None, *(np.full((4, 6), k, dtype=np.uint8) for k in range(30))]
    frame = pd.DataFrame({"photo": photos, "age": np.arange(31.0)})
    table: object = frame
    if form == "polars":
        table = pl.DataFrame({"photo": pl.Series(photos, dtype=pl.Object), "age": np.arange(31.0)})
    elif form == "rows":
        table = frame.to_dict("records")
    batch = Batch.of(table)
    assert batch.columns["photo"][0] is None
    assert batch.columns["photo"][9] is photos[9]
    schema = Schema.infer(batch)
    assert [schema[name].kind for name in batch.names] == ["image", "number"]
    assert schema.conform(batch).columns["photo"][9] is photos[9]


def test_a_picture_in_a_column_of_anything_else_is_known_by_its_type_only() -> None:
    schema = Schema.infer(Batch.of(pd.DataFrame({"age": np.arange(40.0), "city": ["Rome", "Oslo"] * 20})))
    for first in ([np.zeros((2, 2)), 5], [5, np.zeros((2, 2))]):
        batch = schema.conform(Batch.of(pd.DataFrame({"age": first, "city": first[::-1]})))
        for name in ("age", "city"):
            assert {type(cell) for cell in batch.columns[name].tolist()} == {Opaque, int}


def test_arrays_that_are_no_pictures_are_no_column_of_pictures() -> None:
    batch = Batch.of(pd.DataFrame({"embedding": [np.zeros(8) for _ in range(30)]}))
    assert isinstance(batch.columns["embedding"][0], Opaque)
    assert Schema.infer(batch)["embedding"].kind == "category"
