from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import camelopard as cp
from camelopard.cli.main import main

Command = Callable[..., tuple[int, str, str]]
CHOSEN = ("--positive", "1", "--choose", "recall", "--who", "Ada", "--why", "agreed", "--when", "2026-11-21")


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"dose": rng.normal(-0.6, 0.8, n).round(3), "ward": rng.integers(0, 2, n)})
    frame["sick"] = (rng.random(n) < 1 / (1 + np.exp(-2 * frame["dose"]))).astype(int)
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("decide")
    train = people(500, 0)
    joblib.dump(LogisticRegression().fit(train[["dose", "ward"]], train["sick"]), path / "model.joblib")
    people(600, 1).to_csv(path / "labelled.csv", index=False)
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Command:
    monkeypatch.chdir(folder)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["camelopard", "decide", "model.joblib", "labelled.csv", "--target", "sick", "--trust", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_it_says_what_the_model_does_and_what_is_on_offer(command: Command) -> None:
    code, out, err = command("--positive", "1", "--missed", "50", "--false-alarm", "4", "--by", "ward", "--noun", "patients")
    assert (code, err) == (0, "")
    assert "model on 600 labelled patients" in out
    assert "smallest cost" in out
    assert "equal cost for each ward" in out


def test_a_choice_is_recorded_and_answers_as_the_page_says(command: Command, folder: Path) -> None:
    signed = ("--who", "Ada", "--why", "agreed", "--when", "2026-11-21")
    words = ("--positive", "1", "--missed", "50", "--false-alarm", "4", "--choose", "recall", "--least-recall", "0.7", *signed)
    code, out, _ = command(*words, "-o", "d.html", "--record", "d.json")
    assert code == 0
    assert "The page is in d.html." in out
    assert "The choice is in d.json." in out
    assert "chosen by Ada on 2026-11-21: agreed" in out
    assert (folder / "d.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    kept, rows = cp.DecisionRecord.load("d.json"), people(600, 1)
    answers = kept.predict(cp.wrap(joblib.load("model.joblib"), name="model"), rows[["dose", "ward"]])
    assert dict(kept.asked) == {"least": 0.7, "confidence": 0.95}
    assert (answers.value[rows["sick"] == 1] == 1).mean() > 0.7


def test_json_holds_all_of_it(command: Command) -> None:
    code, out, _ = command("--positive", "1", "--missed", "50", "--false-alarm", "4", "--json", "--capacity", "100")
    document = json.loads(out)
    assert code == 0
    assert document["positive"] == 1
    assert {"rows", "story", "metrics", "curves", "thresholds", "notes", "chosen"} <= set(document)
    assert document["thresholds"][3]["asked"] == {"per_1000": 100.0}
    assert document["chosen"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "which class is sought, 0 or 1"),
        (("--positive", "2"), "no class named '2'"),
        (("--positive", "1", "--missed", "50"), "do not say what 'false_alarm' costs"),
        (("--positive", "1", "--missed", "nan", "--false-alarm", "1"), "'missed' is nan"),
        (("--positive", "1", "--choose", "cost"), "--choose needs --who, --why and --when"),
        (("--positive", "1", "--record", "d.json"), "Add --choose cost"),
        (("--positive", "1", "--choose", "cst", "--who", "A", "--why", "b", "--when", "2026-11-21"), "Did you mean 'cost'"),
        (("--positive", "1", "--choose", "cost", "--who", "A", "--why", "b", "--when", "2026-11-21"), "no costs were given"),
        (("--positive", "1", "-o", "d.pdf"), "expected .html or .json"),
        (("--positive", "1", "-o", "none/d.html"), "there is no folder none"),
        (("--positive", "1", "--by", "wrd"), "Did you mean 'ward'"),
        (("--positive", "1", "--least-recall", "2"), "least_recall=2.0; expected a share"),
        ((*CHOSEN, "-o", "same.json", "--record", "./same.json"), "--record same.json: another file of this command has that name"),
        ((*CHOSEN, "--record", "model.joblib"), "--record model.joblib: another file of this command has that name"),
    ],
)
def test_wrong_use_is_one_line_and_leaves_with_2(command: Command, words: tuple[str, ...], message: str) -> None:
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1
