"""Calls between our services: a listener of their own, a shared token, and a client that says what went wrong."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec
import structlog
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr
from starlette.types import Scope

from codeqr_common import errors, tracing
from codeqr_common.http.app import Lifespan, create_app

SCHEME = "Internal"
INTERNAL_BODY_LIMIT = 8 << 20


class NotFound(Exception):
    """The other service knows no such thing (404)."""


class ServiceUnavailable(Exception):
    """The other service could not be reached, did not answer in time, or could not answer."""


def internal_app(
    title: str, token: SecretStr, routers: Sequence[APIRouter], *, lifespan: Lifespan | None = None
) -> FastAPI:
    """An application whose every route needs `Authorization: Internal <token>`."""
    expected = f"{SCHEME} {token.get_secret_value()}".encode()

    def admit(scope: Scope) -> None:
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, expected):
            raise errors.unauthorized("This listener is for our own services.")

    return create_app(title, routers=routers, lifespan=lifespan, body_limit=INTERNAL_BODY_LIMIT, admit=admit)


class InternalClient:
    """Calls another service's internal listener. Carries the request id and the trace along.

    Every method raises `NotFound` on 404 and `ServiceUnavailable` on anything else that is no answer.
    """

    def __init__(self, base_url: str, token: SecretStr, *, timeout_s: float = 2.0, connections: int = 50) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"{SCHEME} {token.get_secret_value()}"},
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=False,
        )

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON, as plain Python values."""
        return msgspec.json.decode(await self.get_bytes(path, params))

    async def get_bytes(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """The answer's JSON as it came, for callers that decode into a struct."""
        return await self._call("GET", path, params=params)

    async def post(self, path: str, json: Any) -> Any:
        """The answer's JSON, as plain Python values."""
        return msgspec.json.decode(await self.post_bytes(path, json))

    async def post_bytes(self, path: str, json: Any) -> bytes:
        """The answer's JSON as it came, for callers that decode into a struct."""
        return await self._call("POST", path, content=msgspec.json.encode(json))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> bytes:
        headers = tracing.carrier()
        if content is not None:
            headers["content-type"] = "application/json"
        if request_id := structlog.contextvars.get_contextvars().get("request_id"):
            headers["x-request-id"] = request_id
        try:
            answer = await self._client.request(method, path, params=params, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"{method} {path}: {type(error).__name__}") from error
        if answer.status_code == 404:
            raise NotFound(path)
        if answer.status_code != 200:
            raise ServiceUnavailable(f"{method} {path}: status {answer.status_code}")
        return answer.content
