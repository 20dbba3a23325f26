from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from camelopard.core.arrays import Floats
from camelopard.evidence.copula import Copula


def correlated(n: int, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return np.column_stack([x, x + 0.3 * rng.normal(size=n), rng.normal(size=n), -x + 0.3 * rng.normal(size=n)])


def test_the_cell_that_disagrees_with_the_others_is_the_surprising_one() -> None:
    copula = Copula.learn(correlated(4000))
    surprise = copula.surprise(np.array([[1.0, -1.5, 0.2, -1.0]]))
    assert int(np.argmax(np.abs(surprise.residual[0]))) == 1
    assert surprise.filled[0, 1] - surprise.residual[0, 1] * copula.sd[1] > 0.5


def test_clean_rows_have_unit_residuals() -> None:
    surprise = Copula.learn(correlated(4000)).surprise(correlated(4000, seed=1))
    assert np.allclose(surprise.residual.std(axis=0), 1.0, atol=0.2)


def test_unknown_cells_are_filled_from_the_rest() -> None:
    copula = Copula.learn(correlated(4000))
    surprise = copula.surprise(np.array([[2.0, np.nan, 0.0, -2.0]]))
    assert surprise.filled[0, 1] > 1.0
    assert surprise.residual[0, 1] == 0.0


def test_columns_that_are_copies_do_not_break_it() -> None:
    x = np.random.default_rng(0).normal(size=(300, 1))
    surprise = Copula.learn(np.hstack([x, x, np.zeros_like(x)])).surprise(np.array([[1.0, 1.0, 0.0]]))
    assert np.isfinite(surprise.residual).all()


COPULA = Copula.learn(correlated(500))


@given(arrays(np.float64, st.tuples(st.integers(1, 9), st.just(4)), elements=st.floats(-12, 12) | st.just(float("nan"))))
def test_a_row_gets_the_same_bytes_alone_and_in_a_batch(rows: Floats) -> None:
    together = COPULA.surprise(rows)
    for i in range(len(rows)):
        alone = COPULA.surprise(rows[i : i + 1])
        assert alone.residual.tobytes() == together.residual[i : i + 1].tobytes()
        assert alone.distance.tobytes() == together.distance[i : i + 1].tobytes()


def test_what_is_kept_is_what_is_rebuilt() -> None:
    again = Copula.from_state(COPULA.state())
    assert again.precision.tobytes() == COPULA.precision.tobytes()
    assert again.unit.tobytes() == COPULA.unit.tobytes()
