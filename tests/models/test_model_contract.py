from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.models.wrap import wrap
from camelopard.testing.models import check_model

FRAME = pd.DataFrame({"x": np.arange(20.0), "y": ["a", "b"] * 10})


def sound(frame: pd.DataFrame) -> Any:
    return pd.to_numeric(frame["x"], errors="coerce").to_numpy(dtype=float) * 2.0


def test_a_sound_model_keeps_the_contract() -> None:
    check_model(wrap(sound, task="regression"), FRAME)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda frame: sound(frame) - sound(frame).mean(), "reverse order|asked alone"),
        (lambda frame: np.arange(len(frame)) * 1.0, "reverse order"),
        (lambda frame: np.random.default_rng().normal(size=len(frame)), "asked twice"),
        (lambda frame: np.where(frame["x"] > 5, np.nan, 1.0), "clean rows failed"),
    ],
)
def test_a_broken_promise_is_named(broken: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_model(wrap(broken, task="regression"), FRAME)


def test_a_changed_object_is_noticed() -> None:
    model = wrap(Growing(), task="regression")
    with pytest.raises(AssertionError, match="changed the wrapped object"):
        check_model(model, FRAME)


class Growing:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: pd.DataFrame) -> Any:
        self.calls += 1
        return sound(frame)
