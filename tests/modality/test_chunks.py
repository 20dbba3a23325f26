from __future__ import annotations

import io

import pytest

from camelopard.core.errors import InputError
from camelopard.modality import chunks
from camelopard.modality.chunks import at_once, check_names, lines


def test_wide_tables_come_in_fewer_rows() -> None:
    assert at_once(20_000, 14) == 20_000
    assert at_once(20_000, 10_000) == 200
    assert at_once(20_000, 10**9) == 1
    assert at_once(5, 0) == 5


def test_a_line_that_is_too_long_is_skipped_without_being_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGEST_LINE", 8)
    assert list(lines(io.BytesIO(b"ab\n" + b"x" * 100 + b"\ncd\n1234567\nno end"))) == [b"ab\n", None, b"cd\n", b"1234567\n", b"no end"]
    assert list(lines(io.BytesIO(b"y" * 20))) == [None]


def test_repeated_names_are_refused_and_others_not() -> None:
    check_names([f"c{i}" for i in range(30_000)], "t.csv")
    with pytest.raises(InputError, match=r"t\.csv: repeated column names: 'a'\."):
        check_names(["a", "b", "a"], "t.csv")
