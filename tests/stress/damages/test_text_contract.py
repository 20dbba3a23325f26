"""What holds for every damage to texts: the contract, any text at all, and that very long texts cost little."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import camelopard.stress.damages as package
from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.protocols import Damage
from camelopard.core.schema import Column, Schema
from camelopard.testing.damages import check_damage

MODULES = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name.startswith("text_"))
FOUND: dict[str, Damage] = {d.kind: d for m in MODULES for d in importlib.import_module(f"{package.__name__}.{m}").DAMAGES}
SCHEMA = Schema({"text": Column("text", "text"), "other": Column("other", "text"), "n": Column("n", "number")})
FAMILIES = {
    "typing": {"neighbour-key", "inserted-letters", "dropped-letters", "swapped-letters", "held-key"},
    "layout": {"letter-case", "removed-punctuation", "repeated-punctuation", "irregular-spaces", "lost-spaces", "line-breaks"},
    "encoding": {"utf8-as-cp1252", "utf16-as-bytes", "utf8-as-utf16", "lost-characters", "ascii-only"},
    "markup": {"html-tags", "web-addresses", "escape-sequences"},
    "look-alike": {"look-alike-letters", "leet", "scanned-text", "added-accents", "ornate-letters"},
    "invisible": {"zero-width-characters", "direction-marks", "control-characters"},
    "words": {"shuffled-words", "dropped-words", "repeated-words", "numbers-rewritten"},
    "extent": {"cut-text", "over-long-text", "empty-text", "doubled-text", "glued-texts"},
    "language": {"other-language", "other-script", "other-alphabet"},
    "nonsense": {"keyboard-mash", "random-characters", "placeholder-text"},
    "pair": {"exchanged-texts", "text-with-itself", "text-of-another-pair"},
    "floor": {"negated"},
}
SUBJECTS = ("The café's second film", "A story of 12 men", "Nobody's plot", "This “new” comedy")
VERDICTS = ("isn't very good, I think.", "was a great joy – see it!", "is neither long nor dull.", "has one naïve hero; it works…")


def world(n: int = 60) -> Batch:
    """Return pairs of texts, some of them missing, beside a number."""
    texts = [None if i % 11 == 5 else f"{SUBJECTS[i % 4]} {VERDICTS[(i // 4) % 4]} {i}" for i in range(n)]
    return Batch({"text": objects(texts), "other": objects([f"{VERDICTS[i % 4]} {i}" for i in range(n)]), "n": np.arange(n) / 1.0}, np.arange(n) + 7)


def apply(damage: Damage, severity: int, *texts: object, seed: int = 0) -> list[object]:
    batch = Batch({"text": objects(texts), "other": objects(texts[::-1]), "n": np.zeros(len(texts))}, np.arange(len(texts)))
    return list(damage.apply(batch, damage.targets(SCHEMA)[0], severity, np.random.default_rng(seed), SCHEMA).columns["text"].tolist())


@pytest.mark.parametrize("kind", sorted(FOUND))
def test_every_damage_to_texts_keeps_the_contract(kind: str) -> None:
    check_damage(FOUND[kind], world(), SCHEMA)


def test_every_kind_that_is_promised_is_there_in_its_family() -> None:
    assert {family: {k for k, d in FOUND.items() if d.family == family} for family in {d.family for d in FOUND.values()}} == FAMILIES


def test_every_kind_is_documented_in_its_family() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "text-damages.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `([a-z0-9-]+)` \| ([a-z-]+) \|", text, re.M)) == {kind: d.family for kind, d in FOUND.items()}


def test_only_a_negation_changes_the_true_answer() -> None:
    assert [kind for kind, d in FOUND.items() if not d.keeps_label] == ["negated"]


def test_tables_without_texts_are_no_target_and_pairs_need_two_texts() -> None:
    table = Schema({"n": Column("n", "number"), "c": Column("c", "category", values={"a": 1, "b": 1})})
    assert [kind for kind, d in FOUND.items() if d.targets(table)] == []
    alone = Schema({"text": Column("text", "text"), "n": Column("n", "number")})
    assert {kind for kind, d in FOUND.items() if not d.targets(alone)} == FAMILIES["pair"]
    assert list(FOUND["exchanged-texts"].targets(SCHEMA)) == ["text|other"]


@pytest.mark.parametrize("kind", sorted(FOUND))
def test_missing_cells_and_cells_of_another_type_stay(kind: str) -> None:
    if FOUND[kind].family != "pair":
        for severity in (1, 5):
            assert apply(FOUND[kind], severity, None, 3.5, b"raw", True) == [None, 3.5, b"raw", True]


@pytest.mark.parametrize("kind", sorted(FOUND))
@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(st.text(alphabet=st.characters(), max_size=30), min_size=1, max_size=3), st.sampled_from((1, 3, 5)))
def test_any_text_becomes_a_text_and_the_same_with_the_same_seed(kind: str, texts: list[str], severity: int) -> None:
    odd = [*texts, "", " ", "\x00", "lone \ud800 half \udfff", "\u202e\u200b", "5" * 40, "!" * 40]
    once, again = apply(FOUND[kind], severity, *odd), apply(FOUND[kind], severity, *odd)
    assert once == again
    assert all(type(new) is str for new in once)


@pytest.mark.parametrize("kind", sorted(FOUND))
def test_a_text_of_two_megabytes_is_hardly_more_work_than_a_page(kind: str) -> None:
    text = "A fine film. " * 160_000
    (new,) = apply(FOUND[kind], 5, text)
    assert isinstance(new, str)
    if kind not in ("cut-text", "empty-text", "placeholder-text", "doubled-text", "over-long-text", "glued-texts", "text-of-another-pair"):
        assert abs(len(new) - len(text)) < 600_000  # its two ends alone are written anew
        assert text[10_000:-10_000] in new


@pytest.mark.parametrize("kind", sorted(k for k, d in FOUND.items() if d.graded and k not in ("ascii-only", "letter-case")))
def test_a_higher_severity_is_a_stronger_dose(kind: str) -> None:
    texts = [
        f"In {year} one of the 12 critics, or two, three, 4, said it isn't, on reflection, a “good” film - at all!" for year in range(1990, 2002)
    ]

    def dose(severity: int) -> int:
        new = apply(FOUND[kind], severity, *texts)
        return sum((pairs(a) - pairs(str(b))).total() + (pairs(str(b)) - pairs(a)).total() for a, b in zip(texts, new, strict=True))

    doses = [dose(severity) for severity in range(1, 6)]
    assert 0 < doses[0] < doses[2] < doses[4]


def pairs(text: str) -> Counter[tuple[str, str]]:
    return Counter(pairwise(text))
