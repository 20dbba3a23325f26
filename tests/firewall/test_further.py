"""Damaged texts beyond those that the model is asked about: told apart by what needs no answer, and every kind as much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.protocols import wrapped
from camelopard.core.schema import Schema
from camelopard.firewall.further import Further
from camelopard.firewall.learn import learn_panel
from camelopard.firewall.panel import SUMMARY, Panel
from camelopard.firewall.strangeness import SEEN
from camelopard.stress.report import StressReport
from camelopard.stress.study import stress
from camelopard.stress.truth import Truth

VOCABULARY = "a the fine dull film cast story plot is was with and of bright slow scene end again never always"


def texts(n: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(VOCABULARY.split(), int(rng.integers(6, 20))).tolist()).capitalize() + "." for _ in range(n)]


def long_ones(cells: list[str]) -> list[str]:
    return ["long" if len(cell) > 60 else "short" for cell in cells]


@pytest.fixture(scope="module")
def parts() -> tuple[Panel, Batch, Schema, Any, StressReport]:
    batch = Batch.of(texts(300, 0))
    schema = Schema.infer(batch)
    clean, model = schema.conform(batch), wrapped(cp.wrap(long_ones, name="long ones", task="classification", classes=["long", "short"]))
    session = model.session(None)
    weights = np.ones(len(schema.names))
    panel = learn_panel(schema, clean, session.predict(clean), model, Truth("classification", 0.0), weights, True, session)
    return panel, clean, schema, session, stress(model, clean, budget=6_000, schema=schema)


def test_what_needs_no_answer_is_what_the_whole_examination_finds(parts: tuple[Panel, Batch, Schema, Any, StressReport]) -> None:
    panel, clean, schema, session, _ = parts
    odd = schema.conform(Batch.of(objects([*texts(5, 1), "", None, "F\u0456ne f\u0456lm.", "x" * 500, 3, "A dull"])))
    for batch in (clean, odd):
        whole = panel.examine(batch, session.predict(batch), session, schema.form).table
        part = panel.unasked(batch)
        there = [k for k, name in enumerate(panel.names) if name in SEEN or name.startswith("place:")]
        assert part[:, there].tobytes() == whole[:, there].tobytes()
        assert part.shape == whole.shape and not part[:, [k for k, name in enumerate(panel.names) if name.startswith("space:")]].any()


def test_every_kind_counts_alike_and_families_are_told_apart(parts: tuple[Panel, Batch, Schema, Any, StressReport]) -> None:
    panel, _, schema, _, report = parts
    further = Further.of(panel, report.cases, schema, np.random.default_rng(0))
    assert further is not None and further.table.shape == (len(further.kind), len(panel.names))
    families = {case.kind: case.family for case in report.cases}
    found = further.by_family(families)
    assert len(found) == len({families[kind] for kind in further.kind.tolist()})
    assert sum(len(table) for table, _ in found) == len(further.kind)
    assert sum(weight.sum() for _, weight in found) == pytest.approx(len(set(further.kind.tolist())))
    kept = further.without(["glued-texts"])
    assert "glued-texts" in further.kind and "glued-texts" not in kept.kind and len(kept.table) == len(kept.kind)


def test_where_a_row_is_more_than_a_text_there_is_none(parts: tuple[Panel, Batch, Schema, Any, StressReport]) -> None:
    *_, report = parts
    table = Batch.of({"x": np.arange(60.0), "y": np.arange(60.0) % 7})
    schema = Schema.infer(table)
    panel = learn_panel(schema, schema.conform(table), None, None, None, np.ones(2), False)
    assert panel.names[: len(SUMMARY)] == SUMMARY
    assert Further.of(panel, report.cases, schema, np.random.default_rng(0)) is None
    pairs = Batch.of({"first": texts(80, 3), "second": texts(80, 4)})
    schema = Schema.infer(pairs)
    panel = learn_panel(schema, schema.conform(pairs), None, None, None, np.ones(2), False)
    assert panel.reader.views and Further.of(panel, report.cases, schema, np.random.default_rng(0)) is None
