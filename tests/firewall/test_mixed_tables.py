"""A table with a column of texts, or of encoded pictures, beside numbers and categories: judged cell by cell, from Python and by command."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import camelopard as cp
from camelopard.cli.main import main
from camelopard.core.arrays import Array
from camelopard.firewall.firewall import Firewall

WARM, COLD = ["lovely", "warm", "bright", "clever", "moving", "splendid"], ["dull", "cold", "grim", "stupid", "boring", "dreadful"]
THINGS = ["room", "view", "breakfast", "staff", "garden", "bed", "bath", "street"]


def stays(n: int, seed: int) -> pd.DataFrame:
    """Stays at an inn: what was written, the kind of room, nights, and a price that follows them."""
    rng = np.random.default_rng(seed)
    good, nights = rng.random(n) < 0.5, rng.integers(1, 9, n)
    texts = []
    for own in good:
        (a, b), (t, u) = rng.choice(WARM if own else COLD, 2), rng.choice(THINGS, 2)
        texts.append(f"We found the {t} rather {a} and the {u} was {b} on every day.")
    room = rng.choice(["single", "double", "suite"], n, p=[0.4, 0.4, 0.2])
    return pd.DataFrame({"review": texts, "room": room, "nights": nights, "price": (nights * 80 + rng.normal(0, 20, n)).round(2)})


def mood(text: Any) -> int:
    words = str(text).lower().replace(".", "").split()
    return sum(word in WARM for word in words) - sum(word in COLD for word in words)


def answer(table: pd.DataFrame) -> Array:
    nights = pd.to_numeric(table["nights"], errors="coerce").fillna(4).to_numpy(dtype=float)
    z = table["review"].map(mood).to_numpy(dtype=float) + 0.5 * (nights - 4) + (table["room"] == "suite").to_numpy() * 0.5
    p = 1 / (1 + np.exp(-z))
    return np.column_stack([1 - p, p])


MODEL = cp.wrap(answer, name="return", task="classification", classes=["no", "yes"], reference=stays(50, 0))


def labels(table: pd.DataFrame) -> Array:
    return np.where(answer(table)[:, 1] > 0.5, "yes", "no").astype(object)


@pytest.fixture(scope="module")
def firewall() -> Firewall:
    table = stays(260, 1)
    return cp.Firewall(alpha=0.1, budget=8_000).fit(MODEL, table, labels(table), reference=stays(300, 2))


def figures(verdicts: cp.Verdicts, i: int) -> tuple[bytes, bytes, bytes, str]:
    return verdicts.risk[i].tobytes(), verdicts.confidence[i].tobytes(), verdicts.oddity[i].tobytes(), verdicts.route[i]


CELLS: list[Any] = [
    None, 5, float("inf"), b"bytes", "", " \n", "\ud800", "\0", "x" * 50_000, [], {"a": 1}, Path("/x"), object, True, pd.NA, np.zeros((8, 8)),
    np.str_("We found it dull."),
]  # fmt: skip


@pytest.mark.parametrize("column", ["review", "room", "nights"])
def test_any_cell_in_any_column_is_judged_the_same_alone_and_among_others(firewall: Firewall, column: str) -> None:
    clean = stays(3, 5).iloc[0].to_dict()
    rows = [{**clean, column: cell} for cell in CELLS]
    together = firewall.screen([*rows, clean])
    json.dumps(together.to_dicts(), default=str)
    for i, row in enumerate(rows):
        assert figures(firewall.screen(row), 0) == figures(together, i), (column, type(CELLS[i]))
    assert figures(together, len(rows)) == figures(firewall.screen(pd.DataFrame([clean])), 0)


def test_frames_rows_and_order_make_no_difference(firewall: Firewall) -> None:
    table = stays(6, 6)
    expected = firewall.screen(table)
    turned = firewall.screen(table.iloc[::-1, ::-1])
    assert [figures(turned, 5 - i) for i in range(6)] == [figures(expected, i) for i in range(6)]
    for form in (table.to_dict("records"), pl.from_pandas(table), pl.from_pandas(table).to_arrow(), table.astype({"room": "category"})):
        found = firewall.screen(form)
        assert [figures(found, i) for i in range(6)] == [figures(expected, i) for i in range(6)], type(form)


def test_missing_and_unknown_columns_are_told_and_never_raised(firewall: Firewall) -> None:
    table = stays(4, 7)
    for column in table.columns:
        verdicts = firewall.screen(table.drop(columns=column))
        assert {reason.code for reason in verdicts.reasons(0)} & {"missing-column"}
        assert len(verdicts) == 4
    assert "extra-column" in {reason.code for reason in firewall.screen(table.assign(new=1)).reasons(0)}
    for odd in (["a text"] * 2, np.zeros((2, 3)), [("a", "b")] * 2, [None, 3]):
        assert firewall.screen(odd).route.tolist() == ["block"] * 2, odd
    assert firewall.screen("a text").route.tolist() == ["block"]
    assert firewall.screen(np.zeros((2, 8, 8))).route.tolist() == ["block"] * 2


def test_an_odd_text_is_named_by_its_column_and_leaves_the_other_columns_alone(firewall: Firewall) -> None:
    row = stays(1, 8).iloc[0].to_dict()
    odd = {**row, "review": row["review"].translate(str.maketrans("aeo", "\u0430\u0435\u043e"))}
    verdicts = firewall.screen([row, odd])
    assert verdicts.reasons(1)[0].field == "review"
    assert not {reason.field for reason in verdicts.reasons(1) if reason.contribution > 0.2} - {"review"}
    assert verdicts.oddity[1] > verdicts.oddity[0]


def test_clean_rows_pass_but_for_alpha_and_chance(firewall: Firewall) -> None:
    left = int((firewall.screen(stays(500, 11)).route != "pass").sum())
    assert left <= 500 * (0.1 + 3 * np.sqrt(0.1 * 0.9 / 90))  # the threshold itself rests on some 90 rows


def test_saved_and_loaded_rows_are_judged_the_same(firewall: Firewall, tmp_path: Path) -> None:
    firewall.save(tmp_path / "a.firewall")
    table = stays(5, 9)
    table.loc[2, "review"] = None
    found, expected = Firewall.load(tmp_path / "a.firewall", model=MODEL).screen(table), firewall.screen(table)
    assert [figures(found, i) for i in range(5)] == [figures(expected, i) for i in range(5)]


def test_a_text_missing_on_every_other_row_is_learned_from_the_rest() -> None:
    table, known = stays(200, 3), stays(200, 5)
    table.loc[::2, "review"] = known.loc[::2, "review"] = None
    firewall = cp.Firewall(alpha=0.1, budget=2_500).fit(MODEL, table, reference=known)
    verdicts = firewall.screen(stays(20, 4).assign(review=None))
    assert "block" not in set(verdicts.route.tolist())


def test_the_commands_read_a_file_with_a_column_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["camelopard", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "inn_model.py").write_text(
        "import numpy as np\n"
        "def predict(table):\n"
        "    warm = table['review'].astype(str).str.contains('lovely|warm|bright|clever|moving|splendid')\n"
        "    return np.where(warm | (table['nights'].astype(float) > 6), 'yes', 'no')\n"
    )
    clean = stays(220, 1)
    clean.assign(back=labels(clean)).to_csv("clean.csv", index=False)
    today = stays(6, 2)
    today.loc[1, "review"] = "\u0441\u043e\u0432\u0441\u0435\u043c \u0434\u0440\u0443\u0433\u043e\u0435"
    today.loc[2, "review"] = ""
    today.to_csv("today.csv", index=False)
    model = ("--model", "inn_model:predict")
    code, out, err = run("fit", "inn_model:predict", "clean.csv", "--target", "back", "--alpha", "0.1", "--budget", "3000", "-o", "inn.firewall")
    assert code == 0, err
    code, out, err = run("screen", "inn.firewall", "today.csv", *model, "--json")
    assert code in (0, 1), err
    told = [json.loads(line) for line in out.splitlines()]
    assert [row["id"] for row in told] == list(range(6))
    assert told[1]["oddity"] > told[0]["oddity"]
    code, out, _ = run("show", "inn.firewall")
    assert code == 0
    assert "review" in out
    code, out, err = run("evaluate", "inn.firewall", "clean.csv", "--target", "back", *model, "--budget", "2000")
    assert code == 0, err


def test_no_column_of_pictures_stops_a_table_from_being_read(firewall: Firewall) -> None:
    rows = [{**stays(1, 8).iloc[0].to_dict(), "photo": cell} for cell in (np.zeros((4, 4)), b"file", None)]
    assert len({figures(firewall.screen(rows), i) for i in range(3)}) == 1


def test_a_column_of_files_is_looked_at_and_left_to_the_model_to_open() -> None:
    pillow = pytest.importorskip("PIL.Image")

    def file(pixels: Array) -> bytes:
        held = io.BytesIO()
        pillow.fromarray(pixels).save(held, "PNG")
        return held.getvalue()

    def light(table: pd.DataFrame) -> Array:
        p = np.array([float(np.asarray(pillow.open(io.BytesIO(cell))).mean()) for cell in table["photo"]]) / 255
        return np.column_stack([1 - p, p])

    rng = np.random.default_rng(0)
    photos = [file((rng.integers(0, 90, (6, 6)) + rng.integers(0, 160)).astype(np.uint8)) for _ in range(160)]
    model = cp.wrap(light, name="light", task="classification", classes=["dark", "light"])
    firewall = cp.Firewall(alpha=0.1, budget=2_500).fit(model, pd.DataFrame({"photo": photos, "hour": np.arange(160) % 24}))
    assert firewall.schema["photo"].kind == "image"
    rows = [{"photo": cell, "hour": 3} for cell in (photos[0], b"", b"no file", photos[0][:60], None, "a.png")]
    together = firewall.screen(rows)
    assert together.route.tolist()[1:] == ["block"] * 5
    assert not {"wrong-type", "type"} & {reason.code for reason in together.reasons(0)}
    for i, row in enumerate(rows):
        assert figures(firewall.screen(row), 0) == figures(together, i)
    by_column = firewall.screen({"photo": [row["photo"] for row in rows], "hour": [3] * len(rows)})
    assert [figures(by_column, i) for i in range(len(rows))] == [figures(together, i) for i in range(len(rows))]
    for numbers in (np.arange(6), [1, 2, 3], [[0, 255], [9, 9]]):  # a cell that is no picture, and no column of pictures
        assert firewall.screen({"photo": numbers, "hour": [3]}).route.tolist() == ["block"]
