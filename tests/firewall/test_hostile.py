"""Cells, rows, tables and models of any class: `screen` gives a verdict, and a row gets the same one alone and among others."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.errors import ArtifactError, CamelopardError
from camelopard.firewall.contract import Contract
from camelopard.firewall.firewall import Firewall


def table(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": rng.gamma(2, 20_000, n).round(),
            "job": rng.choice(["cook", "clerk", "nurse"], n),
            "member": rng.random(n) < 0.5,
            "since": day,
            "day": day.strftime("%Y-%m-%d"),
        }
    ).astype({"job": object, "day": object})


def answer(rows: pd.DataFrame) -> Any:
    age = pd.to_numeric(rows["age"], errors="coerce").fillna(50).clip(0, 120).to_numpy(dtype=float)
    p = 1 / (1 + np.exp(-(age - 50) / 10 - (rows["job"].astype(str) == "cook").to_numpy() * 1.0))
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def firewall() -> Firewall:
    model = cp.wrap(answer, name="m", task="classification", classes=[0, 1], reference=table(800, 2))
    return cp.Firewall(alpha=0.05, budget=15_000).fit(model, table(800, 1), reference=table(800, 2))


class Wild:
    """Raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        raise RuntimeError("no")


class Text(str):
    def strip(self, *_: Any) -> str:
        raise RuntimeError("no")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def cyclic() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


CELLS: list[Any] = [
    10**5000, -(10**400), 10**30, Wild(), Text("x"), nested(600), nested(100_000), cyclic(), (i for i in [1]), memoryview(b"a"), json,
    dt.date(2020, 1, 1), dt.datetime.max, dt.datetime.min, np.datetime64("20000-01-01"), np.datetime64("NaT"), np.ma.masked, Decimal("1e999"),
    pd.Timestamp("2020-01-01", tz="UTC"), pd.NA, {1: [2]}, {"a": {"b": None}}, b"bytes", "\ud800", float("inf"), "a" * 100_000, True, 1 + 2j, object,
]  # fmt: skip


@pytest.mark.parametrize("column", ["age", "job", "member", "since", "day"])
def test_any_object_in_any_cell_gets_the_same_verdict_alone_and_among_others(firewall: Firewall, column: str) -> None:
    clean = table(5, 3).iloc[0].to_dict()
    rows = [{**clean, column: value} for value in CELLS]
    together = firewall.screen([*rows, clean])
    assert len(together) == len(rows) + 1
    json.dumps(together.to_dicts(), default=str)
    assert repr(together[0])
    for i, row in enumerate(rows):
        alone = firewall.screen(row)
        same = (alone.risk[0], alone.confidence[0], alone.oddity[0], alone.route[0]) == (
            together.risk[i], together.confidence[i], together.oddity[i], together.route[i],
        )  # fmt: skip
        assert same, (column, type(CELLS[i]))
    assert together.route[-1] == "pass"


class Rows(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no")

    def keys(self) -> Any:
        raise RuntimeError("no")

    def __iter__(self) -> Any:
        raise RuntimeError("no")


def test_tables_and_rows_of_any_class_are_blocked_not_raised(firewall: Firewall) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for odd in (sparse.csr_matrix(np.zeros((3, 6))), np.zeros((2, 2, 2)), Wild(), "today.csv", 5, object):
        assert set(firewall.screen(odd).route.tolist()) <= {"block"}
    matrix, array = (firewall.screen(made(np.zeros((2, 6)))) for made in (np.matrix, np.asarray))
    assert (matrix.risk.tolist(), matrix.route.tolist()) == (array.risk.tolist(), array.route.tolist())
    assert len(firewall.screen([Rows(a=1), None, 3, table(1, 1).iloc[0].to_dict()])) == 4
    many = [{f"k{i}": i, "age": 40} for i in range(2000)]
    assert len(firewall.screen(many)) == 2000


class Raising(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def _fails(rows: pd.DataFrame) -> Any:
    raise Raising


class NotFittedError(Exception):
    pass


def _unfitted(rows: pd.DataFrame) -> Any:
    raise NotFittedError


@pytest.mark.parametrize("broken", [_fails, _unfitted, lambda rows: [Wild()] * len(rows), lambda rows: [10**5000] * len(rows)])
def test_a_model_that_goes_wrong_after_fitting_costs_its_rows_a_block(firewall: Firewall, broken: Any, tmp_path: Any) -> None:
    working = True

    def model(rows: pd.DataFrame) -> Any:
        return answer(rows) if working else broken(rows)

    wrapped = cp.wrap(model, name="m", task="classification", classes=[0, 1])
    fitted = cp.Firewall(alpha=0.05, budget=5_000).fit(wrapped, table(400, 1))
    working = False
    assert fitted.screen(table(3, 5)).route.tolist() == ["block"] * 3


def test_files_are_not_written_over_devices_and_bad_contracts_are_refused(firewall: Firewall, tmp_path: Any) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CamelopardError, match="no regular file"):
        firewall.save(tmp_path / "pipe")
    assert os.path.exists(tmp_path / "pipe")
    bad = '[[assumption]]\ncode = "format"\nfields = ["job"]\nstatement = "x"\nmuted = false\nlimits = {pattern = "(a+)+$"}\nevidence = {}\n'
    with pytest.raises(ArtifactError, match="for ever"):
        Contract.from_toml(bad)
    with pytest.raises(ArtifactError, match="three of them"):
        Contract.from_toml(bad.replace("(a+)+$", "a") + 'cost_interval = ["a", "b", "c"]\n')


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": "a"}, {"policy": "x"}])
def test_wrong_settings_are_refused_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(CamelopardError, match="expected"):
        cp.Firewall(**wrong)


def test_a_column_of_infinities_is_no_trouble() -> None:
    model = cp.wrap(lambda rows: np.tile([0.3, 0.7], (len(rows), 1)), name="k", task="classification", classes=[0, 1])
    frame = pd.DataFrame({"a": np.full(200, np.inf), "b": np.arange(200.0)})
    assert len(cp.Firewall(alpha=0.1, budget=2_000).fit(model, frame).screen(frame.head(3))) == 3
