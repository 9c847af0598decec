"""Settings of analytics; the one place that reads its environment."""

from codeqr_common.settings import Settings


class AnalyticsSettings(Settings):
    """What an analytics process may be told, as `CODEQR_<NAME>`."""

    clickhouse_url: str
    """`chdb:///absolute/path` (the engine inside this process) or `http(s)://user:password@host:8123/database`."""
    query_clients: int = 3
    """Statements that may run beside each other for callers; ingestion has a client of its own."""
    query_limit_s: float = 10.0
    """A caller waits at most this long for ClickHouse, then gets 503."""
    insert_limit_s: float = 60.0
    """An insert into a ClickHouse server may take this long before its outcome counts as unknown."""
