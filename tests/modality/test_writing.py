from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from camelopard.core.errors import CamelopardError, InputError
from camelopard.modality.writing import write_table

PARTS: list[dict[str, list[Any]]] = [
    {"id": [0, 1], "risk": [0.5, float("nan")], "prediction": [1, "b"]},
    {"id": [2], "risk": [1.0], "prediction": [None]},
]


def test_parts_become_one_table(tmp_path: Path) -> None:
    for name, read in (("t.parquet", pd.read_parquet), ("t.csv", pd.read_csv), ("t.jsonl", lambda p: pd.read_json(p, lines=True))):
        assert write_table(tmp_path / name, PARTS) == 3
        frame = read(tmp_path / name)
        assert frame["id"].tolist() == [0, 1, 2]
        assert frame["risk"].tolist()[::2] == [0.5, 1.0]


def test_what_breaks_off_leaves_no_file_behind(tmp_path: Path) -> None:
    def breaking() -> Iterator[dict[str, list[Any]]]:
        yield PARTS[0]
        raise RuntimeError("the source broke")

    for name in ("t.parquet", "t.csv", "t.jsonl"):
        with pytest.raises(RuntimeError):
            write_table(tmp_path / name, breaking())
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write .xml"):
        write_table(tmp_path / "t.xml", PARTS)


def test_no_rows_are_a_table_all_the_same(tmp_path: Path) -> None:
    empty: dict[str, list[Any]] = {"id": [], "risk": [], "prediction": []}
    for parts in ([empty], [empty, PARTS[1]]):
        assert write_table(tmp_path / "t.parquet", parts) == len(parts) - 1
        assert pd.read_parquet(tmp_path / "t.parquet").columns.tolist() == ["id", "risk", "prediction"]
        assert write_table(tmp_path / "t.csv", parts) == len(parts) - 1
        assert (tmp_path / "t.csv").read_text().startswith("id,risk,prediction\n")
        assert (tmp_path / "t.csv").read_text().count("id") == 1
    assert write_table(tmp_path / "t.parquet", []) == 0
    assert len(pd.read_parquet(tmp_path / "t.parquet")) == 0


def test_answers_that_are_numbers_are_written_as_numbers(tmp_path: Path) -> None:
    parts: list[dict[str, list[Any]]] = [{"id": [0], "prediction": [None]}, {"id": [1], "prediction": [2.5]}]
    write_table(tmp_path / "t.parquet", parts, figures=("prediction",))
    assert pd.read_parquet(tmp_path / "t.parquet")["prediction"].tolist()[1] == 2.5


def test_lines_are_json_by_the_letter_and_half_characters_do_no_harm(tmp_path: Path) -> None:
    part: dict[str, list[Any]] = {"id": [0], "risk": [float("nan")], "reason": ["\ud800 < ü"]}
    for name in ("t.parquet", "t.csv", "t.jsonl"):
        assert write_table(tmp_path / name, [part]) == 1
    assert json.loads((tmp_path / "t.jsonl").read_text()) == {"id": 0, "risk": None, "reason": "\ud800 < ü"}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CamelopardError, match=r"t\.csv: cannot be written .No such file"):
        write_table(tmp_path / "none" / "t.csv", PARTS)


def test_a_file_can_be_read_by_whom_the_system_lets(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_table(tmp_path / "t.csv", PARTS)
    assert (tmp_path / "t.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_whether_a_row_lies_outside_is_written_as_a_truth_value(tmp_path: Path) -> None:
    parts: list[dict[str, list[Any]]] = [{"id": [], "outside": []}, {"id": [0, 1], "outside": [True, False]}]
    write_table(tmp_path / "t.parquet", parts)
    found = pd.read_parquet(tmp_path / "t.parquet")["outside"]
    assert found.dtype == bool and found.tolist() == [True, False]
