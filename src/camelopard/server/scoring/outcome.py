"""From verdicts to what a client is told: the answer, the answer to a repaired row, an id to ask again with, or the reasons why not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from camelopard.core.batch import plain
from camelopard.core.records import Reason, Repair
from camelopard.firewall.verdicts import NO_MODEL, Verdicts
from camelopard.server.exchange import encoded
from camelopard.server.scoring.settings import Action, Settings

ROUTES = ("pass", "repair", "review", "block")
UNJUDGED = "unjudged"
OF_THE_MODEL = ("no-answer", NO_MODEL)
MOST_REASONS, MOST_TOLD = 5, 1000  # told of a row; rows of a request whose reasons are told
LONGEST = 200  # characters of a header
LONGEST_REPAIR = 2000  # characters of the header with a repair: a part of one would be no JSON
WITHHELD: tuple[Action, ...] = ("hold", "refuse")


@dataclass(frozen=True)
class Outcome:
    """What is said of the rows of one request.

    verdicts
        What the firewall said; None where it failed, or was not asked.
    answers, shares
        The answer to each row, None where it is withheld; its class probabilities, None where there are none.
    done
        What was done with each row.
    request
        The id of the request; that of a row is this and its place.
    """

    verdicts: Verdicts | None
    answers: Sequence[Any]
    shares: Sequence[Sequence[float] | None]
    done: Sequence[Action]
    request: str

    def __len__(self) -> int:
        return len(self.answers)

    @cached_property
    def withheld(self) -> int:
        """Return how many answers are withheld."""
        return sum(what in WITHHELD for what in self.done)

    @property
    def status(self) -> int:
        """Return 200 where any row is answered; else 422 where one is refused, 202 where all wait for a person."""
        if not len(self) or self.withheld < len(self):
            return 200
        return 422 if "refuse" in self.done else 202

    def route(self, i: int) -> str:
        """Return the route of a row."""
        return UNJUDGED if self.verdicts is None else self.verdicts.route[i]

    def told(self, i: int) -> dict[str, Any]:
        """Return what is to be told of a row besides its answer, as plain data."""
        if self.verdicts is None:
            return {"route": UNJUDGED}
        found: dict[str, Any] = {"route": self.route(i), "risk": _figure(self.verdicts.risk[i]), "confidence": _figure(self.verdicts.confidence[i])}
        found["oddity"] = _figure(self.verdicts.oddity[i])
        if found["route"] == "pass":
            return found
        found["id"] = f"{self.request}-{i}"
        found["done"] = self.done[i]
        if i >= MOST_TOLD:
            return found
        found["reasons"] = [_told(reason) for reason in self.verdicts.reasons(i)[:MOST_REASONS]]
        repair = self.verdicts.repair(i)
        if repair is not None:
            found["repair"] = {"changes": _changes(repair), "prediction": plain(repair.prediction)}
        return found

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return what clients that know nothing of the firewall may read: the worst route; of one row its figures, of several how many went where.

        Of a row that was answered as repaired, also what was changed.
        """
        found = [(b"camelopard-request", self.request.encode())]
        if self.verdicts is None:
            return [*found, (b"camelopard-route", UNJUDGED.encode())]
        routes = self.verdicts.route.tolist()
        if len(routes) == 1:
            found += [
                (b"camelopard-route", routes[0].encode()),
                (b"camelopard-risk", b"%.6g" % self.verdicts.risk[0].item()),
                (b"camelopard-confidence", b"%.6g" % self.verdicts.confidence[0].item()),
            ]
        else:
            counts = {route: routes.count(route) for route in ROUTES}
            worst = next((route for route in reversed(ROUTES) if counts[route]), "pass")
            found += [(b"camelopard-route", worst.encode()), (b"camelopard-routes", ",".join(f"{r}={n}" for r, n in counts.items()).encode())]
        first = next((i for i, route in enumerate(routes) if route != "pass"), None)
        if first is not None:
            codes = ",".join(reason.code for reason in self.verdicts.reasons(first)[:MOST_REASONS])
            found.append((b"camelopard-reasons", codes.encode("ascii", "replace")[:LONGEST]))
        if len(self) == 1 and self.done[0] == "repaired" and (repair := self.verdicts.repair(0)) is not None:
            changes = _ascii(_changes(repair))
            if len(changes) <= LONGEST_REPAIR:
                found.append((b"camelopard-repair", changes))
        if self.withheld:
            found.append((b"camelopard-withheld", str(self.withheld).encode()))
        return found

    def why(self) -> str:
        """Return in one sentence why rows have no answer."""
        i = next((i for i, what in enumerate(self.done) if what in WITHHELD), -1)
        if i < 0:
            return f"the model gave no answer to {sum(answer is None for answer in self.answers)} of {len(self)} rows"
        reasons = self.verdicts.reasons(i) if self.verdicts is not None else []
        because = _told(reasons[0])["message"] if reasons else "its risk is too high"
        which = "the row" if len(self) == 1 else f"{self.withheld} of {len(self)} rows, the first of them at position {i},"
        waits = "refused" if self.done[i] == "refuse" else "held for a person to look at"
        return f"{which} {'is' if len(self) == 1 else 'are'} {waits}: {because}"


def outcome(verdicts: Verdicts, settings: Settings, request: str) -> Outcome:
    """Return what is said of rows that the firewall has judged."""
    routes = verdicts.route.tolist()
    actions: Mapping[str, Action] = {route: settings.action(route) for route in set(routes)}
    done = [actions[route] for route in routes]
    answers = [plain(answer) for answer in verdicts.prediction]
    shares: list[Sequence[float] | None] = [None] * len(routes) if verdicts.proba is None else verdicts.proba.tolist()
    for i, what in enumerate(done):
        if what in WITHHELD:
            answers[i], shares[i] = None, None
        elif what == "repaired":
            repair = verdicts.repair(i)
            if repair is None:
                done[i] = "answer"
            else:
                answers[i] = plain(repair.prediction)
                shares[i] = None if repair.proba is None else repair.proba.tolist()
        if done[i] == "answer" and answers[i] is None and settings.mode != "shadow":
            done[i] = "refuse"  # there is no answer to give
    return Outcome(verdicts, answers, shares, done, request)


def _told(reason: Reason) -> dict[str, Any]:
    """Return a reason as plain data, without what a model said when it failed: that is for its owners."""
    found = reason.to_dict()
    return {**found, "message": "the model gave no answer"} if reason.code in OF_THE_MODEL else found


def _changes(repair: Repair) -> dict[str, Any]:
    """Return the cells that a repair changed, as plain data."""
    return {name: plain(cell) for name, cell in repair.changes.items()}


def _ascii(value: Any) -> bytes:
    """Return a value in JSON of printable ASCII alone: whatever a row holds, it ends no header."""
    return json.dumps(json.loads(encoded(value)), separators=(",", ":")).encode("ascii")


def _figure(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
