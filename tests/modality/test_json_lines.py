from __future__ import annotations

import datetime as dt
import io

import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.modality import chunks
from camelopard.modality.json_lines import read_json_lines


def test_whole_numbers_are_what_pandas_makes_of_them() -> None:
    content = b'{"a": 1, "b": 1.0, "c": 1, "d": true, "e": "x", "f": [1]}\n{"a": 2, "b": 2, "d": false, "e": null, "f": {}}\n'
    (chunk,) = read_json_lines(io.BytesIO(content), "t.jsonl", None, 10)
    assert chunk.batch.form.dtypes == {"a": "int64", "b": "float64", "c": "float64", "d": "bool", "e": "str", "f": "object"}
    assert chunk.batch.row(1) == {"a": 2, "b": 2.0, "c": None, "d": False, "e": None, "f": {}}


def test_dates_are_read_from_text_where_they_were_dates() -> None:
    schema = Schema.infer(Batch.of(pd.DataFrame({"d": pd.to_datetime(["2020-01-01", "2020-01-02"])})))
    (chunk,) = read_json_lines(io.BytesIO(b'{"d": "2020-03-04T05:06:07.000"}\n{"d": "soon"}\n{"d": 7}\n'), "t.jsonl", schema, 10)
    assert chunk.batch.columns["d"].tolist() == [dt.datetime(2020, 3, 4, 5, 6, 7), "soon", 7]


def test_lines_that_cannot_be_read_are_empty_rows_with_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGEST_LINE", 2000)
    lines = [b'{"a": 1}', b'{"a": "' + b"x" * 5000 + b'"}', b"[1]", b'{"a": "\xfc"}', b"[" * 1990, b"9" * 1500, b'{"a": 2}']
    chunk, *others = read_json_lines(io.BytesIO(b"\n".join(lines)), "t.jsonl", None, 10)
    assert not others
    assert chunk.batch.columns["a"].tolist()[::6] == [1.0, 2.0]
    assert sorted(chunk.problems) == [1, 2, 3, 4, 5]
    assert chunk.problems[2] == "line 3 of t.jsonl: a JSON list, expected an object of column names and values"
