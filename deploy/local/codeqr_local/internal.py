"""Calls of the `codeqr` command to the services' internal listeners."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from codeqr_local.errors import StackError

_TIMEOUT_SECONDS = 15.0
_STREAM_SILENCE_SECONDS = 60.0


class NotThere(StackError):
    """The service answered 404."""


class InternalApi:
    """base_url: the listener's; token: the stack's service token. Every failure is a StackError."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base = base_url
        self._token = token
        # Loopback is never reached through a proxy, whatever the environment says.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str, parameters: dict[str, str] | None = None) -> Any:
        """The answer's JSON."""
        return self._json(self._request(f"{path}?{urlencode(parameters)}" if parameters else path))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer's JSON object."""
        return self._send("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer's JSON object."""
        return self._send("PATCH", path, body)

    def delete(self, path: str) -> dict[str, Any]:
        """The answer's JSON object."""
        request = self._request(path)
        request.method = "DELETE"
        return self._object(request)

    def lines(self, path: str, parameters: dict[str, str]) -> Iterator[bytes]:
        """The answer line by line, as it comes, line ends included."""
        request = self._request(f"{path}?{urlencode(parameters)}" if parameters else path)
        with self._open(request, _STREAM_SILENCE_SECONDS) as answer:
            yield from answer

    def _request(self, path: str) -> urllib.request.Request:
        return urllib.request.Request(self._base + path, headers={"Authorization": f"Internal {self._token}"})  # noqa: S310

    def _send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = self._request(path)
        request.method = method
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
        return self._object(request)

    def _object(self, request: urllib.request.Request) -> dict[str, Any]:
        document: dict[str, Any] = self._json(request)
        return document

    def _json(self, request: urllib.request.Request) -> Any:
        with self._open(request, _TIMEOUT_SECONDS) as answer:
            return json.load(answer)

    def _open(self, request: urllib.request.Request, seconds: float) -> Any:
        try:
            return self._opener.open(request, timeout=seconds)
        except urllib.error.HTTPError as error:
            message = _message(error)
            raise (NotThere if error.code == 404 else StackError)(message) from error
        except OSError as error:
            raise StackError(f"{request.full_url} does not answer: {error}") from error


def _message(error: urllib.error.HTTPError) -> str:
    """The envelope's own sentence, where there is one."""
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.url} answered {error.code}"
