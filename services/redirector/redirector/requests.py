"""A request as the redirector reads it: straight from the ASGI scope, tolerant of any bytes."""

import re
from collections.abc import Mapping
from typing import Any

from codeqr_common.http.middleware import request_id_of

TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class VisitorRequest:
    """One request of a visitor."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.method: str = scope["method"]
        self.raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.query: bytes = scope["query_string"]
        client = scope.get("client")
        self.peer: str = client[0] if client else ""
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.id = request_id_of(self._headers)
        """The caller's request id if it sent a sane one, else a new one."""

    def header(self, name: bytes) -> str:
        """The first header of that (lower-case) name, `""` if there is none."""
        return next((text(value) for found, value in self._headers if found == name), "")

    def headers(self, name: bytes) -> list[str]:
        """All headers of that name, in order."""
        return [text(value) for found, value in self._headers if found == name]

    def trace(self) -> dict[str, str] | None:
        """The caller's trace context, if it sent a valid one."""
        parent = self.header(b"traceparent")
        return {"traceparent": parent} if TRACEPARENT.fullmatch(parent) else None


def text(value: bytes) -> str:
    """A header's bytes as text that can be written as UTF-8, whatever they are."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
