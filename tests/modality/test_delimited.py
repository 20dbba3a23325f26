from __future__ import annotations

import io

import pytest

from camelopard.core.errors import InputError
from camelopard.modality import chunks, delimited
from camelopard.modality.delimited import read_csv


def rows(content: str | bytes, name: str = "t.csv") -> tuple[list[dict[str, object]], dict[int, str]]:
    data = content.encode() if isinstance(content, str) else content
    found: list[dict[str, object]] = []
    problems: dict[int, str] = {}
    for chunk in read_csv(io.BytesIO(data), name, None, 3):
        problems.update({len(found) + i: why for i, why in chunk.problems.items()})
        found.extend(chunk.batch)
    return found, problems


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_and_those_inside_quotes_do_not_count(separator: str) -> None:
    assert rows(f'"a,b;c|d\t,;|"{separator}x\n1{separator}2\n')[0] == [{"a,b;c|d\t,;|": "1", "x": "2"}]


def test_a_tsv_is_told_by_its_name() -> None:
    assert rows("a,b\tc\n1,2\t3\n", "t.tsv.gz")[0] == [{"a,b": "1,2", "c": "3"}]


def test_names_and_cells_may_hold_line_ends() -> None:
    assert rows('\n\n"a\nb",x\r\n"1\r\n2","say ""so"""\r\n') == ([{"a\nb": "1\r\n2", "x": 'say "so"'}], {})


def test_lines_may_end_in_any_way() -> None:
    assert rows("a,b\r1,2\r3,4") == ([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}], {})
    found, problems = rows("a,b\n1\r,2\n3,4\n")
    assert found[-1] == {"a": "3", "b": "4"}
    assert problems == {0: "line 2 of t.csv: 1 fields, expected 2"}


def test_a_quote_that_never_closes_does_not_take_the_rows_below_along() -> None:
    found, problems = rows('a,b\n1,"x\n2,y\n3,z\n')
    assert found == [{"a": "", "b": ""}, {"a": "2", "b": "y"}, {"a": "3", "b": "z"}]
    assert problems == {0: "line 2 of t.csv: a quote that does not close"}
    found, problems = rows('a,b\n1,"x\n2,"y"\n3,"z"w\n4,v\n')
    assert [r["a"] for r in found] == ["", "2", "", "4"]
    assert problems == {0: "line 2 of t.csv: a quote that does not close", 2: "line 4 of t.csv: a quote in the middle of a field"}


def test_wrong_quoting_throughout_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MOST_BROKEN", 5)
    assert len(rows('a\n"x"y\n' + '"x"y\n' * 4)[1]) == 5
    with pytest.raises(InputError, match=r"t\.csv: line 7: a quote in the middle of a field, and 5 rows before it"):
        rows('a\n"x"y\n' + '"x"y\n' * 5)


def test_long_fields_and_lines_are_problems_of_their_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGEST_LINE", 1 << 18)
    found, problems = rows("a\n" + "x" * (1 << 17) + "x\n2\n" + "x" * (1 << 19) + "\n4\n")
    assert [r["a"] for r in found] == ["", "2", "", "4"]
    assert [problems[0].split(": ")[1][:28], problems[2].split(": ")[1]] == ["field larger than field limi", "line longer than is read"]
    with pytest.raises(InputError, match="line longer than is read"):
        rows("a" * (1 << 19))


def test_nul_characters_are_problems_of_their_row() -> None:
    assert rows("a,b\n1\0,2\n3,4\n")[1] == {0: "line 2 of t.csv: it holds a NUL character"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        ("a\n1\n".encode("utf-16"), "line 1, byte 1 .0xff. is not UTF-8.*-f utf-16"),
        ("a\n1\n".encode("utf-16-le"), "line 1: .* UTF-16"),
        (b"a\n1\n\n\xc3\xbc,\xfc\n", "line 4, byte 4 .0xfc. is not UTF-8.*-f latin1"),
        (b'a,"b\n1,2\n', "line 1, the column names: a quote that does not close"),
    ],
)
def test_what_cannot_be_read_is_named_by_line_and_byte(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"t.csv: .*{message}|t.csv: {message}"):
        rows(content)
