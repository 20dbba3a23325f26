"""Traces, where somebody collects them: one span per request that asks a model, within the trace that its client began.

OpenTelemetry's own environment variables say where spans go (OTEL_EXPORTER_OTLP_ENDPOINT) and what the service is called (OTEL_SERVICE_NAME). No row,
no reason and no name of a column ever stands in a span.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from camelopard.core.errors import require
from camelopard.server.exchange import Refused, Response

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

PARENT = b"traceparent"  # and its companion (W3C Trace Context)
STATE = b"tracestate"
ROUTE, REQUEST = b"camelopard-route", b"camelopard-request"


class Tracing:
    """Makes spans.

    Parameters
    ----------
    tracer
        Of the application around the gateway; by default one that the environment describes.

    Raises
    ------
    CamelopardError
        If OpenTelemetry is not installed.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        require("opentelemetry.sdk", extra="traces")
        self.tracer = tracer or _from_environment()

    @contextmanager
    def request(self, name: str, how: str, headers: Mapping[bytes, bytes]) -> Iterator[Callable[[Response], None]]:
        """Yield what notes the answer to a request, within a span of it; an exception ends the span as one."""
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        came = {key.decode(): headers[key].decode("latin-1") for key in (PARENT, STATE) if key in headers}
        context = TraceContextTextMapPropagator().extract(came)
        given = {"camelopard.model": name, "http.request.method": "POST", "camelopard.protocol": how}
        with self.tracer.start_as_current_span(
            f"POST {how}", context, SpanKind.SERVER, given, record_exception=False, set_status_on_exception=False
        ) as span:

            def ended(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))

            def note(answer: Response) -> None:
                ended(answer.status)
                for key, value in answer.headers:
                    if key in (ROUTE, REQUEST):
                        span.set_attribute(key.decode().replace("-", ".", 1), value.decode())

            try:
                yield note
            except Exception as error:
                ended(error.status if isinstance(error, Refused) else 500)
                raise


def _from_environment() -> Any:
    """Return a tracer whose spans go where the environment says."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    sender = require("opentelemetry.exporter.otlp.proto.http.trace_exporter", extra="traces").OTLPSpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(sender))
    trace.set_tracer_provider(provider)
    return provider.get_tracer("camelopard")
