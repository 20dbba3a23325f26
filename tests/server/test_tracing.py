"""Spans of requests, collected in memory: their parents, what they say, and what they never say."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="traces need OpenTelemetry: pip install 'camelopard[traces]'")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

import camelopard as cp
from camelopard.server.exchange import Refused
from camelopard.server.gateway import Gateway
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from camelopard.server.tracing import Tracing
from tests.server.conftest import speak

ODD = {"age": 1985, "hours": 40, "gain": 900.0}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def spans(firewall: cp.Firewall, body: bytes, headers: dict[str, str] | None = None) -> tuple[ReadableSpan, ...]:
    """Return the spans of one request."""
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    app = Gateway({"promotion": Served(firewall, Settings())}, tracing=Tracing(provider.get_tracer("test")))
    speak(app, "POST", "/predict", body, headers)
    return kept.get_finished_spans()


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_request_is_a_span_within_the_trace_of_its_client(firewall: cp.Firewall) -> None:
    (span,) = spans(firewall, json.dumps(ODD).encode(), {"traceparent": PARENT})
    assert span.parent is not None and f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.context is not None and f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert told(span)["camelopard.model"] == "promotion"
    assert told(span)["camelopard.route"] in ("repair", "review", "block")
    assert len(told(span)["camelopard.request"]) == 21


def test_without_a_client_that_traces_a_request_begins_its_own(firewall: cp.Firewall) -> None:
    (span,) = spans(firewall, json.dumps(ODD).encode(), {"traceparent": "nonsense"})
    assert span.parent is None


def test_nothing_of_a_row_is_in_a_span(firewall: cp.Firewall) -> None:
    (span,) = spans(firewall, json.dumps(ODD).encode())
    assert "1985" not in span.to_json() and "age" not in json.dumps(told(span))


def test_what_cannot_be_read_is_a_span_with_its_status(firewall: cp.Firewall) -> None:
    (span,) = spans(firewall, b"{")
    assert (told(span)["http.response.status_code"], span.status.status_code) == (400, StatusCode.UNSET)


def test_whatever_ends_a_request_ends_its_span_as_an_error(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    for raised in (Refused(503, "too much"), KeyError("a defect")):

        async def failing(self: Served, parse: object, size: int, raised: Exception = raised) -> None:
            raise raised

        monkeypatch.setattr(Served, "respond", failing)
        (span,) = spans(firewall, json.dumps(ODD).encode())
        status = raised.status if isinstance(raised, Refused) else 500
        assert (told(span)["http.response.status_code"], span.status.status_code) == (status, StatusCode.ERROR)
        assert not span.events and "defect" not in span.to_json()
