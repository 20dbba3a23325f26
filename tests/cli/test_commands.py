from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier

from camelopard.cli.main import main


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    dose = rng.gamma(4.0, 2.0, n).round(2)
    frame = pd.DataFrame({"dose": dose, "age": rng.integers(18, 90, n), "noise": rng.normal(size=n).round(3)})
    frame["sick"] = (rng.random(n) < 1 / (1 + np.exp(8 - dose))).astype(int)
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli")
    train = people(600, 0)
    model = LGBMClassifier(n_estimators=20, verbosity=-1, n_jobs=1).fit(train.drop(columns="sick"), train["sick"])
    model.booster_.save_model(path / "model.txt")
    joblib.dump(model, path / "model.joblib")
    people(600, 1).to_csv(path / "clean.csv", index=False)
    bad = people(30, 2).drop(columns="sick")
    bad.loc[3, "dose"] = 5000.0
    bad.to_csv(path / "today.csv", index=False)
    (path / "header.csv").write_text("dose,age,noise\n")
    (path / "broken.csv").write_text("dose,age,noise\n1,2\nabc,30,0.1\n")
    return path


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    """Return (exit code, standard output, standard error) of a command."""
    monkeypatch.setattr(sys, "argv", ["camelopard", *words])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(folder)
    return lambda *words: run(capsys, monkeypatch, *words)


def test_stress_writes_a_report_and_fails_a_build_when_told(command, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    words = ("stress", "model.txt", "clean.csv", "--target", "sick", "--budget", "4000")
    code, out, _ = command(*words, "-o", "r.html", "--junit", "r.xml")
    assert code == 0
    assert "The report is in r.html" in out and "shows them all" not in out
    assert Path("r.html").read_text().startswith("<!doctype html>")
    assert "<testsuite" in Path("r.xml").read_text()
    code, out, _ = command(*words, "--json", "--fail-on", "low")
    assert code == 1
    assert json.loads(out)["model"]["name"] == "model"
    assert "shows them all" not in command(*words)[1]
    monkeypatch.setattr("camelopard.cli.stress.SHOWN", 1)
    code, out, _ = command(*words)
    assert "more of " in out and "-o report.html shows them all." in out


def test_fit_screen_and_show_go_together(command, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = command("fit", "model.txt", "clean.csv", "--target", "sick", "-o", "f.firewall", "--budget", "6000", "--alpha", "0.05")
    assert (code, "camelopard screen f.firewall" in out) == (0, True)
    code, out, _ = command("screen", "f.firewall", "today.csv", "--model", "model.txt", "-o", "v.parquet")
    assert (code, "30 rows:" in out) == (0, True)
    verdicts = pd.read_parquet("v.parquet")
    assert verdicts["id"].tolist() == list(range(30))
    assert "is absent" not in out
    pd.read_csv("today.csv").rename(columns={"age": "years"}).to_csv("renamed.csv", index=False)
    code, out, _ = command("screen", "f.firewall", "renamed.csv", "--model", "model.txt")
    told = " ".join(out[out.index("30 rows:") :].split())
    assert "The column 'age' is absent: treated as missing values; the column 'years' is not known and ignored." in told
    code, out, _ = command("screen", "f.firewall", "broken.csv", "--model", "model.txt", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [r["id"] for r in rows] == [0, 1]
    assert rows[0]["route"] == "block"
    assert "2 fields, expected 3" in rows[0]["reasons"][0]["message"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"dose": 7.5, "age": 40, "noise": 0.1, "more": "\\ud800"}\n')))
    code, out, _ = command("screen", "f.firewall", "-", "--model", "model.txt", "--json")
    assert (code, json.loads(out)["id"]) == (0, 0)
    code, out, _ = command("screen", "f.firewall", "header.csv", "--model", "model.txt", "-o", "none.parquet")
    assert (code, "0 rows" in out) == (0, True)
    assert pd.read_parquet("none.parquet").columns.tolist() == verdicts.columns.tolist()
    code, out, _ = command("show", "f.firewall")
    assert (code, "The contract" in out) == (0, True)
    code, out, _ = command("show", "f.firewall", "--json")
    assert json.loads(out)["model"]["task"] == "classification"
    code, _, err = command("screen", "f.firewall", "today.csv")
    assert (code, "--model MODEL" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stress", "model.joblib", "clean.csv"), "add --trust"),
        (("stress", "model.onnx", "clean.csv"), "there is no such model file"),
        (("stress", "none.txt", "clean.csv"), "no such model file"),
        (("stress", "clean.csv", "clean.csv"), "not a model file that is known"),
        (("stress", "no_module_here:model", "clean.csv"), "cannot be imported"),
        (("stress", "json:nothing", "clean.csv"), "has no attribute"),
        (("stress", "model.txt", "none.csv"), "no such file"),
        (("stress", "model.txt", "clean.csv", "--target", "nope"), "no column 'nope'"),
        (("stress", "model.txt", "clean.csv", "--fail-on", "hihg"), "Did you mean 'high'"),
        (("stress", "model.txt", "clean.csv", "--damages", "unit-eror"), "no damage named 'unit-eror'"),
        (("stress", "model.txt", "clean.csv", "--budget", "soon"), "budget='soon'"),
        (("stress", "model.txt", "clean.csv", "-o", "r.doc"), "expected .html, .json or .xml"),
        (("stress", "model.txt", "clean.csv", "-o", "none/r.html"), "there is no folder none"),
        (("stress", "model.txt", "clean.csv", "--junit", "none/r.xml"), "there is no folder none"),
        (("fit", "model.txt", "clean.csv", "-o", "none/f"), "there is no folder none"),
        (("screen", "f", "today.csv", "-o", "none/v.csv"), "there is no folder none"),
        (("demo", "-o", "."), "this is a folder"),
        (("show", "clean.csv"), "not a camelopard file"),
        (("screen", "clean.csv", "today.csv"), "not a camelopard file"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(command, words: tuple[str, ...], message: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("camelopard: ")
    assert err.count("\n") == 1


def test_a_pickle_is_loaded_when_trusted(command) -> None:  # type: ignore[no-untyped-def]
    code, _, _ = command("stress", "model.joblib", "clean.csv", "--target", "sick", "--budget", "3000", "--trust")
    assert code == 0


def test_a_model_that_prints_does_not_stand_among_the_answers(command, folder: Path) -> None:  # type: ignore[no-untyped-def]
    source = "print('imported')\ndef model(t):\n    print('asked')\n    return (t['age'] > 40).astype(int)\n"
    (folder / "model_that_prints.py").write_text(source)
    code, out, err = command("stress", "model_that_prints:model", "clean.csv", "--target", "sick", "--budget", "500", "--json")
    assert (code, json.loads(out)["model"]["name"]) == (0, "model_that_prints:model")
    assert "imported" in err
    assert "asked" in err


def test_a_firewall_is_measured_on_rows_of_ones_own_and_told_of_live_traffic(command, folder: Path) -> None:  # type: ignore[no-untyped-def]
    assert command("fit", "model.txt", "clean.csv", "--target", "sick", "--budget", "8000", "-o", "measured.firewall")[0] == 0
    people(300, 7).to_csv("mine.csv", index=False)
    words = ("evaluate", "measured.firewall", "mine.csv", "--target", "sick", "--model", "model.txt", "--budget", "6000")
    code, out, err = command(*words)
    assert (code, "AUROC" in out) == (0, True), err
    assert json.loads(command(*words, "--json")[1])["auroc_fooled"]["value"] > 0.5
    people(300, 8).drop(columns="sick").to_csv("live.csv", index=False)
    with Path("live.csv").open("a") as stream:
        stream.write("1,2\nabc,30,0.1\n")  # a broken row, and one that the model cannot answer
    code, out, err = command("recalibrate", "measured.firewall", "live.csv", "--model", "model.txt", "-o", "live.firewall")
    assert code == 0, err
    assert "Of 300 rows about" in out
    assert "The firewall is in live.firewall" in out
    assert command("screen", "live.firewall", "today.csv", "--model", "model.txt")[0] == 0
    Path("few.csv").write_text("dose,age,noise\n1,30,0.1\n")
    code, _, err = command("recalibrate", "measured.firewall", "few.csv", "--model", "model.txt", "-o", "few.firewall")
    assert (code, "expected at least 100 rows" in err, Path("few.firewall").exists()) == (2, True, False)


def test_estimate_says_how_good_the_model_is_without_labels_and_with_them_what_that_is_worth(command, folder: Path) -> None:  # type: ignore[no-untyped-def]
    fit = ("fit", "model.txt", "clean.csv", "--target", "sick", "-o", "sick.firewall", "--budget", "8000", "--alpha", "0.05")
    code, _, _ = command(*fit, "--report", "sick.html")
    assert code == 0 and "How sure it is" in (folder / "sick.html").read_text(encoding="utf-8")
    people(400, 5).to_csv(folder / "past.csv", index=False)
    people(400, 5).drop(columns="sick").to_csv(folder / "live.csv", index=False)
    known = ("--model", "model.txt")
    code, out, _ = command("estimate", "sick.firewall", "live.csv", *known)
    assert code == 0 and "Estimated accuracy" in out and "on 400 rows without labels" in out and "nothing changed" in out
    code, out, _ = command("estimate", "sick.firewall", "live.csv", *known, "--metric", "recall", "--positive", "1", "--json")
    assert code == 0 and 0 < json.loads(out)["low"] < json.loads(out)["value"] < 1
    code, out, _ = command("estimate", "sick.firewall", "past.csv", *known, "--target", "sick", "--window", "100")
    assert code == 0 and "On 4 labelled windows" in out
    code, _, err = command("estimate", "sick.firewall", "past.csv", *known, "--target", "sick", "--window", "1000")
    assert code == 2 and "less than one window of 1000" in err
