"""Numbers as people write them: in few digits where they are told, in as many as it takes where they are held against one another."""

from __future__ import annotations

from decimal import Decimal

LEAST_PLAIN, MOST_PLAIN = 1e-4, 1e15  # between them a number is written without an exponent
CENTS = 2  # decimals that even a large number of the data keeps


def figure(value: float) -> str:
    """Return a number as a person writes it, in four digits where it is not whole.

    >>> figure(1234567.0), figure(0.125), figure(17.0), figure(285100.3)
    ('1,234,567', '0.125', '17', '285,100')
    """
    return _written(value, 4)


def precisely(value: float, *others: float) -> str:
    """Return a number of the data: in six digits and at least cents, and in as many more as it takes to see on which side of the others it lies.

    >>> precisely(6332.5), precisely(1234567.891), precisely(64.213936503341), precisely(5.0000001, 5.0)
    ('6332.5', '1,234,567.89', '64.2139', '5.0000001')
    """
    for digits in (6, 10, 14):
        found = _written(value, max(digits, CENTS + len(str(int(abs(value))))) if abs(value) < MOST_PLAIN else digits)
        if all(_side(_read(found), other) == _side(value, other) for other in others):
            return found
    return repr(value)


def _written(value: float, digits: int) -> str:
    """Return a number in so many digits, without an exponent where a person would write none."""
    if value != value:
        return "nothing"
    if value in (float("inf"), float("-inf")):
        return "infinity" if value > 0 else "−infinity"
    digits = max(digits, len(str(int(abs(value))))) if abs(value) < MOST_PLAIN else digits
    short = float(f"{value:.{digits}g}")
    if not LEAST_PLAIN <= abs(short) < MOST_PLAIN and short:
        return f"{short:.{digits}g}"
    if short == int(short):
        return f"{int(value if value == int(value) else short):,}" if abs(short) >= 100_000 else str(int(short))
    text = f"{Decimal(repr(short)):f}"
    whole, _, rest = text.partition(".")
    return f"{int(whole):,}.{rest}" if abs(short) >= 100_000 else text


def _read(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-")) if text != "nothing" else float("nan")


def _side(value: float, other: float) -> int:
    return (value > other) - (value < other)
