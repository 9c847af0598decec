"""Prometheus metrics. Names are `codeqr_<service>_<what>_<unit>`; those of all services stand here."""

from prometheus_client import Counter, Gauge, Histogram

HTTP_REQUESTS = Histogram(
    "codeqr_http_request_duration_seconds",
    "Requests by listener, route and status.",
    ("listener", "method", "route", "status"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
KAFKA_PUBLISHED = Counter("codeqr_kafka_published_total", "Records that Kafka acknowledged.", ("topic",))
KAFKA_CONSUMED = Counter("codeqr_kafka_consumed_total", "Records whose effect is committed.", ("consumer", "topic"))
KAFKA_LAG = Gauge(
    "codeqr_kafka_consumer_lag", "Offsets behind the end of the partition.", ("consumer", "topic", "partition")
)
KAFKA_RESTARTS = Counter("codeqr_kafka_client_restarts_total", "Kafka clients thrown away and made anew.", ("client",))
DEAD_LETTERS = Counter("codeqr_kafka_dead_letters_total", "Records that could not be parsed.", ("consumer", "topic"))

__all__ = [
    "DEAD_LETTERS",
    "HTTP_REQUESTS",
    "KAFKA_CONSUMED",
    "KAFKA_LAG",
    "KAFKA_PUBLISHED",
    "KAFKA_RESTARTS",
    "Counter",
    "Gauge",
    "Histogram",
]
