"""Groups of characters: looked up one by one in a dict, alone, or two sets in one pass, they say the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from camelopard.modality.text_forms import WORD, lowered, parted
from camelopard.modality.text_grams import HIGHEST, ORDER, Grams, Lookup, padding, worst

LETTERS = "ab e\u0301\u4e2d\ufffe\U0001f600"
GROUPS = st.lists(st.text(LETTERS, min_size=1, max_size=ORDER), unique=True, max_size=12)
LINES = st.text(LETTERS, max_size=20).map(padding)


def grams(groups: list[str], first: float) -> Grams:
    return Grams(groups, np.arange(first, first + len(groups)), 99.5 + first)


def one_by_one(known: Grams, line: str) -> list[float]:
    bits = dict(zip(known.grams, known.bits.tolist(), strict=True))
    windows = [line[i : i + ORDER] for i in range(len(line) - ORDER + 1)]
    return [next((bits[g[k:]] for k in range(ORDER) if g[k:] in bits and max(map(ord, g[k:])) < HIGHEST), known.unseen) for g in windows]


@given(GROUPS, GROUPS, LINES, LINES)
def test_two_sets_looked_up_in_one_pass_say_what_a_dict_of_each_says(some: list[str], others: list[str], line: str, other: str) -> None:
    one, two = grams(some, 0.0), grams(others, 200.0)
    found, further = Lookup(one, two).surprise(line, other)
    assert found.tolist() == one.surprise(line).tolist() == one_by_one(one, line)
    assert further.tolist() == two.surprise(other).tolist() == one_by_one(two, other)


def test_the_worst_is_a_mean_over_characters_in_a_row_wherever_they_stand() -> None:
    for bits, expected in (([9.0, 9, 0, 0], 9.0), ([0.0, 0, 9, 9], 9.0), ([0.0, 4, 8, 0], 6.0), ([3.0], 3.0)):
        assert worst(np.cumsum(bits), 2) == expected


@given(st.text(max_size=30))
def test_a_text_is_its_parts_and_every_part_comes_once(text: str) -> None:
    parts = parted(text)
    assert "".join(gap + word for gap, word in zip(parts.between, (*parts.spoken, ""), strict=True)) == text
    assert parts.low == lowered(text)
    assert list(parts.words) == WORD.findall(lowered(text))
