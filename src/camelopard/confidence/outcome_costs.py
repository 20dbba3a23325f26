"""What each outcome costs, in whatever unit the business counts in; from it follows the threshold that right probabilities would ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real

from camelopard.core.errors import InputError, UnknownName

NAMES = ("missed", "false_alarm", "found", "gain_found")
MOST = 1e15  # beyond it, sums over rows lose what a single row costs


@dataclass(frozen=True)
class OutcomeCosts:
    """What one row costs, by what became of it. A row rightly left alone costs nothing: the other costs are counted from there.

    missed
        A row of the class sought that was not named.
    false_alarm
        A row of another class that was named.
    found
        A row of the class sought that was named: what dealing with it costs.
    gain_found
        What such a row brings in.

    Raises
    ------
    InputError
        If one is negative, no number or above 10¹⁵, both `missed` and `false_alarm` are 0, or finding a case costs as much as missing it.

    >>> OutcomeCosts.of({"missed": 50, "false_alarm": 4}).usual
    0.07407407407407407
    """

    missed: float
    false_alarm: float
    found: float = 0.0
    gain_found: float = 0.0

    def __post_init__(self) -> None:
        for name in NAMES:
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        if self.missed == 0 and self.false_alarm == 0 and self.net_found >= 0:
            raise InputError("missed and false_alarm both cost 0, so every threshold costs the same. Give at least one of them a cost.")
        if self.net_found >= self.missed:
            raise InputError(
                f"a found case costs {self.net_found:g} net (found {self.found:g} − gain_found {self.gain_found:g}), a missed one {self.missed:g}: "
                "finding never pays, so no threshold makes sense. Check which class is the positive one, or raise missed or gain_found."
            )

    @classmethod
    def of(cls, costs: Mapping[str, float] | OutcomeCosts | None) -> OutcomeCosts | None:
        """Read costs, and refuse those by which no threshold makes sense.

        Raises
        ------
        InputError
            If one is negative or no number, `missed` or `false_alarm` is not given, both are 0, or finding a case costs as much as missing it.
        UnknownName
            For a name that is none of the four.
        """
        if costs is None or isinstance(costs, OutcomeCosts):
            return costs
        if not isinstance(costs, Mapping):
            raise InputError(f'costs={str(costs)[:60]}; expected names and numbers: {{"missed": 50.0, "false_alarm": 4.0}}.')
        for name in costs:
            if name not in NAMES:
                raise UnknownName.among(name, NAMES, "cost")
        for name in NAMES[:2]:
            if name not in costs:
                example = "{'missed': 50.0, 'false_alarm': 4.0}, on the command line --missed 50 --false-alarm 4"
                raise InputError(f"costs do not say what {name!r} costs. Give both: {example}.")
        return cls(**costs)

    @property
    def net_found(self) -> float:
        """What a found row costs after what it brings in; may be below 0."""
        return self.found - self.gain_found

    @property
    def usual(self) -> float:
        """The cheapest threshold if the model's probabilities are right (Elkin 2001): from there on naming costs less than not naming."""
        return self.false_alarm / (self.false_alarm + self.missed - self.net_found)

    def to_dict(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in NAMES}


def _number(name: str, value: object) -> float:
    """Return a cost as a number, or raise what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise InputError(f"the cost {name!r} is {repr(value)[:60]}; expected a number, 0 or more.")
    try:
        cost = float(value)
    except (ValueError, OverflowError):  # a number that is none, or of hundreds of digits
        raise InputError(f"the cost {name!r} is no finite number; expected one between 0 and {MOST:g}.") from None
    if not 0 <= cost <= MOST:
        more = " Give what it brings in as gain_found." if name == "found" and cost < 0 else ""
        large = " Count in a larger unit." if MOST < cost < float("inf") else ""
        raise InputError(f"the cost {name!r} is {value}; expected a finite number, 0 or more, at most {MOST:g}.{more}{large}")
    return cost
