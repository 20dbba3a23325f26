"""What a gateway does with what it finds, and how much it takes on. Checked at once, so that a wrong word is told before the first request."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import msgspec

from camelopard.core.errors import CamelopardError, UnknownName

Mode = Literal["guard", "shadow", "mirror", "off"]
Action = Literal["answer", "repaired", "hold", "refuse"]
Failing = Literal["open", "closed"]


@dataclass(frozen=True)
class Settings:
    """How a gateway behaves.

    Parameters
    ----------
    mode
        "guard" does what the routes say; "shadow" gives the model's own answer to everything and only says what it would have done; "mirror" takes
        a copy of the traffic, answers nothing but that it has come, and judges it when there is time; "off" is the model alone, for an emergency.
    on_pass, on_repair, on_review, on_block
        What to do with a row of that route: "answer" gives the model's answer; "repaired" its answer to the repaired row, and says so (its own where
        there is no repair); "hold" withholds the answer, with an id to ask for it; "refuse" gives the reasons and no answer.
    failing
        What to do when the firewall itself fails: "open" gives the model's own answer, marked as not judged; "closed" gives none, except in shadow.
    timeout
        Seconds for reading a request, and again for answering it.
    most_bytes, most_rows
        The largest request that is read.
    most_at_once
        Requests in work at the same time; further ones are told to come back.
    """

    mode: Mode = "guard"
    on_pass: Action = "answer"
    on_repair: Action = "repaired"
    on_review: Action = "hold"
    on_block: Action = "refuse"
    failing: Failing = "closed"
    timeout: float = 30.0
    most_bytes: int = 32 << 20
    most_rows: int = 100_000
    most_at_once: int = 64

    def __post_init__(self) -> None:
        for name, words in (("mode", Mode), ("failing", Failing), *((f"on_{route}", Action) for route in ("pass", "repair", "review", "block"))):
            if getattr(self, name) not in get_args(words):
                raise UnknownName.among(getattr(self, name), get_args(words), name)
        if isinstance(self.timeout, bool) or not isinstance(self.timeout, (int, float)) or not (0 < self.timeout < math.inf):
            raise CamelopardError(f"Settings(timeout={self.timeout!r}): expected seconds above 0, such as 30.")
        for name in ("most_bytes", "most_rows", "most_at_once"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise CamelopardError(f"Settings({name}={getattr(self, name)!r}): expected a whole number from 1.")

    def action(self, route: str) -> Action:
        """Return what is done with a row of this route."""
        return "answer" if self.mode == "shadow" else getattr(self, f"on_{route}")

    def to_json(self) -> str:
        """Return the settings as a line of JSON, for a worker process.

        >>> Settings.from_json(Settings(mode="shadow").to_json()).mode
        'shadow'
        """
        return msgspec.json.encode(asdict(self)).decode()

    @classmethod
    def from_json(cls, line: str) -> Settings:
        """Read what `to_json` wrote."""
        found: dict[str, Any] = msgspec.json.decode(line)
        return cls(**{field.name: found[field.name] for field in fields(cls)})
