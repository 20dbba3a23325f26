"""HTTP as uvicorn reads it, within bounds: a request line, headers and trailers that never end are cut off.

The parser keeps all of a header before it hands it on, and copies it with every piece that comes; without a bound anybody who can connect could fill
the memory, and keep everybody else waiting meanwhile.
"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST = 64 << 10  # bytes that may come without a request, or a part of its body, being complete


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol; what comes is counted until it leads to something."""

    held = 0

    def data_received(self, data: bytes) -> None:
        """Read a piece."""
        self.held += len(data)
        super().data_received(data)
        if self.held > MOST and not self.transport.is_closing():
            self.send_400_response(f"Headers of more than {MOST:,} bytes are not read.")

    def on_headers_complete(self) -> None:
        """Note that headers have come to an end."""
        self.held = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that a part of a body has come."""
        self.held = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that a request has come to an end."""
        self.held = 0
        super().on_message_complete()
