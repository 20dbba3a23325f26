"""What does the model rely on? Assumptions read off clean data, priced by what breaking them did in the stress run.

Each has evidence (rows seen, exceptions) and a cost: the share of rows on which damages that break just this assumption fooled the model. A rule is
only claimed where chance would hardly make it: enough support, and bounds that allow for the number of rules looked at.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats, is_missing
from camelopard.core.batch import Batch
from camelopard.core.cells import number
from camelopard.core.digits import precisely
from camelopard.core.intervals import share
from camelopard.core.records import Assumption
from camelopard.core.schema import MEDIA, Column, Schema, date_days
from camelopard.stress.damages import catalogue
from camelopard.stress.media_assumptions import of_media
from camelopard.stress.runner import Case

FEWEST = 20  # rows below which no range and no set of values is claimed
SUPPORT = 50  # rows that must speak for a rule between columns
MOST_ROWS = 20_000  # rows looked at for rules between columns
MOST_COLUMNS = 30  # columns looked at for rules between columns
EXCEPTIONS = 0.005  # share of exceptions that a dependency may have
LISTED = 200  # values up to which a set is listed
CHANCE = 1e-4  # chance at which a rule between columns may appear in independent data, over all that were looked at


def infer(batch: Batch, schema: Schema, *, cases: Sequence[Case] = (), ignored: Sequence[Mapping[str, Any]] = ()) -> list[Assumption]:
    """Return the assumptions, priced, column by column, then those between columns, then what the model ignores.

    Assumptions on an ignored column are muted.
    """
    rows = batch if len(batch) <= MOST_ROWS else batch.take(np.linspace(0, len(batch) - 1, MOST_ROWS).astype(np.int64))
    certified = {c["column"]: c for c in ignored if c.get("certified")}
    found = [a for name in schema.names for a in _column(schema[name], batch.columns[name])]
    found += _between(rows, schema)
    found += [_ignored(c) for c in certified.values()]
    priced = [_priced(a, cases) for a in found]
    return [replace(a, muted=True) if a.code != "ignored" and set(a.fields) <= set(certified) else a for a in priced]


def _column(column: Column, values: Array) -> Iterator[Assumption]:
    """Yield what one column is assumed to hold."""
    name, n = column.name, column.n
    missing = round(column.null_rate * n)
    seen = {"rows": n, "exceptions": 0}
    yield Assumption("presence", (name,), f"The column {name} is there.", {}, seen)
    if n < FEWEST or missing == n:
        return
    if missing == 0:
        yield Assumption("null", (name,), f"{name} is never missing.", {"null": False}, seen)
    if column.kind in MEDIA:
        yield from of_media(column, values, seen)
    elif column.kind == "number":
        whole = "whole numbers" if column.integral else "numbers"
        yield Assumption("type", (name,), f"{name} holds {whole}.", {"kind": "number", "integral": column.integral}, seen)
        limits = {"low": column.low, "high": column.high}
        yield Assumption("range", (name,), f"{name} lies between {_figure(column.low)} and {_figure(column.high)}.", limits, seen)
        band = _magnitude(column)
        if band is not None:
            yield Assumption(
                "unit",
                (name,),
                f"{name} is in one unit: nearly all lie between {_figure(band[0])} and {_figure(band[1])}.",
                {"typical": list(band)},
                seen,
            )
    elif column.kind == "date":
        form = {"kind": "date", "format": column.date_format}
        words = f"dates written as {column.date_format}" if column.date_format else "dates"
        yield Assumption("type", (name,), f"{name} holds {words}.", form, seen)
        yield Assumption(
            "range",
            (name,),
            f"{name} lies between {_day(column.low)} and {_day(column.high)}.",
            {"low": column.low, "high": column.high, "date": True, "format": column.date_format},
            seen,
        )
    elif column.kind == "boolean":
        yield Assumption("type", (name,), f"{name} is true or false.", {"kind": "boolean"}, seen)
    else:
        yield from _texts(column, seen)


def _texts(column: Column, seen: Mapping[str, int]) -> Iterator[Assumption]:
    name, known = column.name, list(column.values)
    texts = [v for v in known if isinstance(v, str)]
    often = sum(column.values.values())
    if not column.open and len(known) <= LISTED and often >= 5 * len(known):
        shown = ", ".join(str(v) for v in known[:5]) + (f" … ({len(known)} in all)" if len(known) > 5 else "")
        yield Assumption("values", (name,), f"{name} is one of {shown}.", {"values": known}, seen)
    if len(texts) < len(known) or not texts:
        return
    yield Assumption("type", (name,), f"{name} holds text.", {"kind": "text"}, seen)
    if all(t == t.strip() for t in texts):
        yield Assumption("whitespace", (name,), f"{name} has no space before or behind.", {"stripped": True}, seen)
    letters = [t for t in texts if t.lower() != t.upper()]
    case = next((c for c in ("lower", "upper") if len(letters) >= 2 and all(getattr(t, f"is{c}")() for t in letters)), None)
    if case:
        yield Assumption("case", (name,), f"{name} is written in {case} case.", {"case": case}, seen)
    elif not column.open and letters and len({t.casefold() for t in texts}) == len(texts):
        yield Assumption("case", (name,), f"{name} is always written with the same capital letters.", {"case": "fixed"}, seen)
    if len(texts) > LISTED:
        yield from _shapes(name, texts, seen)
    required = sorted(c for c in set.intersection(*(set(t) for t in texts)) if not c.isalnum() and not c.isspace())
    if required and len(texts) >= FEWEST:
        yield Assumption("characters", (name,), f"{name} always contains {' '.join(required)}.", {"characters": required}, seen)


def _shapes(name: str, texts: Sequence[str], seen: Mapping[str, int]) -> Iterator[Assumption]:
    """Yield a format that all of many texts follow: runs of digits, letters and the rest."""
    shapes = Counter(re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "A", t)) for t in texts)
    shape, count = shapes.most_common(1)[0]
    if count == len(texts) and len(shape) <= 40:
        pattern = re.escape(shape).replace("9", r"\d+").replace("A", r"[^\W\d_]+")
        yield Assumption("format", (name,), f"{name} looks like {shape} (A: letters, 9: digits).", {"pattern": pattern}, seen)


def _magnitude(column: Column) -> tuple[float, float] | None:
    """Return the band of nearly all values of a positive column that varies by less than a factor of a hundred, or None."""
    if column.constant or column.low < 0:
        return None
    low, high = (float(np.interp(p, np.linspace(0, 1, len(column.quantiles)), column.quantiles)) for p in (0.01, 0.99))
    return (low, high) if low > 0 and high / low < 100 else None


def _between(rows: Batch, schema: Schema) -> list[Assumption]:
    names = [c.name for c in schema.columns.values() if not c.constant][:MOST_COLUMNS]
    numbers = {n: _floats(rows.columns[n], schema[n]) for n in names if schema[n].kind in ("number", "date")}
    codes = {n: _codes(rows.columns[n]) for n in names if schema[n].kind in ("category", "boolean") or _few(schema[n], numbers.get(n))}
    tested = max(1, len(names) ** 2)
    fixed = list(_dependencies(codes, tested))
    each_other = {d.fields for d in fixed} & {d.fields[::-1] for d in fixed}
    told_twice = {b for a, b in each_other if names.index(a) < names.index(b)}  # says of other columns what its twin says
    alone = {name: found for name, found in codes.items() if name not in told_twice}
    return [*_equal_and_ordered(numbers, schema, tested), *_sums(numbers, schema), *fixed, *_impossible(alone, tested)]


def _equal_and_ordered(numbers: Mapping[str, Floats], schema: Schema, tested: int) -> Iterator[Assumption]:
    for a, b in itertools.combinations(numbers, 2):
        if schema[a].kind != schema[b].kind:
            continue
        x, y = numbers[a], numbers[b]
        both = ~(np.isnan(x) | np.isnan(y))
        n = int(both.sum())
        if n < SUPPORT:
            continue
        gap = (y - x)[both]
        equal = int((gap == 0).sum())
        if equal >= (1 - EXCEPTIONS) * n and _informative(x[both], y[both]):
            yield Assumption("pair", (a, b), f"{a} and {b} agree.", {"relation": "equal"}, {"rows": n, "exceptions": n - equal})
            continue
        for low, high, sign in ((a, b, 1.0), (b, a, -1.0)):
            exceptions = int((sign * gap < 0).sum())
            # Informative only where the two overlap: drawn independently, the order would often be broken.
            broken = float(np.mean(sign * (np.random.default_rng(0).permutation(y[both]) - x[both]) < 0))
            if exceptions == 0 and broken > 0.05 and (1 - broken) ** min(n, 10_000) * tested < CHANCE:
                yield Assumption("order", (low, high), f"{low} is never larger than {high}.", {"relation": "at most"}, {"rows": n, "exceptions": 0})


def _sums(numbers: Mapping[str, Floats], schema: Schema) -> Iterator[Assumption]:
    names = [n for n in numbers if schema[n].kind == "number" and len(np.unique(numbers[n])) > 10][:12]
    for total, a, b in ((t, *pair) for t in names for pair in itertools.combinations([n for n in names if n != t], 2)):
        x, y, z = numbers[a], numbers[b], numbers[total]
        both = ~(np.isnan(x) | np.isnan(y) | np.isnan(z))
        n = int(both.sum())
        if n < SUPPORT:
            continue
        near = np.abs(z - x - y)[both] <= 1e-6 * np.maximum(1.0, np.abs(z[both]))
        exceptions = int((~near).sum())
        telling = ((x != 0) & (y != 0))[both]  # where one part is nothing, a sum is only a copy
        if exceptions <= EXCEPTIONS * n and telling.sum() >= SUPPORT and near[telling].mean() >= 1 - EXCEPTIONS:
            yield Assumption("sum", (total, a, b), f"{total} is {a} plus {b}.", {"relation": "sum"}, {"rows": n, "exceptions": exceptions})


def _informative(x: Floats, y: Floats) -> bool:
    """Whether two equal columns say something: where both leave their most frequent value, often enough, they leave it together."""
    values, counts = np.unique(x, return_counts=True)
    usual = values[counts.argmax()]
    telling = (x != usual) | (y != usual)
    return bool(telling.sum() >= SUPPORT and (x == y)[telling].mean() >= 1 - EXCEPTIONS)


def _dependencies(codes: Mapping[str, tuple[Array, list[Any]]], tested: int) -> Iterator[Assumption]:
    """Yield A → B where every value of A goes with one value of B, often enough that it is no chance."""
    for a, b in itertools.permutations(codes, 2):
        (x, known_a), (y, known_b) = codes[a], codes[b]
        both = (x >= 0) & (y >= 0)
        n = int(both.sum())
        if n < SUPPORT or not 1 < len(known_b) <= len(known_a) or len(known_a) > n / 10:
            continue
        met, counts = np.unique(x[both] * len(known_b) + y[both], return_counts=True)
        ordered = np.argsort(counts, kind="stable")  # the most frequent partner of a value is written last
        partner, most = np.zeros(len(known_a), dtype=np.int64), np.zeros(len(known_a), dtype=np.int64)
        partner[met[ordered] // len(known_b)], most[met[ordered] // len(known_b)] = met[ordered] % len(known_b), counts[ordered]
        exceptions = n - int(most.sum())
        top = float(np.bincount(y[both]).max()) / n  # what always guessing the most frequent value would reach
        if exceptions > EXCEPTIONS * n or 1 - exceptions / n < top + 10 * np.sqrt(top * (1 - top) / n):
            continue
        pairs = [[known_a[i], known_b[partner[i]]] for i in np.flatnonzero(most > 0)]
        words = f"{a} determines {b} (for example {_shown(pairs[0][0])} goes with {_shown(pairs[0][1])})."
        yield Assumption("dependency", (a, b), words, {"pairs": pairs}, {"rows": n, "exceptions": exceptions})


def _impossible(codes: Mapping[str, tuple[Array, list[Any]]], tested: int) -> Iterator[Assumption]:
    """Yield pairs of frequent values that never meet, though independence would let them meet often."""
    for a, b in itertools.combinations(codes, 2):
        (x, known_a), (y, known_b) = codes[a], codes[b]
        both = (x >= 0) & (y >= 0)
        n = int(both.sum())
        if n < SUPPORT or len(known_a) > 60 or len(known_b) > 60:
            continue
        table = np.zeros((len(known_a), len(known_b)))
        np.add.at(table, (x[both], y[both]), 1)
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
        cells = len(known_a) * len(known_b) * tested
        # Poisson: the chance of no meeting where `expected` were due is exp(−expected).
        never = np.argwhere((table == 0) & (expected > max(20.0, float(np.log(cells / CHANCE)))))
        if len(never) and len(never) <= 12 and not _determined(table):
            pairs = [[known_a[i], known_b[j]] for i, j in never]
            shown = "; ".join(f"{_shown(p)} with {_shown(q)}" for p, q in pairs[:3])
            more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
            yield Assumption("pair", (a, b), f"{a} and {b} never combine {shown}{more}.", {"never": pairs}, {"rows": n, "exceptions": 0})


def _determined(table: Array) -> bool:
    """Whether one column nearly fixes the other: then the dependency says it all."""
    n = table.sum()
    return bool(table.max(axis=1).sum() >= 0.99 * n or table.max(axis=0).sum() >= 0.99 * n)


def _ignored(certificate: Mapping[str, Any]) -> Assumption:
    name, tried, upper = certificate["column"], certificate["tried"], certificate["upper"]
    words = f"The model ignores {name}: no value tried changes its answer (0 of {tried:,}; at most {upper:.2%} of rows)."
    return Assumption("ignored", (name,), words, {"upper": upper}, {"rows": tried, "exceptions": 0}, 0.0)


def _priced(assumption: Assumption, cases: Iterable[Case]) -> Assumption:
    """Return the assumption with its cost: the share of rows fooled by damages that break its code on its columns."""
    known = catalogue()
    rows, fooled = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=bool)]
    for case in cases:
        if case.note is None and case.kind in known and known[case.kind].breaks == assumption.code and _concerns(case.target, assumption.fields):
            rows.append(case.rows[case.changed])
            fooled.append(case.fooled[case.changed])
    hit = np.concatenate(fooled)
    if not len(hit):
        return assumption
    cost, distinct = float(hit.mean()), len(np.unique(np.concatenate(rows)))  # trials on one row hang together: rows count, not trials
    return replace(assumption, cost=cost, cost_interval=share(cost * distinct, distinct))


def _concerns(target: str, fields: Sequence[str]) -> bool:
    return target in fields or (len(fields) > 1 and set(target.split("|")) <= set(fields))


def _floats(values: Array, column: Column) -> Floats:
    if column.kind == "date":
        return date_days(values, column.date_format)
    if values.dtype.kind in "fi":
        found = values.astype(np.float64)
    else:
        found = np.array([number(v) if type(v) in (int, float) else np.nan for v in values.tolist()], dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _few(column: Column, numbers: Floats | None) -> bool:
    return column.integral and numbers is not None and len(np.unique(numbers[~np.isnan(numbers)])) <= 50


def _codes(values: Array) -> tuple[Array, list[Any]]:
    """Return positions among the distinct values, −1 for missing or unhashable cells, and the values."""
    place: dict[Any, int] = {}
    missing = is_missing(values)
    codes = np.full(len(values), -1, dtype=np.int64)
    for i, (v, gone) in enumerate(zip(values.tolist(), missing, strict=True)):
        if not gone and isinstance(v, (str, int, float, bool)):
            codes[i] = place.setdefault(v, len(place))
    return codes, list(place)


def _figure(value: float) -> str:
    if not np.isfinite(value):
        return "nothing finite" if value != value else str(value)
    return precisely(value)


def _day(days: float) -> str:
    return str(np.datetime64("1970-01-01") + np.timedelta64(int(np.clip(days, -700_000, 2_900_000)), "D"))


def _shown(value: Any) -> str:
    return precisely(value) if isinstance(value, float) else str(value)[:40]
