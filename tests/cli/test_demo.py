from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from camelopard.cli import demo as command
from camelopard.cli.main import app
from camelopard.core.errors import UnknownName


def test_a_misspelt_demo_is_told_its_near_name() -> None:
    found = CliRunner().invoke(app, ["demo", "image"])
    assert found.exit_code == 2
    assert "no demo named 'image'. Did you mean 'images'? Known: images, income, text." in found.output


def test_an_unknown_demo_lists_all() -> None:
    with pytest.raises(UnknownName, match="Known: images, income, text"):
        command.demo("pictures")


@pytest.mark.parametrize("name", command.STORIES)
def test_every_story_can_be_told(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from importlib import import_module

    told = []
    monkeypatch.setattr(import_module(command.STORIES[name]), "run", lambda out, console, progress: told.append(out))
    command.demo(name, tmp_path / "report.html")
    assert told == [tmp_path / "report.html"]
