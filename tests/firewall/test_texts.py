"""A firewall for texts, whole: any cell and any form gets a verdict, and a text is judged the same wherever it stands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import camelopard as cp
from camelopard.core import codec
from camelopard.core.arrays import Array
from camelopard.core.errors import ArtifactError, CamelopardError
from camelopard.firewall.contract import Contract
from camelopard.firewall.firewall import Firewall

WORLD = """
import numpy as np

GOOD = "lovely warm bright clever moving splendid tender joyful".split()
BAD = "dull cold grim stupid boring dreadful clumsy bitter".split()
THINGS = "film story cast ending music plot scene picture actor script".split()


def reviews(n, seed):
    rng = np.random.default_rng(seed)
    good, texts = rng.random(n) < 0.5, []
    for own in good:
        (a, b, c), (t, u, v) = rng.choice(GOOD if own else BAD, 3), rng.choice(THINGS, 3)
        texts.append(f"The {t} was {a} and the {u} rather {b}, with a {c} {v} in the middle.")
    return texts, np.where(good, "good", "bad").astype(object)


def mood(text):
    words = text.lower().replace(",", " ").replace(".", " ").split()
    return float(sum(w in GOOD for w in words) - sum(w in BAD for w in words))


def answer(texts):
    p = 1 / (1 + np.exp(-1.5 * np.array([mood(text) for text in texts])))
    return np.column_stack([1 - p, p])
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The module that makes reviews and answers them, in a file of its own so that another process can import it."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "reviews_world.py").write_text(WORLD)
    sys.path.insert(0, str(folder))
    import reviews_world  # type: ignore[import-not-found]

    sys.path.remove(str(folder))
    assert isinstance(reviews_world, ModuleType)
    return reviews_world


@pytest.fixture(scope="module")
def model(world: ModuleType) -> Any:
    return cp.wrap(world.answer, name="mood", task="classification", classes=["bad", "good"])


@pytest.fixture(scope="module")
def firewall(world: ModuleType, model: Any) -> Firewall:
    texts, labels = world.reviews(260, 1)
    return cp.Firewall(alpha=0.1, budget=12_000).fit(model, texts, labels, reference=world.reviews(300, 0)[0])


def figures(verdicts: cp.Verdicts, i: int) -> tuple[bytes, bytes, bytes, str]:
    return verdicts.risk[i].tobytes(), verdicts.confidence[i].tobytes(), verdicts.oddity[i].tobytes(), verdicts.route[i]


class Text(str):
    """A text whose methods raise."""

    def strip(self, *_: Any) -> str:
        raise RuntimeError("no")

    def __len__(self) -> int:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        raise RuntimeError("no")


class Wild:
    """Raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no")

    __len__ = __iter__ = __eq__ = __hash__ = __repr__  # type: ignore[assignment]


CELLS: list[Any] = [
    None, float("nan"), pd.NA, 5, 1.5, True, b"bytes", {}, {"a": 1}, [], ["a"], (1, 2), Path("/x"), Text("a film"), Wild(), object, np.zeros((8, 8)),
    np.str_("The film was dull."), "", " \t\n ", "a \ud800 film", "\0" * 50, "e" + "\u0301" * 20_000, "\u202e" * 9, "x" * 100_000,
    "<a" * 50_000, "W0nd3rfu1", "Ein warmer Film, der das Herz bewegt.", 10**5000,
]  # fmt: skip


def test_any_cell_among_texts_is_judged_the_same_alone_among_others_and_in_any_order(firewall: Firewall, world: ModuleType) -> None:
    cells = [*CELLS, *world.reviews(20, 3)[0]]
    together = firewall.screen(cells)
    json.dumps(together.to_dicts(), default=str)
    assert repr(together[0])
    order = np.random.default_rng(0).permutation(len(cells))
    shuffled = firewall.screen([cells[k] for k in order])
    for place, k in enumerate(order.tolist()):
        assert figures(shuffled, place) == figures(together, k), type(cells[k])
        assert figures(firewall.screen([cells[k]]), 0) == figures(together, k), type(cells[k])
    for k in range(17):  # what is no text is never asked of the model
        if type(cells[k]) is not Text:
            assert together.route[k] == "block", type(cells[k])
            assert together.reasons(k)


def test_a_text_with_a_name_is_the_text_itself_also_among_texts_without(firewall: Firewall, world: ModuleType) -> None:
    (one, two), _ = world.reviews(2, 4)
    plain = firewall.screen([one, two, None])
    for rows in ([{"text": one}, two, None], [one, {"text": two}, {}], [{"text": one}, {"text": two, "new": 1}, {"text": None}]):
        mixed = firewall.screen(rows)
        assert [figures(mixed, i) for i in range(3)] == [figures(plain, i) for i in range(3)]
    assert figures(firewall.screen({"text": one}), 0) == figures(firewall.screen(one), 0) == figures(plain, 0)


def test_texts_come_in_many_forms(firewall: Firewall, world: ModuleType) -> None:
    texts, _ = world.reviews(4, 5)
    named = pd.Series(texts, index=list("abcd"))
    forms: list[Any] = [tuple(texts), np.array(texts), np.array(texts, dtype=object), np.array(texts).reshape(-1, 1), pd.Series(texts), named]
    forms += [pl.Series(texts), pd.DataFrame({"text": texts}), pd.DataFrame({"more": 1, "text": texts}), pl.DataFrame({"text": texts})]
    expected = firewall.screen(texts)
    for form in forms:
        found = firewall.screen(form)
        assert [figures(found, i) for i in range(4)] == [figures(expected, i) for i in range(4)], type(form)
    row = pd.DataFrame({"text": texts}).iloc[0]
    assert figures(firewall.screen(row), 0) == figures(expected, 0)


NO_LISTS: list[Any] = [None, 5, Path("/etc"), (t for t in "ab"), object, np.array(5), Wild()]


@pytest.mark.parametrize("odd", NO_LISTS, ids=lambda v: type(v).__name__)
def test_what_is_no_list_of_texts_is_one_blocked_row_that_says_so(firewall: Firewall, odd: Any) -> None:
    verdicts = firewall.screen(odd)
    assert verdicts.route.tolist() == ["block"]
    assert "no list of texts" in verdicts.reasons(0)[0].message or "cannot be read" in verdicts.reasons(0)[0].message


def test_tables_without_the_column_pictures_and_numbers_are_blocked_row_by_row(firewall: Firewall) -> None:
    for odd in (pd.DataFrame({"review": ["a", "b"]}), [{"review": "a"}] * 2, np.zeros((2, 8, 8)), np.zeros((2, 4)), np.zeros(2), [("a", "b")] * 2):
        assert firewall.screen(odd).route.tolist() == ["block"] * 2, odd
    assert not len(firewall.screen([]))
    assert not len(firewall.screen(pd.DataFrame({"text": []})))


@pytest.mark.parametrize("text", ["The film was dull. " * 526_316, "<a" * 5_000_000, "\u0430" * 3_000_000], ids=["words", "tags", "Cyrillic"])
def test_millions_of_characters_are_refused_in_few_words(firewall: Firewall, text: str) -> None:
    verdicts = firewall.screen([text, text[:999_999]])
    first = verdicts.reasons(0)[0]
    assert (
        verdicts.route[0] == "block" and first.message == f"the row could not be read: text: {len(text):,} characters; at most 1,000,000 are judged"
    )
    assert "could not be read" not in verdicts.reasons(1)[0].message and len(verdicts.reasons(1)[0].message) < 400


def test_a_loaded_firewall_judges_the_same_in_another_process(firewall: Firewall, world: ModuleType, model: Any, tmp_path: Path) -> None:
    texts = [*world.reviews(5, 6)[0], "", "W0nd3rfu1", None]
    expected = firewall.screen(texts)
    firewall.save(tmp_path / "a.firewall")
    loaded = Firewall.load(tmp_path / "a.firewall", model=model)
    assert [figures(loaded.screen(texts), i) for i in range(8)] == [figures(expected, i) for i in range(8)]
    loaded.save(tmp_path / "b.firewall")
    assert (tmp_path / "a.firewall").read_bytes() == (tmp_path / "b.firewall").read_bytes()
    program = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); import reviews_world, camelopard as cp\n"
        "model = cp.wrap(reviews_world.answer, name='mood', task='classification', classes=['bad', 'good'])\n"
        "v = cp.Firewall.load(sys.argv[2], model=model).screen(json.loads(sys.argv[3]))\n"
        "print(json.dumps([[x.hex() for x in row] for row in zip(v.risk.tolist(), v.confidence.tolist(), v.oddity.tolist())]))"
    )
    words = [sys.executable, "-c", program, str(Path(str(world.__file__)).parent), str(tmp_path / "a.firewall"), json.dumps(texts)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rows = zip(expected.risk.tolist(), expected.confidence.tolist(), expected.oddity.tolist(), strict=True)
    assert json.loads(told) == [[x.hex() for x in row] for row in rows]


def test_broken_files_are_refused_and_swapped_parts_refused_or_harmless(firewall: Firewall, world: ModuleType, model: Any, tmp_path: Path) -> None:
    path, broken = tmp_path / "whole.firewall", tmp_path / "broken.firewall"
    firewall.save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for k in range(30):
        raw = bytearray(whole)
        if k % 2:
            raw = raw[: rng.integers(1, len(raw))]
        else:
            raw[rng.integers(0, len(raw))] ^= 1 << int(rng.integers(0, 8))
        broken.write_bytes(bytes(raw))
        try:
            loaded = Firewall.load(broken, model=model)
        except ArtifactError:
            continue
        loaded.save(broken)
        assert broken.read_bytes() == whole
    texts = world.reviews(3, 7)[0]
    for change in (_no_views, _foreign_kind, _foreign_column, _no_language, _short_limits, _other_rows, _picture_limits):
        state = codec.read(path, "firewall")
        change(state)
        codec.write(broken, "firewall", state)
        try:
            loaded = Firewall.load(broken, model=model)
        except ArtifactError:
            continue
        assert len(loaded.screen(texts)) == 3, change


def _no_views(state: dict[str, Any]) -> None:
    del state["panel"]["views"]


def _foreign_kind(state: dict[str, Any]) -> None:
    state["panel"]["views"][0]["kind"] = "sound"


def _foreign_column(state: dict[str, Any]) -> None:
    state["panel"]["views"][0]["column"] = "elsewhere"


def _no_language(state: dict[str, Any]) -> None:
    state["panel"]["views"][0]["learned"]["language"] = {}


def _short_limits(state: dict[str, Any]) -> None:
    state["panel"]["views"][0]["learned"]["limits"] = np.zeros((3, 2))


def _other_rows(state: dict[str, Any]) -> None:
    state["panel"]["reader"] = state["panel"]["reader"][:3]


def _picture_limits(state: dict[str, Any]) -> None:
    state["panel"]["views"][0]["kind"] = "image"


def test_clean_texts_pass_but_for_alpha_and_chance(firewall: Firewall, world: ModuleType) -> None:
    fresh, _ = world.reviews(500, 11)
    left = int((firewall.screen(fresh).route != "pass").sum())
    assert left <= 500 * (0.1 + 3 * np.sqrt(0.1 * 0.9 / 90))  # the threshold itself rests on some 90 rows


def test_a_disguised_text_is_riskier_than_the_text_and_its_repair_brings_the_answer_back(firewall: Firewall, world: ModuleType) -> None:
    texts, _ = world.reviews(30, 12)
    disguised = [text.translate(str.maketrans("aeio", "\u0430\u0435\u0456\u043e")) for text in texts]
    clean, odd = firewall.screen(texts), firewall.screen(disguised)
    assert np.median(odd.risk) > np.median(clean.risk)
    back = [(i, odd.repair(i)) for i in range(30)]
    right = [repair.prediction == clean.prediction[i] for i, repair in back if repair is not None]
    assert len(right) >= 10
    assert np.mean(right) > 0.9


def test_without_a_model_odd_texts_are_odd(world: ModuleType) -> None:
    firewall = cp.Firewall(alpha=0.1).fit(None, world.reviews(200, 1)[0])
    verdicts = firewall.screen([world.reviews(1, 2)[0][0], "xq zzkv 88 @@@@ \u200b\u200b", None])
    assert verdicts.route.tolist()[1:] == ["review", "block"]
    assert verdicts.oddity[1] > 0.95
    assert np.isnan(verdicts.risk[1])


def test_without_labels_confidence_says_that_it_was_not_checked(world: ModuleType, model: Any) -> None:
    firewall = cp.Firewall(alpha=0.1, budget=3_000).fit(model, world.reviews(200, 1)[0])
    assert len(firewall.screen(world.reviews(3, 2)[0])) == 3
    with pytest.raises(CamelopardError, match="without"):
        firewall.accept(0.1)


def test_a_regression_on_texts_that_raises_on_empty_ones_has_these_blocked(world: ModuleType) -> None:
    def stars(texts: list[str]) -> Array:
        if any(not text.strip() for text in texts):
            raise ValueError("an empty review")
        return np.array([world.mood(text) for text in texts])

    texts, _ = world.reviews(200, 1)
    firewall = cp.Firewall(alpha=0.1, budget=3_000).fit(cp.wrap(stars, name="stars", task="regression"), texts, stars(texts))
    verdicts = firewall.screen([texts[0], "", "  "])
    assert verdicts.prediction[0] == stars(texts[:1])[0]
    assert verdicts.route.tolist()[1:] == ["block", "block"]
    assert any("an empty review" in reason.message for reason in verdicts.reasons(1))


def test_pairs_are_judged_by_both_halves(world: ModuleType) -> None:
    def same(pairs: list[tuple[str | None, str | None]]) -> Array:
        p = np.array([0.9 if a and b and world.mood(a) * world.mood(b) > 0 else 0.1 for a, b in pairs])
        return np.column_stack([1 - p, p])

    one, two = world.reviews(200, 1)[0], world.reviews(200, 2)[0]
    pairs = list(zip(one, two, strict=True))
    model = cp.wrap(same, name="same", task="classification", classes=["no", "yes"])
    firewall = cp.Firewall(alpha=0.1, budget=3_000).fit(model, pairs)
    a, b = pairs[0]
    rows: list[Any] = [(a, b), [a, b], {"first": a, "second": b}, (a, None), (None, b), a, (None, None), (a, b, a), None, (1, 2), {}]
    together = firewall.screen(rows)
    assert [figures(firewall.screen([row]), 0) for row in rows] == [figures(together, i) for i in range(len(rows))]
    assert figures(together, 0) == figures(together, 1) == figures(together, 2) == figures(firewall.screen((a, b)), 0)
    assert any(reason.code in ("null", "missing") and reason.field == "second" for reason in together.reasons(3))
    assert together.route.tolist()[6:] == ["block"] * 5
    assert len(firewall.screen(np.array(pairs[:3]))) == 3
    assert len(firewall.screen(one[:3])) == 3


def test_contract_rules_about_texts_are_set_muted_kept_and_checked(firewall: Firewall, world: ModuleType, tmp_path: Path) -> None:
    contract = Contract.from_toml(firewall.contract.to_toml())
    assert [(a.code, dict(a.limits)) for a in contract] == [(a.code, dict(a.limits)) for a in firewall.contract]
    own = firewall.with_policy(firewall.policy)
    own.contract = Contract.from_toml(own.contract.to_toml().replace('"scripts" = ["Latin"]', '"scripts" = ["Latin", "Cyrillic"]'))
    rules = own.contract.rules()
    assert rules is not None
    assert [a.code for a in rules.assumptions] == ["language"]
    own.contract.set("text", values=["only this"])
    assert own.screen(world.reviews(2, 2)[0]).route.tolist() == ["review", "review"]
    own.contract.mute("length", "characters")
    assert not {"length", "characters"} & {reason.code for reason in own.screen("a\0b").reasons(0)}
    assert {"length", "characters"} <= {reason.code for reason in firewall.screen("a\0b").reasons(0)}


def test_a_report_on_texts_is_written(firewall: Firewall, tmp_path: Path) -> None:
    firewall.save_report(tmp_path / "report.json")
    assert "invisible characters" in (tmp_path / "report.json").read_text(encoding="utf-8")


def test_all_that_a_firewall_offers_works_on_texts(firewall: Firewall, world: ModuleType) -> None:
    texts, labels = world.reviews(150, 21)
    traffic = [text[:40] if i % 3 == 0 else text for i, text in enumerate(texts)]
    quality = firewall.evaluate(texts, labels, budget=3_000)
    assert str(quality)
    estimate = firewall.estimate(traffic)
    assert estimate.low <= estimate.value <= estimate.high
    assert str(firewall.backtest(texts, labels, rows=50))
    other = firewall.recalibrated(traffic)
    assert other.describe()["traffic"]
    assert 0 < firewall.accept(0.2).coverage <= 1
    guarded = firewall.guard(review="answer", block="answer")
    assert guarded.predict(texts[:5]).tolist() == firewall.screen(texts[:5]).prediction.tolist()
    costly = firewall.with_policy(cp.Policy(costs=cp.Costs(wrong=10.0, review=1.0, block=2.0)))
    assert set(costly.screen(texts).route.tolist()) <= {"pass", "repair", "review", "block"}
    assert "mood" in firewall.summary()
    json.dumps(firewall.describe(), default=str)
    verdicts = firewall.screen(["<script>alert(1)</script>", *texts[:2]])
    assert len(verdicts.to_pandas()) == len(verdicts.to_polars()) == 3


def test_without_a_model_rows_that_are_learned_from_do_not_calibrate() -> None:
    rng = np.random.default_rng(0)
    texts = [f"{' '.join(rng.choice(list('abcdefghij'), 4))} is told of the number {i}" for i in range(300)]
    firewall = cp.Firewall(alpha=0.1).fit(None, texts)
    assert firewall.describe()["rows"] == {"taught": 195, "calibrated": 105, "raising": 0, "reference": 0}
    given = cp.Firewall(alpha=0.1).fit(None, texts, reference=texts[:150]).describe()["rows"]
    assert given == {"taught": 150, "calibrated": 300, "raising": 0, "reference": 150}


def test_risk_reads_no_column_that_was_learned_from_labels(firewall: Firewall) -> None:
    panel = firewall.learned_.panel
    assert panel.contents is not None  # there were labels
    assert not any(name.startswith("says:") for name in panel.names[: panel.certain])
    assert firewall.learned_.head.seen <= panel.certain
