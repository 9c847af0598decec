"""What this service measures, besides what every service does (consumer lag is `codeqr_kafka_consumer_lag`)."""

from codeqr_common.metrics import Counter, Gauge, Histogram

DELIVERIES_PENDING = Gauge("codeqr_webhooks_deliveries_pending", "Deliveries that wait for an attempt.")
ATTEMPTS = Counter("codeqr_webhooks_attempts_total", "Attempts by what followed from them.", ("outcome",))
ATTEMPT_DURATION = Histogram(
    "codeqr_webhooks_attempt_duration_seconds",
    "How long attempts took.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
DELIVERIES_CREATED = Counter("codeqr_webhooks_deliveries_created_total", "Deliveries made from events.", ("trigger",))
