from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch
from camelopard.firewall.verdicts import alone, joined, refused

COLUMNS = [f"x{i}" for i in range(8)]


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(50, 10, (n, len(COLUMNS))).round(1), columns=COLUMNS)


def sums(X: pd.DataFrame) -> Floats:
    total = X.apply(pd.to_numeric, errors="coerce").fillna(50).to_numpy().sum(axis=1)
    p = 1 / (1 + np.exp(-np.clip((total - 400) / 10, -30, 30)))
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def firewall() -> cp.Firewall:
    return cp.Firewall(budget=8_000, alpha=0.05).fit(cp.wrap(sums, name="sums", task="classification", classes=["no", "yes"]), rows(400, 1))


@pytest.fixture
def table() -> pd.DataFrame:
    """Return six rows, the third and the last of which are odder than any row that was tested: everything is beyond all bounds."""
    table = rows(6, 5)
    table.loc[[2, 5]] = 1e9
    return table


def test_rows_outside_everything_that_was_tested_are_an_array_and_say_so_in_their_reasons(firewall: cp.Firewall, table: pd.DataFrame) -> None:
    found = firewall.screen(table)
    assert found.outside.dtype == bool and found.outside.tolist() == [False, False, True, False, False, True]
    assert [any(reason.code == "outside" for reason in found.reasons(i)) for i in range(6)] == found.outside.tolist()
    assert not firewall.screen(rows(300, 6)).outside.any()


def test_it_is_the_same_under_another_policy_alone_joined_and_after_loading(firewall: cp.Firewall, table: pd.DataFrame, tmp_path: Path) -> None:
    found = firewall.screen(table)
    costly = firewall.with_policy(cp.Policy(costs=cp.Costs(wrong=100, review=5, block=20)))
    firewall.save(tmp_path / "f")
    for same in (costly.screen(table), costly.policy.applied(found), cp.Firewall.load(tmp_path / "f", model=firewall.model_).screen(table)):
        assert same.outside.tolist() == found.outside.tolist()
    assert [alone(found, i).outside.tolist() for i in range(6)] == [[outside] for outside in found.outside]
    unread = refused(Batch.of(rows(2, 7)), "it cannot be read")
    assert unread.outside.tolist() == [False, False]
    assert joined([unread, found]).outside.tolist() == [False, False, *found.outside.tolist()]


def test_it_is_a_column_of_the_table(firewall: cp.Firewall, table: pd.DataFrame) -> None:
    found = firewall.screen(table)
    assert found.table()["outside"] == found.outside.tolist()
    assert found.to_pandas()["outside"].dtype == bool and found.to_pandas()["outside"].sum() == 2


def test_of_verdicts_made_by_hand_none_is_outside() -> None:
    nothing = np.zeros(2)
    made = cp.Verdicts(np.arange(2), nothing, None, nothing, nothing, nothing, np.full(2, "pass", dtype=object), lambda i: [], lambda i: None)
    assert made.outside.tolist() == [False, False] and made.table()["outside"] == [False, False]
