"""Owns ClickHouse: ingestion of events and the figures made of them."""
