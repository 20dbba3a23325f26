from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from camelopard.core.errors import InputError
from camelopard.modality.files import open_table, read_table_file


def test_columns_come_as_pandas_would_hold_them(tmp_path: Path) -> None:
    table = pa.table(
        {
            "whole": [1, 2],
            "gap": pa.array([1, None]),
            "cents": pa.array([decimal.Decimal("1.5"), None]),
            "fine": pa.array([1_000, None], pa.timestamp("ns")),
            "day": pa.array([dt.date(2020, 1, 1), None]),
            "kind": pa.array(["a", None]).dictionary_encode(),
            "list": [[1], [2, 3]],
            "truth": pa.array([True, None]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    batch, _ = read_table_file(tmp_path / "t.parquet")
    assert batch.form.dtypes == {
        "whole": "int64",
        "gap": "float64",
        "cents": "float64",
        "fine": "datetime64[us]",
        "day": "datetime64[us]",
        "kind": "category",
        "list": "object",
        "truth": "object",
    }
    assert batch.form.categories == {"kind": ("a",)}
    assert batch.row(0) == {
        "whole": 1,
        "gap": 1.0,
        "cents": 1.5,
        "fine": dt.datetime(1970, 1, 1, 0, 0, 0, 1),
        "day": dt.datetime(2020, 1, 1),
        "kind": "a",
        "list": [1],
        "truth": True,
    }


def test_the_whole_decides_the_type_not_its_first_part(tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.int64()), ("d", pa.timestamp("us")), ("k", pa.dictionary(pa.int32(), pa.string()))])
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for a, d, k in (([None], [None], ["x"]), ([1], [dt.datetime(2020, 1, 1)], ["x"])):
            arrays = [pa.array(a, pa.int64()), pa.array(d, pa.timestamp("us")), pa.array(k).dictionary_encode()]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    assert [len(c.batch) for c in open_table(tmp_path / "t.arrow")] == [1, 1]
    batch, _ = read_table_file(tmp_path / "t.arrow")
    assert batch.form.dtypes == {"a": "float64", "d": "datetime64[us]", "k": "category"}
    assert batch.columns["d"].tolist() == [None, dt.datetime(2020, 1, 1)]


def test_what_pyarrow_cannot_read_is_named_with_its_file(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"t\.parquet: repeated column names: 'a'"):
        read_table_file(tmp_path / "t.parquet")
    pq.write_table(pa.table({"a": pa.array([2**61], pa.timestamp("us"))}), tmp_path / "far.parquet")
    read_or_named(tmp_path / "far.parquet")
    pq.write_table(pa.table({}), tmp_path / "none.parquet")
    with pytest.raises(InputError, match=r"none\.parquet: there are no rows"):
        read_table_file(tmp_path / "none.parquet")


def read_or_named(path: Path) -> None:
    try:
        read_table_file(path)
    except InputError as error:
        assert path.name in str(error)
