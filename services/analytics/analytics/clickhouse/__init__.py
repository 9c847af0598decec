"""ClickHouse: clients, threads and migrations."""
