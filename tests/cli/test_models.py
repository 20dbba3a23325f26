"""The inventory on the machine itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sqlalchemy")

import camelopard as cp
from camelopard.cli.main import main
from camelopard.core.arrays import Array
from camelopard.server.home import Home
from camelopard.server.management.enrolment import enrol
from camelopard.store import audit, inventory, versions
from camelopard.store.roles import Actor

Command = Callable[..., tuple[int, str, str]]


def shares(rows: pd.DataFrame) -> Array:
    high = 1 / (1 + np.exp(-np.clip(0.1 * (rows["age"].to_numpy(dtype=float) - 50), -30, 30)))
    return np.column_stack([1 - high, high])


@pytest.fixture(scope="module")
def firewall() -> cp.Firewall:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"age": rng.integers(18, 90, 300).astype(float), "hours": rng.integers(1, 80, 300).astype(float)})
    truth = np.where(shares(rows)[:, 1] > rng.random(300), "yes", "no")
    return cp.Firewall(alpha=0.1, budget=3_000).fit(cp.wrap(shares, name="promotion", task="classification", classes=["no", "yes"]), rows, truth)


@pytest.fixture
def place(tmp_path: Path, firewall: cp.Firewall) -> Path:
    with Home.open(tmp_path / "home") as home:
        enrol(home, "promotion", firewall, home.clock())
    return tmp_path / "home"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: Path) -> Command:
    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["camelopard", "models", *words, "--home", str(place)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_models_are_added_edited_moved_and_listed(command: Command, place: Path) -> None:
    assert command("add", "churn", "--owner", "ann", "--exposure", "2", "--consequence", "2")[1].endswith("as a draft with low stakes.\n")
    assert "medium stakes. Who leaves." in command("edit", "churn", "--exposure", "4", "--purpose", "Who leaves.")[1]
    assert command("state", "churn", "shadow")[1] == "churn is shadow now.\n"
    (churn,) = (json.loads(line) for line in command("list", "--state", "shadow", "--json")[1].splitlines())
    assert (churn["name"], churn["tier"], churn["live"]["traffic"]) == ("churn", "medium", 0)
    out = command("list", "--sort", "owner", "--descending", "--limit", "1")[1]
    assert "promotion" in out and "churn" not in out
    after = out.split("--after ")[1].strip()
    assert "churn" in command("list", "--sort", "owner", "--descending", "--after", after)[1]
    with Home.open(place) as home:
        assert audit.entries(home.database, on=("model", "churn"))[0].via == "command line"


def test_a_model_is_shown_with_its_checklist_and_figures(command: Command) -> None:
    out = command("show", "promotion")[1]
    assert "promotion: draft, medium stakes (3 × 3), version 1 in force" in out
    assert "[x] Data checked: The contract of version 1 holds every row to" in out and "[–] Fairness looked at" in out
    assert "What fools it most: " in out
    worst = out.split("The worst that was found, of each kind the worst:\n")[1].splitlines()[0]
    assert worst.split()[0] in ("high", "medium", "low") and worst.rstrip().endswith(".")
    told = json.loads(command("show", "promotion", "--json")[1])
    assert told["findings"][0]["level"] == worst.split()[0]
    assert told["version"]["number"] == 1 and len(told["checklist"]) == 15


def test_an_edited_contract_is_a_version_that_can_be_compared_and_put_in_force(command: Command, place: Path, tmp_path: Path) -> None:
    text = command("contract", "promotion")[1]
    file = tmp_path / "edited.toml"
    file.write_text(text.replace("muted = false", "muted = true", 1), encoding="utf-8")
    code, out, _ = command("contract", "promotion", "--edited", str(file), "--note", "It may be missing.")
    assert code == 0 and "Version 2 of promotion has that contract." in out
    assert "+ The column age is there. (muted)" in command("compare", "promotion", "1", "2")[1]
    assert json.loads(command("compare", "promotion", "1", "2", "--json")[1])["contract"]["added"] == []
    assert "within a minute" in command("force", "promotion", "2")[1]
    out = command("versions", "promotion")[1]
    assert "2 (in force)" in out and "It may be missing." in out
    with Home.open(place) as home:
        assert inventory.get(home.database, "promotion").version == 2


def test_approving_is_for_people(command: Command, place: Path) -> None:
    code, _, err = command("approve", "promotion", "1")
    assert code == 2 and "approving is for people" in err
    with Home.open(place) as home, home.database.change(Actor("ben", ("approver",)), home.clock()) as change:
        versions.approve(change, "promotion", 1)
    assert "was approved by ben" in command("approve", "promotion", "1")[1]
    code, _, err = command("state", "promotion", "guarding")
    assert code == 2 and "needs the role approver" in err


def test_a_proof_is_attached_and_withdrawn(command: Command) -> None:
    assert command("attach", "promotion", "fairness", "https://example.org", "By age.")[1] == "Attached to promotion as number 1.\n"
    assert "[x] Fairness looked at: By age. (https://example.org)" in command("show", "promotion")[1]
    assert command("withdraw", "promotion", "1")[1] == "fairness: withdrawn.\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("show", "promotin"), "Did you mean 'promotion'?"),
        (("add", "promotion", "--owner", "a", "--exposure", "1", "--consequence", "1"), "there is a model named 'promotion'"),
        (("add", "x", "--owner", "a", "--exposure", "9", "--consequence", "1"), "a whole number from 1 (little) to 5 (much)"),
        (("state", "promotion", "asleep"), "no state named 'asleep'"),
        (("force", "promotion", "7"), "there is no version 7"),
        (("contract", "promotion", "--edited", "nowhere.toml", "--note", "x"), "cannot be read as a contract"),
        (("attach", "promotion", "data-checked", "https://example.org", "x"), "measured here"),
        (("list", "--sort", "size"), "no order named 'size'"),
        (("list", "--after", "xyz"), "Begin with its first page"),
    ],
)
def test_wrong_use_is_told_in_one_line(command: Command, words: tuple[str, ...], why: str) -> None:
    code, out, err = command(*words)
    assert (code, out, err.count("\n")) == (2, "", 1) and why in err
