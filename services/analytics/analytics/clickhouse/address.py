"""Where ClickHouse is: a folder of the embedded engine, or a server."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

DEFAULT_DATABASE = "codeqr"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Address:
    """`path` is set for the embedded engine, the others for a server."""

    database: str = DEFAULT_DATABASE
    path: Path | None = None
    scheme: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read `chdb:///absolute/path` or `http(s)://user:password@host:port/database`; raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme == "chdb":
            if parts.netloc or not parts.path.strip("/"):
                raise ValueError("an embedded ClickHouse is written chdb:///absolute/path")
            return cls(path=Path(unquote(parts.path)))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a ClickHouse server is written http(s)://user:password@host:port/database")
        database = parts.path.strip("/") or DEFAULT_DATABASE
        if not NAME.fullmatch(database):
            raise ValueError("the name of a ClickHouse database is made of letters, digits and underscores")
        return cls(
            database=database,
            scheme=parts.scheme,
            host=parts.hostname,
            port=parts.port or (8443 if parts.scheme == "https" else 8123),
            user=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
        )

    def server(self, limit_s: float) -> dict[str, Any]:
        """How clickhouse-connect reaches the server. No retries of its own: it would repeat inserts."""
        return {
            "interface": self.scheme,
            "host": self.host,
            "port": self.port,
            "username": self.user,
            "password": self.password,
            "connect_timeout": 5,
            "send_receive_timeout": limit_s,
            "query_retries": 0,
            "autogenerate_session_id": False,
        }
