"""What texts say about the label: rows are read by what others taught, and new rows by all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.confidence.quality import auroc
from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.evidence.views import Views
from camelopard.firewall.content import FEWEST, FOLDS, Contents, Half

GOOD, BAD = ("fine", "lovely", "splendid", "moving"), ("dull", "awful", "hollow", "tedious")
REST = ("film", "cast", "story", "music", "ending", "evening", "script", "picture", "actor", "scene")


def reviews(n: int, seed: int) -> tuple[Batch, Array]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    texts = [f"the {rng.choice(REST)} is {rng.choice(GOOD if y else BAD)} and so is the {rng.choice(REST)} {i}" for i, y in enumerate(label)]
    return Batch.of(texts), objects("yes" if y else "no" for y in label)


def views_of(batch: Batch) -> Views:
    return Views.learn(batch, Schema.infer(batch))[0]


def test_new_texts_are_read_by_all_and_each_row_by_what_was_learned_without_it() -> None:
    teach, calibrate = reviews(200, 1), reviews(120, 2)
    views = views_of(teach[0])
    contents = Contents.learn(views, {"teach": teach, "calibrate": calibrate}, ("no", "yes"))
    assert contents is not None and contents.names == ("says:text:0",) and len(contents.folds) == FOLDS
    new, truth = reviews(200, 3)
    assert auroc(contents.measure(new, None)[:, 0], np.array([y == "yes" for y in truth])) > 0.95
    turned = teach[1].copy()
    turned[3] = "no" if turned[3] == "yes" else "yes"  # the label of one row
    other = Contents.learn(views, {"teach": (teach[0], turned), "calibrate": calibrate}, ("no", "yes"))
    assert other is not None
    mine, rest = np.array([3, 8]), np.array([4, 5])  # its own fold, and others
    assert other.measure(teach[0].take(mine), mine).tobytes() == contents.measure(teach[0].take(mine), mine).tobytes()
    assert other.measure(teach[0].take(rest), rest).tobytes() != contents.measure(teach[0].take(rest), rest).tobytes()


def test_what_folds_say_has_the_scale_of_what_is_said_of_new_texts() -> None:
    teach, calibrate, new = reviews(400, 1), reviews(200, 2), reviews(400, 3)
    contents = Contents.learn(views_of(teach[0]), {"teach": teach, "calibrate": calibrate}, ("no", "yes"))
    assert contents is not None
    held, fresh = contents.measure(teach[0], np.arange(400)), contents.measure(new[0], None)
    assert held.std() == pytest.approx(fresh.std(), rel=0.15)


def test_labels_drawn_at_random_teach_nothing_about_either_half() -> None:
    given: dict[Half, tuple[Batch, Array]] = {}
    halves: tuple[Half, ...] = ("teach", "calibrate")
    for seed, half in enumerate(halves):
        batch, label = reviews(300, seed)
        given[half] = batch, objects(np.random.default_rng(seed).permutation(label).tolist())
    contents = Contents.learn(views_of(given["teach"][0]), given, ("no", "yes"))
    assert contents is not None
    for half in halves:
        batch, label = given[half]
        assert 0.4 < auroc(contents.measure(batch, np.arange(300))[:, 0], np.array([y == "yes" for y in label])) < 0.6


def test_too_few_labels_no_texts_or_one_class_give_none() -> None:
    teach, few = reviews(200, 1), reviews(FEWEST // 2, 2)
    views = views_of(teach[0])
    assert Contents.learn(views, {"teach": few, "calibrate": few}, ("no", "yes")) is None
    assert Contents.learn(views, {"teach": teach, "calibrate": teach}, ("no",)) is None
    assert Contents.learn(Views({}), {"teach": teach, "calibrate": teach}, ("no", "yes")) is None


def test_what_is_kept_is_the_line_learned_from_all_and_reads_a_text_the_same_alone_and_in_a_batch() -> None:
    teach, calibrate = reviews(200, 1), reviews(200, 2)
    views = views_of(teach[0])
    contents = Contents.learn(views, {"teach": teach, "calibrate": calibrate}, ("no", "yes"))
    assert contents is not None
    again = Contents.from_state(contents.state(), views)
    new = Batch.of(["a fine film", "", "x" * 30_000, "lovely"]).with_columns({"text": objects(["a fine film", None, 5, "x" * 30_000])})
    found = again.measure(new, None)
    assert found.tobytes() == contents.measure(new, None).tobytes()
    assert [again.measure(new.take([i]), None)[0, 0] for i in range(4)] == found[:, 0].tolist()
    hostile: Any = {"none": {"weights": np.zeros((1, 5)), "biases": np.zeros(1)}}
    with pytest.raises(ValueError, match="no column of texts"):
        Contents.from_state(hostile, views)
    with pytest.raises(ValueError, match="weights"):
        Contents.from_state({"text": hostile["none"]}, views)
