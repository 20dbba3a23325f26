"""A file of texts, one on each line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from camelopard.core.errors import InputError
from camelopard.modality import plain_lines
from camelopard.modality.files import open_table, read_table_file


def test_every_line_is_a_text_whatever_stands_in_it(tmp_path: Path) -> None:
    lines = ["a film, good", "NA", "2024-01-01", '"quoted', "5", "  spaces  ", "caf\u00e9 \u65e5", "a\u2028b\x0bc\rd", "", "last"]
    (tmp_path / "t.txt").write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode())
    (tmp_path / "w.txt").write_bytes("\r\n".join(lines).encode() + b"\r\n")
    with gzip.open(tmp_path / "z.txt.gz", "wb") as stream:
        stream.write("\n".join(lines).encode())
    for name in ("t.txt", "w.txt", "z.txt.gz"):
        (chunk,) = open_table(tmp_path / name)
        assert (chunk.batch.columns["text"].tolist(), chunk.batch.form.kind, dict(chunk.problems)) == (lines, "texts", {})
        batch, labels = read_table_file(tmp_path / name)
        assert (batch.columns["text"].tolist(), batch.form.kind, labels) == ([line for line in lines if line], "texts", None)


def test_a_line_that_is_not_utf_8_stays_bytes_and_is_a_problem_of_its_row(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"sound\ncaf\xe9\nsound\n")
    (chunk,) = open_table(tmp_path / "t.txt")
    assert chunk.batch.columns["text"].tolist() == ["sound", b"caf\xe9", "sound"]
    assert dict(chunk.problems) == {1: f"line 2 of {tmp_path / 't.txt'}: byte 4 (0xe9) is not UTF-8"}
    with pytest.raises(InputError, match=r"row 2: line 2 of .* is not UTF-8. Mend or leave out that row"):
        read_table_file(tmp_path / "t.txt")


def test_chunks_are_bounded_and_join_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.txt").write_text("\n".join(f"text {k}" for k in range(25)))
    assert [len(chunk.batch) for chunk in open_table(tmp_path / "t.txt", chunk=10)] == [10, 10, 5]
    monkeypatch.setattr(plain_lines, "LONGEST", 40)
    assert [len(chunk.batch) for chunk in open_table(tmp_path / "t.txt", chunk=10)][:2] == [6, 6]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "the file is empty; expected one text per line"), (b"\xff\xfea\0", "this is UTF-16"), (b"\n \n", "there are no rows in it")],
)
def test_files_without_texts_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table_file(tmp_path / "t.txt")


def test_a_file_of_texts_has_no_column_of_labels(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a\nb\n")
    with pytest.raises(InputError, match=r"one text on each line, without a column 'label'. Give texts and labels as a table"):
        read_table_file(tmp_path / "t.txt", "label")
    with pytest.raises(InputError, match="there are no columns in it. Leave 'review' away"):
        read_table_file(tmp_path / "t.txt", texts="review")
