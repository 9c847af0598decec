"""One ASGI middleware around every request: its id, its limits, its log line, its span, its measure."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from opentelemetry.trace import SpanKind
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from codeqr_common import tracing
from codeqr_common.errors import ApiError
from codeqr_common.http.responses import error_response
from codeqr_common.logs import get_logger
from codeqr_common.metrics import HTTP_REQUESTS

log = get_logger(__name__)
Admit = Callable[[Scope], None]
SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
REQUEST_ID = b"x-request-id"
TRACE_HEADERS = (b"traceparent", b"tracestate")
BODY_S = 20.0
"""From a request's headers to the end of its body."""
ARRIVED = "body_arrived"
"""In a scope's state: set by a protocol that knows that the whole body is there, so that nobody need wait for it."""


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's `X-Request-Id` if it is 1–128 letters, digits, dots, dashes or underscores; else a new one."""
    for name, value in headers:
        if name == REQUEST_ID:
            text = value.decode("latin-1")
            if SANE_ID.fullmatch(text):
                return text
    return str(uuid7())


def _trace_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The caller's trace context."""
    return {name.decode(): value.decode("latin-1") for name, value in headers if name in TRACE_HEADERS}


class RequestScope:
    """Gives each request its id and turns what nobody caught into the envelope's 500."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        listener: str,
        body_limit: int,
        body_limits: Mapping[str, int] | None = None,
        admit: Admit | None = None,
    ) -> None:
        """`admit` is asked before anything else; it raises `ApiError` for a request that may not pass."""
        self._app = app
        self._listener = listener
        self._body_limit = body_limit
        self._body_limits = body_limits or {}
        self._admit = admit
        self._measures: dict[tuple[str, str, str, str], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = request_id_of(scope["headers"])
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["answer_headers"] = headers = [(REQUEST_ID, request_id.encode())]
        limit = self._body_limits.get(scope["path"], self._body_limit)
        exchange = _Exchange(scope, receive, send, headers, limit)
        # A request is a task of its own, so what is bound here ends with it.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if tracing.matters(carrier := _trace_of(scope["headers"])):
            with tracing.span(
                f"{scope['method']} {self._listener}",
                kind=SpanKind.SERVER,
                carrier=carrier,
                attributes={
                    "http.request.method": scope["method"],
                    "url.path": scope["path"],
                    "request.id": request_id,
                },
            ):
                await self._answer(scope, exchange)
        else:
            await self._answer(scope, exchange)
        self._measure(scope, exchange.status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, exchange: "_Exchange") -> None:
        try:
            if self._admit is not None:
                self._admit(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except ApiError as error:
            await exchange.fail(error)
        except ClientDisconnect:
            log.info("the caller has gone", method=scope["method"], path=scope["path"])
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            text = f"Something went wrong on our side. Request id: {scope['state']['request_id']}"
            if exchange.status:
                raise  # the answer has begun: only cutting the connection tells the caller that it is not whole
            await exchange.fail(ApiError("internal_server_error", text))

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        labels = (self._listener, scope["method"], route, str(status))
        measure = self._measures.get(labels)
        if measure is None:
            measure = self._measures[labels] = HTTP_REQUESTS.labels(*labels)
        measure.observe(seconds)
        log.debug("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000, 2))


class _Exchange:
    """Both directions of one request, watched."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, headers: list[tuple[bytes, bytes]], body_limit: int
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._headers = headers
        self._body_limit = body_limit
        self._left = body_limit
        arrived = scope["state"].get(ARRIVED)
        self._body_by: float | None = None if arrived else asyncio.get_running_loop().time() + BODY_S
        self.status = 0

    async def receive(self) -> Message:
        if self._body_by is None:
            message = await self._receive()
        else:
            try:
                async with asyncio.timeout_at(self._body_by):
                    message = await self._receive()
            except TimeoutError:
                raise HTTPException(400, "The body took too long to arrive.") from None
        if not message.get("more_body", False):
            self._body_by = None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(400, f"The body is larger than {self._body_limit} bytes.")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)

    async def fail(self, error: ApiError) -> None:
        await error_response(error)(self._scope, self._receive, self.send)


def request_id(request: Any) -> str:
    """The id of a Starlette request that came through `RequestScope`."""
    return str(request.state.request_id)


def answer_headers(request: Any) -> list[tuple[bytes, bytes]]:
    """Headers that the answer to this request will have, whatever it is; more may be added."""
    headers: list[tuple[bytes, bytes]] = request.scope["state"]["answer_headers"]
    return headers
