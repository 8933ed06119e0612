"""Trace context with and without an endpoint."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from storage import tracing
from storage.tracing import Kind
from tests.collector import Collector, collecting

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        tracing.configure("a-test", found.url)
        yield found
        tracing.configure("", "")


def test_without_an_endpoint_a_callers_trace_goes_on_and_no_library_is_loaded() -> None:
    code = (
        "from storage import tracing; import sys\n"
        f"with tracing.span('work', parent='{PARENT}'):\n"
        "    print(tracing.traceparent(), tracing.ids(), [n for n in sys.modules if 'opentelemetry' in n])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.split() == [PARENT, "{'trace_id':", f"'{PARENT.split('-')[1]}'}}", "[]"]


@pytest.mark.parametrize(
    "header",
    [None, "", "rubbish", PARENT.upper(), PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32)],
)
def test_what_is_no_traceparent_starts_a_trace_of_its_own(header: str | None) -> None:
    with tracing.span("work", parent=header) as span:
        assert tracing.is_traceparent(span.traceparent)
        assert span.traceparent.split("-")[1] not in {"0" * 32, PARENT.split("-")[1]}


def test_outside_of_a_span_there_are_no_ids() -> None:
    assert tracing.ids() == {}
    assert tracing.traceparent() is None


def test_spans_are_sent_with_their_parents_kinds_and_attributes(collector: Collector) -> None:
    with tracing.span("outer", Kind.SERVER, parent=PARENT) as outer:
        with tracing.inner_span("inner", Kind.PRODUCER, attributes={"rotomill.job_id": "job_1"}):
            pass
        outer.rename("GET /here")
        outer.note(http__route="/here")
        assert tracing.ids()["span_id"] == outer.traceparent.split("-")[2]
    tracing.flush()
    inner, outer_sent = collector.spans
    assert (inner.name, inner.kind, inner.attributes) == ("inner", "producer", {"rotomill.job_id": "job_1"})
    assert (outer_sent.name, outer_sent.kind, outer_sent.service) == ("GET /here", "server", "a-test")
    assert outer_sent.attributes == {"http.route": "/here"}
    assert inner.parent_id == outer_sent.span_id
    assert outer_sent.parent_id == PARENT.split("-")[2]
    assert {inner.trace_id, outer_sent.trace_id} == {PARENT.split("-")[1]}


def test_an_inner_span_needs_an_outer_one(collector: Collector) -> None:
    with tracing.inner_span("alone"):
        pass
    tracing.flush()
    assert collector.spans == []


def test_a_caller_that_is_not_sampled_is_not_sent(collector: Collector) -> None:
    with tracing.span("work", parent=PARENT.removesuffix("01") + "00") as span:
        assert span.traceparent.endswith("-00")
    tracing.flush()
    assert collector.spans == []
