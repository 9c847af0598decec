"""A caller's trace goes from the API through the outbox and Kafka to the callback that it leads to."""

import secrets
from typing import Any

from collector import Collector


def test_a_trace_goes_through_kafka(stack: Any, collector: Collector) -> None:
    project = stack.new_project("traced")
    project.api.post(
        "/webhooks",
        json={"name": "nobody listens", "url": "http://127.0.0.1:9/", "triggers": ["link.created"]},
    ).raise_for_status()
    trace_id = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    project.api.post("/links", json={"url": "https://example.com/"}, headers=headers).raise_for_status()

    wanted = {"link-api", "outbox-relay", "webhooks"}
    stack.wait_until(lambda: wanted <= {span.service for span in collector.of_trace(trace_id)}, 20)

    spans = {span.span_id: span for span in collector.of_trace(trace_id)}
    delivered = next(span for span in spans.values() if span.service == "webhooks")
    services = [delivered.service]
    while delivered.parent_id in spans:
        delivered = spans[delivered.parent_id]
        services.append(delivered.service)
    assert services[-1] == "link-api", services
