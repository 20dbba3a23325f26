"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from camelopard.core.errors import CamelopardError


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path beside `path` to write to; what was written there takes the place of `path` in the end, unless something was raised.

    Raises
    ------
    CamelopardError
        If it cannot be written there.
    """
    target = Path(path)
    if os.path.lexists(target) and not target.is_file():
        raise CamelopardError(f"{target}: this is no regular file. Give another name: it would be replaced.")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        os.replace(temporary, target)
    except BrokenPipeError:
        raise  # what is written is printed as well, and the reader of the print has gone: nothing is wrong with the file
    except OSError as error:
        raise CamelopardError(f"{target}: cannot be written ({error.strerror or error}). Give a folder that exists and has room.") from error
    finally:
        temporary.unlink(missing_ok=True)
