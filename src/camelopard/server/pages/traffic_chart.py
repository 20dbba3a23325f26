"""Traffic over time as a drawing: rows above, below them those that did not pass, by route. Its colours are those of the page, light or dark."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log10

from markupsafe import Markup

from camelopard.report import wording
from camelopard.server.management.traffic import STEPS, floor
from camelopard.store.log_reading import By, Count

STOPPED = ("repair", "review", "block", "unjudged")  # from below
WIDE, NARROW = 720, 340  # pixels
TOP, ALL, GAP, BELOW, FOOT, LEFT = 24, 70, 36, 70, 20, 46  # pixels of a drawing


@dataclass(frozen=True)
class Bar:
    """One step of time: when it begins, how that is called, and how many rows went which way."""

    start: dt.datetime
    name: str
    rows: Mapping[str, int]

    @property
    def total(self) -> int:
        """Return how many rows there were."""
        return sum(self.rows.values())

    @property
    def stopped(self) -> int:
        """Return how many of them did not pass."""
        return self.total - self.rows.get("pass", 0)


def bars(counts: Sequence[Count], by: By, begin: dt.datetime, end: dt.datetime) -> list[Bar]:
    """Return one bar for each step of time, those without rows too, the oldest first."""
    known = {count.start: count.rows for count in counts}
    found, at = list[Bar](), floor(begin, by)
    while at < end:
        found.append(Bar(at, _named(at, by), known.get(at, {})))
        at += STEPS[by]
    return found


def drawn(found: Sequence[Bar], width: int) -> Markup:
    """Return the bars as an SVG element of so many pixels; it is hidden from who listens: the table beside it says the same.

    >>> from datetime import UTC, datetime
    >>> bar = Bar(datetime(2026, 3, 1, tzinfo=UTC), "1 March", {"pass": 9, "block": 1})
    >>> str(drawn([bar], NARROW)).count("<rect")
    2
    """
    height = TOP + ALL + GAP + BELOW + FOOT
    step = (width - LEFT) / max(len(found), 1)
    parts = [f'<svg viewBox="0 0 {width} {height}" width="{width}" class="chart" aria-hidden="true" focusable="false">']
    for words, top, room, most in (
        ("Rows", TOP, ALL, max((bar.total for bar in found), default=0)),
        ("Rows that did not pass", TOP + ALL + GAP, BELOW, max((bar.stopped for bar in found), default=0)),
    ):
        high, base = _round(most), top + room
        parts.append(f'<text x="{LEFT}" y="{top - 10}" class="traffic-word">{words}</text>')
        for part in (1.0, 0.5):
            y = base - part * room
            parts.append(f'<line x1="{LEFT}" x2="{width}" y1="{y:g}" y2="{y:g}" class="traffic-rule"/>')
            if high * part == int(high * part):
                parts.append(f'<text x="{LEFT - 6}" y="{y + 4:g}" text-anchor="end" class="traffic-word">{_short(int(high * part))}</text>')
        parts.append(f'<line x1="{LEFT}" x2="{width}" y1="{base}" y2="{base}" class="traffic-base"/>')
        for k, bar in enumerate(found):
            at = float(base)
            for route, n in [("pass", bar.total)] if top == TOP else [(route, bar.rows.get(route, 0)) for route in STOPPED]:
                size = room * n / high
                if n:
                    size = max(size, 1.5)
                    told = f"{bar.name}: {wording.count(n)}{'' if top == TOP else f' {route}'}"
                    box = f'x="{LEFT + k * step:.2f}" y="{at - size:.2f}" width="{max(step - 1.5, 1):.2f}" height="{size:.2f}"'
                    parts.append(f'<rect {box} class="traffic-{route}"><title>{told}</title></rect>')
                at -= size if n else 0
    shown = 6 if width == WIDE else 3
    every = max(1, ceil(len(found) / shown))
    names = (f'<text x="{LEFT + k * step:.2f}" y="{height - 4}" class="traffic-word">{found[k].name}</text>' for k in range(0, len(found), every))
    return Markup("".join([*parts, *names, "</svg>"]))


def _named(at: dt.datetime, by: By) -> str:
    return f"{at.day} {at:%b}" if by == "day" else f"{at:%H:%M}"


def _round(most: int) -> int:
    """Return a round number, even, that is no smaller: what the axis ends with.

    >>> [_round(n) for n in (0, 3, 17, 204, 6100)]
    [2, 4, 20, 400, 8000]
    """
    unit = 10 ** max(0, int(log10(max(most, 1))))
    return next(int(k * unit) for k in (2, 4, 6, 8, 10, 20) if k * unit >= most)


def _short(n: int) -> str:
    """Return a number in few letters.

    >>> _short(1500), _short(20000), _short(3000000)
    ('1,500', '20k', '3M')
    """
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if n >= 10 * unit or (unit == 1_000_000 and n >= unit):
            return f"{n / unit:g}{letter}"
    return f"{n:,}"
