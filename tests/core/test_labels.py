from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from camelopard.core.batch import Batch
from camelopard.core.errors import InputError
from camelopard.core.labels import with_labels

ROWS = Batch.of([{"a": 1}, {"a": 2}, {"a": 3}])
GAP = float("nan")


@pytest.mark.parametrize(
    "y", [["yes", GAP, "no"], ["yes", None, "no"], [1.0, GAP, 2.0], pd.Series(["yes", pd.NA, "no"], dtype="string"), pa.array(["yes", None, "no"])]
)
def test_a_missing_label_is_refused_in_whatever_it_comes(y: Any) -> None:
    with pytest.raises(InputError, match="missing in 1 rows, the first at position 1"):
        with_labels(ROWS, y)


@pytest.mark.parametrize(
    ("y", "kept"),
    [
        (["yes", "no", "yes"], ["yes", "no", "yes"]),
        ([1, "yes", 2.5], [1, "yes", 2.5]),
        ([True, False, True], [True, False, True]),
        ((1, 2, 3), [1, 2, 3]),
        (pa.array(["a", "b", "c"]), ["a", "b", "c"]),
        (pd.Series([1, 2, 3]), [1, 2, 3]),
        (np.array(["a", "b", "c"]), ["a", "b", "c"]),
    ],
)
def test_labels_stay_what_they_are(y: Any, kept: list[Any]) -> None:
    values = with_labels(ROWS, y)[1]
    assert values is not None and values.tolist() == kept


@pytest.mark.parametrize("y", [[[1], [2], [3]], [[1, 2], [3, 4], [5, 6]], ["a", "b"], np.zeros((3, 1))])
def test_other_shapes_are_refused(y: Any) -> None:
    with pytest.raises(InputError, match="expected one label per row"):
        with_labels(ROWS, y)
