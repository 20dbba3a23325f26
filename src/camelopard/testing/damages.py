"""The contract of every damage: what holds for one kind holds for all, the project's own and those of plug-ins."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, is_missing
from camelopard.core.batch import Batch, plain
from camelopard.core.cells import alike
from camelopard.core.protocols import Damage
from camelopard.core.schema import Schema, absent

SEVERITIES = (1, 2, 3, 4, 5)
MOST_PAIRS = 12
CODES = frozenset(
    {"presence", "type", "range", "values", "null", "case", "whitespace", "format", "characters", "unit", "pair", "sum", "order", "dependency"}
    | {"monotone", "none", "length", "language", "size", "channels", "brightness"}
)
CHANGE_THE_COLUMNS = ("missing-column", "extra-column")
CHANCE = 0.1  # share of rows by which the strongest dose may fall short of the weakest where rows are drawn


def check_damage(damage: Damage, batch: Batch, schema: Schema) -> None:
    """Check that a damage keeps the contract on clean rows that conform to the schema; some fifty or more, with some cells missing.

    Its names are known; its targets exist, are few, and vary (only a missing column may be a constant one). At every target and severity: as many
    rows with the same ids; columns that are not its target unchanged; the input untouched; the same seed gives the same cells; plain cells.
    The strongest dose changes at least as much as the weakest. One row, no row, nothing but missing cells, and whole numbers held as floats
    raise nothing.

    Raises
    ------
    AssertionError
        Naming the damage, the target and the first promise that is broken.
    """
    _check_names(damage)
    targets = damage.targets(schema)
    _check_targets(damage, targets, schema)
    effect = 0
    for target in targets:
        amounts, sizes = {}, {}
        for severity in SEVERITIES:
            amounts[severity], sizes[severity] = _check_application(damage, batch, target, severity, schema)
        effect += amounts[5]
        where = f"{damage.kind} on {target!r}"
        less = amounts[5] < amounts[1] - CHANCE * len(batch) - 1 and sizes[5] < sizes[1]
        assert not less, f"{where}: severity 5 changes {amounts[5]} cells by {sizes[5]:g}, severity 1 {amounts[1]} by {sizes[1]:g}"
        for name, odd in odd_batches(batch, schema).items():
            for severity in SEVERITIES:
                _check_shape(f"{where}, severity {severity}, {name}", damage.apply(odd, target, severity, _rng(), schema), odd, damage)
    assert effect > 0 or not targets or len(batch) < 20, f"{damage.kind}: severity 5 changes no cell of {len(batch)} rows on any target"


def odd_batches(batch: Batch, schema: Schema) -> Mapping[str, Batch]:
    """Return the batches that a damage must survive: one row, none, all cells missing, whole numbers held as floats."""
    gone = {name: absent(schema[name], len(batch)) for name in batch.names}
    floats = {name: values.astype(np.float64) for name, values in batch.columns.items() if values.dtype.kind in "iu"}
    return {
        "one row": batch.take(slice(0, 1)),
        "no row": batch.take(slice(0, 0)),
        "all cells missing": batch.with_columns(gone),
        "whole numbers as floats": batch.with_columns(floats),
    }


def changed_cells(before: Array, after: Array) -> Bools:
    """Return which cells differ, missing ones being alike and 36 being 36.0 but not "36", shape (n,).

    >>> changed_cells(np.array([36.0, np.nan, 1.0]), np.array([36, None, "1"], dtype=object)).tolist()
    [False, False, True]
    """
    if before.dtype.kind in "iuf" and after.dtype.kind in "iuf":
        return np.asarray((before != after) & ~(is_missing(before) & is_missing(after)), dtype=bool)
    pairs = zip(before.tolist(), after.tolist(), strict=True)
    return np.fromiter((_differ(plain(a), plain(b)) for a, b in pairs), dtype=bool, count=len(before))


def _check_names(damage: Damage) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", damage.kind), f"{damage.kind!r} is no name in lower case with hyphens"
    assert damage.family, f"{damage.kind}: it belongs to no family"
    assert damage.breaks in CODES, f"{damage.kind}: it breaks {damage.breaks!r}; expected one of {', '.join(sorted(CODES))}"
    for name in ("keeps_label", "graded"):
        assert isinstance(getattr(damage, name), bool), f"{damage.kind}: {name} is {getattr(damage, name)!r}; expected True or False"


def _check_targets(damage: Damage, targets: Any, schema: Schema) -> None:
    assert list(targets) == list(damage.targets(schema)), f"{damage.kind}: asked twice, it names other targets"
    assert len(set(targets)) == len(targets), f"{damage.kind}: a target is named twice"
    several = [t for t in targets if t not in schema.columns and t != "*"]
    assert len(several) <= MOST_PAIRS, f"{damage.kind}: {len(several)} pairs of columns; expected at most {MOST_PAIRS}"
    for target in targets:
        columns = _columns(target, schema)
        assert columns, f"{damage.kind}: {target!r} is no column, pair of columns or '*'"
        constant = [] if target == "*" or damage.kind in CHANGE_THE_COLUMNS else [name for name in columns if schema[name].constant]
        assert not constant, f"{damage.kind}: {target!r} holds one value only; a damage to it says nothing"


def _check_application(damage: Damage, batch: Batch, target: str, severity: int, schema: Schema) -> tuple[int, float]:
    """Return how many cells of the target changed, and by how much on average where they are numbers."""
    where = f"{damage.kind} on {target!r}, severity {severity}"
    kept = {name: values.copy() for name, values in batch.columns.items()}
    after = damage.apply(batch, target, severity, _rng(), schema)
    _check_shape(where, after, batch, damage)
    for name, values in kept.items():
        same = values.dtype == batch.columns[name].dtype and not changed_cells(values, batch.columns[name]).any()
        assert same, f"{where}: it changed the input's column {name!r} in place"
    again = damage.apply(batch, target, severity, _rng(), schema)
    assert after.names == again.names, f"{where}: the same seed gave other columns"
    for name in after.names:
        assert not changed_cells(after.columns[name], again.columns[name]).any(), f"{where}: the same seed gave other cells in {name!r}"
    touched = _columns(target, schema)
    for name in batch.names:
        if name in after.columns and name not in touched:
            assert not changed_cells(batch.columns[name], after.columns[name]).any(), f"{where}: it changed {name!r}, which is not its target"
    return _amount(batch, after, touched)


def _check_shape(where: str, after: Batch, before: Batch, damage: Damage) -> None:
    assert len(after) == len(before), f"{where}: {len(after)} rows came of {len(before)}"
    assert np.array_equal(after.ids, before.ids), f"{where}: the ids changed"
    assert after.form == before.form, f"{where}: the form of the table changed"
    if damage.kind not in CHANGE_THE_COLUMNS:
        assert set(after.names) == set(before.names), f"{where}: the columns are {after.names}; expected {before.names}"
    for name, values in after.columns.items():
        assert isinstance(values, np.ndarray) and values.shape == (len(before),), f"{where}: column {name!r} is no array of {len(before)} cells"
        assert values.dtype == object or values.dtype.kind in "ifbM", f"{where}: column {name!r} holds {values.dtype}"
        if values.dtype == object:
            odd = [v for v in values.tolist() if isinstance(v, np.generic)]
            assert not odd, f"{where}: column {name!r} holds a {type(odd[0]).__name__}; expected plain Python values"


def _amount(before: Batch, after: Batch, touched: list[str]) -> tuple[int, float]:
    moved = sum(a != b for a, b in zip(before.names, after.names, strict=False)) + abs(len(before.names) - len(after.names))
    count, size = moved, float(moved)
    for name in touched:
        if name not in after.columns:
            continue
        old, new = before.columns[name], after.columns[name]
        count += int(changed_cells(old, new).sum())
        if old.dtype.kind in "if" and new.dtype.kind in "if" and len(old):
            with np.errstate(all="ignore"):  # infinities
                steps = np.abs(new.astype(np.float64) - old.astype(np.float64))
            size += float(np.nanmean(steps)) if not np.isnan(steps).all() else 0.0
    return count, size


def _columns(target: str, schema: Schema) -> list[str]:
    if target in schema.columns:
        return [target]
    if target == "*":
        return list(schema.names)
    parts = target.split("|")
    splits = (("|".join(parts[:i]), "|".join(parts[i:])) for i in range(1, len(parts)))
    return next(([a, b] for a, b in splits if a in schema.columns and b in schema.columns), [])


def _differ(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is not b
    if isinstance(a, bool) != isinstance(b, bool):
        return True
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return False
    return not alike(a, b)


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)
