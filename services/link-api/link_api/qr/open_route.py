"""Routes that pages of any origin may use."""

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from codeqr_common.http.middleware import answer_headers

ON_EVERY_ANSWER = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Retry-After, X-Request-Id"),
]
ON_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    # The wildcard covers all names but this one.
    "Access-Control-Allow-Headers": "*, Authorization",
    "Access-Control-Max-Age": "86400",
}


class OpenRoute(APIRoute):
    """Whatever it answers, errors too, scripts of any page may read."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer_headers(Request(scope)).extend(ON_EVERY_ANSWER)
        await super().handle(scope, receive, send)
