"""Columns of texts and pictures are seen as numbers, and those who teach are seen as if they were new."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch
from camelopard.core.errors import InputError
from camelopard.core.schema import Column, Schema
from camelopard.evidence.views import UNREADABLE, Views, figure_names

WORDS = [f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in "nrst"]


def sentences(n: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, 7)).capitalize() + "." for _ in range(n)]


def table(texts: list[Any], pictures: list[Any] | None = None) -> tuple[Batch, Schema]:
    columns: dict[str, Array] = {"note": objects(texts), "size": np.arange(float(len(texts)))}
    if pictures is not None:
        columns["photo"] = objects(pictures)
    batch = Batch(columns, np.arange(len(texts)))
    return batch, Schema.infer(batch)


def figure(batch: Batch, name: str) -> Array:
    return batch.columns[figure_names("note", [name])[0]]


def test_a_table_without_texts_and_pictures_has_no_views() -> None:
    batch = Batch.of([{"a": 1}, {"a": 2}])
    views, seen = Views.learn(batch, Schema.infer(batch))
    assert not views
    assert seen is batch
    assert views.seen(batch) is batch


def test_a_column_becomes_whether_it_can_be_read_and_its_numbers() -> None:
    batch, schema = table(sentences(60, 0))
    views, _ = Views.learn(batch, schema)
    odd = Batch({"note": objects([sentences(1, 1)[0], None, "", 5, float("nan")]), "size": np.arange(5.0)}, np.arange(5))
    seen = views.seen(odd)
    assert seen.columns["note"].tolist() == [0.0, None, UNREADABLE, UNREADABLE, None]
    assert seen.columns["size"] is odd.columns["size"]
    assert np.isfinite(figure(seen, "surprise")).tolist() == [True, False, False, False, False]
    assert views.source["note"] == views.source["note: surprise"] == "note"
    assert set(views.source) == set(seen.columns) - {"size"}


@pytest.mark.parametrize("name", ["word order", "distance to the nearest"])
def test_rows_that_teach_look_as_new_rows_do_and_not_as_known_ones(name: str) -> None:
    """A text with a name that no other text holds: to what was learned from that text the name is known, to all else it is not."""
    texts, fresh = (_with_names(sentences(200, seed), seed) for seed in (2, 4))
    batch, schema = table(texts)
    views, taught = Views.learn(batch, schema)
    new, known = figure(views.seen(table(fresh)[0]), name).mean(), figure(views.seen(batch), name).mean()
    assert abs(new - known) > 0.1
    assert abs(figure(taught, name).mean() - new) < 0.3 * abs(new - known)


def _with_names(texts: list[str], seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [f"{text[:-1]} {''.join(rng.choice(list('abcdefghij'), 9))}." for text in texts]


@pytest.mark.parametrize("gone", [slice(0, None, 2), slice(1, None, 2), slice(0, 50), slice(3, None)])
def test_texts_missing_in_any_pattern_are_learned_from_the_others(gone: slice) -> None:
    texts: list[Any] = sentences(100, 5)
    texts[gone] = [None] * len(texts[gone])
    batch = Batch({"note": objects(texts)}, np.arange(100))
    schema = Schema({"note": Column("note", "text")})
    views, seen = Views.learn(batch, schema)
    there = [text is not None for text in texts]
    assert np.isfinite(figure(seen, "characters")).tolist() == there
    assert [cell == 0.0 for cell in seen.columns["note"].tolist()] == there
    assert views.of["note"].kind == "text"


def test_a_column_in_which_nothing_can_be_read_is_refused_in_words() -> None:
    schema = Schema({"note": Column("note", "text")})
    with pytest.raises(InputError, match="no text among"):
        Views.learn(Batch({"note": objects(["", None, 3])}, np.arange(3)), schema)


def test_learning_and_reading_back_give_the_same_numbers() -> None:
    rng = np.random.default_rng(0)
    batch, schema = table(sentences(30, 7), [rng.integers(0, 256, (6, 6)).astype(np.uint8) for _ in range(30)])
    views, seen = Views.learn(batch, schema)
    _, seen_again = Views.learn(batch, schema)
    loaded = Views.from_state(views.state())
    for name in seen.names:
        if name not in batch.columns:
            assert seen.columns[name].tobytes() == seen_again.columns[name].tobytes()
            assert views.seen(batch).columns[name].tobytes() == loaded.seen(batch).columns[name].tobytes()
    with pytest.raises(ValueError, match="sound"):
        Views.from_state([{"column": "note", "kind": "sound", "learned": {}}])


def test_a_batch_is_seen_row_by_row() -> None:
    batch, schema = table(sentences(30, 8))
    views, _ = Views.learn(batch, schema)
    whole = views.seen(batch)
    for i in (0, 17, 29):
        alone = views.seen(batch.take([i]))
        assert all(alone.columns[name][0] == whole.columns[name][i] for name in views.source)


def test_what_a_cell_may_have_been_fills_the_first_slots_and_the_last_two() -> None:
    batch, schema = table(sentences(60, 9))
    views, _ = Views.learn(batch, schema)
    clean = sentences(60, 9)[0]
    odd = clean.replace("a", "\u0430").replace(" ", "  ")
    found = views.alternatives("note", odd, (5, 3, 3, 2))
    assert len(found) == 13
    assert found[0] == found[-2] == clean
    assert found[5:11] == [odd] * 6
    for hopeless in (None, 5, "", "x" * 2_000_000):
        assert views.alternatives("note", hopeless, (5, 3, 3, 2)) == [hopeless] * 13


def test_between_its_repairs_a_picture_stands_without_one_pixel_at_a_time() -> None:
    rng = np.random.default_rng(2)
    clean = [np.add.outer(np.arange(8), np.arange(8)) * 10 + rng.integers(0, 3, (8, 8)) for _ in range(30)]
    batch = Batch.of([picture.astype(np.uint8) for picture in clean])
    views, _ = Views.learn(batch, Schema.infer(batch))
    struck = batch.columns["image"][0].copy()
    struck[3, 5] = 255
    found = views.alternatives("image", struck, (5, 3, 3, 2))
    assert len(found) == 13
    assert np.argwhere(found[5] != struck).tolist() == [[3, 5]]
    assert all((cell != struck).sum() <= 1 for cell in found[5:11])
    flat = np.full((8, 8), 70, dtype=np.uint8)
    assert all(cell is flat for cell in views.alternatives("image", flat, (5, 3, 3, 2))[5:11])


def test_files_of_pictures_are_opened_in_the_form_of_clean_ones_and_others_left_as_they_are() -> None:
    pillow = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(1)
    clean = [(rng.integers(0, 256, (6, 6)) / 255).astype(np.float32) for _ in range(30)]
    batch = Batch.of(clean)
    views, _ = Views.learn(batch, Schema.infer(batch))
    held = io.BytesIO()
    pillow.fromarray((clean[0] * 255).round().astype(np.uint8)).save(held, "PNG")
    cells = [held.getvalue(), clean[1], None, b"no picture", b"", "text", 3]
    opened, why = views.opened(Batch.of(cells))
    pictures = opened.columns["image"]
    assert pictures[0].dtype == np.float32
    assert np.abs(pictures[0] - clean[0]).max() < 1e-6
    assert pictures[1] is clean[1]
    assert pictures[2:].tolist() == cells[2:]
    assert sorted(why) == [3, 4]
    assert "no picture of a known format" in why[3]
    assert why[4].startswith("image: an empty file")


def test_files_in_a_table_are_left_to_its_model_and_nothing_is_copied_where_there_is_no_file() -> None:
    pictures = Batch.of(np.zeros((9, 6, 6)))
    views, _ = Views.learn(pictures, Schema.infer(pictures))
    for batch in (pictures, Batch.of([{"image": b"file"}])):
        opened, why = views.opened(batch)
        assert opened is batch
        assert not why


def test_a_text_that_is_too_long_to_be_judged_is_cut_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    views, _ = Views.learn(*table(sentences(200, 0)))
    monkeypatch.setattr(type(views.of["note"]), "longest", 100)
    batch, _ = table(["short", "x" * 101, "y" * 100, None])
    opened, why = views.opened(batch)
    assert opened.columns["note"].tolist() == ["short", "x" * 100, "y" * 100, None]
    assert why == {1: "note: 101 characters; at most 100 are judged"}
    assert batch.columns["note"][1] == "x" * 101
    assert views.opened(batch.take(np.array([0, 2, 3])))[0].columns["note"].tolist() == ["short", "y" * 100, None]
