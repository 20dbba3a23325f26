from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.batch import Batch
from camelopard.core.errors import InputError
from camelopard.core.schema import Schema
from camelopard.modality.files import open_table, read_table_file

FRAME = pd.DataFrame({"age": [36, 51, 20], "pay": [1.5, np.nan, 3.0], "sex": ["F", None, "M"], "new": [True, False, True]})


def write(path: Path, frame: pd.DataFrame = FRAME) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix in (".arrow", ".feather"):
        frame.to_feather(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.parquet", "t.arrow", "t.feather", "t.jsonl"])
def test_every_kind_of_file_reads_alike(tmp_path: Path, name: str) -> None:
    batch, y = read_table_file(write(tmp_path / name), "sex")
    assert [batch.row(i) for i in range(2)] == [{"age": 36, "pay": 1.5, "new": True}, {"age": 51, "pay": None, "new": False}]
    assert y is not None
    assert y.tolist() == ["F", None, "M"]
    assert batch.form.kind == "pandas"


def test_chunks_hold_what_was_asked_and_join_to_the_whole(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(25), "b": list("abcde") * 5})
    for name in ("t.csv", "t.parquet", "t.arrow", "t.jsonl"):
        chunks = list(open_table(write(tmp_path / name, frame), chunk=10))
        assert [len(c.batch) for c in chunks] == [10, 10, 5], name


def schema() -> Schema:
    return Schema.infer(Batch.of(FRAME))


def screened(tmp_path: Path, text: str) -> tuple[Batch, dict[int, str]]:
    path = tmp_path / "t.csv"
    path.write_text(text)
    (chunk,) = open_table(path, schema=schema())
    return chunk.batch, dict(chunk.problems)


def test_what_does_not_fit_stays_text_for_the_firewall_to_see(tmp_path: Path) -> None:
    batch, _ = screened(tmp_path, 'age,pay,sex,new\n36,"1.234,5",F,yes\n 36,,M,true\n1_0,1e3,?,False\n')
    assert [batch.row(i) for i in range(3)] == [
        {"age": 36.0, "pay": "1.234,5", "sex": "F", "new": "yes"},
        {"age": " 36", "pay": None, "sex": "M", "new": True},
        {"age": "1_0", "pay": 1000.0, "sex": None, "new": False},
    ]


def test_an_odd_row_is_a_problem_of_that_row(tmp_path: Path) -> None:
    batch, problems = screened(tmp_path, "age,pay,sex,new\n36,1,F\n1,2,M,true\n1,2,M,true,5\n")
    assert len(batch) == 3
    assert problems[0] == f"line 2 of {tmp_path / 't.csv'}: 3 fields, expected 4"
    assert "5 fields" in problems[2]
    with pytest.raises(InputError, match="row 1: line 2"):
        read_table_file(tmp_path / "t.csv")


def test_lines_that_are_no_objects_are_problems_too(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"age": 1}\n[1]\nnope\n\n{"age": {"deep": [1]}}\n')
    (chunk,) = open_table(path, schema=schema())
    assert len(chunk.batch) == 4
    assert sorted(chunk.problems) == [1, 2]


def test_dates_come_as_dates_where_they_were_dates(tmp_path: Path) -> None:
    known = Schema.infer(Batch.of(pd.DataFrame({"d": pd.to_datetime(["2020-01-01", "2020-01-02"])})))
    path = tmp_path / "t.csv"
    path.write_text("d\n2020-03-04\nsoon\n")
    (chunk,) = open_table(path, schema=known)
    assert chunk.batch.columns["d"].tolist() == [dt.datetime(2020, 3, 4), "soon"]  # the odd cell does not change its neighbour
    path.write_text("d\n2020-03-04\n")
    (chunk,) = open_table(path, schema=known)
    assert chunk.batch.row(0) == {"d": dt.datetime(2020, 3, 4)}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"a,a\n1,2\n", "repeated column names: 'a'"),
        ("t.csv", "a\nZürich\n".encode("latin-1"), "not UTF-8"),
        ("t.csv", b"a\n", "no rows"),
        ("t.csv.gz", b"nothing", "[Nn]ot a gzipped"),
        ("t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 5000, mtime=0)[:-30], "ends too early|truncated"),
        ("t.parquet", b"PAR1 nothing", "not a whole Parquet"),
        ("t.arrow", b"ARROW1 nothing", "not a whole Arrow"),
        ("t.jsonl", b"", "is empty"),
        ("t.xlsx", b"x", "cannot read .xlsx"),
    ],
)
def test_broken_files_are_named_with_what_is_wrong(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_table_file(path)
    assert name in str(caught.value)


def test_absent_files_folders_and_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_table_file(tmp_path / "none.csv")
    with pytest.raises(InputError, match="no picture in this folder"):
        read_table_file(tmp_path)
    with pytest.raises(InputError, match="no column 'nope'"):
        read_table_file(write(tmp_path / "t.csv"), "nope")


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="not a whole Parquet"):
        read_table_file(path)


def test_nested_cells_come_as_they_are(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [[1, 2], [3]], "b": [1, 2]}), tmp_path / "t.parquet")
    batch, _ = read_table_file(tmp_path / "t.parquet")
    assert batch.row(0)["a"] == [1, 2]


def test_standard_input_is_told_by_its_first_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = io.BytesIO()
    FRAME[["age", "sex"]].head(1).to_parquet(parquet)
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, pa.schema([("sex", pa.string())])) as writer:
        writer.write_batch(pa.record_batch({"sex": ["F"]}))
    texts = (b"age,sex\n36,F\n", b'\xef\xbb\xbf {"age": 36, "sex": "F"}\n')
    for content in (*texts, *map(gzip.compress, texts), parquet.getvalue(), stream.getvalue()):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        (chunk,) = open_table("-", schema=schema())
        assert chunk.batch.row(0)["sex"] == "F"


def test_a_file_without_ending_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    path.write_bytes(gzip.compress(b"age,sex\n36,F\n"))
    assert read_table_file(path)[0].row(0) == {"age": 36, "sex": "F"}
    path.write_bytes(gzip.compress(gzip.compress(b"age,sex\n36,F\n")))
    with pytest.raises(InputError, match="not UTF-8"):
        read_table_file(path)


def test_columns_that_come_and_go_in_json_lines_are_missing_where_they_are_not(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1, "b": 2}\n' * 20_000 + '{"a": 1, "c": "x"}\n')
    batch, _ = read_table_file(path)
    assert batch.names == ("a", "b", "c")
    assert batch.row(0) == {"a": 1, "b": 2.0, "c": None}
    assert batch.row(20_000) == {"a": 1, "b": None, "c": "x"}
    assert batch.form.dtypes == {"a": "int64", "b": "float64", "c": "str"}


def test_a_cell_means_the_same_alone_and_in_any_chunk(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("age,pay,sex,new\n36,1,F,True\n1_0,x, ,no\n,,,\n51,2,M,False\n")
    whole, *rest = ([row for chunk in open_table(path, schema=schema(), chunk=n) for row in chunk.batch] for n in (10, 1, 2))
    assert rest == [whole, whole]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1, max_size=8)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_text_survives_a_csv_file(tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("x", "y"), *cells])
    known = Schema.infer(Batch.of([{"x": x, "y": y} for x, y in cells]))
    if known["x"].kind == "category" and known["y"].kind == "category":
        read = [row for chunk in open_table(path, schema=known) for row in chunk.batch]
        assert [(r["x"], r["y"]) for r in read] == cells


@given(st.binary(max_size=300), st.sampled_from(["t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.arrow", "t.csv.gz"]))
def test_random_bytes_raise_nothing_but_an_input_error(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes(content)
    try:
        for chunk in open_table(path, schema=schema()):
            assert len(chunk.batch) >= 0
    except InputError as error:
        assert name in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=2), max_leaves=3
)


@given(st.lists(st.dictionaries(st.sampled_from(["age", "pay", "sex", "x"]), JSON), min_size=1, max_size=4))
def test_any_json_value_can_stand_in_a_line(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("json") / "t.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    assert sum(len(chunk.batch) for chunk in open_table(path, schema=schema())) == len(rows)
