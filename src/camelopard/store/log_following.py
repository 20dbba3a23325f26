"""Follows a log: what has come since one last looked, whoever wrote it. The table stays open, so that a look costs a few milliseconds."""

from __future__ import annotations

import datetime as dt
import os
import threading
from typing import TYPE_CHECKING

from camelopard.core.errors import CamelopardError
from camelopard.store.log_files import Span, files
from camelopard.store.log_reading import Logged, looked_up
from camelopard.store.log_table import Options, opened

if TYPE_CHECKING:
    from deltalake import DeltaTable


class Following:
    """A log that is looked at again and again, by any thread.

    Parameters
    ----------
    place, storage_options
        As for `read`. Whether there is a log is asked at the first look.
    """

    def __init__(self, place: str | os.PathLike[str], *, storage_options: Options | None = None) -> None:
        self.place, self.options = place, storage_options
        self._table: DeltaTable | None = None
        self._turn = threading.Lock()

    def since(
        self, moment: dt.datetime, *, model: str | None = None, route: str | None = None, reason: str | None = None, limit: int = 100
    ) -> list[Logged]:
        """Return verdicts without their cells from this time on, the newest first, `limit` at most.

        Several writers finish in any order: look from some seconds before the newest row that is known, and leave out what is known.

        Raises
        ------
        CamelopardError
            If there is no log (NoLog), or it cannot be read.
        """
        span = Span.of(moment, None, model, route, None, reason)
        try:
            with self._turn:
                if self._table is None:
                    self._table = opened(self.place, self.options)
                else:
                    self._table.update_incremental()
                parts = files(self._table, self._table.table_uri, span, self.options)
            return looked_up(parts, span, limit, cells=False)[0]
        except CamelopardError:
            raise
        except Exception as error:  # old commits were cleaned away, or a file replaced, since the table was last looked at
            self._table = None
            raise CamelopardError(f"the log could not be looked at this time ({type(error).__name__}). Look again.") from error
