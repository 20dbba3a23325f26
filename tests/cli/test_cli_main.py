from __future__ import annotations

import subprocess
import sys

import pytest

from camelopard.cli.main import main
from camelopard.core.errors import CamelopardError
from camelopard.firewall.firewall import Firewall
from camelopard.version import VERSION


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["camelopard", *words])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def test_without_a_command_it_tells_what_there_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run(capsys, monkeypatch)
    assert (code, err) == (0, "")
    for command in ("demo", "stress", "fit", "screen", "show"):
        assert f"camelopard {command}" in out


@pytest.mark.parametrize("words", [("--nope",), ("nope",), ("fit",), ("screen", "x"), ("stress", "m", "d", "--seed", "x")])
def test_what_is_no_command_is_wrong_use(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    code, out, err = run(capsys, monkeypatch, *words)
    assert (code, out) == (2, "")
    assert "Usage" in err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CamelopardError("two\nlines and \x1b[31m colour"), 2, "camelopard: two lines and �[31m colour\n"),
        (PermissionError(13, "Permission denied", "f"), 2, "camelopard: [Errno 13] Permission denied: 'f'\n"),
        (KeyboardInterrupt(), 130, "camelopard: interrupted.\n"),
    ],
)
def test_what_goes_wrong_is_one_clean_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, line: str
) -> None:
    def load(path: object, model: object = None) -> Firewall:
        raise error

    monkeypatch.setattr(Firewall, "load", load)
    assert run(capsys, monkeypatch, "show", "f") == (code, "", line)


@pytest.mark.parametrize("summary", ["'words'", "console().print('words') or ''"])
def test_a_reader_that_leaves_is_no_error(summary: str) -> None:
    script = (
        "import sys; from camelopard.cli.main import main; from camelopard.cli.telling import console\n"
        "from camelopard.firewall.firewall import Firewall\n"
        f"class Shown:\n    def summary(self): return {summary}\n"
        "Firewall.load = lambda path: Shown()\n"
        "sys.argv = ['camelopard', 'show', 'f']; sys.stdin.read(); main()"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()  # before it says the first word
    process.stdin.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), told) == (0, b"")


def test_help_and_version_need_nothing_heavy() -> None:
    probe = (
        "import sys; from camelopard.cli.main import main; sys.argv = ['camelopard', {word!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'pandas', 'sklearn', 'lightgbm', 'pyarrow') if m in sys.modules])"
    )
    for word in ("--version", "--help"):
        done = subprocess.run([sys.executable, "-c", probe.format(word=word)], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"
    done = subprocess.run([sys.executable, "-m", "camelopard", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"camelopard {VERSION}\n"
