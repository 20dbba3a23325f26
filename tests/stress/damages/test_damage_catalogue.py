from __future__ import annotations

import datetime as dt
import importlib
import pkgutil

import numpy as np
import pandas as pd
import pytest

import camelopard.stress.damages as package
from camelopard.core.arrays import is_missing, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damages import catalogue, named
from camelopard.testing.damages import check_damage

# fmt: off
PROMISED = frozenset({
    "missing-at-random", "missing-large-values", "missing-by-another-column", "missing-cells", "empty-string", "sentinel-number",
    "sentinel-category", "sentinel-date", "unit-scale", "unit-conversion", "unit-thousands", "unit-degrees", "birth-year", "out-of-range",
    "outlier", "overflow", "shifted", "sign", "saturated", "noise", "rounding", "truncation", "digit-typo", "number-as-text", "text-in-number",
    "decimal-comma", "thousands-separator", "boolean-as-yes-no", "boolean-as-digit", "fraction", "category-code", "unseen-category",
    "rare-category", "legal-category", "case", "white-space", "typo", "mojibake", "separator", "truncated-text", "swapped-columns", "swapped-kinds",
    "shifted-columns", "missing-column", "extra-column", "reordered-columns", "constant-column", "stale-value", "duplicated-row", "date-format",
    "date-as-number", "day-month-swapped", "two-digit-year", "time-zone", "future-date", "broken-pair", "broken-dependency", "in-range-resample",
    "wrong-join", "noisy-row", "drifted-row", "offset-row", "extreme-cells",
})
# fmt: on


def world(n: int = 48) -> tuple[Batch, Schema]:
    """A table with every kind of column, in every form, with what is awkward: gaps, constants, 0/1, infinity, a bar in a name."""
    rng = np.random.default_rng(3)
    day = pd.date_range("2019-01-03", periods=n, freq="9D")
    batch = Batch(
        {
            "age": rng.integers(17, 91, n),
            "income": np.where(rng.random(n) < 0.1, np.nan, np.round(rng.lognormal(10, 1, n), 2)),
            "temperature": rng.normal(15, 8, n),
            "flag": rng.integers(0, 2, n),
            "huge|size": np.where(np.arange(n) == 5, np.inf, rng.lognormal(0, 1, n)),
            "city": objects(None if i % 9 == 4 else ("Zürich", "new-york", "São Paulo", "OSLO", "Rio")[min(i % 7, 4)] for i in range(n)),
            "size": objects((1, 2.5, "L", True)[i % 4] for i in range(n)),
            "member": rng.random(n) < 0.4,
            "consent": objects((True, False, None)[i % 3] for i in range(n)),
            "start": day.to_numpy().astype("datetime64[us]"),
            "end": objects(None if i == 2 else d.strftime("%d.%m.%Y") for i, d in enumerate(day)),
            "seen": objects(dt.datetime(2020, 1 + i % 12, 1 + i % 28, i % 24) for i in range(n)),
            "always": np.ones(n),
            "same": objects(["x"] * n),
        },
        np.arange(100, 100 + n),
    )
    schema = Schema.infer(batch)
    return schema.conform(batch), schema


BATCH, SCHEMA = world()
MODULES = [m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")]
FOUND = {m: [d.kind for d in importlib.import_module(f"{package.__name__}.{m}").DAMAGES] for m in MODULES}
TABLES = {kind for m, kinds in FOUND.items() if not m.startswith(("text_", "image_")) for kind in kinds}  # the others have suites of their own


@pytest.mark.parametrize("kind", sorted(catalogue()))
def test_every_damage_keeps_the_contract(kind: str) -> None:
    check_damage(catalogue()[kind], BATCH, SCHEMA)


def test_every_kind_that_is_promised_is_there_and_no_other() -> None:
    assert TABLES == PROMISED
    assert len(PROMISED) == 63


def test_the_suite_covers_every_module_with_at_least_one_target_each() -> None:
    assert all(FOUND.values())
    covered = [kind for kinds in FOUND.values() for kind in kinds]
    assert sorted(covered) == sorted(catalogue())
    assert {kind for kind in covered if catalogue()[kind].targets(SCHEMA)} == TABLES


def test_what_is_missing_stays_missing_under_a_damage_to_one_column() -> None:
    for kind, damage in catalogue().items():
        if kind in ("missing-column", "stale-value", "constant-column"):  # the cell of another row may fill a gap
            continue
        for target in damage.targets(SCHEMA):
            if target in SCHEMA.columns:
                after = damage.apply(BATCH, target, 3, np.random.default_rng(0), SCHEMA)
                assert is_missing(after.columns[target])[is_missing(BATCH.columns[target])].all(), (kind, target)


def test_only_the_floor_changes_the_true_answer() -> None:
    assert {d.family for kind, d in catalogue().items() if not d.keeps_label} == {"floor", "mixture"}  # of two pictures in one, neither is the truth


def test_a_table_of_constants_is_hardly_a_target() -> None:
    batch = Batch.of([{"a": 1, "b": "x"}] * 30)
    schema = Schema.infer(batch)
    targets = {target for kind, d in catalogue().items() for target in d.targets(schema) if target != "*" and kind != "missing-column"}
    assert targets == set()


def test_a_misspelt_kind_names_the_nearest() -> None:
    with pytest.raises(Exception, match="Did you mean 'unit-scale'"):
        named("unit-scal")
