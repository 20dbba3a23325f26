"""What of a row may be kept: all of it, all but some columns, their keyed hashes, or nothing. What may not be kept never reaches the disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Literal, Protocol, get_args

from camelopard.core.cells import Opaque
from camelopard.core.errors import CamelopardError, UnknownName
from camelopard.store.log_cells import HIDDEN, Hashed, careful

Inputs = Literal["whole", "hashed", "none"]
Kept = Literal["whole", "partly", "hashed", "none"]
SHORTEST_KEY, LONGEST_KEY = 16, 64  # bytes; BLAKE2b takes no longer one
DIGEST = 16  # bytes of a hash
WORDLESS = frozenset({"doubt", "outside"})  # reasons about a row as a whole whose words hold none of its cells


class Said(Protocol):
    """A reason, as a verdict gives it."""

    @property
    def code(self) -> str: ...
    @property
    def field(self) -> str | None: ...
    @property
    def contribution(self) -> float: ...
    @property
    def message(self) -> str: ...


@dataclass(frozen=True)
class Privacy:
    """What of a row is kept.

    Parameters
    ----------
    inputs
        "whole" keeps the cells as they came, "hashed" one keyed hash for all cells of a row, "none" nothing of them.
    hidden
        Columns that are left out, whatever else is kept.
    hashed
        Columns of which only a keyed hash is kept: the same cell has the same hash, and without the key nobody can try out what it was.
    key
        Secret, of 16 to 64 bytes, for hashes. It is never written.

    Raises
    ------
    CamelopardError
        If a word is not known, a column is named twice, or the key is missing or too short.
    """

    inputs: Inputs = "whole"
    hidden: Collection[str] = ()
    hashed: Collection[str] = ()
    key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.inputs not in get_args(Inputs):
            raise UnknownName.among(self.inputs, get_args(Inputs), "way to keep inputs")
        for name in ("hidden", "hashed"):
            columns = getattr(self, name)
            if isinstance(columns, str) or not all(isinstance(column, str) for column in columns):
                raise CamelopardError(
                    f"{name}={columns!r}: expected names of columns, such as ({columns if isinstance(columns, str) else 'name'!r},)."
                )
            object.__setattr__(self, name, tuple(columns))
        if both := set(map(_spelt, self.hidden)) & set(map(_spelt, self.hashed)):
            raise CamelopardError(f"{', '.join(sorted(both))}: both hidden and hashed. Choose one.")
        if self.inputs != "hashed" and not self.hashed:
            return
        if not isinstance(self.key, bytes) or not SHORTEST_KEY <= len(self.key) <= LONGEST_KEY:
            what = f"of {len(self.key)} bytes" if isinstance(self.key, bytes) else f"that is a {type(self.key).__name__}"
            raise CamelopardError(
                f"hashes need a secret key of {SHORTEST_KEY} to {LONGEST_KEY} bytes; this is one {what}. "
                "Make one with secrets.token_bytes(32), and keep it."
            )

    @property
    def partial(self) -> bool:
        """Whether there are columns that are treated unlike the others."""
        return bool(self.hidden or self.hashed)

    @property
    def silent(self) -> bool:
        """Whether words of reasons and repairs have to be looked at."""
        return self.partial or self.inputs != "whole"

    def rows(self, rows: Sequence[Any]) -> tuple[Sequence[Any], Kept]:
        """Return what is written of the rows, and how much of them that is at most."""
        if self.inputs == "none":
            return [None] * len(rows), "none"
        if self.partial:
            secret = self._secret(rows)
            rows = [self._stripped(row, secret) for row in rows]
        if self.inputs == "hashed":
            return [row if row is HIDDEN else self.hash(row) for row in rows], "hashed"
        return rows, "partly" if self.partial else "whole"

    def hash(self, value: Any) -> Hashed:
        """Return what stands for a value that is not to be seen: the same for the same value, whatever the order of its columns."""
        assert self.key is not None
        line, _ = careful(value, ordered=True)
        return Hashed(hashlib.blake2b(line, key=self.key, digest_size=DIGEST).hexdigest())

    def message(self, reason: Said, row: Any) -> str | None:
        """Return the words of a reason; None where they may tell what is not kept."""
        if not self.silent:
            return reason.message
        if reason.field is None:
            return reason.message if reason.code in WORDLESS else None
        if self.inputs != "whole" or not isinstance(row, Mapping) or self.private(reason.field) or self._names.search(reason.message):
            return None
        cells = chain.from_iterable(_spellings(cell) for name, cell in row.items() if self.private(name))
        return None if any(cell in reason.message for cell in cells) else reason.message

    def changes(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cells of a repair, without those that are not kept."""
        return {name: HIDDEN if self.inputs != "whole" or self.private(name) else cell for name, cell in changes.items()}

    def private(self, name: object) -> bool:
        """Whether the cells of this column are not to be seen; capitals and spaces around a name do not matter.

        >>> Privacy(hidden=("ssn",)).private(" SSN ")
        True
        """
        return _spelt(name) in self._spelt

    @cached_property
    def _spelt(self) -> frozenset[str]:
        return frozenset(map(_spelt, (*self.hidden, *self.hashed)))

    @cached_property
    def _names(self) -> re.Pattern[str]:
        """A pattern for the names of private columns as words of their own; one that matches nothing where there are none."""
        names = "|".join(re.escape(name) for name in sorted(self._spelt) if name)
        return re.compile(rf"(?<!\w)(?:{names})(?!\w)" if names else r"(?!)", re.IGNORECASE)

    def _secret(self, rows: Sequence[Any]) -> dict[object, bool]:
        """Return the names in these rows that are private, and whether they are to be hashed."""
        hashed = set(map(_spelt, self.hashed))
        names = set(chain.from_iterable(row for row in rows if isinstance(row, dict)))
        return {name: _spelt(name) in hashed for name in names if self.private(name)}

    def _stripped(self, row: Any, secret: Mapping[object, bool]) -> Any:
        if not isinstance(row, dict):
            return HIDDEN  # nobody can say which of its cells are private
        if not secret:
            return row
        return {name: self.hash(cell) if name in secret else cell for name, cell in row.items() if secret.get(name, True)}


def _spelt(name: object) -> str:
    return str(name).strip().casefold()


def _spellings(cell: Any) -> list[str]:
    """Return how a cell may stand in a sentence; nothing for a cell that is hardly recognised there."""
    if isinstance(cell, str):
        return [cell[:20]] if len(cell.strip()) > 1 else []
    if isinstance(cell, bool) or cell is None or isinstance(cell, Opaque):
        return []
    if isinstance(cell, (int, float)):
        try:
            number = float(cell)
            return [text for text in {str(cell), f"{number:g}", f"{number:.4g}", f"{number:,.0f}"} if len(text) > 2]
        except (OverflowError, ValueError):
            return []
    return []
