"""What a process that only serves keeps from being searched for garbage, and lets go."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from camelopard.server.run import SELDOM, SWITCH, let_go, without_pauses


class Model:
    """In a cycle, as a network is."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def as_before() -> Iterator[None]:
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_was_served_before_is_let_go_though_it_was_frozen(as_before: None) -> None:
    model = Model()
    gone = weakref.ref(model)
    let_go()
    assert gc.get_freeze_count() == 0  # in a process that is not a server's own, nothing is changed
    without_pauses()
    assert gc.get_freeze_count() > 0 and gc.get_threshold()[2] == SELDOM and sys.getswitchinterval() == SWITCH
    del model
    gc.collect()
    assert gone() is not None
    let_go()
    assert gone() is None and gc.get_freeze_count() > 0
