"""Tables whose rows are texts or pictures, for learning and for a firewall that knows their columns by other names."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.errors import InputError
from camelopard.core.schema import Schema
from camelopard.modality.files import open_table, read_table_file

TEXTS = ["a good film", "", "NA", "2024-01-01", "5"]
GREY = np.full((4, 6), 9, dtype=np.uint8)
OF_TEXTS, OF_PAIRS, OF_PICTURES = (Schema.infer(Batch.of(rows)) for rows in (["a", "b"], [("a", "b")] * 2, np.zeros((2, 4, 6))))
TABLE = Schema.infer(Batch.of(pd.DataFrame({"age": [1.0, 2.0], "photo": [GREY, GREY]})))


def file() -> bytes:
    held = io.BytesIO()
    pytest.importorskip("PIL.Image").fromarray(GREY).save(held, "PNG")
    return held.getvalue()


def reviews(path: Path) -> Path:
    frame = pd.DataFrame({"id": range(5), "review": TEXTS, "label": [1, 0, 1, 1, 0]})
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_column_of_texts_is_all_there_is_to_a_row_and_is_read_as_it_stands(tmp_path: Path, name: str) -> None:
    batch, labels = read_table_file(reviews(tmp_path / name), "label", texts="review")
    assert labels is not None
    assert (labels.dtype, labels.tolist()) == (np.dtype(np.int64), [1, 0, 1, 1, 0])
    assert (batch.form.kind, batch.names, batch.columns["text"].tolist()) == ("texts", ("text",), [t or None for t in TEXTS])
    pairs, _ = read_table_file(tmp_path / name, texts="review, review")
    assert (pairs.names, pairs.columns["first"].tolist()) == (("first", "second"), pairs.columns["second"].tolist())
    (chunk,) = open_table(tmp_path / name, schema=OF_TEXTS, texts="review")
    assert (chunk.batch.form, chunk.batch.names, chunk.batch.columns["text"].tolist()) == (OF_TEXTS.form, ("text",), [t or None for t in TEXTS])


def test_a_column_of_paths_is_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.png").write_bytes(file())
    (tmp_path / "secret.png").write_bytes(file())
    table = tmp_path / "deep" / "t.csv"
    table.write_text("photo,label,age\na.png,cat,1\n../secret.png,dog,2\n,cat,3\nnone.png,dog,4\n1,2\n")
    (chunk,) = open_table(table, schema=OF_PICTURES, images="photo")
    assert chunk.batch.columns["image"].tolist() == [file(), None, None, None, None]
    assert chunk.batch.form == OF_PICTURES.form
    assert "leads out of the folder" in chunk.problems[1]
    assert "cannot be read (no such file or directory)" in chunk.problems[3]
    assert "2 fields, expected 3" in chunk.problems[4]
    assert 2 not in chunk.problems
    (chunk,) = open_table(table, schema=TABLE, images="photo")  # a table with a column of pictures keeps the others
    assert (chunk.batch.columns["age"][:2].tolist(), chunk.batch.columns["photo"][0], chunk.batch.form) == ([1.0, 2.0], file(), TABLE.form)
    with pytest.raises(InputError, match=r"row 2: .*t.csv: the path '../secret.png' leads out"):
        read_table_file(table, "label", images="photo")
    table.write_text("photo,label,age\na.png,cat,1\na.png,dog,2\n")
    batch, labels = read_table_file(table, "label", images="photo")
    assert labels is not None
    assert (labels.tolist(), batch.columns["image"].tolist(), batch.form.kind) == (["cat", "dog"], [file(), file()], "images")


def test_encoded_files_in_a_column_are_pictures_without_a_path(tmp_path: Path) -> None:
    pd.DataFrame({"photo": [file(), None], "label": ["a", "b"]}).to_parquet(tmp_path / "t.parquet")
    batch, labels = read_table_file(tmp_path / "t.parquet", "label", images="photo")
    assert labels is not None
    assert (batch.columns["image"].tolist(), batch.form.kind, labels.tolist()) == ([file(), None], "images", ["a", "b"])


@pytest.mark.parametrize(
    ("schema", "options", "message"),
    [
        (OF_TEXTS, {"texts": "reveiw"}, "there is no column 'reveiw'. Its columns: id, review, label"),
        (OF_TEXTS, {}, r"the firewall judges texts, and the columns are 'id', 'review', 'label'. Say which holds them, with --texts COLUMN"),
        (OF_PICTURES, {}, r"the firewall judges pictures, .* with --images COLUMN"),
        (OF_PAIRS, {}, r"judges pairs of texts, .* with --texts COLUMN"),
        (OF_PAIRS, {"texts": "review"}, "1 columns of texts named; the firewall judges pairs"),
        (OF_TEXTS, {"texts": "id,review"}, "2 columns of texts named; the firewall judges one"),
        (OF_TEXTS, {"texts": "a,b,c"}, "texts in 3 columns, 'a,b,c': expected one, or two that make pairs"),
        (OF_TEXTS, {"texts": "a", "images": "b"}, "rows are the ones or the others"),
        (OF_TEXTS, {"images": "review"}, r"'review' is no column of pictures to this firewall. It judges texts: leave the option away"),
        (TABLE, {"texts": "review"}, r"no column of texts to this firewall. It judges rows with the columns 'age', 'photo'"),
    ],
)
def test_what_does_not_fit_the_firewall_is_told_before_any_row_is_judged(
    tmp_path: Path, schema: Schema, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        list(open_table(reviews(tmp_path / "t.csv"), schema=schema, **options))


def test_files_without_columns_fit_a_firewall_of_their_kind_only(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("one text\n")
    np.save(tmp_path / "x.npy", np.zeros((2, 4, 6)))
    one_text = Schema.infer(Batch.of(pd.DataFrame({"review": [f"this is the film number {k}" for k in range(30)]})))
    (chunk,) = open_table(tmp_path / "t.txt", schema=one_text)
    assert (chunk.batch.names, chunk.batch.form) == (("review",), one_text.form)
    for path, schema, message in [
        ("t.txt", OF_PICTURES, "this holds texts, and the firewall judges pictures"),
        ("t.txt", OF_PAIRS, "this holds texts, and the firewall judges pairs of texts"),
        ("x.npy", OF_TEXTS, "this holds pictures, and the firewall judges texts"),
        ("x.npy", TABLE, "this holds pictures, and the firewall judges rows with the columns 'age', 'photo'"),
    ]:
        with pytest.raises(InputError, match=message):
            list(open_table(tmp_path / path, schema=schema))


def test_a_table_of_paths_is_not_taken_for_a_table_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("photo,age\na.png,1\nb.png,2\n")
    with pytest.raises(InputError, match=r"the column 'photo' holds texts, such as 'a.png', .* add --images photo"):
        list(open_table(tmp_path / "t.csv", schema=TABLE))


def test_paths_on_standard_input_have_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"photo,age\na.png,1\n")))
    with pytest.raises(InputError, match="standard input: it holds paths of pictures, which are looked for beside the table"):
        read_table_file("-", images="photo")


def test_labels_of_the_same_name_as_the_texts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("review,text\na,1\n")
    with pytest.raises(InputError, match="labels called 'text'"):
        read_table_file(tmp_path / "t.csv", "text", texts="review")
