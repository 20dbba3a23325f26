"""Evidence in the model's feature space: each formula against a transcription of its paper, the same bytes in any batch, silence on clean rows."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from camelopard.confidence.quality import auroc
from camelopard.core import codec
from camelopard.core.arrays import Floats, Ints
from camelopard.core.errors import InputError
from camelopard.core.records import Prediction, Task
from camelopard.evidence import space as module
from camelopard.evidence import space_shape
from camelopard.evidence.space import NAMES, Space
from camelopard.evidence.space_bank import SMALL, least
from camelopard.evidence.space_formulas import decision_distance, energy, generalised_entropy
from camelopard.evidence.space_rows import on_grid, read
from camelopard.evidence.space_shape import SHRINK, principal

K = 3
ROUNDED = 2.0**-17  # matrices are kept to 22 bits of their largest entry: what a sum of several such errors may come to


def world(n: int, d: int, seed: int = 0, k: int = K) -> tuple[Floats, Ints]:
    """Return vectors in clusters of d dimensions, on a grid coarse enough to be read exactly, and which cluster each is of."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, k, n)
    middle = 3 * np.random.default_rng(1000 + d).normal(size=(k, d))
    mix = np.random.default_rng(2000 + d).normal(size=(d, d)) / np.sqrt(d)
    return np.round((middle[kind] + rng.normal(size=(n, d)) @ mix + 1) * 1024) / 1024, kind


def layer(d: int, k: int = K) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(d)
    return np.round(rng.normal(size=(k, d)) * 256) / 256, np.round(rng.normal(size=k) * 256) / 256


def answers(kind: Ints, k: int = K, sure: float = 0.9) -> Prediction:
    proba = np.full((len(kind), k), (1 - sure) / max(k - 1, 1))
    proba[np.arange(len(kind)), kind] = sure
    return Prediction(kind, proba, classes=tuple(range(k)))


def says(x: Floats, last: tuple[Floats, Floats]) -> Prediction:
    """Return what a linear layer answers."""
    logits = x @ last[0].T + last[1]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Prediction(logits.argmax(axis=1), powers / powers.sum(axis=1, keepdims=True), classes=tuple(range(len(last[1]))))


def column(space: Space, table: Floats, name: str) -> Floats:
    return table[:, space.names.index(name)]


def learned(n: int = 400, d: int = 8) -> tuple[Space, Floats, Prediction, Floats, Prediction]:
    """Return a space, what it learned from, and new rows of the same clusters."""
    x, kind = world(n, d)
    new, new_kind = world(60, d, seed=1)
    return Space.learn(x, answers(kind), "classification", layer(d), np.arange(n)), x, answers(kind), new, answers(new_kind)


# Golden values: formulas as their papers write them, in loops.


def test_mahalanobis_and_relative_mahalanobis_are_those_of_the_papers() -> None:
    space, x, answer, new, asked = learned()
    kind, mean, n, d = answer.value, x.mean(axis=0), len(x), x.shape[1]
    vectors = np.linalg.eigh((x - mean).T @ (x - mean))[1]
    z, found = (x - mean) @ vectors, space.measure(new, asked)
    means = [z[kind == c].mean(axis=0) for c in range(K)]

    def shrunk(centred: Floats) -> Floats:
        covariance: Floats = np.sum([np.outer(row, row) for row in centred], axis=0) / n
        share = max(SHRINK, d / n)
        mixed: Floats = (1 - share) * covariance + share * np.trace(covariance) / d * np.eye(d)
        return mixed

    within, total = shrunk(np.array([row - means[c] for row, c in zip(z, kind, strict=True)])), shrunk(z)
    for i, row in enumerate(new):
        at = (row - mean) @ vectors
        to = [(at - m) @ np.linalg.inv(within) @ (at - m) for m in means]
        more = min(to) - at @ np.linalg.inv(total) @ at
        assert column(space, found, "mahalanobis")[i] == pytest.approx(sqrt(to[asked.value[i]]), rel=ROUNDED)
        root = column(space, found, "relative")[i]
        assert root * abs(root) == pytest.approx(more, abs=ROUNDED * max(to))


@pytest.mark.parametrize("d", [2, 8, 300])
def test_neighbours_are_those_of_the_papers_to_within_the_rounding_of_the_bank(d: int) -> None:
    space, x, answer, new, asked = learned(200, d)
    found, bank = space.measure(new, asked), space.bank
    units = [row / np.linalg.norm(row) for row in x]
    for i, row in enumerate(new[:20]):
        far = np.array([np.linalg.norm(row / np.linalg.norm(row) - unit) for unit in units])
        own, other = far[answer.value == asked.value[i]].min(), far[answer.value != asked.value[i]].min()
        rounding = sqrt(d) / bank.scale
        assert column(space, found, "nearest")[i] == pytest.approx(far.min(), abs=rounding)
        assert column(space, found, "nearest_5")[i] == pytest.approx(np.sort(far)[:5].mean(), abs=rounding)
        assert column(space, found, "trust")[i] == pytest.approx(log((own + SMALL) / (other + SMALL)), abs=2 * rounding / SMALL)


def test_nothing_nearer_is_missed() -> None:
    space, _, _, new, asked = learned(2000, 40)
    bank, rows = space.bank, read(new, space.longest)
    found = space.measure(new, asked)
    whole = bank.directions(rows.whole, rows.square)[:, :-1].astype(np.int64)
    squares = ((whole[:, None, :] - bank.rows.astype(np.int64)) ** 2).sum(axis=2)
    assert np.allclose(column(space, found, "nearest"), np.sqrt(squares.min(axis=1)) / bank.scale, rtol=1e-12, atol=0)
    assert np.allclose(column(space, found, "nearest_5"), np.sqrt(np.sort(squares, axis=1)[:, :5]).mean(axis=1) / bank.scale, rtol=1e-12, atol=0)


def test_residual_and_vim_are_those_of_the_paper() -> None:
    space, x, _, new, asked = learned(d=9)
    weights, biases = layer(9)
    found, origin = space.measure(new, asked), -np.linalg.pinv(weights) @ biases
    about = x - origin
    null = np.linalg.eigh(about.T @ about)[1][:, : 9 - 9 // 2]  # of the least eigenvalues
    alpha = sum(max(weights @ row + biases) for row in x) / sum(np.linalg.norm(null.T @ (row - origin)) for row in x)
    for i, row in enumerate(new):
        logits, virtual = weights @ row + biases, alpha * np.linalg.norm(null.T @ (row - origin))
        powers = [np.exp(logit) for logit in logits]
        rounding = ROUNDED * alpha * np.linalg.norm(row - origin)
        assert column(space, found, "residual")[i] == pytest.approx(virtual, abs=rounding)
        score = np.exp(virtual) / (sum(powers) + np.exp(virtual))  # the probability of the virtual class
        assert column(space, found, "vim")[i] == pytest.approx(log(score / (1 - score)), abs=rounding)
        assert column(space, found, "max_logit")[i] == pytest.approx(-max(logits), rel=1e-6)
        assert column(space, found, "energy")[i] == pytest.approx(-log(sum(powers)), rel=1e-6)


def test_decision_boundaries_and_collapse_are_those_of_the_papers() -> None:
    space, x, answer, new, _ = learned()
    weights, biases = layer(8)
    asked = says(new, (weights, biases))
    found, mean = space.measure(new, asked), x.mean(axis=0)
    size = [np.abs(row).sum() for row in x]
    near = [weights[c] @ (row - mean) / np.linalg.norm(row - mean) for row, c in zip(x, answer.value, strict=True)]
    alpha = np.std(near) / np.std(size)
    for i, row in enumerate(new):
        f, total = int(np.argmax(weights @ row + biases)), 0.0
        for c in range(K):
            if c != f:
                total += abs((weights[f] - weights[c]) @ row + biases[f] - biases[c]) / np.linalg.norm(weights[f] - weights[c])
        assert column(space, found, "fdbd")[i] == pytest.approx(-total / (K - 1) / np.linalg.norm(row - mean), rel=1e-6)
        proximity = weights[f] @ (row - mean) / np.linalg.norm(row - mean)
        assert column(space, found, "nci")[i] == pytest.approx(-(proximity + alpha * np.abs(row).sum()), rel=1e-6)


def test_generalised_entropy_is_that_of_the_paper_also_beyond_a_hundred_classes() -> None:
    p = np.random.default_rng(0).dirichlet(np.full(150, 0.2), size=5)
    for row, value in zip(p, generalised_entropy(p), strict=True):
        assert value == pytest.approx(sum(q**0.1 * (1 - q) ** 0.1 for q in sorted(row)[-100:]), rel=1e-9)
    assert generalised_entropy(np.array([[1.0, 0.0], [0.5, 0.5]])) == pytest.approx([0.0, 2 * 0.25**0.1])


def test_length_is_unusual_both_ways_and_for_its_own_answer() -> None:
    x = np.array([[s, 0.0] for s in (1.0, 1.25, 1.5)] + [[0.0, s] for s in (8.0, 10.0, 12.0)])
    space = Space.learn(x, answers(np.repeat([0, 1], 3), 2), "classification")
    spread = 1.4826 * np.median([log(1.25), log(1.2), 0, 0, log(1.25), log(1.2)])
    new = np.array([[1.25, 0], [5.0, 0], [0.3125, 0], [10.0, 0], [0, 10.0]])
    found = column(space, space.measure(new, answers(np.array([0, 0, 0, 0, 1]), 2)), "norm")
    assert found == pytest.approx([0.0, log(4) / spread, log(4) / spread, log(8) / spread, 0.0])


def test_an_answer_that_the_last_layer_does_not_share_lies_beyond_the_boundary() -> None:
    logits, gaps = np.array([[3.0, 1.0]]), np.array([[2.0, 2.0]])
    assert decision_distance(logits, np.array([0]), gaps, np.ones(1)).tolist() == [-1.0]
    assert decision_distance(logits, np.array([1]), gaps, np.ones(1)).tolist() == [1.0]
    assert energy(np.array([[1000.0, 1000.0]])) == pytest.approx(-1000 - log(2))


# The same bytes.


@pytest.mark.parametrize(("n", "d"), [(90, 2), (300, 5), (1500, 64), (200, 300), (150, 1100)])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_row_gets_the_same_bytes_alone_in_a_batch_and_in_any_order(n: int, d: int, task: Task) -> None:
    x, kind = world(n, d)
    space = Space.learn(x, answers(kind), task, layer(d), np.arange(n))
    rng = np.random.default_rng(0)
    new = rng.normal(size=(600, d)) * 10.0 ** rng.integers(-4, 6, size=(600, 1))
    new[5], new[6, 0], new[7] = 0.0, np.nan, x[0]
    asked = answers(rng.integers(0, K, 600), sure=0.8)
    together = space.measure(new, asked)
    order = rng.permutation(600)
    assert space.measure(new[order], asked.take(order)).tobytes() == together[order].tobytes()
    for part in (slice(0, 3), slice(590, 600)):
        assert space.measure(new[part], asked.take(part)).tobytes() == together[part].tobytes()
    for i in (0, 5, 6, 7, 599):
        assert space.measure(new[i : i + 1], asked.take(slice(i, i + 1))).tobytes() == together[i : i + 1].tobytes()
    assert Space.from_state(space.state()).measure(new, asked).tobytes() == together.tobytes()
    assert Space.learn(x, answers(kind), task, layer(d), np.arange(n)).measure(new, asked).tobytes() == together.tobytes()


def test_many_classes_are_measured_in_pieces_with_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    x, kind = world(900, 20, k=150)
    space = Space.learn(x, answers(kind, 150), "classification", layer(20, 150))
    together = space.measure(x[:40], answers(kind[:40], 150))
    monkeypatch.setattr("camelopard.evidence.space_formulas.PIECE", 7000)
    monkeypatch.setattr(module, "PIECE", 13)
    assert space.measure(x[:40], answers(kind[:40], 150)).tobytes() == together.tobytes()


@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(-1e6, 1e6)))
def test_reading_and_rounding_twice_changes_nothing(table: Floats) -> None:
    once = read(table).values()
    assert read(once).values().tobytes() == once.tobytes()
    assert np.abs(once - table).max() <= 2.0**-17 * np.abs(table).max()
    assert on_grid(on_grid(table)).tobytes() == on_grid(table).tobytes()
    assert (on_grid(table).astype(np.float32) == on_grid(table)).all()


@given(arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 200)), elements=st.integers(-9, 9).map(float)), st.integers(1, 6))
def test_the_least_numbers_are_found(values: Any, count: int) -> None:
    assert least(values, count).tolist() == np.sort(values, axis=1)[:, :count].tolist()


# What it is for.


def novel(seed: int) -> dict[str, float]:
    """Return the AUROC of each number for a cluster between two known ones, against fresh rows of these."""
    rng = np.random.default_rng(seed)
    middle = np.zeros((3, 12))
    middle[0, 0], middle[1, 1], middle[2, [0, 1, 2]] = 6.0, 6.0, [3.0, 3.0, 4.0]

    def rows(kinds: Ints) -> Floats:
        return middle[kinds] + 0.7 * rng.normal(size=(len(kinds), 12)) + 1.0

    kind = rng.integers(0, 2, 500)
    x = rows(kind)
    weights = np.vstack([middle[0] - middle[1], middle[1] - middle[0]]) / 6
    last = (weights, np.zeros(2))
    space = Space.learn(x, says(x, last), "classification", last)
    new = np.concatenate([rows(rng.integers(0, 2, 200)), rows(np.full(200, 2))])
    found, strange = space.measure(new, says(new, last)), np.repeat([False, True], 200)
    return {name: float(auroc(found[:, j], strange)) for j, name in enumerate(space.names)}


def test_a_new_cluster_between_two_known_ones_is_worse_than_clean() -> None:
    found = [novel(seed) for seed in range(10)]
    for name in ("nearest", "nearest_5", "trust", "mahalanobis", "relative", "gen", "max_logit", "energy", "vim", "fdbd", "nci"):
        assert min(run[name] for run in found) > 0.95, name


def test_fresh_rows_of_known_clusters_look_like_those_learned_from() -> None:
    """The null twin: no number tells held-out rows from those learned from, where these are not compared with themselves."""
    found: dict[str, list[float]] = {}
    for seed in range(12):
        x, kind = world(1500, 16, seed)
        new, new_kind = world(1500, 16, 100 + seed)
        space = Space.learn(x, answers(kind), "classification", layer(16), np.arange(1500))
        old, fresh = space.measure(x, answers(kind), np.arange(1500)), space.measure(new, answers(new_kind))
        for j, name in enumerate(space.names):
            found.setdefault(name, []).append(float(auroc(np.concatenate([old[:, j], fresh[:, j]]), np.repeat([False, True], 1500))))
    for name, areas in found.items():
        assert min(areas) > 0.45 and max(areas) < 0.55, name
        assert 0.485 < np.mean(areas) < 0.515, name


def test_a_row_learned_from_is_not_compared_with_itself() -> None:
    x, kind = world(100, 6)
    space = Space.learn(x, answers(kind), "classification", source=500 + np.arange(100))
    assert column(space, space.measure(x, answers(kind)), "nearest").max() == 0.0
    assert column(space, space.measure(x, answers(kind), 500 + np.arange(100)), "nearest").min() > 0.0
    without = Space.learn(x, answers(kind), "classification")
    assert column(without, without.measure(x, answers(kind), np.arange(100)), "nearest").max() == 0.0
    assert without.worst.tobytes() == space.worst.tobytes()


def test_rare_answers_get_their_share_of_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 100)
    x, _ = world(3000, 4)
    space = Space.learn(x, answers(np.repeat([0, 1], [2990, 10]), 2), "classification")
    assert np.bincount(space.bank.groups).tolist() == [90, 10]


def test_the_first_directions_of_wide_vectors_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    x, _ = world(300, 60)
    some = principal(x, 5)
    monkeypatch.setattr(space_shape, "DENSE", 10)
    again = principal(x, 5)
    assert np.abs(np.abs((some * again).sum(axis=0)) - 1).max() < 1e-2
    assert np.abs(some @ some.T @ x[0] - again @ again.T @ x[0]).max() < 0.1


# What cannot be told.


def test_a_row_without_vector_or_answer_gets_the_worst_that_a_clean_row_got() -> None:
    space, x, answer, new, asked = learned()
    worst = space.measure(x, answer, np.arange(len(x))).max(axis=0)
    new[0, 3], new[1, 0] = np.nan, -np.inf
    asked.errors[2] = "no answer"
    found = space.measure(new, asked)
    assert found[:3].tolist() == [worst.tolist()] * 3
    assert not (found[3:] == worst).all(axis=1).any()


def test_an_answer_that_no_clean_row_got_is_as_bad_as_any() -> None:
    x, kind = world(300, 5, k=2)
    space = Space.learn(x, answers(kind, 3), "classification", layer(5))
    found = space.measure(x[:2], answers(np.array([2, 2]), 3))
    for name in ("mahalanobis", "norm", "fdbd", "nci"):
        assert (column(space, found, name) == space.worst[space.names.index(name)]).all()
    assert (column(space, found, "trust") > 0).all() and np.isfinite(found).all()
    votes = Prediction(np.array([7, 7]), classes=(0, 1, 2, 7))  # of a model whose classes are learned as they come
    assert space.measure(x[:2], votes)[:, [3, 6]].tobytes() == found[:, [3, 6]].tobytes()


@given(arrays(np.float64, (4, 3), elements=st.floats(allow_nan=True, allow_infinity=True)), st.integers(0, 2))
def test_no_row_gives_a_nan_or_an_infinity(rows: Floats, c: int) -> None:
    found = HOSTILE.measure(rows, answers(np.full(4, c)))
    assert np.isfinite(found).all()
    assert HOSTILE.measure(rows[2:3], answers(np.array([c]))).tobytes() == found[2:3].tobytes()


HOSTILE = Space.learn(world(60, 3)[0], answers(world(60, 3)[1]), "classification", layer(3))


def test_wide_vectors_keep_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENTRIES", 400)
    x, kind = world(200, 8)
    assert Space.learn(x, answers(kind), "classification").bank.rows.shape == (50, 8)


def test_a_vector_of_any_length_keeps_its_direction() -> None:
    space, x, answer, _, _ = learned()
    for factor in (1e-300, 1e-30, 1e30, 1e290):
        found = space.measure(x[:5] * factor, answer.take(slice(0, 5)))
        assert column(space, found, "nearest").max() < 1e-3
        assert column(space, found, "norm").min() > 5


@pytest.mark.parametrize(
    "x", [np.zeros((4, 3)), np.ones((30, 3)), np.eye(6), np.full((9, 2), 1e-14), np.tile([[1e15, 0.0]], (5, 1)), world(7, 90)[0]]
)
def test_degenerate_clean_rows_are_learned_from(x: Floats) -> None:
    kind = np.arange(len(x)) % 2
    for last in (None, (np.zeros((2, x.shape[1])), np.zeros(2)), layer(x.shape[1], 2), (np.full((2, x.shape[1]), 1e-9), np.ones(2))):
        space = Space.learn(x, answers(kind, 2), "classification", last)
        again = Space.from_state(space.state())
        found = again.measure(np.vstack([x, x + 1, 2 * x]), answers(np.tile(kind, 3), 2))
        assert np.isfinite(found).all() and np.isfinite(space.worst).all()


def test_what_is_not_known_is_left_out() -> None:
    x, kind = world(80, 4)
    answer, last = answers(kind), layer(4)
    scored = Prediction(kind, scores=10 * answer.shares, classes=(0, 1, 2))
    voted = Prediction(kind, classes=(0, 1, 2))
    plain = ("nearest", "nearest_5", "mahalanobis", "residual", "norm")
    logits = ("max_logit", "energy", "vim")
    assert Space.learn(x, answer, "classification", last).names == NAMES
    assert Space.learn(x, answer, "classification").names == ("nearest", "nearest_5", "trust", "mahalanobis", "relative", "residual", "norm", "gen")
    assert Space.learn(x, scored, "classification").names == NAMES[:11]
    assert Space.learn(x, voted, "classification").names == NAMES[:7]
    assert Space.learn(x, None, "classification", last).names == plain + logits
    assert Space.learn(x, Prediction(x[:, 0]), "regression", last).names == plain
    space = Space.learn(x, scored, "classification")
    found = space.measure(x, scored)
    assert column(space, found, "max_logit").tolist() == [-9.0] * 80
    assert column(space, space.measure(x, voted), "energy").tolist() == [space.worst[space.names.index("energy")]] * 80


def test_one_row_of_weights_for_two_classes_is_a_logistic_regression() -> None:
    x, kind = world(80, 4, k=2)
    weights, biases = layer(4, 1)
    one = Space.learn(x, answers(kind, 2), "classification", (weights, biases))
    two = Space.learn(x, answers(kind, 2), "classification", (np.vstack([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2))
    assert one.measure(x, answers(kind, 2)).tobytes() == two.measure(x, answers(kind, 2)).tobytes()
    assert column(one, one.measure(x, answers(kind, 2)), "max_logit") == pytest.approx(-np.abs(x @ weights[0] + biases[0]) / 2, rel=1e-6)


# Wrong use, hostile files.


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"vectors": np.zeros(5)}, r"shape \(5,\); expected \(n, d\)"),
        ({"vectors": np.zeros((5, 0))}, "d from 1 to 8,192"),
        ({"vectors": np.zeros((40, 9000))}, "d from 1 to 8,192"),
        ({"vectors": np.full((40, 4), "x")}, "no numbers"),
        ({"vectors": np.full((40, 4), np.nan)}, "0 of the 40 rows given have a finite vector"),
        ({"vectors": np.full((40, 4), 1e61)}, "Scale them by a constant"),
        ({"vectors": np.full((40, 4), 1e-61)}, "between 1e-15 and 1e\\+15"),
        ({"vectors": np.zeros((39, 4))}, "39 vectors came with 40 answers"),
        ({"source": np.arange(7)}, "40 vectors came with 7 sources"),
        ({"last": layer(5)}, r"weights of shape \(3, 5\) and biases of shape \(3,\); expected \(3, 4\) and \(3,\)"),
        ({"last": (layer(4)[0].T, layer(4)[1])}, r"Weights of shape \(4, 3\) are transposed"),
        ({"last": (layer(4)[0], np.full(3, np.nan))}, "a NaN"),
        ({"last": (None, "x")}, "no numbers"),
    ],
)
def test_wrong_use_is_told_in_words(change: dict[str, Any], told: str) -> None:
    x, kind = world(40, 4)
    given_: dict[str, Any] = {"vectors": x, "answer": answers(kind), "task": "classification", **change}
    with pytest.raises(InputError, match=told):
        Space.learn(**given_)


def test_rows_that_do_not_fit_are_told_in_words() -> None:
    space, _, _, new, asked = learned()
    with pytest.raises(InputError, match=r"shape \(60, 7\); expected \(n, 8\)"):
        space.measure(new[:, :7], asked)
    with pytest.raises(InputError, match="3 vectors came with 60 answers"):
        space.measure(new[:3], asked)
    with pytest.raises(InputError, match="one origin"):
        space.measure(new, asked, np.arange(3))
    assert space.measure(new[:0], asked.take(slice(0, 0))).shape == (0, len(NAMES))


def test_what_is_kept_goes_through_a_file_and_is_small(tmp_path: Any) -> None:
    x, kind = world(200, 400)
    space = Space.learn(x, answers(kind), "classification", layer(400))
    assert space.state()["bank"]["rows"].dtype == np.int8
    codec.write(tmp_path / "space", "space", space.state())
    again = Space.from_state(codec.read(tmp_path / "space", "space"))
    assert again.names == space.names and again.width == 400
    assert again.measure(x, answers(kind)).tobytes() == space.measure(x, answers(kind)).tobytes()


def changed(state: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of a state in which one entry is another; a function is applied to the entry."""
    head, _, rest = path.partition(".")
    if head not in state:
        raise KeyError(head)
    now = changed(state[head], rest, value) if rest else value(state[head]) if callable(value) else value
    return {**state, head: now}


def refused(state: Any) -> bool:
    """Whether a state is refused as it should be; any other exception is one too many."""
    try:
        Space.from_state(state)
    except ValueError:
        return True
    return False


def test_hostile_states_are_refused() -> None:
    state = learned()[0].state()
    assert not refused(state)
    paths = [f"{p}{name}" for p, part in (("", state), ("bank.", state["bank"]), ("layer.", state["layer"])) for name in part]
    strange: list[Any] = ["x", [[1, 2], [3]], -(2.0**70), np.full((2, 2, 2), 3.0)]
    plain = ("names", "classes", "longest", "bank", "layer", "seen", "bank.rows", "bank.groups")
    for path in paths:
        values = [*strange] if path == "layer" else [*strange, None]  # a space need not have a layer
        if path not in plain:
            values += [lambda v: np.asarray(v) * np.nan, lambda v: v[:-1] if np.ndim(v) else "x"]
        for value in values:
            assert refused(changed(state, path, value)), (path, value)
    changes: dict[str, Any] = {
        "bank.groups": lambda v: v + 1,
        "bank.rows": lambda v: v * 0 + 2**14,
        "bank.scale": 0.0,
        "spread": lambda v: -v,
        "seen": lambda v: v & False,
        "classes": 4,
        "names": list(NAMES[:-1]),
        "layer": None,
    }
    for path, value in changes.items():
        assert refused(changed(state, path, value)), path
    assert refused(changed(state, "bank.groups", lambda v: v[::-1]))
    wrong: list[Any] = [{}, None, [], {"bank": 3}]
    assert all(map(refused, wrong))
