"""Kafka → ClickHouse, each record once."""
