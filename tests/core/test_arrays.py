from __future__ import annotations

import numpy as np
import pytest

from camelopard.core.arrays import FEW, summed


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_row_has_the_same_sum_alone_among_few_and_among_many(order: str) -> None:
    rows = np.array(np.random.default_rng(0).normal(size=(3 * FEW, 7)) * 10.0 ** np.arange(7), order=order)  # type: ignore[call-overload]
    together = summed(rows)
    assert together.tolist() == [sum(row[1:], row[0]) for row in rows.tolist()]
    assert summed(rows[:FEW]).tobytes() == together[:FEW].tobytes()
    assert np.concatenate([summed(rows[i : i + 1]) for i in range(len(rows))]).tobytes() == together.tobytes()
