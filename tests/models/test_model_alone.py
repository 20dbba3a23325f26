"""A row that is asked alone costs no more than it must, and is remembered like any other."""

from __future__ import annotations

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.batch import Batch
from camelopard.core.errors import BudgetSpent
from camelopard.models.native import Eats, plan
from camelopard.models.plans import MOST, Plans

MODEL = cp.wrap(lambda rows: rows.sum(axis=1), name="sum", task="regression")
ROWS = Batch.of(np.arange(12.0).reshape(4, 3))


def test_the_first_row_asked_alone_is_not_asked_again() -> None:
    session = MODEL.session(budget=4)
    first = session.predict(ROWS.take([1]))
    assert session.predict(ROWS.take([1])).value.tolist() == first.value.tolist() == [12.0]
    assert session.asked == 1
    assert session.predict(ROWS).value.tolist() == [3.0, 12.0, 21.0, 30.0]
    assert session.asked == 4


def test_the_budget_holds_for_a_row_alone() -> None:
    session = MODEL.session(budget=1)
    session.predict(ROWS.take([0]))
    session.predict(ROWS.take([0]))
    with pytest.raises(BudgetSpent):
        session.predict(ROWS.take([1]))
    with pytest.raises(BudgetSpent):
        MODEL.session(budget=0).predict(ROWS.take([0]))


def test_plans_are_made_once_for_each_model_and_form() -> None:
    plans, eats = Plans(), Eats()
    assert plans.of(eats, ROWS.form, ROWS.names) is plans.of(eats, ROWS.form, ROWS.names)
    assert plans.of(eats, ROWS.form, ROWS.names) == plan(eats, ROWS.form, ROWS.names)
    assert plans.of(Eats(features=("x1",)), ROWS.form, ("x0", "x1")) != plans.of(eats, ROWS.form, ("x0", "x1"))
    for k in range(3 * MOST):
        plans.of(eats, ROWS.form, (*ROWS.names, f"more{k}"))
    assert len(plans._known) <= MOST
