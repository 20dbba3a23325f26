"""Says in plain words what a column should hold and what a cell holds instead."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from camelopard.core import cells
from camelopard.core.digits import figure as figure
from camelopard.core.digits import precisely as precisely
from camelopard.core.schema import EPOCH, MEDIA, Column
from camelopard.modality import image_numbers, text

LONGEST = 60  # characters of a cell that are shown


def expected(column: Column) -> str:
    """Return what clean data holds in this column.

    >>> import numpy as np
    >>> expected(Column("age", "number", integral=True, quantiles=np.array([17.0, 90.0])))
    'a whole number between 17 and 90, never missing'
    """
    never = ", never missing" if column.null_rate == 0 else ""
    if column.kind == "number":
        return f"a {'whole ' if column.integral else ''}number between {precisely(column.low)} and {precisely(column.high)}{never}"
    if column.kind == "date":
        return f"a date between {day(column.low)} and {day(column.high)}{never}"
    if column.kind == "boolean":
        return f"true or false{never}"
    if column.kind in MEDIA:
        return f"{'a text' if column.kind == 'text' else 'a picture'}{never}"
    known = [str(v) for v in column.values]
    if not known:
        return "nothing: it was always missing"
    if column.open:
        return f"a text, often one that was never seen before{never}"
    if len(known) <= 6:
        return f"one of {', '.join(known)}{never}"
    return f"one of {len(known)} known values such as {', '.join(known[:3])}{never}"


def measured(what: str, value: float) -> str:
    """Return a number of a text or a picture as a person counts it: characters, not their logarithm, and shares in per cent.

    >>> measured("characters", np.log1p(120)), measured("unknown words", 0.25), measured("brightness", 0.5)
    ('120', '25 %', '0.5')
    """
    if what in text.LOGARITHMS or what in image_numbers.LOGARITHMS:
        return figure(round(float(np.expm1(value))))
    return f"{100 * value:.3g} %" if what in text.SHARES else figure(round(value, 3))


def day(days: float) -> str:
    """Return days since 1970 as a date.

    >>> day(365.0)
    '1971-01-01'
    """
    try:
        return (EPOCH + dt.timedelta(days=days)).date().isoformat()
    except (OverflowError, ValueError):
        return "an impossible date"


def shown(cell: Any, *others: float) -> str:
    """Return a cell as text of bounded length: text in quotes, nothing as "missing", numbers so that they visibly differ from the others.

    >>> shown(1985.0), shown(" private"), shown(None), shown(6332.5)
    ('1985', "' private'", 'missing', '6332.5')
    """
    if cell is None:
        return "missing"
    unprinted = cells.told(cell)
    if unprinted is not None:
        return unprinted
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, (int, float)):
        try:
            return precisely(float(cell), *others)
        except OverflowError:
            return "a number too large to read"
    if isinstance(cell, (dt.datetime, dt.date)):
        return cell.isoformat()
    told = repr(cell) if isinstance(cell, str) and len(cell) <= LONGEST else repr(cell if not isinstance(cell, str) else cell[: LONGEST - 1])
    return told if len(told) <= LONGEST + 2 else told[:LONGEST] + "…"
