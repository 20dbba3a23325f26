"""The compiled kernel: the same bytes as NumPy on ordinary and odd input, and nothing read that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.confidence.logistic import Logistic
from camelopard.core import kernel
from camelopard.core.arrays import Array, Bools, Floats, objects
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.evidence.copula import WIDEST, Copula, Surprise
from camelopard.evidence.neighbours import Neighbours
from camelopard.evidence.reading import OK, STATES, Reader, Reading
from camelopard.evidence.sums import NAMES, sum_up
from camelopard.firewall.boosting import Binned, Tree, boosted
from camelopard.firewall.head import Head
from camelopard.firewall.trees import Trees
from camelopard.modality.text_embedding import Embedding, features
from camelopard.modality.text_grams import Grams, Lookup, padding

Both = Callable[..., tuple[Any, Any]]
C: Any = kernel.found(None)
built = pytest.mark.skipif(C is None, reason="the kernel was not built here: there is nothing to compare NumPy with")
ODD = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, -1e300, 5e-324])


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Both:
    """Return what calls a function with the kernel and without it."""

    def done(work: Callable[..., Any], *arguments: object) -> tuple[Any, Any]:
        results = []
        for compiled in (C, None):
            with monkeypatch.context() as patch:
                patch.setattr(kernel, "compiled", compiled)
                results.append(work(*arguments))
        return results[0], results[1]

    return done


def same(a: Array, b: Array) -> bool:
    """Whether both hold the same bytes; one NaN is as good as another."""
    gone = np.isnan(a)
    return a.shape == b.shape and bool((gone == np.isnan(b)).all()) and np.where(gone, 0, a).tobytes() == np.where(gone, 0, b).tobytes()


def sprinkled(table: Floats, rng: np.random.Generator, share: float = 0.2, odd: Floats = ODD) -> Floats:
    return np.where(rng.random(table.shape) < share, rng.choice(odd, table.shape), table)


def layouts(table: Floats) -> list[Floats]:
    """Return the same numbers row by row, column by column, and with gaps between them."""
    wide = np.zeros((2 * len(table), 3 * table.shape[1]))
    wide[::2, ::3] = table
    return [np.ascontiguousarray(table), np.asfortranarray(table), wide[::2, ::3], np.ascontiguousarray(table[::-1])[::-1]]


# --- the same bytes -------------------------------------------------------------------------------------------------------------------


@built
@pytest.mark.parametrize("depth", range(1, 9))
def test_trees_score_the_same(both: Both, depth: int) -> None:
    rng = np.random.default_rng(depth)
    feature = rng.integers(0, 7, (20, depth))
    threshold = sprinkled(rng.normal(size=(20, depth)).round(1), rng, 0.1)
    trees = Trees(feature, threshold, rng.normal(size=(20, 2**depth)), 0.3)
    for n in (0, 1, 2, 3, 4, 33, 63, 64, 65, 131):
        for table in layouts(sprinkled(rng.normal(size=(n, 7)).round(1), rng)):
            compiled, plain = both(trees.score, table)
            assert same(compiled, plain), (n, table.strides)
            assert same(both(trees.score, table[:, :5], table[:, 5:])[0], compiled)
            assert same(both(trees.score, np.asfortranarray(table[:, :5]), np.ascontiguousarray(table[:, 5:]))[1], compiled)


@built
@pytest.mark.parametrize("d", [1, 5, 40])
def test_a_line_says_the_same(both: Both, d: int) -> None:
    rng = np.random.default_rng(d)
    centre, spread = rng.normal(size=d), rng.random(d) + 0.1
    head = Head(None, Logistic(rng.normal(size=d), 0.3), centre, spread)
    for n in (0, 1, 63, 64, 65, 131):
        for table in layouts(sprinkled(9 * rng.normal(size=(n, d + 2)), rng, 0.02)):
            assert same(*both(head.score, table)), (n, table.strides)


@built
@pytest.mark.parametrize("d", [1, 2, 3, 14])
def test_cells_come_to_the_same(both: Both, d: int) -> None:
    rng = np.random.default_rng(d)
    weights, categories = rng.random(d), d // 2
    for n, share in ((0, 0.5), (1, 0.0), (1, 1.0), (65, 0.0), (65, 0.3)):
        states = np.where(rng.random((n, d)) < share, rng.integers(0, len(STATES), (n, d)), OK).astype(np.uint8)
        costs, filled = rng.choice([0.0, 0.5, 0.5, 3.0, 9.0, 1e300], (n, d)), rng.normal(size=(n, d))  # equal ones among them
        rarities = np.where(rng.random((n, categories)) < 0.3, 0.0, rng.random((n, categories)).round(1))
        reading = Reading(np.zeros((n, d)), filled, states, rarities)

        def summed_up(reading: Reading, filled: Floats, costs: Floats) -> Floats:
            sums, places = np.empty((len(reading), len(NAMES))), np.empty(costs.shape)
            odd = sum_up(reading, Surprise(filled, filled, filled[:, 0]), costs, weights, weights[:categories], 5.0, sums, places)
            return np.column_stack([sums, places, odd])

        for given in layouts(costs):
            compiled, plain = both(summed_up, reading, filled, given)
            assert compiled.tobytes() == plain.tobytes(), (n, share)


@built
@pytest.mark.parametrize("seed", range(8))
def test_cells_lie_between_the_same_edges(both: Both, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for rows in (1, 2, 31, 33, 500):
        table = np.column_stack([rng.normal(size=rows), rng.integers(0, seed + 1, rows), rng.normal(size=rows).round(1), np.zeros(rows)])
        table = sprinkled(table, rng, 0.05, np.array([np.inf, -0.0, 1e300]))
        compiled, plain = both(lambda table=table: Binned.of(table))
        assert same(compiled.codes, plain.codes)
        assert all(map(same, compiled.edges, plain.edges))
        for column, edges, codes in zip(table.T, compiled.edges, compiled.codes, strict=True):
            assert codes.tolist() == [sum(edge < value for edge in edges.tolist()) for value in column.tolist()]


@built
@pytest.mark.parametrize("seed", range(12))
def test_trees_grow_alike(both: Both, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for depth, n in ((1, 1), (2, 50), (4, 400), (6, 2000), (8, 900)):
        edges = [np.arange(m, dtype=np.float64) for m in (1, 2, 7, 31, 31, 0)]
        seen = Binned(np.array([rng.integers(0, len(e) + 1, n) for e in edges], dtype=np.uint8), edges)
        slope, curve = rng.normal(size=n) + 0.3 * (seen.codes[seed % 5] > 0), rng.random(n)
        if seed >= 8:
            slope, curve = sprinkled(slope, rng, 0.01), sprinkled(curve, rng, 0.01)
        if seed == 7:  # nothing is gained after a level or two
            slope = np.where(seen.codes[0] > 0, 1.0, -1.0)
        rows, columns = np.flatnonzero(rng.random(n) < 0.7), rng.permutation(5)[: 1 + seed % 5]
        with np.errstate(all="ignore"):
            compiled, plain = both(Tree.grown, seen, columns, rows, slope, curve, rng.random(6) < 0.5, depth)
        assert (compiled.feature, compiled.place) == (plain.feature, plain.place)
        assert all(same(getattr(compiled, name), getattr(plain, name)) for name in ("leaf", "sums", "masses"))
        assert seed != 7 or n < 50 or len(columns) < 5 or len(compiled.feature) < depth


def worlds() -> list[tuple[Floats, Bools, Floats, Bools]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 12))
    x[:, 4:8] = rng.integers(0, 3, (1500, 4))
    x[:, 8:] = np.where(rng.random((1500, 4)) < 0.8, 0.0, x[:, 8:])
    x[:, 11] = 1.0
    event = rng.random(1500) < 1 / (1 + np.exp(-x[:, 0] * x[:, 1] - x[:, 5]))
    one = np.ones((1, 2))
    return [
        (x, event, rng.random(1500), np.arange(12) % 3 == 0),
        (sprinkled(x, rng, 0.05, np.array([np.inf, -np.inf, -0.0, 1e300])), event, np.ones(1500), np.zeros(12, dtype=bool)),
        (one, np.array([True]), np.ones(1), np.zeros(2, dtype=bool)),
        (x[:40, :1], np.zeros(40, dtype=bool), np.ones(40), np.ones(1, dtype=bool)),
    ]


@built
@pytest.mark.parametrize("world", range(4))
@pytest.mark.parametrize("depth", [1, 6, 8])
def test_boosting_learns_the_same_trees(both: Both, world: int, depth: int) -> None:
    table, event, weight, rising = worlds()[world]
    with np.errstate(all="ignore"):
        compiled, plain = both(lambda: boosted(table, event, weight, rising, np.random.default_rng(1), trees=12, depth=depth).state())
    assert all(same(np.asarray(compiled[name]), np.asarray(plain[name])) for name in plain)


def shares(n: int, classes: int, rng: np.random.Generator) -> Prediction:
    names = tuple(f"c{k}" for k in range(classes))
    proba = rng.dirichlet(np.ones(classes), n)
    return Prediction(objects(names[k] for k in proba.argmax(axis=1)), proba, classes=names)


@built
@pytest.mark.parametrize(("d", "classes"), [(1, 1), (1, 2), (3, 40), (14, 2), (60, 3), (300, 5)])
def test_the_nearest_rows_are_the_same(both: Both, d: int, classes: int) -> None:
    rng = np.random.default_rng(d)
    near = Neighbours.learn(2 * rng.normal(size=(700, d)), shares(700, max(1, classes - 1), rng), "classification")
    for n in (0, 1, 2, 63, 64, 65):
        scores, answer = sprinkled(3 * rng.normal(size=(n, d)), rng, 0.1, ODD[1:]), shares(n, classes, rng)
        for table in layouts(scores):
            compiled, plain = both(near.measure, table, answer, "classification")
            assert compiled.tobytes() == plain.tobytes()


@built
def test_the_nearest_rows_are_the_same_where_there_are_few_or_none(both: Both) -> None:
    for rows in (0, 1, 5):
        near = Neighbours(np.zeros((rows, 2)), np.zeros(rows, dtype=np.int64), np.zeros(0))
        answer = Prediction(objects([1.5]))
        compiled, plain = both(near.measure, np.array([[0.0, 9.0]]), answer, "regression")
        assert compiled.tobytes() == plain.tobytes()


@built
@pytest.mark.parametrize("d", [1, 2, 14, WIDEST, WIDEST + 1])
def test_surprise_is_the_same(both: Both, d: int) -> None:
    rng = np.random.default_rng(d)
    base = rng.normal(size=(400, 1))
    copula = Copula.learn(base + rng.normal(size=(400, d)))
    for n, share in ((0, 0.0), (1, 0.0), (1, 0.4), (1, 1.0), (63, 0.0), (64, 0.02), (65, 0.3), (200, 1.0)):
        for scores in layouts(sprinkled(4 * rng.normal(size=(n, d)), rng, share)):
            compiled, plain = both(copula.surprise, scores)
            for name in ("filled", "residual", "distance"):
                assert getattr(compiled, name).tobytes() == getattr(plain, name).tobytes(), (name, n, share)


@built
def test_unknown_cells_are_filled_the_same(both: Both) -> None:
    rng = np.random.default_rng(0)
    copula = Copula.learn(rng.normal(size=(300, 1)) + rng.normal(size=(300, 9)))
    for n in (1, 40):
        for gaps in (rng.random((n, 9)) < 0.2, np.ones((n, 9), dtype=bool), np.zeros((n, 9), dtype=bool)):
            for scores in layouts(rng.normal(size=(n, 9))):
                compiled, plain = both(copula.fill, scores, gaps)
                assert compiled.tobytes() == plain.tobytes()


@built
def test_normal_scores_are_the_same(both: Both) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=300), "b": rng.integers(0, 3, 300), "c": rng.choice(list("xyz"), 300), "d": rng.normal(size=300)})
    batch = Batch.of(table)
    schema = Schema.infer(batch)
    for names in (("a", "b", "c", "d"), ("a", "d"), ("c",)):
        part = Schema.infer(batch.select(names)) if len(names) < 4 else schema
        scorer = Reader.learn(batch.select(names), part, rng.normal(size=300)).scorer
        for n in (0, 1, 2, 70):
            values = sprinkled(3 * rng.normal(size=(n, len(names))), rng)
            values[:, scorer.categories] = np.where(
                rng.random((n, len(scorer.categories))) < 0.2, np.nan, rng.integers(0, 3, (n, len(scorer.categories)))
            )
            for given in layouts(values):
                compiled, plain = both(scorer.score, given)
                assert same(compiled[0], plain[0]) and compiled[1].tobytes() == plain[1].tobytes()
                rarities = both(scorer.rarities, given)
                assert rarities[0].tobytes() == rarities[1].tobytes() == compiled[1].tobytes()


@built
def test_a_firewall_is_the_same_file_and_says_the_same(both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camelopard.firewall.head.FEW_ROWS", 100)  # trees in a small world, too
    monkeypatch.setattr("camelopard.firewall.head.FEW_EVENTS", 12)
    rng, n = np.random.default_rng(0), 900
    table = pd.DataFrame({"dose": rng.gamma(4.0, 2.0, n).round(2), "colour": rng.choice(["red", "green", "blue"], n), "age": rng.integers(18, 91, n)})

    def answer(rows: pd.DataFrame) -> Any:
        odds = rows["dose"].astype(float) - 8 + (rows["colour"] == "red") + 0.05 * (rows["age"].astype(float) - 50)
        p = np.nan_to_num(1 / (1 + np.exp(-odds.to_numpy())), nan=0.5)
        return np.column_stack([1 - p, p])

    model = cp.wrap(answer, name="clinic", task="classification", classes=["well", "sick"])
    labels = np.where(rng.random(n) < answer(table)[:, 1], "sick", "well")
    bad = table.iloc[400:500].astype({"dose": object, "age": object})
    bad.iloc[::3, 0] = 1e6
    bad.iloc[::7, 2] = None
    bad.iloc[5, 1] = "rde"

    def work() -> tuple[bytes, list[dict[str, Any]]]:
        firewall = cp.Firewall(alpha=0.2, budget=6000, seed=0).fit(model, table.iloc[:200], labels[:200], reference=table.iloc[500:])
        learned = firewall.learned_
        assert learned.head.known.trees is not None and learned.errors is not None and learned.errors.trees is not None
        firewall.save(tmp_path / "one.firewall")
        alone = [found for i in (400, 401, 403) for found in firewall.screen(table.iloc[i].to_dict()).to_dicts()]
        return (tmp_path / "one.firewall").read_bytes(), firewall.screen(bad).to_dicts() + alone

    compiled, plain = both(work)
    assert compiled[0] == plain[0]
    assert repr(compiled[1]) == repr(plain[1])


WORDS = ["", "a", "ab", "Ünsal", "weiß", "fine", "film", "\U0001f42a", "0", "\ud800", "mist"]


def lines(rng: np.random.Generator, n: int) -> list[str]:
    return [" ".join(rng.choice(WORDS, rng.integers(1, 30))) for _ in range(n)]


@built
def test_groups_of_letters_are_looked_up_the_same(both: Both) -> None:
    rng = np.random.default_rng(0)
    clean = lines(rng, 60)
    first, second = (
        Grams.of(
            Counter(g for t in clean for n in range(1, 5) for g in (t[i : i + n] for i in range(len(t)))),
            set("".join(part)) | {t[i : i + 3] for t in part for i in range(len(t) - 2)},
        )
        for part in (clean[:30], clean[30:])
    )
    for text in ["a", *lines(rng, 40)]:
        for found in (both(Lookup(first, second).surprise, padding(text), padding(text[::-1])), both(Lookup(second).surprise, padding(text))):
            assert all(same(compiled, plain) for compiled, plain in zip(*found, strict=True))


@built
def test_texts_lie_in_the_same_place(both: Both) -> None:
    rng = np.random.default_rng(1)
    embedding, new = Embedding.learn(lines(rng, 80)), [*lines(rng, 40), "", "a", "ab", "abc"]

    def hashes(text: str) -> Array:
        features.cache_clear()
        return features(text)

    for text in new:
        compiled, plain = both(hashes, text)
        assert compiled.tobytes() == plain.tobytes()
        assert same(*both(embedding.vector, text))
    vectors = np.array([embedding.vector(text) for text in new])
    for some in (vectors, vectors[:1], vectors[:0]):
        assert same(*both(embedding.distance, some))


# --- nothing is read that is not there --------------------------------------------------------------------------------------------------


def tree_arrays() -> list[Any]:
    return [np.zeros((3, 1)), np.zeros((3, 1)), np.zeros((4, 2), dtype=np.int64), np.zeros((4, 2)), np.zeros((4, 4)), 0.0, np.zeros(3)]


def line_arrays() -> list[Any]:
    return [np.zeros((3, 4)), np.zeros(2), np.ones(2), np.ones(2), 0.5, 14.0, np.zeros(3)]


def grams_arrays() -> list[Any]:
    keys = np.full(1, (1 << 63) - 1, dtype=np.uint64)  # what is not known, of the first set: every group is found there
    bucket = (int(keys[0]) * 0x9E3779B97F4A7C15 % 2**64) >> 60
    starts = (np.arange(17) > bucket).astype(np.int64)
    return [np.zeros(5, dtype=np.uint32), 5, np.zeros(2 * 65537, dtype=np.uint16), keys, starts, 60, np.zeros(1), np.zeros(2)]


def hashed_arrays() -> list[Any]:
    unsigned = [np.zeros(n, dtype=np.uint64) for n in (1, 4, 4)]
    return [np.zeros(4, dtype=np.uint32), unsigned[0], unsigned[1], 7, unsigned[2]]


def unit_arrays() -> list[Any]:
    return [np.arange(3, dtype=np.uint64), np.ones(8, dtype=np.float32), np.zeros(4)]


def most_alike_arrays() -> list[Any]:
    return [np.ones((2, 3), dtype=np.int16), np.ones((4, 3), dtype=np.int16), np.ones(4), np.zeros(2)]


def sum_up_arrays() -> list[Any]:
    cells = [np.zeros((3, 2)), np.zeros((3, 2), dtype=np.uint8), np.zeros((3, 2)), np.zeros((3, 1))]
    return [*cells, np.ones(2), np.ones(1), np.zeros(len(STATES)), 5.0, np.zeros((3, len(NAMES))), np.zeros((3, 2)), np.zeros(3)]


def nearest_arrays() -> list[Any]:
    pairs, sizes = np.ones((2, 5, 2), dtype=np.int16), np.ones(5, dtype=np.int32)
    return [np.zeros((2, 3)), pairs, sizes, np.array([0, 2]), np.array([0, 1]), np.array([0, 1, 2]), 6.0, 16.0, 1e4, 0.05, np.zeros((2, 2))]


def grow_arrays() -> list[Any]:
    codes = np.array([[0, 1, 1], [0, 2, 1]], dtype=np.uint8)
    seen = [codes, np.array([1, 2]), np.zeros(2, dtype=bool), np.array([1, 0]), np.array([0, 2]), np.ones(3), np.ones(3), 3, 5.0, 0.0]
    return [*seen, np.zeros(3, dtype=np.uint8), np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64), np.zeros(4), np.zeros(4)]


def divide_arrays() -> list[Any]:
    return [np.zeros((2, 3)), np.array([0.0, 1.0, 2.0]), np.array([0, 1, 3]), np.zeros((2, 3), dtype=np.uint8)]


def surprise_arrays() -> list[Any]:
    return [np.zeros((3, 2)), np.eye(2), np.ones(2), 3, np.zeros((3, 2)), np.zeros((3, 2)), np.zeros(3)]


def fill_arrays() -> list[Any]:
    return [np.zeros((3, 2)), np.zeros((3, 2), dtype=bool), np.eye(2), 3]


def interpolate_arrays() -> list[Any]:
    far = np.zeros((1, 3), dtype=bool)
    return [
        np.zeros((3, 2)),
        np.array([1]),
        np.array([[0.0], [1.0]]),
        np.array([0, 2]),
        np.array([0.0, 1.0]),
        np.zeros((3, 3)),
        np.zeros((3, 2)),
        far,
    ]


def look_up_arrays() -> list[Any]:
    return [np.zeros((3, 2)), np.array([1]), np.array([0, 4]), np.arange(4.0), np.zeros((3, 1)), np.array([0])]


FUNCTIONS = {
    "score_trees": tree_arrays,
    "line": line_arrays,
    "sum_up": sum_up_arrays,
    "grams": grams_arrays,
    "hashed": hashed_arrays,
    "unit": unit_arrays,
    "most_alike": most_alike_arrays,
    "nearest": nearest_arrays,
    "divide": divide_arrays,
    "grow": grow_arrays,
    "surprise": surprise_arrays,
    "fill": fill_arrays,
    "interpolate": interpolate_arrays,
    "look_up": look_up_arrays,
}


# Arguments of which a part may be used.
MAY_BE_WIDER = {"divide": {1}, "score_trees": {0, 1}, "line": {0}, "nearest": {5}, "interpolate": {4, 5}, "look_up": {0, 3, 4}}


OF_ANY_LENGTH = {"unit": {0}, "grow": {3, 4}}


def unfit(argument: Array, wider: bool, any_length: bool) -> list[object]:
    """Return what looks a little like an array: of other items or dimensions, longer, wider, out of line, or nothing of the kind."""
    found: list[object] = [argument[None], argument[..., None], argument.astype(np.complex128), argument.astype(">f4"), argument.astype(object)]
    found += [argument.tolist(), None]
    if not any_length:
        found.append(np.concatenate([argument, argument]) if argument.ndim == 2 else argument[:0])
    if not wider and not any_length:
        found.append(np.concatenate([argument] * 3, axis=-1))
    if argument.dtype.itemsize > 1:
        found.append(np.zeros(argument.nbytes + 1, dtype=np.uint8)[1:].view(argument.dtype).reshape(argument.shape))
    return found


@built
@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrays_of_another_type_shape_or_layout_are_refused(name: str) -> None:
    function, arguments = getattr(C, name), FUNCTIONS[name]()
    function(*arguments)
    for k, argument in enumerate(arguments):
        if isinstance(argument, np.ndarray):
            for other in unfit(argument, k in MAY_BE_WIDER.get(name, ()), k in OF_ANY_LENGTH.get(name, ())):
                with pytest.raises((ValueError, TypeError, BufferError)):
                    function(*arguments[:k], other, *arguments[k + 1 :])
    with pytest.raises(TypeError, match=rf"expected {len(arguments)} arguments, got {len(arguments) - 1}"):
        function(*arguments[:-1])


@built
def test_what_is_written_to_must_be_writable() -> None:
    arguments = tree_arrays()
    arguments[-1].flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        C.score_trees(*arguments)


@built
def test_a_refusal_says_what_was_expected_and_what_came() -> None:
    arguments = tree_arrays()
    arguments[2] = arguments[2].astype(np.int16)
    with pytest.raises(ValueError, match=r"feature: expected an aligned, contiguous array of int64 with 2 dimension\(s\); got 2 of format 'h'"):
        C.score_trees(*arguments)


@built
@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("score_trees", 2, np.full((4, 2), 2)),
        ("score_trees", 2, np.full((4, 2), -1)),
        ("score_trees", 2, np.full((4, 2), 2**62)),
        ("score_trees", 1, np.zeros((2, 1))),
        ("line", 0, np.zeros((3, 1))),
        ("line", 1, np.zeros(0)),
        ("sum_up", 1, np.full((3, 2), len(STATES), dtype=np.uint8)),
        ("sum_up", 6, np.zeros(2)),
        ("sum_up", 8, np.zeros((3, 16))),
        ("nearest", 3, np.array([0, 5])),
        ("nearest", 3, np.array([2, 0])),
        ("nearest", 3, np.array([-3, 2])),
        ("nearest", 3, np.array([1, 1])),
        ("nearest", 5, np.array([0, 3])),
        ("nearest", 5, np.zeros(0, dtype=np.int64)),
        ("nearest", 7, 1e300),
        ("nearest", 4, np.array([-1, 0])),
        ("divide", 0, np.zeros((2, 4))),
        ("divide", 1, np.zeros(2)),
        ("divide", 1, np.zeros(300)[:0]),
        ("divide", 2, np.array([0, -1, 3])),
        ("divide", 2, np.array([0, 4, 3])),
        ("divide", 2, np.array([-1, 1, 3])),
        ("divide", 2, np.array([0, 1])),
        ("divide", 3, np.zeros((3, 3), dtype=np.uint8)),
        ("grow", 0, np.full((2, 3), 3, dtype=np.uint8)),
        ("grow", 0, np.zeros((2, 2), dtype=np.uint8)),
        ("grow", 1, np.array([1, 3])),
        ("grow", 1, np.array([-1, 2])),
        ("grow", 2, np.zeros(3, dtype=bool)),
        ("grow", 3, np.array([2])),
        ("grow", 3, np.array([-1])),
        ("grow", 4, np.array([0, 3])),
        ("grow", 4, np.array([-1])),
        ("grow", 5, np.ones(2)),
        ("grow", 6, np.ones(4)),
        ("grow", 7, 0),
        ("grow", 7, 257),
        ("grow", 10, np.zeros(2, dtype=np.uint8)),
        ("grow", 11, np.zeros(3, dtype=np.int64)),
        ("grow", 11, np.zeros(9, dtype=np.int64)),
        ("grow", 12, np.zeros(1, dtype=np.int64)),
        ("grow", 13, np.zeros(8)),
        ("grow", 14, np.zeros(2)),
        ("surprise", 3, 0),
        ("surprise", 3, 10**6),
        ("fill", 3, 0),
        ("interpolate", 1, np.array([2])),
        ("interpolate", 1, np.array([-1])),
        ("interpolate", 3, np.array([0, 3])),
        ("interpolate", 3, np.array([1, 0])),
        ("interpolate", 3, np.array([-2, 0])),
        ("grams", 5, 59),
        ("grams", 5, 200),
        ("grams", 3, np.zeros(1, dtype=np.uint64)),
        ("grams", 4, np.full(17, 9)),
        ("grams", 4, np.full(17, -1)),
        ("hashed", 0, np.zeros(2, dtype=np.uint32)),
        ("unit", 1, np.ones(6, dtype=np.float32)),
        ("unit", 2, np.zeros(3)),
        ("most_alike", 1, np.ones((0, 3), dtype=np.int16)),
        ("look_up", 1, np.array([2])),
        ("look_up", 5, np.array([1])),
        ("look_up", 2, np.array([0, 5])),
        ("look_up", 2, np.array([3, 3])),
        ("look_up", 0, np.full((3, 2), 4.0)),
        ("look_up", 0, np.full((3, 2), -1.0)),
        ("look_up", 0, np.full((3, 2), np.inf)),
    ],
)
def test_what_is_out_of_range_is_refused(name: str, place: int, value: object) -> None:
    arguments = FUNCTIONS[name]()
    arguments[place] = value
    with pytest.raises(ValueError):
        getattr(C, name)(*arguments)


@built
def test_a_tree_from_a_file_that_asks_for_a_column_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "compiled", C)
    state = {"feature": np.array([[700]], dtype=np.int16), "threshold": np.zeros((1, 1)), "leaves": np.zeros((1, 2)), "base": 0.0}
    with pytest.raises(ValueError, match="a column that the table does not have"):
        Trees.from_state(state).score(np.zeros((1, 5)))


# --- whether it is there ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "there"), [("0", False), ("1", C is not None), ("", C is not None)])
def test_the_environment_switches_it_off(setting: str, there: bool) -> None:
    probe = "from camelopard.core import kernel; print(kernel.compiled is not None)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, env={**os.environ, kernel.SWITCH: setting})
    assert done.stdout.strip() == str(there)


@built
def test_a_build_of_another_version_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(C, "version", kernel.VERSION + 1)
    assert kernel.found(None) is None


def test_where_there_is_none_all_goes_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "camelopard.core._kernel", None)
    monkeypatch.delattr("camelopard.core._kernel", raising=False)
    assert kernel.found(None) is None
