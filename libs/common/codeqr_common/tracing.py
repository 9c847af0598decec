"""OpenTelemetry traces that follow a request through HTTP and Kafka headers.

Spans are exported by OTLP where `OTEL_EXPORTER_OTLP_ENDPOINT` (the standard name) is set. Without it the context is
carried all the same, so that a caller's own trace id arrives at the webhook it leads to.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind

CARRIED = ("traceparent", "tracestate")
_tracer = trace.get_tracer("codeqr")
_exports = False


def configure(service: str, instance: str) -> None:
    """Name this process in its spans and export them where an endpoint is set."""
    global _exports
    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.instance.id": instance}))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        _exports = True
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=1000))
    trace.set_tracer_provider(provider)


def shut_down() -> None:
    """Send what is still held back."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def matters(carrier: Mapping[str, str]) -> bool:
    """Whether a span around a request is of any use: it is exported, or it continues the caller's trace."""
    return bool(carrier) or _exports


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    carrier: Mapping[str, str] | None = None,
    attributes: Mapping[str, str | int] | None = None,
) -> Iterator[Span]:
    """A span around the block; its parent is the one in `carrier` where that is given, else the present one."""
    parent = propagate.extract(dict(carrier)) if carrier else None
    with _tracer.start_as_current_span(name, context=parent, kind=kind, attributes=dict(attributes or {})) as current:
        yield current


def carrier() -> dict[str, str]:
    """The present trace context as headers (`traceparent`); empty outside a span."""
    if not trace.get_current_span().get_span_context().is_valid:
        return {}
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return {name: value for name, value in headers.items() if name in CARRIED}


def kafka_headers(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Text headers as Kafka wants them."""
    return [(name, value.encode()) for name, value in headers.items()]


def carrier_of(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """The trace context among a Kafka record's headers."""
    return {name: value.decode("ascii", "ignore") for name, value in headers if name in CARRIED and value}
