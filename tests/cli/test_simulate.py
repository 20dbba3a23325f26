from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightgbm import Booster, LGBMClassifier

import camelopard as cp
from camelopard.cli.main import main

Command = Callable[..., tuple[int, str, str]]
PRICES = ("--wrong", "100", "--review", "5", "--block", "20")


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    dose = rng.gamma(4.0, 2.0, n).round(2)
    frame = pd.DataFrame({"dose": dose, "age": rng.integers(18, 90, n)})
    frame["sick"] = np.where(rng.random(n) < 1 / (1 + np.exp(8 - dose)), "yes", "no")
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulate")
    train, held = people(500, 0), people(500, 1)
    model = LGBMClassifier(n_estimators=15, verbosity=-1, n_jobs=1).fit(train[["dose", "age"]], train["sick"] == "yes")
    model.booster_.save_model(path / "model.txt")
    wrapped = cp.wrap(model, classes=["no", "yes"])
    firewall = cp.Firewall(alpha=0.05, budget=5000).fit(wrapped, held[["dose", "age"]], held["sick"].to_numpy())
    firewall.with_policy(cp.Policy(overrides=[cp.Override("block", segment={"age": 30})])).save(path / "f.firewall")
    past = people(300, 2)
    past["day"] = [f"2026-01-{1 + k // 25:02d}" for k in range(300)]
    past.to_csv(path / "past.csv", index=False)
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Command:
    monkeypatch.chdir(folder)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["camelopard", "simulate", "f.firewall", "past.csv", "--model", "model.txt", "--classes", "no,yes", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_a_policy_is_tried_on_past_traffic(command: Command) -> None:
    code, out, _ = command(*PRICES, "--reviews-per-day", "4", "--day", "day", "--target", "sick", "--audit", "0.25")
    assert code == 0
    assert "What this policy would have done on 300 rows, 12 days of traffic" in out
    assert "Reviews per day: 4 at most" in out
    assert "block rows where age is 30" in out  # what the firewall kept still holds
    assert "counted" in out
    assert "Audit: 25 % of the reviews, that is" in out


def test_it_is_the_same_in_json(command: Command) -> None:
    code, out, err = command(*PRICES, "--per-day", "100", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["rows"], found["days"]) == (300, 3.0)
    assert {"net", "errors", "rivals", "routes"} <= found.keys()
    assert found["errors_counted"] is None


def test_the_policy_that_was_tried_can_be_kept(command: Command, folder: Path) -> None:
    code, out, _ = command(*PRICES, "--reviews-per-day", "4", "--per-day", "25", "-o", "chosen.firewall")
    assert code == 0 and out.endswith("The firewall with this policy is in chosen.firewall.\n")
    model = cp.wrap(Booster(model_file=folder / "model.txt"), classes=["no", "yes"])
    before, after = (cp.Firewall.load(folder / name, model=model) for name in ("f.firewall", "chosen.firewall"))
    assert before.policy.costs is None and after.policy.costs is not None
    assert after.policy.reviews_per_day == 4 and after.policy.least_benefit is not None
    past = people(300, 2)[["dose", "age"]]
    assert (after.screen(past).route == after.policy.applied(before.screen(past)).route).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (PRICES, "say what a day is, in one way"),
        ((*PRICES, "--per-day", "10", "--day", "day"), "say what a day is, in one way"),
        ((*PRICES, "--day", "dya"), "no column named 'dya'. Did you mean 'day'?"),
        ((*PRICES, "--day", "dose"), "expected a date"),
        ((*PRICES, "--per-day", "10", "--target", "sik"), "there is no column 'sik'"),
        (("--wrong", "1", "--review", "5", "--block", "20", "--per-day", "10"), "nothing but passing would ever pay"),
        (("--wrong", "nan", "--review", "5", "--block", "20", "--per-day", "10"), "expected a price"),
        ((*PRICES, "--per-day", "10", "--reviews-per-day", "-1"), "expected a whole number from 0"),
        ((*PRICES, "--per-day", "10", "--audit", "0.9"), "expected a share of the reviews"),
        ((*PRICES, "--per-day", "10", "-o", "nowhere/chosen.firewall"), "nowhere"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(command: Command, words: tuple[str, ...], message: str) -> None:
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("camelopard: ")
    assert err.count("\n") == 1
