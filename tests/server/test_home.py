from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from camelopard.server.home import DATABASE, FIREWALLS, VERDICTS, Home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="rights are something else there")
@pytest.mark.parametrize("before", [None, 0o755])
def test_nobody_else_reads_what_is_kept_whoever_made_the_folder(tmp_path: Path, before: int | None) -> None:
    folder = tmp_path / "home"
    if before is not None:
        folder.mkdir(mode=before)
    with Home.open(folder) as home:
        assert mode(folder / DATABASE) == 0o600
        assert [mode(folder / inside) for inside in (FIREWALLS, VERDICTS)] == [0o700, 0o700]
        assert home.verdicts == str(folder / VERDICTS)
    assert mode(folder) == (0o700 if before is None else before)


def test_a_log_elsewhere_leaves_no_empty_folder(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home", verdicts=str(tmp_path / "log")) as home:
        assert home.verdicts == str(tmp_path / "log")
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == [DATABASE, FIREWALLS]
