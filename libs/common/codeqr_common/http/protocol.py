"""HTTP/1.1 as our listeners speak it: uvicorn's, with limits on how long and how large a request may be in coming.

The gateway has limits of its own; these hold where there is none: nobody keeps a connection by sending a byte now and
then. What is no HTTP is answered in the envelope, too.
"""

import asyncio
from enum import Enum, auto

import msgspec
from uuid_utils import uuid7
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from codeqr_common import errors
from codeqr_common.http.middleware import ARRIVED, BODY_S

HEAD_S = 10.0
"""From the connection to a request's first byte, and from there to the end of its headers."""
HEAD_LIMIT = 64 << 10
"""Bytes of request line and headers that are kept while they are not complete."""
GRACE_S = 5.0
"""The application itself answers a body that is late; a connection on which it still comes after that is closed."""
NOT_HTTP = "The request is not valid HTTP."
TOO_LARGE = "The headers are too large."
TOO_LATE = "The request took too long to arrive."


class Part(Enum):
    """What a connection is waiting for."""

    HEAD = auto()
    BODY = auto()
    NOTHING = auto()


class LimitedHttp(HttpToolsProtocol):
    """One connection. The timer is touched only when a request does not come in one piece, which few do not."""

    _part = Part.HEAD
    _requests = 0
    _head = 0
    _timer: asyncio.TimerHandle | None = None
    _timed = (0, Part.NOTHING)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head = self._head + len(data) if self._part is Part.HEAD else 0
        if self.transport.is_closing():
            return
        if self._head > HEAD_LIMIT:
            self.send_400_response(TOO_LARGE)
        elif self._timed != (self._requests, self._part):
            self._set_timer()

    def on_message_begin(self) -> None:
        self._part = Part.HEAD
        self._requests += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._part = Part.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._part = Part.NOTHING
        self.scope["state"][ARRIVED] = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, and close."""
        message = msg if msg in (TOO_LARGE, TOO_LATE) else NOT_HTTP
        body = msgspec.json.encode(errors.envelope("bad_request", message))
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {uuid7()}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _set_timer(self) -> None:
        self._stop_timer()
        self._timed = (self._requests, self._part)
        if self._part is not Part.NOTHING:
            seconds = HEAD_S if self._part is Part.HEAD else BODY_S + GRACE_S
            self._timer = self.loop.call_later(seconds, self._is_late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_late(self) -> None:
        if self.transport.is_closing():
            return
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._part is Part.HEAD and answering:
            self._set_timer()  # this request came early: the one before it is still being answered
        elif self._part is Part.HEAD and self._head:
            self.send_400_response(TOO_LATE)
        else:
            self.transport.close()
