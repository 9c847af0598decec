"""ClickHouse runs inside analytics (chdb): no process of its own, just a folder."""

from __future__ import annotations

from pathlib import Path


def url(home: Path) -> str:
    """Address for analytics, which alone may open the folder."""
    return f"chdb://{home / 'clickhouse'}"
