"""One ASGI middleware around every request: its id, its limits, its log line, its span, its measure."""

import re
import time
from typing import Any

import structlog
from opentelemetry.trace import SpanKind
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from codeqr_common import tracing
from codeqr_common.errors import ApiError
from codeqr_common.http.responses import error_response
from codeqr_common.logs import get_logger
from codeqr_common.metrics import HTTP_REQUESTS

log = get_logger(__name__)
SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
REQUEST_ID = b"x-request-id"


def request_id_of(headers: list[tuple[bytes, bytes]]) -> str:
    """The caller's `X-Request-Id` if it is 1–128 letters, digits, dots, dashes or underscores; else a new one."""
    for name, value in headers:
        if name == REQUEST_ID:
            text = value.decode("latin-1")
            if SANE_ID.fullmatch(text):
                return text
    return str(uuid7())


class RequestScope:
    """Gives each request its id and turns what nobody caught into the envelope's 500."""

    def __init__(self, app: ASGIApp, *, listener: str, body_limit: int) -> None:
        self._app = app
        self._listener = listener
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            exchange = _Exchange(scope, receive, send, request_id, self._body_limit)
            with tracing.span(
                f"{scope['method']} {self._listener}",
                kind=SpanKind.SERVER,
                carrier=_text_headers(scope),
                attributes={
                    "http.request.method": scope["method"],
                    "url.path": scope["path"],
                    "request.id": request_id,
                },
            ):
                await self._answer(scope, exchange)
            self._measure(scope, exchange.status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, exchange: "_Exchange") -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ApiError as error:
            await exchange.fail(error)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            text = f"Something went wrong on our side. Request id: {exchange.request_id}"
            if exchange.status:
                raise  # the answer has begun: only cutting the connection tells the caller that it is not whole
            await exchange.fail(ApiError("internal_server_error", text))

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        HTTP_REQUESTS.labels(self._listener, scope["method"], route, str(status)).observe(seconds)
        log.debug("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000, 2))


class _Exchange:
    """Both directions of one request, watched."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str, body_limit: int) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body_limit = body_limit
        self._left = body_limit
        self.request_id = request_id
        self.status = 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(400, f"The body is larger than {self._body_limit} bytes.")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (REQUEST_ID, self.request_id.encode())]
        await self._send(message)

    async def fail(self, error: ApiError) -> None:
        await error_response(error)(self._scope, self._receive, self.send)


def _text_headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in (b"traceparent", b"tracestate")
    }


def request_id(request: Any) -> str:
    """The id of a Starlette request that came through `RequestScope`."""
    return str(request.state.request_id)
