"""Asks a model about rows that may raise, for what is no answer: members of an ensemble, features.

Rows that raise are halved until they stand alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from camelopard.core.arrays import Ints
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ModelError
from camelopard.models.native import Eats, Plan, Signature, build, groups, plan

Parts = list[tuple[Ints, Any]]


def in_parts(ask: Callable[[Any], Any], batch: Batch, eats: Eats, form: Form | None) -> Parts:
    """Return what is said of some rows at a time with the positions of these; rows on which it raises are left out."""
    table = plan(eats, form or batch.form, batch.names)
    return [part for index, signature in groups(batch, table) for part in _asked(ask, batch.take(index), index, table, signature)]


def _asked(ask: Callable[[Any], Any], batch: Batch, index: Ints, table: Plan, signature: Signature) -> Parts:
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.filterwarnings("ignore", message="X (does not have|has) .*feature names")
            return [(index, ask(build(batch, table, signature)))]
    except ModelError:
        raise
    except Exception:  # the user's model may raise anything
        if len(index) == 1:
            return []
        cut = len(index) // 2
        return [found for part in (slice(0, cut), slice(cut, None)) for found in _asked(ask, batch.take(part), index[part], table, signature)]
