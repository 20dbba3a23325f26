"""Reads Parquet and Arrow files through pyarrow, in the form pandas would give them: models fitted on frames expect it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from camelopard.core.batch import Batch, Form
from camelopard.core.cells import cell
from camelopard.core.errors import InputError
from camelopard.core.tables import column_of
from camelopard.modality.chunks import Chunk, at_once, check_names
from camelopard.modality.texts import settled


def read_parquet(source: str | IO[bytes], name: str, chunk: int) -> Iterator[Chunk]:
    """Yield the rows of a Parquet file. Raises InputError if it is not a whole one."""
    from pyarrow import parquet

    with _whole(name, "Parquet"), parquet.ParquetFile(source) as file:
        names = file.schema_arrow.names
        check_names(names, name)
        for part in file.iter_batches(batch_size=at_once(chunk, len(names))):
            yield Chunk(_batch(part))


def read_arrow(source: str | IO[bytes], name: str, chunk: int) -> Iterator[Chunk]:
    """Yield the rows of an Arrow file (also called Feather) or stream. Raises InputError if it is not a whole one."""
    import pyarrow

    with _whole(name, "Arrow"), pyarrow.OSFile(source) if isinstance(source, str) else pyarrow.PythonFile(source, "r") as opened:
        for part in _parts(opened):
            check_names(part.schema.names, name)
            part.validate(full=True)  # offsets that point outside of the file would end the process, not the reading
            size = at_once(chunk, part.num_columns)
            for start in range(0, len(part), size):
                yield Chunk(_batch(part.slice(start, size)))


def _parts(opened: Any) -> Iterator[Any]:
    import pyarrow

    try:
        file = pyarrow.ipc.open_file(opened)
    except pyarrow.ArrowInvalid:
        opened.seek(0)
        yield from pyarrow.ipc.open_stream(opened)
        return
    for i in range(file.num_record_batches):
        yield file.get_batch(i)


def _batch(part: Any) -> Batch:
    import pyarrow

    names = part.schema.names
    flat = {n: _simple(part.column(i)) for i, n in enumerate(names) if not pyarrow.types.is_nested(part.schema.field(i).type)}
    read = Batch.of(pyarrow.table(flat)) if flat else Batch({}, np.arange(len(part)))
    nested = {n: column_of([cell(v) for v in part.column(i).to_pylist()]) for i, n in enumerate(names) if n not in flat}
    columns = {n: read.columns[n] if n in flat else nested[n] for n in names}
    return settled(Batch(columns, np.arange(len(part)), Form("pandas", {}, read.form.categories)))


def _simple(values: Any) -> Any:
    """Return a column with decimals as floats and moments in the unit that batches hold."""
    from pyarrow import float64, timestamp, types

    if types.is_decimal(values.type):
        return values.cast(float64())
    if types.is_timestamp(values.type) and values.type.unit == "ns":
        return values.cast(timestamp("us", values.type.tz), safe=False)
    return values


@contextmanager
def _whole(name: str, kind: str) -> Iterator[None]:
    """Turn what pyarrow raises over a broken file into an InputError that names it."""
    import pyarrow

    try:
        yield
    except InputError as error:
        raise error if name in str(error) else InputError(f"{name}: {error}") from error
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, KeyError, IndexError, TypeError, MemoryError) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise InputError(f"{name}: this is not a whole {kind} file ({told}).") from error
