"""What the server itself has to say, one line of JSON each on standard error: for people who search logs.

No row is written on purpose; but an error comes with its message, and what a model says when it fails may quote one.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec


class Lines(logging.Formatter):
    """Formats a record as one line of JSON.

    >>> record = logging.LogRecord("camelopard.server", logging.WARNING, "", 0, "the firewall was loaded again", None, None)
    >>> Lines().format(record)[-87:]
    '"level":"warning","from":"camelopard.server","message":"the firewall was loaded again"}'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        found = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            found["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(found).decode()


def to_standard_error(level: int = logging.WARNING) -> None:
    """Send what all parts of the process log to standard error, as such lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
