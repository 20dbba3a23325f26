from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from camelopard.core.errors import InputError
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
