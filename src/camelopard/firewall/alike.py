"""Which clean rows are like this one, and what does the model say to them? And where in a text or a picture is it odd?

A firewall keeps no training rows. It keeps where some hundred clean rows lie, each cell rounded to a sixteenth of a standard deviation or coarser.
What is shown here is read back from that: numbers are about right, and categories that stand too close to be told apart are named together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import CamelopardError
from camelopard.evidence.neighbours import FARTHEST, steps_of, whole
from camelopard.evidence.reading import FRACTION, OK, VARIANT, CategoryEncoder, NumberEncoder
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.incoming import read
from camelopard.firewall.panel import Panel

MOST_TOGETHER = 3  # categories that are named where one of them is meant


@dataclass(frozen=True)
class About:
    """A cell that is known about: one of these values, the likeliest first; none where it was missing, no value of its column, or one of many
    that were seen once."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Alike:
    """A clean row like the one asked about.

    cells
        By column.
    answer
        What the model said to it: a class; of a regression the bounds (low, high) of the answer, None where it is open; None without a model.
    distance
        From the row asked about, in standard deviations, over all columns in which that has a value.
    """

    cells: Mapping[str, About]
    answer: Any
    distance: float


def alike(firewall: Firewall, X: Any, most: int = 5) -> tuple[Alike, ...]:
    """Return the clean rows that are most like a row, the nearest first; none where the firewall knows none, or only texts and pictures.

    Parameters
    ----------
    firewall
        Fitted; its model is not asked.
    X
        One row, in any form that `screen` takes.
    most
        How many rows at most.

    Raises
    ------
    CamelopardError
        If this is not one row.
    """
    panel, schema = firewall.learned_.panel, firewall.schema
    columns = np.flatnonzero(panel.reader.cells)
    rows = panel.near.rows
    if not len(rows) or not len(columns):
        return ()
    raw, problems, _ = read(X, schema, {})
    if len(raw) != 1:
        raise CamelopardError(f"alike() is about one row; these are {len(raw)}.")
    if problems:
        return ()
    places, there = _places(panel, schema.conform(panel.reader.views.opened(raw)[0]))
    steps = steps_of(rows.shape[1])
    apart = (rows - whole(places))[:, there] / steps
    distances = np.sqrt((apart * apart).sum(axis=1))
    nearest = np.argsort(distances, kind="stable")[:most]
    names = panel.reader.columns
    return tuple(
        Alike(
            {names[j]: _about(panel.reader.encoders[j], rows[i, j] / steps, 0.5 / steps) for j in columns.tolist()},
            _answer(firewall, int(panel.near.groups[i])),
            float(distances[i]),
        )
        for i in nearest.tolist()
    )


def oddities(firewall: Firewall, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is odd in the texts and pictures of a row, by column.

    Of a text (start, end, why) for each odd place, of a picture how unlike clean ones each of 8 × 8 parts is, in standard deviations. A picture has
    to be an array.
    """
    found: dict[str, Any] = {}
    for name, view in firewall.learned_.panel.reader.views.of.items():
        marks = getattr(view, "marks", None)
        fits = isinstance(cells.get(name), str if view.kind == "text" else np.ndarray)
        if marks is not None and fits:
            told = marks(cells[name])
            found[name] = told.round(2).tolist() if isinstance(told, np.ndarray) else [list(mark) for mark in told]
    return found


def _places(panel: Panel, batch: Batch) -> tuple[Floats, Bools]:
    """Return where a conformed row lies among the clean ones, shape (1, d), and which of its cells are values of their columns at all, shape (d,)."""
    reading = panel.reader.read(batch)
    surprise = panel.copula.surprise(reading.scores)
    return surprise.filled, np.isin(reading.states[0], (OK, VARIANT, FRACTION))


def _about(encoder: NumberEncoder | CategoryEncoder, score: float, half: float) -> About:
    """Return what a cell holds that is known by its rounded normal score."""
    if abs(score) >= FARTHEST:
        return About(())
    if isinstance(encoder, CategoryEncoder):
        gaps = np.abs(encoder.all_scores - score)
        near = np.flatnonzero(gaps <= half + 1e-9)
        order = near[np.argsort(-encoder.all_shares[near], kind="stable")] if len(near) else np.argsort(gaps, kind="stable")[:1]
        return About(tuple(plain(encoder.known[k]) for k in order.tolist()[: MOST_TOGETHER + 1] if k < len(encoder.known)))
    value = plain(encoder.cells(encoder.decode(np.array([score])))[0])
    return About((int(value) if encoder.integral and isinstance(value, float) else value,))


def _answer(firewall: Firewall, group: int) -> Any:
    model, near = firewall.about_.get("model"), firewall.learned_.panel.near
    if model is None:
        return None
    if firewall.learned_.panel.task == "regression":
        bounds = [None, *near.cuts.tolist(), None]
        return tuple(bounds[group : group + 2])
    classes = model.get("classes") or (list(firewall.model_.classes) if firewall.model_ is not None else [])
    return plain(classes[group]) if group < len(classes) else None
