"""Columns of a table that are all there is to a row: its texts, or the paths of its pictures. And what a file without columns is to a firewall."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import InputError
from camelopard.core.media import IMAGE, PAIR, TEXT
from camelopard.core.schema import Schema
from camelopard.modality.chunks import Chunk
from camelopard.modality.picture_files import portions

KINDS: Mapping[str, Literal["texts", "images"]] = {"text": "texts", "image": "images"}
CALLED = {"text": "texts", "image": "pictures"}


@dataclass(frozen=True)
class Meant:
    """What the rows of a table are said to be: texts, in one column, or in two that make pairs; or pictures, in one column of files or their paths.

    >>> Meant.of("question, answer", None).kind, Meant.of(None, None)
    ('text', None)
    """

    kind: Literal["text", "image"]
    columns: tuple[str, ...]

    @classmethod
    def of(cls, texts: str | None, images: str | None) -> Meant | None:
        """Return what is meant by names of columns, a comma between two. Raises InputError where both are named, or three."""
        if texts is not None and images is not None:
            raise InputError(f"texts in {texts!r} and pictures in {images!r}: rows are the ones or the others. Name one of them.")
        if texts is None:
            return None if images is None else cls("image", (images,))
        columns = tuple(name.strip() for name in texts.split(","))
        if len(columns) > len(PAIR):
            raise InputError(f"texts in {len(columns)} columns, {texts!r}: expected one, or two that make pairs.")
        return cls("text", columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns that such rows have in a batch."""
        return IMAGE if self.kind == "image" else TEXT if len(self.columns) == 1 else PAIR

    def form(self) -> Form:
        return Form(KINDS[self.kind])


def learned_from(chunks: Iterator[Chunk], meant: Meant, target: str | None, name: str, chunk: int) -> Iterator[Chunk]:
    """Yield the rows of a table as the texts or pictures that they are, with the column `target` beside them, and no other.

    Raises
    ------
    InputError
        If a column is not there, or the paths of pictures come without a folder.
    """
    for part in chunks:
        for column in (*meant.columns, *(() if target is None else (target,))):
            _check(column, part.batch, name)
        kept = dict(zip(meant.names, (part.batch.columns[column] for column in meant.columns), strict=True))
        if target is not None:
            kept[target] = part.batch.columns[target]
        if meant.kind == "text":
            cells = {new: _texts(kept[new]) for new in meant.names}
            yield Chunk(Batch({**kept, **cells}, part.batch.ids, part.batch.form), part.problems)
        else:
            yield from _pictured(Chunk(Batch(kept, part.batch.ids, part.batch.form), part.problems), IMAGE[0], name, chunk)


def screened(chunks: Iterator[Chunk], meant: Meant, schema: Schema, name: str, chunk: int) -> Iterator[Chunk]:
    """Yield the rows of a table as a firewall knows them: the columns meant by its own names, where it judges texts or pictures and no tables.

    Raises
    ------
    InputError
        If the firewall judges nothing of that kind, or a column is not there.
    """
    if schema.form.kind == KINDS[meant.kind]:
        if len(meant.columns) != len(schema.names):
            raise InputError(
                f"{name}: {len(meant.columns)} columns of texts named; the firewall judges {'pairs' if schema.names == PAIR else 'one'}."
            )
        names = dict(zip(meant.columns, schema.names, strict=True))
    else:
        lacking = [column for column in meant.columns if column not in schema.names or schema[column].kind != meant.kind]
        if lacking:
            raise InputError(
                f"{name}: {lacking[0]!r} is no column of {CALLED[meant.kind]} to this firewall. It judges {_judged(schema)}: leave the option away."
            )
        names = {column: column for column in meant.columns}
    for part in chunks:
        for column in names:
            _check(column, part.batch, name)
        only = schema.form.kind in KINDS.values()
        columns = {names.get(column, column): values for column, values in part.batch.columns.items() if not only or column in names}
        if meant.kind == "text":
            columns |= {new: _texts(columns[new]) for new in names.values()}
        batch = Chunk(Batch(columns, part.batch.ids, schema.form), part.problems)
        yield from [batch] if meant.kind == "text" else _pictured(batch, names[meant.columns[0]], name, chunk)


def renamed(chunks: Iterator[Chunk], kind: Literal["text", "image"], schema: Schema, name: str) -> Iterator[Chunk]:
    """Yield what came without columns, texts or pictures, as the one column that a firewall judges. Raises InputError if it judges others."""
    (column,) = schema.names if len(schema.names) == 1 and schema[schema.names[0]].kind == kind else ("",)
    if not column:
        raise InputError(f"{name}: this holds {CALLED[kind]}, and the firewall judges {_judged(schema)}.")
    for part in chunks:
        (cells,) = part.batch.columns.values()
        yield Chunk(Batch({column: cells}, part.batch.ids, schema.form), part.problems, part.size)


def check_known(chunks: Iterator[Chunk], schema: Schema, name: str) -> Iterator[Chunk]:
    """Yield the rows of a table, after a look at whether a firewall of texts or pictures can find these in it.

    Raises
    ------
    InputError
        If it has none of the columns, or texts where pictures are expected: they may be paths.
    """
    for k, part in enumerate(chunks):
        if not k and schema.form.kind in KINDS.values() and not set(schema.names) & set(part.batch.names):
            option = "--images" if schema.form.kind == "images" else "--texts"
            some = ", ".join(map(repr, part.batch.names[:20]))
            raise InputError(
                f"{name}: the firewall judges {_judged(schema)}, and the columns are {some}. Say which holds them, with {option} COLUMN."
            )
        for column in schema.of_kind("image"):
            cells = [cell for cell in part.batch.columns.get(column.name, objects([])).tolist() if cell is not None]
            if not k and cells and all(isinstance(cell, str) for cell in cells):
                raise InputError(
                    f"{name}: the column {column.name!r} holds texts, such as {cells[0][:60]!r}, where pictures are expected. If these are the paths "
                    f"of files, add --images {column.name}"
                )
        yield part


def _pictured(part: Chunk, column: str, name: str, chunk: int) -> Iterator[Chunk]:
    """Yield rows with the files that a column names in it, some at a time."""
    cells = part.batch.columns[column].tolist()
    if name == "standard input" and any(isinstance(cell, str) for cell in cells):
        raise InputError(f"{name}: it holds paths of pictures, which are looked for beside the table. Give the table as a file.")
    root = os.path.realpath(os.path.dirname(name) or ".")
    for found in portions([cell or None if isinstance(cell, str) else cell for cell in cells], root, chunk):
        first, last = found.rows.start, found.rows.stop
        batch = part.batch.take(found.rows).with_columns({column: found.cells})
        why = {i: f"{name}: {why}" for i, why in found.problems.items()}
        yield Chunk(batch, {**why, **{i - first: told for i, told in part.problems.items() if first <= i < last}}, found.size)


def _texts(cells: Array) -> Array:
    """Return cells as they came, an empty one as missing: in a table there is no telling them apart."""
    return objects(None if cell == "" else cell for cell in cells.tolist())


def _check(column: str, batch: Batch, name: str) -> None:
    if column not in batch.columns:
        raise InputError(f"{name}: there is no column {column!r}. Its columns: {', '.join(batch.names[:40])}.")


def _judged(schema: Schema) -> str:
    names: Sequence[str] = schema.names
    if schema.form.kind == "images":
        return "pictures"
    if schema.form.kind == "texts":
        return "texts" if len(names) == 1 else "pairs of texts"
    return f"rows with the column{'s' if len(names) > 1 else ''} {', '.join(map(repr, names[:10]))}{' …' if len(names) > 10 else ''}"
