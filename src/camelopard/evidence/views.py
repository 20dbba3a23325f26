"""Texts and pictures seen as numbers: their modality measures each cell, and every number is then read like a column of a table.

What a modality learned from a text knows that text: its words are no news. So the numbers of the rows that teach come from a modality that was
learned without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from camelopard.core.arrays import Array, Floats, objects
from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError
from camelopard.core.schema import MEDIA, Schema

FOLDS = 2
UNREADABLE = "unreadable"  # stands in the column's own number for a cell that is there and cannot be read


class Vectors(Protocol):
    """What a modality learned from the cells of one column. See `camelopard.modality.text` and `camelopard.modality.image`."""

    @property
    def kind(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def apart(self) -> tuple[str, ...]:
        """Those that tell how odd a cell is. Heads see them in the suspicion of a row, not by themselves: there they cost calibration."""
        ...

    def measure(self, cells: Array) -> Floats:
        """Return numbers per cell, shape (n, len(names)); NaN for what cannot be read."""
        ...

    def problems(self, cells: Array) -> list[str | None]:
        """Return per cell why it cannot be read: "missing" for None, None where it can."""
        ...

    def repairs(self, cell: Any) -> Sequence[tuple[str, Any]]:
        """Return what the cell may have been meant to be, the most plausible first: what was undone, and the cell."""
        ...

    def embed(self, cells: Array) -> Floats:
        """Return where each cell lies among others, shape (n, d)."""
        ...

    def examples(self, n: int) -> Array:
        """Return n made-up cells of the kind that were learned from, always the same ones: no cell of anyone's data."""
        ...

    def state(self) -> dict[str, Any]: ...


@runtime_checkable
class Mending(Protocol):
    """What a modality may offer, too: the cell with one small place undone at a time."""

    def mended(self, cell: Any, most: int) -> Sequence[Any]:
        """Return up to `most` cells, each without one of the places that fit least to what is around them."""
        ...


@runtime_checkable
class Squeezing(Protocol):
    """What a modality may offer, too: the cell with less in it, to a model that sees what matters the same."""

    def squeezed(self, cell: Any) -> Any: ...


def vectors_of(kind: str) -> Any:
    """Return the class that learns a modality."""
    if kind == "text":
        from camelopard.modality.text import TextVectors

        return TextVectors
    from camelopard.modality.image import ImageVectors

    return ImageVectors


class Views:
    """The columns that are measured by a modality.

    `source` maps the name of every number to the column it is about: the column's own name stands for whether there is anything to read.
    """

    def __init__(self, of: Mapping[str, Vectors]) -> None:
        self.of = dict(of)
        self.source = {name: column for column, vectors in self.of.items() for name in (column, *figure_names(column, vectors.names))}

    def __bool__(self) -> bool:
        return bool(self.of)

    @property
    def apart(self) -> frozenset[str]:
        """Return the names of the numbers that only oddity reads."""
        return frozenset(figure for name, vectors in self.of.items() for figure in figure_names(name, vectors.apart))

    def __iter__(self) -> Iterator[str]:
        return iter(self.of)

    @classmethod
    def learn(cls, batch: Batch, schema: Schema) -> tuple[Views, Batch]:
        """Return the views of the columns of texts and pictures, and the batch with the numbers of its cells, from views that did not see them."""
        kinds = {column.name: column.kind for column in schema.of_kind(*MEDIA)}
        if not kinds:
            return cls({}), batch
        of: dict[str, Vectors] = {name: vectors_of(kind).learn(batch.columns[name]) for name, kind in kinds.items()}
        columns: dict[str, Array] = {}
        for name, vectors in of.items():
            cells = batch.columns[name]
            why = vectors.problems(cells)
            columns.update(_columns(name, vectors, why, _as_new(vectors, cells, why)))
        return cls(of), batch.with_columns(columns)

    def seen(self, batch: Batch) -> Batch:
        """Return the batch with its texts and pictures replaced by whether they can be read, and followed by their numbers."""
        if not self.of:
            return batch
        columns: dict[str, Array] = {}
        for name, vectors in self.of.items():
            cells = batch.columns[name]
            columns.update(_columns(name, vectors, vectors.problems(cells), vectors.measure(cells)))
        return batch.with_columns(columns)

    def opened(self, batch: Batch) -> tuple[Batch, dict[int, str]]:
        """Return a batch of pictures with its files as pixels, and the rows that hold more than is judged or cannot be unpacked: positions, and why.

        Files are unpacked in the data type and the value range of clean pictures; what one claims to hold is looked at first. A file that cannot be
        unpacked stays as it is, and so do those in a table, whose model opens them itself. A text is cut where no more of it is judged: nobody asks
        the model about the rest.
        """
        why: dict[int, str] = {}
        changed: dict[str, Array] = {}
        for name, vectors in self.of.items():
            longest: int | None = getattr(vectors, "longest", None)
            if longest is not None and name in batch.columns:
                sizes = [str.__len__(cell) if isinstance(cell, str) else 0 for cell in batch.columns[name].tolist()]
                found = {i: f"{name}: {size:,} characters; at most {longest:,} are judged" for i, size in enumerate(sizes) if size > longest}
                why = {**found, **why}
                if found:
                    cells = batch.columns[name].copy()
                    for i in found:
                        cells[i] = str.__getitem__(cells[i], slice(longest))
                    changed[name] = cells
        for name, vectors in self.of.items() if batch.form.kind == "images" else ():
            read: Callable[[object], Array] | None = getattr(vectors, "read", None)
            if read is None or bytes not in set(map(type, batch.columns[name].tolist())):
                continue
            cells = changed.get(name, batch.columns[name]).copy()
            for i, cell in enumerate(cells):
                if isinstance(cell, bytes):
                    try:
                        cells[i] = read(cell)
                    except CamelopardError as error:
                        why.setdefault(i, f"{name}: {error}")
            changed[name] = cells
        return (batch.with_columns(changed) if changed else batch), why

    def alternatives(self, column: str, cell: Any, slots: Sequence[int]) -> list[Any]:
        """Return what a cell may have been meant to be, as many as there are slots, group after group.

        The first group holds its repairs, the most plausible ones again where there are fewer, and the last two places what undoes most at once. The
        groups between hold it without one small place at a time, where its modality knows of such; the cell as it is where there is nothing to undo.
        """
        vectors = self.of[column]
        if vectors.problems(objects([cell]))[0] is not None:
            return [cell] * sum(slots)
        repairs = [repaired for _, repaired in vectors.repairs(cell)] or [cell]
        first = [repairs[k % len(repairs)] for k in range(slots[0])]
        between = sum(slots) - slots[0] - 2
        mended = list(vectors.mended(cell, between)) if isinstance(vectors, Mending) else []
        return [*first, *mended, *[cell] * (between - len(mended)), repairs[0], repairs[-1]]

    def state(self) -> list[dict[str, Any]]:
        """Return what was learned, as plain data and arrays."""
        return [{"column": name, "kind": vectors.kind, "learned": vectors.state()} for name, vectors in self.of.items()]

    @classmethod
    def from_state(cls, state: Sequence[Mapping[str, Any]]) -> Views:
        """Rebuild from `state()`. Raises ValueError for a kind that is not known."""
        for part in state:
            if part["kind"] not in MEDIA:
                raise ValueError(f"unknown kind of column: {part['kind']!r}")
        return cls({part["column"]: vectors_of(part["kind"]).from_state(part["learned"]) for part in state})


def _columns(name: str, vectors: Vectors, problems: Sequence[str | None], found: Floats) -> dict[str, Array]:
    """Return a column of texts or pictures as whether each can be read, and its numbers, a column each."""
    there = objects(0.0 if why is None else None if why == "missing" else UNREADABLE for why in problems)
    return {name: there, **{figure: np.ascontiguousarray(found[:, k]) for k, figure in enumerate(figure_names(name, vectors.names))}}


def _as_new(vectors: Vectors, cells: Array, problems: Sequence[str | None]) -> Floats:
    """Return the numbers of cells that vectors were learned from, as learned without them, shape (n, names): of each fold from the other ones."""
    there = np.flatnonzero([why is None for why in problems])
    if len(there) < 2 * FOLDS:
        return vectors.measure(cells)
    found = np.full((len(cells), len(vectors.names)), np.nan)
    for k in range(FOLDS):
        mine = there[k::FOLDS]
        found[mine] = vectors_of(vectors.kind).learn(cells[np.setdiff1d(there, mine)]).measure(cells[mine])
    return found


def figure_names(column: str, names: Sequence[str]) -> list[str]:
    """Return the names of a column's numbers.

    >>> figure_names("review", ["words"])
    ['review: words']
    """
    return [f"{column}: {name}" for name in names]
