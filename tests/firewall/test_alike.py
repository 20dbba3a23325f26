"""Clean rows like one that came, read back from what a firewall remembers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.errors import CamelopardError
from camelopard.evidence.reading import CategoryEncoder
from camelopard.firewall.alike import About, _about, alike, oddities


@pytest.fixture(scope="module")
def world() -> tuple[cp.Firewall, pd.DataFrame]:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {"age": rng.integers(18, 90, 600) * 1.0, "hours": rng.integers(1, 80, 600) * 1.0, "town": rng.choice(["Bern", "Rome", "Oslo"], 600)}
    )

    def shares(rows: pd.DataFrame) -> np.ndarray:
        high = 1 / (1 + np.exp(-0.1 * (rows["age"].to_numpy(dtype=float) - 50)))
        return np.column_stack([1 - high, high])

    model = cp.wrap(shares, name="m", task="classification", classes=["no", "yes"])
    return cp.Firewall(alpha=0.05, budget=4_000).fit(model, data, np.where(data["age"] > 50, "yes", "no")), data


def test_a_clean_row_finds_rows_near_it_with_the_answer_that_the_model_gave(world: tuple[cp.Firewall, pd.DataFrame]) -> None:
    firewall, data = world
    for i in range(0, 600, 97):
        row = data.iloc[i].to_dict()
        found = alike(firewall, [row])
        assert len(found) == 5 and [one.distance for one in found] == sorted(one.distance for one in found)
        nearest = found[0]
        (age,), (hours,), towns = (nearest.cells[name].values for name in ("age", "hours", "town"))
        assert abs(age - row["age"]) < 12 and abs(hours - row["hours"]) < 14 and row["town"] in towns
        assert nearest.answer == ("yes" if age > 50 else "no") or abs(age - 50) < 3


def test_a_cell_that_is_no_value_of_its_column_does_not_count(world: tuple[cp.Firewall, pd.DataFrame]) -> None:
    firewall, _ = world
    ages = [one.cells["age"].values[0] for word in ("?", None) for one in alike(firewall, [{"age": word, "hours": 40.0, "town": "Rome"}], 40)]
    assert min(ages) < 40 and max(ages) > 60
    assert all(abs(one.cells["hours"].values[0] - 40) < 15 for one in alike(firewall, [{"age": "?", "hours": 40.0, "town": "Rome"}]))


def test_what_is_remembered_stays_the_same_when_the_firewall_is_loaded_without_its_model(world: tuple[cp.Firewall, pd.DataFrame], tmp_path) -> None:  # type: ignore[no-untyped-def]
    firewall, _ = world
    firewall.save(tmp_path / "a.firewall")
    row = [{"age": 33.0, "hours": 40.0, "town": "Rome"}]
    assert alike(cp.Firewall.load(tmp_path / "a.firewall"), row) == alike(firewall, row)


def test_categories_that_cannot_be_told_apart_are_named_together(world: tuple[cp.Firewall, pd.DataFrame]) -> None:
    encoder = world[0].learned_.panel.reader.encoders[2]
    assert isinstance(encoder, CategoryEncoder)
    score = float(encoder.known_scores[0])
    assert _about(encoder, score, 0.01).values == (encoder.known[0],)
    assert set(_about(encoder, score, 5.0).values) == {"Bern", "Rome", "Oslo"}
    assert _about(encoder, 6.0, 0.01) == About(()) == _about(encoder, -6.0, 0.01)


def test_wrong_use_is_told_and_unreadable_rows_have_none(world: tuple[cp.Firewall, pd.DataFrame]) -> None:
    firewall, data = world
    with pytest.raises(CamelopardError, match="about one row"):
        alike(firewall, data.head(2))
    assert alike(firewall, [3]) == ()
    assert oddities(firewall, {"town": "Rome"}) == {}


def test_in_texts_the_odd_places_are_named() -> None:
    rng = np.random.default_rng(0)
    words = [
        "a",
        "fine",
        "film",
        "with",
        "good",
        "actors",
        "and",
        "one",
        "bad",
        "joke",
        "about",
        "the",
        "weather",
        "in",
        "a",
        "small",
        "town",
        "by",
        "the",
        "sea",
    ]
    texts = [" ".join(rng.choice(words, 12)) for _ in range(160)]

    def shares(rows: list[str]) -> np.ndarray:
        good = np.array([0.9 if "good" in row else 0.1 for row in rows])
        return np.column_stack([1 - good, good])

    model = cp.wrap(shares, name="t", task="classification", classes=["bad", "good"])
    firewall = cp.Firewall(alpha=0.1, budget=1_500).fit(model, texts)
    found = oddities(firewall, {"text": "a fine <b>film</b> with goood actors"})["text"]
    assert found and all(0 <= start < end <= 37 and why for start, end, why in found)
    assert alike(firewall, ["a fine film"]) == () and oddities(firewall, {"text": 3}) == {}
