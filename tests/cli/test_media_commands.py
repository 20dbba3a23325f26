"""The commands on texts and pictures: folders, lines, arrays, and columns of tables that hold texts or paths."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from camelopard.cli.main import main

Image = pytest.importorskip("PIL.Image")
Command = Callable[..., tuple[int, str, str]]
MODELS = """
import numpy as np
def halves(pictures):
    pictures = np.asarray(pictures)
    middle = (pictures.shape[1] + 1) // 2
    above, below = (part.reshape(len(pictures), -1).mean(axis=1, dtype=np.float64) for part in (pictures[:, :middle], pictures[:, -middle:]))
    p = 1 / (1 + np.exp(-np.clip((above - below) / 20, -50, 50)))
    return np.column_stack([1 - p, p])
def mood(texts):
    found = np.array([text.lower().count("good") - text.lower().count("bad") for text in texts])
    p = 1 / (1 + np.exp(-3.0 * found))
    return np.column_stack([1 - p, p])
"""
PICTURES = ("--model", "models_of_media:halves", "--classes", "bottom,top")
TEXTS = ("--model", "models_of_media:mood", "--classes", "no,yes")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media")
    rng = np.random.default_rng(0)
    (path / "models_of_media.py").write_text(MODELS)
    top = rng.random(240) < 0.5
    light = np.repeat([90.0, 0.0], 4)
    pixels = (rng.normal(60, 12, (240, 8, 8)) + np.where(top[:, None], light, light[::-1])[:, :, None]).clip(0, 255).astype(np.uint8)
    labels = np.where(top, "top", "bottom")
    for k, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        (path / "photos" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path / "photos" / label / f"{k:03}.png")
    np.savez(path / "arrays.npz", x=pixels, y=labels)
    (path / "today").mkdir()
    Image.fromarray(pixels[0]).save(path / "today" / "sound.png")
    (path / "today" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    paths = [f"photos/{label}/{k:03}.png" for k, label in enumerate(labels)]
    pd.DataFrame({"photo": paths, "label": labels}).to_csv(path / "photos.csv", index=False)
    words = ["the", "film", "was", "long", "and", "its", "music", "old", "but", "my", "friend", "says", "that", "people", "will", "see", "it"]
    said = [f"{' '.join(rng.choice(words, 6))} {('bad', 'good')[k % 2]} {' '.join(rng.choice(words, 5))}." for k in range(240)]
    pd.DataFrame({"id": range(240), "review": said, "label": ["no", "yes"] * 120}).to_csv(path / "reviews.csv", index=False)
    (path / "today.txt").write_bytes("\n".join(said[:3]).encode() + b"\n\ncaf\xe9\n")
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Command:
    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["camelopard", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    return run


def fitted(command: Command, name: str, *words: str) -> str:
    if not Path(name).exists():
        code, _, err = command("fit", *words, "-o", name, "--alpha", "0.1", "--budget", "9000")
        assert code == 0, err
    return name


def seeing(command: Command) -> str:
    return fitted(command, "p.firewall", "models_of_media:halves", "photos", "--target", "folder", "--classes", "bottom,top")


def reading(command: Command) -> str:
    words = ("models_of_media:mood", "reviews.csv", "--texts", "review", "--target", "label", "--classes", "no,yes")
    return fitted(command, "t.firewall", *words)


def test_a_folder_of_pictures_is_learned_from_and_screened_by_its_paths(command: Command) -> None:
    code, out, err = command("screen", seeing(command), "today", *PICTURES, "--json")
    assert (code, err) == (0, "")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["id"], row["file"], row["route"] == "block") for row in rows] == [(0, "broken.png", True), (1, "sound.png", False)]
    assert "no picture of a known format" in rows[0]["reasons"][0]["message"]
    code, out, _ = command("screen", "p.firewall", "today", *PICTURES, "-o", "v.parquet")
    assert "broken.png" in out
    found = pd.read_parquet("v.parquet")
    assert found[["id", "file"]].to_numpy().tolist() == [[0, "broken.png"], [1, "sound.png"]]
    assert found["novelty"].dtype == np.float64


def test_the_same_pictures_are_judged_alike_from_a_folder_an_array_and_a_column_of_paths(command: Command) -> None:
    risks = []
    for words in (("photos",), ("arrays.npz",), ("photos.csv", "--images", "photo")):
        code, out, err = command("screen", seeing(command), *words, *PICTURES, "--json")
        assert code == 0, err
        risks.append(sorted(json.loads(line)["risk"] for line in out.splitlines()))
    assert risks[0] == risks[1] == risks[2]


def test_pictures_are_stressed_and_a_firewall_of_them_is_measured(command: Command) -> None:
    words = ("models_of_media:halves", "arrays.npz", "--target", "y", "--classes", "bottom,top", "--budget", "3000", "--json")
    code, out, err = command("stress", *words)
    assert (code, json.loads(out)["data"]["rows"]) == (0, 240), err
    code, out, err = command("evaluate", seeing(command), "arrays.npz", "--target", "y", *PICTURES, "--budget", "3000", "--json")
    assert code == 0, err
    assert json.loads(out)["auroc_fooled"]["value"] > 0.5


def test_texts_are_learned_from_a_column_and_screened_from_lines(command: Command) -> None:
    code, out, err = command("screen", reading(command), "today.txt", *TEXTS, "--json")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["prediction"] for row in rows[:3]] == ["no", "yes", "no"]
    assert (rows[3]["route"] != "pass", rows[4]["route"]) == (True, "block")  # a blank line, and one that is no text
    assert "line 5 of today.txt: byte 4 (0xe9) is not UTF-8" in rows[4]["reasons"][0]["message"]
    code, out, err = command("screen", "t.firewall", "reviews.csv", "--texts", "review", *TEXTS)
    assert (code, "240 rows:" in out) == (0, True), err
    code, out, err = command("estimate", "t.firewall", "reviews.csv", "--texts", "review", *TEXTS)
    assert (code, "Estimated accuracy" in out) == (0, True), err


def test_a_rule_set_in_the_contracts_file_is_in_force(command: Command, folder: Path) -> None:
    contract = Path(f"{reading(command)}.toml").read_text(encoding="utf-8")
    rule = '[[assumption]]\ncode = "characters"\nfields = ["text"]\nstatement = "text holds no word about music."\nmuted = false\nevidence = {}\n'
    Path("edited.toml").write_text(f'{contract}\n{rule}limits = {{"without" = ["m"]}}\n', encoding="utf-8")
    code, out, err = command("screen", "t.firewall", "today.txt", *TEXTS, "--contract", "edited.toml", "--json")
    assert code == 0, err
    rows = [json.loads(line) for line in out.splitlines()][:3]
    for row in rows:
        told = [reason for reason in row["reasons"] if reason["code"] == "characters"]
        assert bool(told) == ("m" in pd.read_csv("reviews.csv")["review"][row["id"]])
        assert (row["route"] == "pass") != bool(told)
        assert {(reason["expected"], reason["message"]) for reason in told} <= {
            ("text holds no word about music", "text has 'm'; expected: text holds no word about music")
        }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("screen", "P", "today.txt", *PICTURES), "today.txt: this holds texts, and the firewall judges pictures."),
        (("screen", "P", "photos.csv", *PICTURES), "Say which holds them, with --images COLUMN."),
        (("screen", "P", "photos.csv", "--images", "foto", *PICTURES), "there is no column 'foto'. Its columns: photo, label."),
        (("screen", "T", "photos", *TEXTS), "photos: this holds pictures, and the firewall judges texts."),
        (("screen", "T", "reviews.csv", *TEXTS), "Say which holds them, with --texts COLUMN."),
        (("screen", "T", "reviews.csv", "--images", "review", *TEXTS), "'review' is no column of pictures to this firewall."),
        (("fit", "models_of_media:halves", "photos", "--target", "label", "-o", "x"), "name them: --target folder"),
        (("fit", "models_of_media:halves", "today", "--target", "folder", "-o", "x"), "broken.png lies in no sub-folder"),
        (("fit", "models_of_media:halves", "arrays.npz", "--target", "z", "-o", "x"), "there is no array 'z' for the labels."),
        (("fit", "models_of_media:mood", "today.txt", "-o", "x"), "is not UTF-8. Mend or leave out that row"),
        (("stress", "models_of_media:mood", "reviews.csv", "--texts", "a,b,c"), "expected one, or two that make pairs."),
        (("stress", "models_of_media:halves", "photos/top/alone.png"), "there is no such file"),
        (("stress", "models_of_media:halves", "today/broken.png"), "cannot read .png; expected a table (.csv,"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(command: Command, words: tuple[str, ...], message: str) -> None:
    known = {"P": seeing, "T": reading}
    code, out, err = command(*(known[word](command) if word in known else word for word in words))
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
