"""Spans that OpenTelemetry records and sends; `storage.tracing` loads this where an endpoint is set."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from storage.tracing import Attributes, Kind, Span

FLUSH_MILLISECONDS = 3000


class Exporter:
    """Records spans and sends them in batches, from a thread of its own."""

    def __init__(self, service: str, endpoint: str) -> None:
        # headers, certificates, sampling and limits are OpenTelemetry's own settings: OTEL_…
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        resource = Resource.create({"service.name": service, "service.namespace": "rotomill"})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("rotomill")

    def begin(self, name: str, kind: Kind, parent: str | None, attributes: Attributes) -> Span:
        above = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
        recorded = self._tracer.start_span(
            name, above, kind=trace.SpanKind(kind), attributes=_dotted(attributes)
        )
        return RecordedSpan(recorded)

    def flush(self) -> None:
        self._provider.force_flush(FLUSH_MILLISECONDS)


class RecordedSpan(Span):
    """A span of OpenTelemetry's."""

    def __init__(self, recorded: trace.Span) -> None:
        self._recorded = recorded
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(recorded))
        super().__init__(carrier["traceparent"])

    def note(self, **attributes: str | float | bool) -> None:
        self._recorded.set_attributes(_dotted(attributes))

    def rename(self, name: str) -> None:
        self._recorded.update_name(name)

    def fail(self, why: str) -> None:
        self._recorded.set_status(trace.StatusCode.ERROR, why)

    def end(self) -> None:
        self._recorded.end()


_PROPAGATOR = TraceContextTextMapPropagator()


def _dotted(attributes: Attributes) -> dict[str, str | int | float | bool]:
    return {name.replace("__", "."): value for name, value in attributes.items()}
