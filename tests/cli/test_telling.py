from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from camelopard.cli import telling
from camelopard.cli.telling import as_json, check_place, console, working
from camelopard.core.errors import CamelopardError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_json_is_printed_by_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    as_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": (Path("x"), "ü"), 3: None})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": None, "b": ["inf", 1.5], "c": ["x", "ü"], "3": None}
    assert "ü" in out


def test_json_is_the_same_where_the_output_knows_few_characters() -> None:
    held = io.BytesIO()
    out = io.TextIOWrapper(held, encoding="ascii")
    as_json({"a": "ü😀"}, out)
    out.flush()
    assert json.loads(held.getvalue()) == {"a": "ü😀"}


def test_progress_is_shown_to_who_waits_at_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(stderr: io.StringIO, patience: float, quiet: bool) -> str:
        monkeypatch.setattr(telling, "PATIENCE", patience)
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setenv("TERM", "xterm")
        with working(quiet=quiet) as tell:
            tell("counting rows", 1, 3)
            tell("counting rows", 3, 3)
            tell("weighing rows", 0, 0)
        return stderr.getvalue()

    shown = told(Terminal(), -1.0, quiet=False)
    assert "counting rows" in shown
    assert "weighing rows" in shown
    assert told(Terminal(), 1e9, quiet=False) == ""
    assert told(Terminal(), -1.0, quiet=True) == ""
    assert told(io.StringIO(), -1.0, quiet=False) == ""


def test_what_is_printed_meanwhile_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    said = console()
    with working(quiet=True):
        print("noise")
        said.print("answer")
    assert capsys.readouterr() == ("answer\n", "noise\n")


def test_a_place_that_cannot_take_a_file_is_refused_before_the_work(tmp_path: Path) -> None:
    check_place(None)
    check_place(tmp_path / "new.html")
    for path, message in ((tmp_path, "this is a folder"), (tmp_path / "none" / "x", "there is no folder")):
        with pytest.raises(CamelopardError, match=message):
            check_place(path)
