"""Metrics of ingestion."""

from codeqr_common.metrics import Counter, Histogram

INSERTED_ROWS = Counter("codeqr_analytics_inserted_rows_total", "Rows inserted into ClickHouse.")
INSERT_DURATION = Histogram(
    "codeqr_analytics_insert_duration_seconds",
    "Time of an insert, waiting for the one before it included.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
